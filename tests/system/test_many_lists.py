"""Many lists, and a change that concerns few of them: only these are read. Never is one not read that
names what changed, whatever happened to it meanwhile."""

import collections
import os
import threading
import time

from harness import deadline, long_test, on, read, wait_until, write

LISTS = 40
ROWS = 2000
OLD_S = 0.6  # after its last change a list's stat says what it is


def tree(ctx, **options):
    """An image a list, that only it names; each list names many more, that are nowhere."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for i in range(LISTS):
        write(f"{images}/{i:03}.jpg", b"%d" % i * 20)
        write(f"{lists}/{i:03}.lst", rows(i).encode())
    time.sleep(OLD_S)
    return images, lists, ctx.agent(images=images, lists=lists, **options)


def rows(i):
    far = "".join(f"{n}\t0\tfar/{i:03}/some-name-{n:06}.jpg\n" for n in range(1, ROWS))
    return f"0\t1\t{i:03}.jpg\n{far}"


def first_row(lists, i):
    with open(f"{lists}/{i:03}.lst", encoding="ascii") as file:
        return file.readline()


def read_by(agent):
    """Bytes that the agent has read so far."""
    with open(f"/proc/{agent.process.pid}/io", encoding="ascii") as file:
        return int(file.readline().split()[1])


def rename(ctx, agent, images, lists, i, name):
    """Rename the image of a list; what the agent has read until its list had the new name."""
    was = first_row(lists, i).split("\t")[2].strip()
    before = read_by(agent)
    os.rename(f"{images}/{was}", f"{images}/{name}")
    wait_until(lambda: first_row(lists, i) == f"0\t1\t{name}\n", 20, lambda: first_row(lists, i))
    agent.wait_in_step(30)
    return read_by(agent) - before


@on("s3d")
@deadline(90)
def test_only_lists_that_are_concerned_are_read(ctx):
    images, lists, agent = tree(ctx)
    agent.start()
    agent.wait_in_step(40)
    size = os.stat(f"{lists}/000.lst").st_size
    # Its own list: read, compared with the new one as it takes its place, checked, sent.
    assert rename(ctx, agent, images, lists, 7, "seven.jpg") < 8 * size, "too many lists were read"
    agent.stop()
    agent.start()
    agent.wait_in_step(40)
    assert rename(ctx, agent, images, lists, 8, "eight.jpg") < 8 * size, "another run knows nothing"
    assert rename(ctx, agent, images, lists, 7, "007.jpg") < 8 * size, "a list that was rewritten"
    os.unlink(f"{images}/009.jpg")
    wait_until(lambda: first_row(lists, 9).startswith("1\t0\tfar/009/"), 20, "the removal's row")
    agent.wait_in_step(30)
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
@deadline(90)
def test_what_is_known_of_a_list_ends_with_its_content(ctx):
    images, lists, agent = tree(ctx)
    agent.start()
    agent.wait_in_step(40)
    rename(ctx, agent, images, lists, 0, "zero.jpg")
    # A row for an image of another list: appended; in place, with the same size and time; by a new
    # file; while no agent runs.
    with open(f"{lists}/001.lst", "a", encoding="ascii") as file:
        file.write("9999\t1\t002.jpg\n")
    stat = os.stat(f"{lists}/003.lst")
    with open(f"{lists}/003.lst", "r+", encoding="ascii") as file:
        file.write("0\t1\t002.jpg\n")
    os.utime(f"{lists}/003.lst", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    write(f"{lists}/new", rows(4).replace("004.jpg", "002.jpg").encode())
    os.rename(f"{lists}/new", f"{lists}/004.lst")
    agent.wait_in_step(30)
    agent.stop()
    stat = os.stat(f"{lists}/005.lst")
    with open(f"{lists}/005.lst", "r+", encoding="ascii") as file:
        file.write("0\t1\t002.jpg\n")
    os.utime(f"{lists}/005.lst", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    agent.start()
    agent.wait_in_step(40)
    rename(ctx, agent, images, lists, 2, "two.jpg")
    for i in (3, 4, 5):
        assert first_row(lists, i) == "0\t1\ttwo.jpg\n", (i, first_row(lists, i))
    with open(f"{lists}/001.lst", encoding="ascii") as file:
        assert file.read() == rows(1) + "9999\t1\ttwo.jpg\n"
    ctx.client.assert_tree(lists, "lists/")


def rewrites(agent):
    """How often each list was rewritten, by the journal."""
    return collections.Counter(record["p"] for record in agent.journal_records("--op", "lst")
                               if record["st"] == "done")


def few_rows(i, first, end):
    return b"".join(b"%d\t%d\t%d.jpg\n" % (n, i, n) for n in range(first, end))


def shared(ctx, images_count, **options):
    """A running agent, whose lists name all the images."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for n in range(images_count):
        write(f"{images}/{n}.jpg", b"%d" % n * 20)
    for i in range(5):
        write(f"{lists}/{i:03}.lst", few_rows(i, 0, images_count))
    agent = ctx.agent(images=images, lists=lists, **options).start()
    agent.wait_in_step(40)
    return images, lists, agent


@on("s3d")
def test_removals_that_settle_one_after_the_other_take_one_rewrite_a_list(ctx):
    images, lists, agent = shared(ctx, 40, repository={"settle_ms": 1000})
    for lot in range(4):
        for n in range(lot * 9, lot * 9 + 9):
            os.unlink(f"{images}/{n}.jpg")
        time.sleep(0.4)  # a pass waits for less where it does not know of more
    agent.wait_in_step(30)
    assert rewrites(agent) == {f"{i:03}.lst": 1 for i in range(5)}, rewrites(agent)
    for i in range(5):
        assert read(f"{lists}/{i:03}.lst") == few_rows(i, 36, 40)
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_files_that_no_list_can_name_keep_no_pass_waiting(ctx):
    images, lists, _ = shared(ctx, 3, repository={"settle_ms": 300})
    stop = threading.Event()

    def scratch():
        while not stop.wait(0.05):
            write(f"{images}/scratch", b"x")
            os.unlink(f"{images}/scratch")

    writer = threading.Thread(target=scratch)
    writer.start()
    try:
        os.unlink(f"{images}/0.jpg")
        wait_until(lambda: first_row(lists, 0).startswith("1\t"), 5, "the pass")
    finally:
        stop.set()
        writer.join()


@long_test
@deadline(120)
@on("s3d")
def test_removals_without_end_keep_a_list_waiting_for_ten_seconds_at_most(ctx):
    images, lists, agent = shared(ctx, 60, repository={"settle_ms": 1000})
    began = time.monotonic()
    for n in range(59):
        os.unlink(f"{images}/{n}.jpg")
        time.sleep(0.3)
        if not first_row(lists, 0).startswith("0\t"):
            break
    took = time.monotonic() - began
    assert 9 < took < 13, f"{took:.1f} s"
    agent.wait_in_step(30)
    ctx.client.assert_tree(lists, "lists/")
