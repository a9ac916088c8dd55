"""What becomes of rows is a list's own policy: dropped, kept, held; followed; numbered; labelled."""

import os
import signal
import time

from harness import deadline, on, read, wait_until, write

NAMES = ("cat/a.jpg", "cat/b.jpg", "dog/c.jpg", "dog/d.jpg")
CLASSES = "0\tcat\n3\tdog\n"


def plain(*rows):
    return "".join(f"{index}\t{label}\t{path}\n" for index, label, path in rows).encode()


OLD = plain((4, 0, "cat/a.jpg"), (5, 0, "cat/b.jpg"), (6, 3, "dog/c.jpg"), (9, 3, "dog/d.jpg"))


def set_up(ctx, *policies, lists=("train.lst",), **options):
    """Images, lists that name all of them, and an agent with these policies; everything in step."""
    images, folder = ctx.folder("images"), ctx.folder("lists")
    for name in NAMES:
        write(f"{images}/{name}", name.encode())
    for name in lists:
        write(f"{folder}/{name}", OLD)
    agent = ctx.agent(images=images, lists=folder,
                      options={"policies": list(policies)}, **options).start()
    agent.wait_in_step(30)
    return agent, images, folder


def in_step(ctx, agent, images, lists):
    agent.wait_in_step(30)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


def whys(agent, kind):
    return [r.get("why", "") for r in agent.journal_records("--op", "lst") if r["st"] == kind]


def state(agent):
    return agent.status()[0]


def lists_of(agent):
    return [m for m in state(agent)["mappings"] if m["kind"] == "lists"][0]


def crash_amid(agent, moments=(0.0, 0.12, 0.2, 0.3, 0.45)):
    """Killed so many seconds after what was done just now, again and again, it begins anew."""
    for moment in moments:
        time.sleep(moment)
        agent.kill9()
        agent.start()


@on("s3d")
def test_kept_rows_stay_and_are_counted(ctx):
    agent, images, lists = set_up(ctx, {"match": ["val.lst"], "on_remove": "keep"},
                                  lists=("train.lst", "val.lst"))
    os.unlink(f"{images}/cat/b.jpg")
    in_step(ctx, agent, images, lists)
    assert read(f"{lists}/val.lst") == OLD
    assert b"cat/b.jpg" not in read(f"{lists}/train.lst")
    assert "images/cat/b.jpg" not in ctx.client.keys("images/")
    assert lists_of(agent)["absent_rows"] == 1, lists_of(agent)
    assert "1 rows name images that are gone" in agent.run("status").stdout
    assert any("on_remove" in why for why in whys(agent, "note")), whys(agent, "note")
    assert "rows name images that are gone, and stay" in agent.log()

    # It is published as it is, also when somebody edits it, and counted anew.
    write(f"{lists}/val.lst", OLD + plain((10, 3, "dog/c.jpg"), (11, 0, "cat/b.jpg")))
    in_step(ctx, agent, images, lists)
    assert read(f"{lists}/val.lst").count(b"cat/b.jpg") == 2
    assert lists_of(agent)["absent_rows"] == 2, lists_of(agent)
    agent.stop()
    agent.start()
    in_step(ctx, agent, images, lists)
    assert lists_of(agent)["absent_rows"] == 2, lists_of(agent)
    write(f"{images}/cat/b.jpg", b"is back")
    in_step(ctx, agent, images, lists)
    write(f"{lists}/val.lst", OLD)
    in_step(ctx, agent, images, lists)
    assert "absent_rows" not in lists_of(agent), lists_of(agent)
    agent.verify_journal()


@on("s3d")
def test_kept_rows_outlive_crashes(ctx):
    agent, images, lists = set_up(ctx, {"on_remove": "keep"})
    os.unlink(f"{images}/cat/b.jpg")
    os.rename(f"{images}/dog/c.jpg", f"{images}/dog/e.jpg")
    crash_amid(agent)
    in_step(ctx, agent, images, lists)
    assert read(f"{lists}/train.lst") == OLD.replace(b"dog/c.jpg", b"dog/e.jpg")
    agent.verify_journal()


