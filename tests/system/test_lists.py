"""A list keeps what people put in it: whatever is renamed, removed and edited, and whenever."""

import glob
import hashlib
import os
import subprocess
import threading
import time

from harness import Skip, deadline, mounts, on, read, wait_until, write
from harness.arrivals import Arrivals

ROWS = 300_000


def append(path, data):
    with open(path, "ab") as file:
        file.write(data)


def trees(ctx, names=("a.jpg", "b.jpg", "c.jpg", "d/e.jpg", "d/f.jpg")):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for name in names:
        write(f"{images}/{name}", name.encode())
    return images, lists


def plain(*names):
    return "".join(f"{i}\t0\t{name}\n" for i, name in enumerate(names)).encode()


def follow(ctx, agent, images, lists, timeout=30):
    agent.wait_in_step(timeout)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


# --- byte for byte --------------------------------------------------------------------------------

ODD = (
    b"\xef\xbb\xbf0\t1.000000\ta.jpg\r\n"
    b"# a comment\n"
    b"\n"
    b"1\t0\t./b.jpg\r\n"
    b"2\t0.5\t1\t-3e-2\tc.jpg\n"
    b"1\t0\tb.jpg\n"
    b"1\t0\tb.jpg\n"
    b"   \t \n"
    b"3\t0\td//e.jpg\n"
    b"04\t 7 \td/e.jpg\n"
    b"b.jpg\n"
    b"5\tb.jpg\n"
    b"not a number\t0\tb.jpg\n"
    b"6\t0\tb.jpg \n"
    b"7\t0\tB.JPG\n"
    b"8\t0\t\xff\xfe.jpg\n"
    b"9\t0\t../b.jpg\n"
    b"-1\tlabel with blanks\t.//b.jpg\n"
    b"1e+05\t0\tgone.jpg\n"
    b"10\t0\tb.jpg"
)


@on("s3d", "ceph")
def test_invariant_5_rows_stay_byte_for_byte(ctx):
    images, lists = trees(ctx)
    write(f"{lists}/odd.lst", ODD)
    write(f"{lists}/none.lst", plain("c.jpg"))
    write(f"{lists}/empty.lst", b"")
    write(f"{lists}/notes.txt", plain("b.jpg"))
    os.chmod(f"{lists}/odd.lst", 0o640)
    os.chown(f"{lists}/odd.lst", 1234, 5678)
    before = {name: os.stat(f"{lists}/{name}") for name in os.listdir(lists)}
    agent = ctx.agent(images=images, lists=lists).start()
    follow(ctx, agent, images, lists)
    assert read(f"{lists}/odd.lst") == ODD

    os.rename(f"{images}/b.jpg", f"{images}/x y.jpg")
    follow(ctx, agent, images, lists)
    renamed = ODD
    for row in (b"\t./b.jpg\r\n", b"1\t0\tb.jpg\n", b"\t.//b.jpg\n", b"10\t0\tb.jpg"):
        renamed = renamed.replace(row, row.replace(b"b.jpg", b"x y.jpg"))
    now = read(f"{lists}/odd.lst")
    assert now == renamed, (now, renamed)

    os.rename(f"{images}/d", f"{images}/D")
    os.unlink(f"{images}/a.jpg")
    follow(ctx, agent, images, lists)
    renamed = renamed.replace(b"d//e.jpg", b"D/e.jpg").replace(b"d/e.jpg", b"D/e.jpg")
    # The mark stands before the first row; where that goes, so may the mark, and no other byte.
    rest = renamed[renamed.index(b"\n") + 1:]
    now = read(f"{lists}/odd.lst")
    assert now in (rest, b"\xef\xbb\xbf" + rest), (now, rest)
    for name in ("none.lst", "empty.lst", "notes.txt"):
        assert os.stat(f"{lists}/{name}").st_ino == before[name].st_ino, f"{name} was replaced"
    st = os.stat(f"{lists}/odd.lst")
    assert (st.st_mode, st.st_uid, st.st_gid) == (before["odd.lst"].st_mode, 1234, 5678)
    agent.verify_journal()


