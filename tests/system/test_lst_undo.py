"""lockstep lst undo: what a rewrite did is taken back, row by row, on top of later edits."""

import glob
import os
import shutil
import subprocess
import time

from harness import on, process, read, write

NAMES = ("cat/a.jpg", "cat/b.jpg", "dog/c.jpg", "dog/d.jpg")
OLD = (b"# rows\n4\t0\tcat/a.jpg\r\n5\t0\tcat/b.jpg\n6\t3.0\t./dog/c.jpg\n9\t3\tdog/d.jpg")


def set_up(ctx, *policies):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for name in NAMES:
        write(f"{images}/{name}", name.encode())
    write(f"{lists}/train.lst", OLD)
    agent = ctx.agent(images=images, lists=lists, options={"policies": list(policies)}).start()
    agent.wait_in_step(30)
    return agent, images, f"{lists}/train.lst"


def rewrites(agent, kind="done"):
    return [r for r in agent.journal_records("--op", "lst") if r["st"] == kind]


def undo(agent, *words):
    return agent.run("lst", "undo", *(str(word) for word in words))


def texts(agent):
    return f"{agent.state_dir}/journal/undo"


@on("s3d")
def test_images_that_are_back_get_their_rows_back(ctx):
    agent, images, train = set_up(ctx)
    shutil.copytree(images, ctx.path("backup"))
    for name in ("cat/b.jpg", "dog/d.jpg"):
        os.unlink(f"{images}/{name}")
    agent.wait_in_step(30)
    (done,) = rewrites(agent)
    refused = undo(agent, done["q"])
    assert refused.returncode == 1 and "2 of its rows would name images that are not on disk" \
        in refused.stderr, refused
    assert b"cat/b.jpg" not in read(train)
    shutil.copytree(ctx.path("backup"), images, dirs_exist_ok=True)
    agent.wait_in_step(30)
    for seq, said in ((done["q"], "is taken back\n"), (done["tx"], "is taken back already\n")):
        taken = undo(agent, seq)
        assert taken.returncode == 0 and said in taken.stdout, taken
        assert read(train) == OLD, "nothing else happened to it: byte for byte"
    agent.wait_in_step(30)
    assert ctx.client.get("lists/train.lst")[0] == OLD and len(rewrites(agent)) == 1
    agent.verify_journal()


@on("s3d")
def test_later_edits_stay(ctx):
    agent, images, train = set_up(ctx)
    os.unlink(f"{images}/dog/d.jpg")
    os.rename(f"{images}/cat/b.jpg", f"{images}/cat/z.jpg")
    agent.wait_in_step(30)
    seqs = [r["q"] for r in rewrites(agent)]
    now = read(train).replace(b"6\t3.0", b"6\t7.0").replace(b"4\t0", b"4\t8") + b"10\t0\tcat/a.jpg\n"
    write(train, now)
    agent.wait_in_step(30)
    write(f"{images}/dog/d.jpg", b"is back")
    os.rename(f"{images}/cat/z.jpg", f"{images}/cat/b.jpg")
    agent.wait_in_step(30)
    agent.stop()  # it has followed the way back already: only what was dropped is missing
    for seq in seqs:
        done = undo(agent, seq)
        assert done.returncode == 0, done
    assert read(train) == (b"# rows\n4\t8\tcat/a.jpg\r\n5\t0\tcat/b.jpg\n6\t7.0\t./dog/c.jpg\n"
                           b"10\t0\tcat/a.jpg\n9\t3\tdog/d.jpg\n"), read(train)


@on("s3d")
def test_numbers_and_labels_are_taken_back(ctx):
    classes = ctx.path("classes.map")
    write(classes, b"0\tcat\n3\tdog\n")
    agent, images, train = set_up(ctx, {"reindex": True, "label_from_directory": classes})
    os.unlink(f"{images}/dog/d.jpg")
    os.rename(f"{images}/cat/b.jpg", f"{images}/dog/b.jpg")
    agent.wait_in_step(30)
    agent.stop()
    for made in (b"0\t0\tcat/a.jpg\r\n", b"1\t3\tdog/b.jpg\n", b"2\t3.0\t./dog/c.jpg\n"):
        assert made in read(train), read(train)
    write(train, read(train) + b"77\t0\tcat/a.jpg\n")
    for record in reversed(rewrites(agent)):
        done = undo(agent, "--force", record["q"])
        assert done.returncode == 0, done
    assert sorted(read(train).splitlines()) == sorted(OLD.splitlines() + [b"77\t0\tcat/a.jpg"])