@on("s3d")
def test_a_held_removal_waits_for_an_operator(ctx):
    agent, images, lists = set_up(ctx, {"match": ["val.lst"], "on_remove": "hold"},
                                  lists=("train.lst", "val.lst"))
    write(f"{lists}/val.lst", plain((1, 0, "cat/a.jpg"), (2, 0, "cat/b.jpg")))
    in_step(ctx, agent, images, lists)
    published = ctx.client.get("lists/val.lst")[0]
    os.unlink(f"{images}/cat/b.jpg")
    os.unlink(f"{images}/dog/c.jpg")  # no list that holds removals names it
    wait_until(lambda: state(agent)["held"] == 1, 20, "one removal to be held")
    wait_until(lambda: "images/dog/c.jpg" not in ctx.client.keys("images/"), 20, "the other")
    assert agent.run("status").returncode == 3
    assert "lists/val.lst names images that are gone" in agent.run("status").stdout
    assert "images/cat/b.jpg" in ctx.client.keys("images/")
    for name in ("train.lst", "val.lst"):
        assert b"cat/b.jpg" in read(f"{lists}/{name}"), name
    assert b"dog/c.jpg" not in read(f"{lists}/train.lst")

    # Who edits the list meanwhile: it waits, too; others go on.
    write(f"{lists}/val.lst", read(f"{lists}/val.lst") + plain((3, 3, "dog/d.jpg")))
    write(f"{lists}/other.lst", plain((1, 3, "dog/d.jpg")))
    wait_until(lambda: any("whose removal is held" in p["why"]
                           for p in state(agent)["problems"]), 20, "the list to wait")
    wait_until(lambda: "lists/other.lst" in ctx.client.keys("lists/"), 20, "the other list")
    assert ctx.client.get("lists/val.lst")[0] == published

    agent.kill9()
    agent.start()
    wait_until(lambda: state(agent)["held"] == 1, 20, "the removal to be held still")
    os.unlink(f"{images}/dog/d.jpg")
    wait_until(lambda: state(agent)["held"] == 2, 20, "another to be held")
    assert agent.run("release", "images").returncode == 0
    in_step(ctx, agent, images, lists)
    assert read(f"{lists}/val.lst") == plain((1, 0, "cat/a.jpg"))
    assert read(f"{lists}/train.lst") == plain((4, 0, "cat/a.jpg"))
    assert set(ctx.client.keys("images/")) == {"images/cat/a.jpg"}
    agent.verify_journal()


@on("s3d")
def test_a_held_removal_is_called_off_by_the_image_or_the_row(ctx):
    agent, images, lists = set_up(ctx, {"on_remove": "hold", "mapping": "lists"})
    os.rename(f"{images}/cat/a.jpg", f"{images}/cat/z.jpg")
    os.unlink(f"{images}/cat/b.jpg")
    os.unlink(f"{images}/dog/c.jpg")
    wait_until(lambda: state(agent)["held"] == 2, 20, "two removals to be held")
    wait_until(lambda: b"cat/z.jpg" in read(f"{lists}/train.lst"), 20, "the renamed one's row")
    write(f"{images}/cat/b.jpg", b"is back")
    wait_until(lambda: state(agent)["held"] == 1, 20, "the image to be found")
    write(f"{lists}/train.lst", plain((1, 0, "cat/z.jpg"), (2, 0, "cat/b.jpg")))
    agent.run("rescan")
    in_step(ctx, agent, images, lists)
    assert state(agent)["held"] == 0
    assert "images/dog/c.jpg" not in ctx.client.keys("images/")
    assert read(f"{lists}/train.lst") == plain((1, 0, "cat/z.jpg"), (2, 0, "cat/b.jpg"))


@on("s3d")
def test_rows_of_renamed_images_may_go(ctx):
    agent, images, lists = set_up(ctx, {"match": ["val.lst"], "on_rename": "drop"},
                                  lists=("train.lst", "val.lst"))
    os.rename(f"{images}/cat/b.jpg", f"{images}/cat/e.jpg")
    os.rename(f"{images}/dog", f"{images}/dogs")
    crash_amid(agent)
    in_step(ctx, agent, images, lists)
    assert read(f"{lists}/val.lst") == plain((4, 0, "cat/a.jpg"))
    assert read(f"{lists}/train.lst") == OLD.replace(b"dog/", b"dogs/").replace(b"cat/b", b"cat/e")
    said = [why for why in whys(agent, "intent") if "on_rename" in why]
    assert said and "rows dropped by on_rename" in said[0], said
    agent.verify_journal()