@on("s3d")
def test_every_rewrite_is_in_the_journal_and_can_be_undone(ctx):
    images, lists = trees(ctx)
    old = plain("a.jpg", "b.jpg", "c.jpg")
    write(f"{lists}/train.lst", old)
    agent = ctx.agent(images=images, lists=lists).start()
    follow(ctx, agent, images, lists)
    os.rename(f"{images}/b.jpg", f"{images}/z.jpg")
    os.unlink(f"{images}/c.jpg")
    follow(ctx, agent, images, lists)
    intents = [r for r in agent.journal_records("--op", "lst") if r["st"] == "intent"]
    done = [r for r in agent.journal_records("--op", "lst") if r["st"] == "done"]
    assert [r["tx"] for r in intents] == [r["tx"] for r in done] and intents, (intents, done)
    assert intents[0]["b"] == hashlib.sha256(old).hexdigest()
    assert intents[-1]["a"] == hashlib.sha256(read(f"{lists}/train.lst")).hexdigest()
    assert sum(r["n"] for r in intents) == 2
    kept = b"".join(read(glob.glob(f"{agent.state_dir}/**/{r['bk']}", recursive=True)[0])
                    for r in intents)
    assert b"1\t0\tb.jpg\n" in kept and b"2\t0\tc.jpg\n" in kept, kept


# --- what people do to lists ----------------------------------------------------------------------


@on("s3d", "ceph")
def test_a_list_goes_together_with_its_images(ctx):
    images, lists = trees(ctx)
    write(f"{lists}/gone.lst", plain("d/e.jpg", "d/f.jpg"))
    write(f"{lists}/stays.lst", plain("a.jpg", "d/e.jpg"))
    agent = ctx.agent(images=images, lists=lists).start()
    follow(ctx, agent, images, lists)
    os.unlink(f"{lists}/gone.lst")
    os.unlink(f"{images}/d/e.jpg")
    os.unlink(f"{images}/d/f.jpg")
    follow(ctx, agent, images, lists)
    assert set(ctx.client.keys("lists/")) == {"lists/stays.lst"}
    assert read(f"{lists}/stays.lst") == plain("a.jpg")


@on("s3d", "ceph")
def test_a_list_is_renamed_together_with_its_images(ctx):
    images, lists = trees(ctx)
    write(f"{lists}/train.lst", plain("a.jpg", "d/e.jpg", "d/f.jpg"))
    write(f"{lists}/sub/deep/val.lst", plain("d/f.jpg", "c.jpg"))
    agent = ctx.agent(images=images, lists=lists).start()
    follow(ctx, agent, images, lists)
    os.rename(f"{lists}/train.lst", f"{lists}/sub/train-v2.lst")
    os.rename(f"{images}/d", f"{images}/D")
    os.rename(f"{lists}/sub", f"{lists}/SUB")
    follow(ctx, agent, images, lists)
    assert read(f"{lists}/SUB/train-v2.lst") == plain("a.jpg", "D/e.jpg", "D/f.jpg")
    assert read(f"{lists}/SUB/deep/val.lst") == plain("D/f.jpg", "c.jpg")
    assert set(ctx.client.keys("lists/")) == {"lists/SUB/train-v2.lst", "lists/SUB/deep/val.lst"}


@on("s3d")
def test_a_list_may_name_an_image_before_it_is_copied_in(ctx):
    images, lists = trees(ctx)
    write(f"{lists}/train.lst", plain("a.jpg"))
    agent = ctx.agent(images=images, lists=lists).start()
    follow(ctx, agent, images, lists)
    write(f"{lists}/train.lst", plain("a.jpg", "later.jpg"))
    agent.wait_in_step(10)
    write(f"{images}/later.jpg", b"later")
    follow(ctx, agent, images, lists)
    assert read(f"{lists}/train.lst") == plain("a.jpg", "later.jpg")
    before = len(ctx.server.requests())
    append(f"{lists}/train.lst", b"2\t0\tsoon.jpg\n")  # both at once: the image lands first
    write(f"{images}/soon.jpg", b"soon")
    follow(ctx, agent, images, lists)
    puts = [r["key"] for r in ctx.server.requests(before) if r["op"] == "PutObject"]
    assert puts == ["images/soon.jpg", "lists/train.lst"], puts


@on("s3d")
def test_rows_of_a_new_list_are_repaired_too(ctx):
    """A list that names old paths comes in while the images are being renamed."""
    images, lists = trees(ctx)
    write(f"{lists}/train.lst", plain("a.jpg"))
    agent = ctx.agent(images=images, lists=lists).start()
    follow(ctx, agent, images, lists)
    write(f"{lists}/new.lst", plain("d/e.jpg", "b.jpg"))
    os.rename(f"{images}/d", f"{images}/D")
    follow(ctx, agent, images, lists)
    assert read(f"{lists}/new.lst") == plain("D/e.jpg", "b.jpg")