@on("s3d")
def test_what_was_changed_since_is_a_conflict(ctx):
    agent, images, train = set_up(ctx)
    os.rename(f"{images}/cat/b.jpg", f"{images}/cat/z.jpg")
    agent.wait_in_step(30)
    agent.stop()
    (done,) = rewrites(agent)
    now = read(train).replace(b"cat/z.jpg", b"cat/y.jpg")
    write(train, now)
    refused = undo(agent, "--force", done["q"])
    assert refused.returncode == 1 and "1 rows were changed since" in refused.stderr, refused
    assert read(train) == now
    shown = undo(agent, "--force", "-o", ctx.path("both.lst"), done["q"])
    assert shown.returncode == 1 and read(train) == now, shown
    both = read(ctx.path("both.lst"))
    assert b"<<<<<<< now\n5\t0\tcat/y.jpg\n=======\n5\t0\tcat/b.jpg\n>>>>>>> before\n" in both, both


@on("s3d")
def test_a_text_is_what_the_journal_says(ctx):
    agent, images, _ = set_up(ctx)
    os.rename(f"{images}/cat/b.jpg", f"{images}/cat/z.jpg")
    agent.wait_in_step(30)
    agent.stop()
    (intent,) = rewrites(agent, "intent")
    file = f"{texts(agent)}/{intent['bk']}"
    good = agent.journal("verify")
    assert good.returncode == 0 and "undo texts: 1, 0 missing, 0 altered" in good.stdout, good
    text = read(file)
    write(file, text.replace(b"cat/b", b"cat/c"))
    bad = agent.journal("verify")
    assert bad.returncode == 1 and f"record {intent['q']}: its undo text {intent['bk']} was altered" \
        in bad.stdout, bad
    done = undo(agent, "--force", intent["q"])
    assert done.returncode == 1 and "was altered" in done.stderr, done
    os.unlink(file)
    bad = agent.journal("verify")
    assert bad.returncode == 1 and "is missing" in bad.stdout, bad
    assert undo(agent, "--force", intent["q"]).returncode == 1
    os.rmdir(texts(agent))  # a copy of the journal alone
    alone = agent.journal("verify")
    assert alone.returncode == 0 and "none of 1 is beside this journal" in alone.stdout, alone


def old_text(agent):
    """A text of ten years ago."""
    name = f"{texts(agent)}/{64 * '0'}.undo"
    os.makedirs(texts(agent), exist_ok=True)
    write(name, b"of a record that is gone")
    os.utime(name, (time.time() - 10 * 365 * 86400,) * 2)
    return name


@on("s3d")
def test_texts_are_found_where_they_were_and_stay(ctx):
    agent, images, _ = set_up(ctx)
    os.rename(f"{images}/cat/b.jpg", f"{images}/cat/z.jpg")
    agent.wait_in_step(30)
    agent.stop()
    (intent,) = rewrites(agent, "intent")
    old = old_text(agent)
    os.rename(texts(agent), f"{agent.state_dir}/undo")  # where an older version kept them
    agent.start()
    agent.wait_in_step(30)
    agent.stop()
    # Whatever the clock says: nothing of this journal was taken away.
    assert sorted(os.listdir(texts(agent))) == sorted([intent["bk"], os.path.basename(old)])
    assert agent.journal("verify").returncode == 0


@on("s3d")
def test_texts_go_with_the_beginning_of_the_journal(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    agent = ctx.agent(images=images, lists=lists)
    maker = os.path.join(process.build_dir(), "tests", "system", "journal_make")
    os.makedirs(agent.state_dir)
    subprocess.run([maker, f"{agent.state_dir}/journal", "300", "2000"], check=True)
    old = old_text(agent)
    young = f"{texts(agent)}/{64 * '1'}.undo"
    write(young, b"of a record that is there")
    segments = sorted(glob.glob(f"{agent.state_dir}/journal/*.jsonl"))
    for name in segments[:len(segments) // 2]:
        os.unlink(name)
    agent.once(check=False)
    assert not os.path.exists(old) and os.path.exists(young), agent.log()


@on("s3d")
def test_wrong_use(ctx):
    agent, images, _ = set_up(ctx)
    first = agent.journal_records()[0]
    for words, said in (((), "SEQ is the number"), (("x",), "SEQ is the number"),
                        (("99999",), "no record 99999"),
                        ((first["q"],), "is of no rewrite that came about")):
        done = undo(agent, *words)
        assert done.returncode == 2 and said in done.stderr, done