@on("s3d")
def test_rows_are_numbered_anew_where_some_went(ctx):
    agent, images, lists = set_up(ctx, {"reindex": True})
    odd = OLD + b"# no row\n12\t0\t1\tcat/a.jpg\r\n"
    write(f"{lists}/odd.lst", odd)
    in_step(ctx, agent, images, lists)
    os.rename(f"{images}/cat/a.jpg", f"{images}/cat/e.jpg")
    in_step(ctx, agent, images, lists)
    assert read(f"{lists}/odd.lst") == odd.replace(b"cat/a", b"cat/e"), "nothing went"
    os.unlink(f"{images}/cat/b.jpg")
    crash_amid(agent)
    in_step(ctx, agent, images, lists)
    rows = plain((0, 0, "cat/e.jpg"), (1, 3, "dog/c.jpg"), (2, 3, "dog/d.jpg"))
    assert read(f"{lists}/train.lst") == rows
    assert read(f"{lists}/odd.lst") == rows + b"# no row\n3\t0\t1\tcat/e.jpg\r\n"
    assert any("numbered anew by reindex" in why for why in whys(agent, "intent"))
    agent.verify_journal()


@on("s3d")
def test_a_row_gets_the_class_of_the_directory_that_its_image_comes_to(ctx):
    classes = ctx.path("classes.map")
    write(classes, CLASSES.encode())
    agent, images, lists = set_up(ctx, {"label_from_directory": classes})
    write(f"{lists}/real.lst", plain((1, "0.000000", "cat/b.jpg"), (2, "0\t1", "cat/b.jpg")))
    in_step(ctx, agent, images, lists)
    os.rename(f"{images}/cat/b.jpg", f"{images}/dog/b.jpg")
    os.makedirs(f"{images}/bird")
    os.rename(f"{images}/cat/a.jpg", f"{images}/bird/a.jpg")
    os.rename(f"{images}/dog/c.jpg", f"{images}/dog/e.jpg")
    crash_amid(agent)
    in_step(ctx, agent, images, lists)
    assert read(f"{lists}/train.lst") == plain((4, 0, "bird/a.jpg"), (5, 3, "dog/b.jpg"),
                                               (6, 3, "dog/e.jpg"), (9, 3, "dog/d.jpg"))
    assert read(f"{lists}/real.lst") == plain((1, "3.000000", "dog/b.jpg"),
                                              (2, "0\t1", "dog/b.jpg"))
    said = ", ".join(whys(agent, "intent"))
    assert "relabelled by label_from_directory" in said, said
    assert "rows that label_from_directory has no class for" in said, said
    assert "keep their labels: the class map has no class" in agent.log()

    # A class map that is none any more: the list waits, and nothing of it is lost.
    write(classes, b"no class map\n")
    os.rename(f"{images}/dog/b.jpg", f"{images}/cat/b.jpg")
    wait_until(lambda: any("class map" in p["why"] for p in state(agent)["problems"]), 20,
               "the list to wait")
    write(classes, CLASSES.encode())
    in_step(ctx, agent, images, lists)
    assert b"5\t0\tcat/b.jpg\n" in read(f"{lists}/train.lst")
    agent.verify_journal()