# --- at the same moment ---------------------------------------------------------------------------


def long_list(ctx):
    """200 images, named 1,500 times each."""
    names = [f"{i:03}.jpg" for i in range(200)]
    images, lists = trees(ctx, names)
    write(f"{lists}/long.lst", b"".join(b"%d\t%d\t%s\n" % (i, i % 7, names[i % 200].encode())
                                        for i in range(ROWS)))
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 10000}).start()
    agent.wait_in_step(40)
    return agent, images, lists


def at_the_rewrite(lists, edit, delay_s):
    """A thread that calls edit() as soon as the new text of a list is being written, or a bit
    later; its result is kept."""
    arrivals = Arrivals(lists)

    def watch():
        try:
            if arrivals.wait(".lockstep-", 20):
                time.sleep(delay_s)
                thread.result = edit()
        finally:
            arrivals.close()

    thread = threading.Thread(target=watch, daemon=True)
    thread.result = None
    thread.start()
    return thread


def check_rows(path, gone, renamed, added):
    """No row of what is gone; all rows of what was renamed; each added row once."""
    rows = read(path).split(b"\n")
    assert rows.pop() == b""
    paths = {}
    for row in rows:
        name = row.rsplit(b"\t", 1)[-1].decode()
        paths[name] = paths.get(name, 0) + 1
    for name in gone:
        assert name not in paths, (name, paths[name])
    for name in renamed:
        assert paths.get(name) == ROWS // 200, (name, paths.get(name))
    for row in added:
        assert rows.count(row) == 1, (row, rows.count(row))
    assert len(rows) == ROWS + (len(renamed) - len(gone)) * (ROWS // 200) + len(added)


@on("s3d")
@deadline(300)
def test_rows_that_are_appended_during_a_rewrite_stay(ctx):
    agent, images, lists = long_list(ctx)
    path, gone, renamed, added = f"{lists}/long.lst", [], [], []
    for i, delay_s in enumerate((0, 0.005, 0.015, 0.04, 0.2)):
        row = b"%d\t1\tadded-%d.jpg" % (ROWS + i, i)
        editor = at_the_rewrite(lists, lambda r=row: append(path, r + b"\n") or True, delay_s)
        os.unlink(f"{images}/{2 * i:03}.jpg")
        os.rename(f"{images}/{2 * i + 1:03}.jpg", f"{images}/r{i}.jpg")
        editor.join(25)
        assert editor.result, "the list was not rewritten"
        gone += [f"{2 * i:03}.jpg", f"{2 * i + 1:03}.jpg"]
        renamed.append(f"r{i}.jpg")
        added.append(row)
        agent.wait_in_step(60)
        check_rows(path, gone, renamed, added)
    ctx.client.assert_tree(lists, "lists/")
    assert not glob.glob(f"{lists}/*kept*"), os.listdir(lists)
    agent.verify_journal()


@on("s3d")
@deadline(300)
def test_a_list_that_is_replaced_during_a_rewrite_keeps_both(ctx):
    """An editor that saves by renaming, before, in or after the rewrite: both edits count."""
    agent, images, lists = long_list(ctx)
    path, added = f"{lists}/long.lst", []
    for i, delay_s in enumerate((0, 0.005, 0.015, 0.04, 0.2)):
        row = b"%d\t1\tadded-%d.jpg" % (ROWS + i, i)
        old = f"{i:03}.jpg"
        write(f"{lists}/.edit.tmp", read(path) + row + b"\n")
        editor = at_the_rewrite(
            lists, lambda: os.rename(f"{lists}/.edit.tmp", path) or True, delay_s)
        os.unlink(f"{images}/{old}")
        editor.join(25)
        assert editor.result, "the list was not rewritten"
        agent.wait_in_step(60)
        added.append(row)
        rows = read(path).split(b"\n")
        assert all(rows.count(r) == 1 for r in added), "an edit was lost"
        assert not any(r.endswith(b"\t" + old.encode()) for r in rows), "the rewrite was lost"
    ctx.client.assert_tree(lists, "lists/")
    assert not glob.glob(f"{lists}/*kept*"), os.listdir(lists)
    agent.verify_journal()


@on("s3d")
def test_a_list_that_was_read_before_and_is_saved_after_a_rewrite_keeps_both(ctx):
    images, lists = trees(ctx)
    before = plain("a.jpg", "b.jpg", "c.jpg", "d/e.jpg", "d/f.jpg")
    write(f"{lists}/l.lst", before)
    agent = ctx.agent(images=images, lists=lists).start()
    follow(ctx, agent, images, lists)
    os.rename(f"{images}/a.jpg", f"{images}/x.jpg")
    os.rename(f"{images}/d", f"{images}/n")
    os.unlink(f"{images}/b.jpg")
    follow(ctx, agent, images, lists)
    os.rename(f"{images}/x.jpg", f"{images}/y.jpg")
    follow(ctx, agent, images, lists)
    write(f"{lists}/.edit.tmp", before + b"9\t7\tc.jpg\n")
    os.rename(f"{lists}/.edit.tmp", f"{lists}/l.lst")
    follow(ctx, agent, images, lists)
    assert read(f"{lists}/l.lst") == (b"0\t0\ty.jpg\n2\t0\tc.jpg\n3\t0\tn/e.jpg\n"
                                      b"4\t0\tn/f.jpg\n9\t7\tc.jpg\n")
    agent.verify_journal()


@on("s3d")
def test_a_label_that_is_changed_in_place_during_a_rewrite_stays(ctx):
    agent, images, lists = long_list(ctx)
    path = f"{lists}/long.lst"

    def edit():
        with open(path, "r+b", buffering=0) as file:
            first = file.read(4)
            file.seek(0)
            file.write(b"0\t9\t")
        return first

    editor = at_the_rewrite(lists, edit, 0)
    os.unlink(f"{images}/100.jpg")
    editor.join(25)
    assert editor.result == b"0\t0\t"
    agent.wait_in_step(30)
    check_rows(path, ["100.jpg"], [], [])
    assert read(path).startswith(b"0\t9\t000.jpg\n")
    ctx.client.assert_tree(lists, "lists/")


def all_rows(lists):
    """Of all lists."""
    rows = []
    for name in sorted(os.listdir(lists)):
        if name.endswith(".lst"):
            rows += read(f"{lists}/{name}").split(b"\n")[:-1]
    return rows


@on("s3d", "ceph")
@deadline(120)
def test_many_editors_append_while_images_are_renamed_again_and_again(ctx):
    names = [f"{i:02}.jpg" for i in range(40)]
    images, lists = trees(ctx, names)
    for i in range(8):
        write(f"{lists}/{i}.lst", plain(*names[i * 5:i * 5 + 5]))
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 10000}).start()
    agent.wait_in_step(20)
    written, stop = [], threading.Event()

    def editor(number):
        count = 0
        while not stop.is_set():
            row = b"%d\t2\tby-%d-%d.jpg\n" % (1000 + count, number, count)
            append(f"{lists}/{(number + count) % 8}.lst", row)
            written.append(row.rstrip(b"\n"))
            count += 1
            time.sleep(0.004)

    threads = [threading.Thread(target=editor, args=(n,), daemon=True) for n in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(12):
        for i in range(turn, 40, 4):
            old = names[i]
            names[i] = f"{i:02}-{turn}.jpg"
            os.rename(f"{images}/{old}", f"{images}/{names[i]}")
        time.sleep(0.4)
    stop.set()
    for thread in threads:
        thread.join()
    follow(ctx, agent, images, lists, 40)
    rows = all_rows(lists)
    assert len(written) > 300
    assert sorted(r for r in rows if b"\tby-" in r) == sorted(written)
    assert sorted(r.split(b"\t")[-1].decode() for r in rows if b"\tby-" not in r) == sorted(names)
    assert not glob.glob(f"{lists}/*kept*"), os.listdir(lists)
    agent.verify_journal()


@on("s3d")
@deadline(150)
def test_a_crash_during_a_rewrite_leaves_the_old_or_the_new_list(ctx):
    agent, images, lists = long_list(ctx)
    path, gone, renamed = f"{lists}/long.lst", [], []
    for i, delay_s in enumerate((0, 0.01, 0.04)):
        killer = at_the_rewrite(lists, lambda: agent.kill9() or True, delay_s)
        os.rename(f"{images}/{i:03}.jpg", f"{images}/r{i}.jpg")
        killer.join(25)
        assert killer.result is not None, "the list was not rewritten"
        counts = read(path).count(b"\tr%d.jpg\n" % i), read(path).count(b"\t%03d.jpg\n" % i)
        assert sorted(counts) == [0, ROWS // 200], counts
        gone.append(f"{i:03}.jpg")
        renamed.append(f"r{i}.jpg")
        agent.start()
        agent.wait_in_step(40)
        check_rows(path, gone, renamed, [])
        assert os.listdir(lists) == ["long.lst"], os.listdir(lists)
    ctx.client.assert_tree(lists, "lists/")
    ctx.client.assert_tree(images, "images/")
    agent.verify_journal()


# --- a list that cannot be rewritten --------------------------------------------------------------


def expect_stale(ctx, agent, images, key, word):
    """The list is named with the reason, what it may name stays in S3, adds go on."""
    def told():
        return any(p["key"] == key and word in p["why"]
                   for p in agent.status()[0].get("problems", []))

    wait_until(told, 15, lambda: f"{word}: {agent.status()}")
    text = agent.run("status")
    assert text.returncode == 1 and key in text.stdout and word in text.stdout, text
    write(f"{images}/added.jpg", b"added meanwhile")
    wait_until(lambda: "images/added.jpg" in ctx.client.keys(), 10, "an addition")
    keys = set(ctx.client.keys("images/"))
    assert {"images/a.jpg", "images/b.jpg", "images/B.jpg"} <= keys, keys


@on("s3d")
@deadline(120)
def test_a_list_on_a_file_system_that_is_read_only_is_told_and_repaired_later(ctx):
    images, lists = trees(ctx)
    old = plain("a.jpg", "b.jpg", "c.jpg")
    write(f"{lists}/train.lst", old)
    mounts.private()
    mounted = ctx.folder("mounted")
    mounts.mount("--bind", lists, mounted)
    agent = ctx.agent(images=images, lists=mounted).start()
    follow(ctx, agent, images, mounted)
    mounts.mount("-o", "remount,ro,bind", mounted)
    os.unlink(f"{images}/a.jpg")
    os.rename(f"{images}/b.jpg", f"{images}/B.jpg")
    expect_stale(ctx, agent, images, "lists/train.lst", "ead-only")
    assert read(f"{lists}/train.lst") == old
    agent.kill9()  # what waits is not forgotten
    agent.start()
    expect_stale(ctx, agent, images, "lists/train.lst", "ead-only")
    assert agent.stop() == 0
    assert agent.once(check=False).returncode == 1
    agent.start()
    mounts.mount("-o", "remount,rw,bind", mounted)
    follow(ctx, agent, images, mounted, 40)
    assert read(f"{lists}/train.lst") == b"1\t0\tB.jpg\n2\t0\tc.jpg\n"
    assert "images/a.jpg" not in ctx.client.keys()
    agent.verify_journal()


@on("s3d")
@deadline(120)
def test_a_list_that_is_immutable_does_not_keep_the_others(ctx):
    images, lists = trees(ctx)
    write(f"{lists}/fixed.lst", plain("a.jpg", "b.jpg"))
    write(f"{lists}/other.lst", plain("b.jpg", "c.jpg"))
    done = subprocess.run(["chattr", "+i", f"{lists}/fixed.lst"], check=False, capture_output=True)
    if done.returncode:
        raise Skip("no immutable files here: " + done.stderr.decode())
    try:
        agent = ctx.agent(images=images, lists=lists).start()
        follow(ctx, agent, images, lists)
        os.unlink(f"{images}/a.jpg")
        os.rename(f"{images}/b.jpg", f"{images}/B.jpg")
        expect_stale(ctx, agent, images, "lists/fixed.lst", "ot permitted")
        wait_until(lambda: ctx.client.get("lists/other.lst")[0] == plain("B.jpg", "c.jpg"), 10,
                   "the other list")
        subprocess.run(["chattr", "-i", f"{lists}/fixed.lst"], check=True)
        follow(ctx, agent, images, lists, 40)
        assert read(f"{lists}/fixed.lst") == b"1\t0\tB.jpg\n"
    finally:
        subprocess.run(["chattr", "-i", f"{lists}/fixed.lst"], check=False)


@on("s3d")
def test_a_list_that_somebody_keeps_open_is_waited_for(ctx):
    images, lists = trees(ctx)
    path = f"{lists}/train.lst"
    write(path, plain("a.jpg", "b.jpg"))
    agent = ctx.agent(images=images, lists=lists).start()
    follow(ctx, agent, images, lists)
    with open(path, "ab", buffering=0) as file:
        os.unlink(f"{images}/a.jpg")
        os.rename(f"{images}/b.jpg", f"{images}/B.jpg")
        expect_stale(ctx, agent, images, "lists/train.lst", "open for writing")
        file.write(b"2\t0\tc.jpg\n")
    follow(ctx, agent, images, lists, 40)
    assert read(path) == b"1\t0\tB.jpg\n2\t0\tc.jpg\n"