@on("s3d")
def test_nonsense_is_refused(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    classes = ctx.path("classes.map")
    write(classes, b"0\tcat\nx\tdog\n")
    cases = (
        ({"on_remove": "never"}, "\"drop\", \"keep\" or \"hold\""),
        ({"on_rename": "keep"}, "\"follow\" or \"drop\""),
        ({"match": ["val.lst"]}, "expected on_remove, on_rename, reindex or label_from_directory"),
        ({"mapping": "images", "on_remove": "keep"}, "is a repository, and holds no lists"),
        ({"mapping": "nobody", "on_remove": "keep"}, "is no mapping of this file"),
        ({"reindex": True, "on_remove": "keep"}, "is for lists that lose rows"),
        ({"on_rename": "drop", "label_from_directory": classes}, "has no row to label"),
        ({"label_from_directory": ctx.path("none")}, "No such file"),
        ({"label_from_directory": "classes.map"}, "absolute path"),
        ({"label_from_directory": classes}, "line 2 of the class map"),
    )
    for number, (policy, words) in enumerate(cases):
        agent = ctx.agent(images=images, lists=lists, name=f"agent{number}",
                          options={"policies": [policy]})
        done = agent.run("config", "check")
        assert done.returncode == 2 and words in done.stderr, (policy, done)
    agent = ctx.agent(images=images, lists=lists, name="hidden", options={
        "policies": [{"on_remove": "keep"}, {"match": ["val.lst"], "on_remove": "hold"}]})
    done = agent.run("config", "check")
    assert done.returncode == 2 and "is never asked: the rule in line" in done.stderr, done
    agent = ctx.agent(images=images, lists=lists, name="right", options={
        "policies": [{"match": ["val.lst"], "on_remove": "hold"}, {"on_remove": "keep"}]})
    done = agent.run("config", "check")
    assert done.returncode == 0 and "on_remove = \"hold\";" in done.stdout, done


def read_by(agent):
    """Bytes that the agent has read so far."""
    with open(f"/proc/{agent.process.pid}/io", encoding="ascii") as file:
        return int(file.readline().split()[1])


def amid_the_question(agent, size, deed):
    """Do it while the agent reads a list of that size. False: it was through before it was seen."""
    before = read_by(agent)
    wait_until(lambda: read_by(agent) - before > size / 50, 20, "the question", interval=0.001)
    os.kill(agent.process.pid, signal.SIGSTOP)
    try:
        if read_by(agent) - before > size:
            return False
        deed()
    finally:
        os.kill(agent.process.pid, signal.SIGCONT)
    return True


@deadline(90)
@on("s3d")
def test_a_row_that_comes_after_the_question_who_holds_a_removal_holds_it(ctx):
    """A list is asked, then another for long, and meanwhile somebody adds a row to the first."""
    agent, images, lists = set_up(ctx, {"match": ["a.lst", "long.lst"], "on_remove": "hold"},
                                  lists=("train.lst",))
    pairs = [(f"{n}.jpg", f"{n}-too.jpg") for n in range(5)]
    names = [name for pair in pairs for name in pair]
    for name in names:
        write(f"{images}/{name}", name.encode())
    write(f"{lists}/train.lst", OLD + plain(*((1, 1, name) for name in names)))
    first = plain((1, 0, "cat/a.jpg"))
    write(f"{lists}/a.lst", first)
    write(f"{lists}/long.lst", b"".join(b"%d\t0\tcat/a.jpg\n" % n for n in range(800000)))
    agent.wait_in_step(60)

    def add_row():
        write(f"{lists}/.a.swp", first + plain((2, 0, held)))
        os.rename(f"{lists}/.a.swp", f"{lists}/a.lst")

    for held, other in pairs:
        os.unlink(f"{images}/{held}")
        os.unlink(f"{images}/{other}")
        if amid_the_question(agent, os.stat(f"{lists}/long.lst").st_size, add_row):
            break
        agent.wait_in_step(30)
    else:
        raise AssertionError("the question was always over")
    wait_until(lambda: state(agent)["held"] == 1, 20, "the removal to be held")
    # Its object may have to wait for a.lst, which waits for the held one if it was looked at late.
    wait_until(lambda: plain((1, 1, other)) not in read(f"{lists}/train.lst"), 20, "the other")
    assert "lists/a.lst names images that are gone" in agent.run("status").stdout
    assert read(f"{lists}/a.lst") == first + plain((2, 0, held))
    assert plain((1, 1, held)) in read(f"{lists}/train.lst")
    assert f"images/{held}" in ctx.client.keys("images/")
    assert any("holds its removal" in r.get("why", "") for r in agent.journal_records()
               if r["st"] == "abort"), "the question found the row: it came too early"
    agent.kill9()
    agent.start()
    wait_until(lambda: state(agent)["held"] == 1, 20, "the removal to be held still")
    wait_until(lambda: agent.run("release", "images").returncode == 0, 20, "the agent to be up")
    in_step(ctx, agent, images, lists)
    assert read(f"{lists}/a.lst") == first
    assert plain((1, 1, held)) not in read(f"{lists}/train.lst")
    agent.verify_journal()
