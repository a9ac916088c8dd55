"""A file is told by more than its inode: inodes are used again, and unpacked images often share
their size and their mtime."""

import os
import shutil
import subprocess
import time

from harness import Skip, deadline, long_test, need, on, samples, wait_until

STAMP_NS = 1_500_000_000_000_000_000
COUNT = 120


def content(number):
    """As long as any other, and none is the same."""
    return b"image %06d" % number * 20


def write(path, number):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content(number))
    os.utime(path, ns=(STAMP_NS, STAMP_NS))


def running(ctx, **repository):
    """An agent in step on images that only their content tells apart; the row of number n is n."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = [f"c/{i:04}.raw" for i in range(COUNT)]
    for number, path in enumerate(paths):
        write(f"{images}/{path}", number)
    with open(f"{lists}/all.lst", "w") as file:
        file.writelines(f"{n}\t0.0\t{path}\n" for n, path in enumerate(paths))
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 10000, **repository})
    agent.start()
    agent.wait_in_step(30)
    return agent, images, lists, paths


def check(ctx, agent, images, lists, patience=30):
    """S3 has what the disk has, byte for byte, and each row names the image that it named."""
    agent.wait_in_step(patience)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    with open(f"{lists}/all.lst") as file:
        for index, _, path in samples.read_list(file.read()):
            with open(f"{images}/{path}", "rb") as image:
                assert image.read() == content(int(index)), f"row {index} names {path}"
    agent.verify_journal()


@on("s3d")
def test_images_put_back_keep_their_rows(ctx):
    agent, images, lists, paths = running(ctx)
    before = open(f"{lists}/all.lst", "rb").read()
    agent.stop()
    shutil.rmtree(f"{images}/c")
    for number in reversed(range(COUNT)):
        write(f"{images}/{paths[number]}", number)
    agent.start()
    check(ctx, agent, images, lists)
    assert open(f"{lists}/all.lst", "rb").read() == before


@on("s3d")
def test_images_put_back_live_keep_their_rows(ctx):
    agent, images, lists, paths = running(ctx, settle_ms=4000)  # they are back within it
    before = open(f"{lists}/all.lst", "rb").read()
    shutil.rmtree(f"{images}/c")
    for number in reversed(range(COUNT)):
        write(f"{images}/{paths[number]}", number)
    check(ctx, agent, images, lists)
    assert open(f"{lists}/all.lst", "rb").read() == before


@on("s3d")
def test_new_images_on_old_inodes_are_new(ctx):
    agent, images, lists, paths = running(ctx)
    agent.stop()
    shutil.rmtree(f"{images}/c")
    for number in reversed(range(COUNT)):
        write(f"{images}/unpacked/{number + 1000:06}.raw", number + 1000)
    agent.start()
    check(ctx, agent, images, lists)
    assert os.path.getsize(f"{lists}/all.lst") == 0


def tells_births(folder):
    """Does the file system tell when a file was made?"""
    out = subprocess.run(["stat", "-c", "%W", folder], capture_output=True, text=True, check=True)
    return int(out.stdout) > 0


def rows_of(lists):
    with open(f"{lists}/all.lst") as file:
        return [(int(index), path) for index, _, path in samples.read_list(file.read())]


@on("s3d")
def test_images_renamed_and_edited_while_nobody_watched_keep_their_rows(ctx):
    agent, images, lists, paths = running(ctx)
    if not tells_births(images):
        raise Skip("the file system does not tell when files were made")
    agent.stop()
    for number in range(0, COUNT, 2):
        path = f"{images}/elsewhere/{number:04}.raw"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.rename(f"{images}/{paths[number]}", path)
        with open(path, "r+b") as file:  # in place: it is the same file
            file.write(b"edit " + content(number)[5:] + b"and longer")
    agent.start()
    agent.wait_in_step(30)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    rows = rows_of(lists)
    assert rows == [(n, path if n % 2 else f"elsewhere/{n:04}.raw")
                    for n, path in enumerate(paths)], rows[:4]
    agent.verify_journal()


@on("s3d")
def test_images_whose_edits_never_arrived_keep_their_rows_when_they_are_renamed(ctx):
    agent, images, lists, paths = running(ctx)
    if not tells_births(images):
        raise Skip("the file system does not tell when files were made")
    ctx.server.fault("error", op="PutObject", code="InternalError", status=500, count=0)
    for number in range(10):
        with open(f"{images}/{paths[number]}", "r+b") as file:
            file.write(b"edit " + content(number)[5:] + b"and longer")
    wait_until(lambda: {f"c/{n:04}.raw" for n in range(10)} <= {
        record["p"] for record in agent.journal_records("--op", "put") if record["st"] == "failed"},
        30, "each edit failed")
    agent.stop()
    ctx.server.clear_faults()
    for number in range(10):
        os.makedirs(f"{images}/elsewhere", exist_ok=True)
        os.rename(f"{images}/{paths[number]}", f"{images}/elsewhere/{number:04}.raw")
    agent.start()
    agent.wait_in_step(30)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    rows = rows_of(lists)
    assert rows == [(n, path if n >= 10 else f"elsewhere/{n:04}.raw")
                    for n, path in enumerate(paths)], rows[:12]
    agent.verify_journal()


@long_test
@on("s3d")
@deadline(120)
def test_rows_wait_for_a_file_system_that_does_not_answer(ctx):
    """The images went into a directory that was renamed at once, and to list that takes longer than
    anybody waits for events."""
    need("strace")
    agent, images, lists, paths = running(ctx)
    agent.stop()
    os.makedirs(f"{images}/before")
    agent.start(wrap=["strace", "-D", "-f", "-qq", "-o", ctx.path("trace"), "-e",
                      "trace=getdents64", "-P", f"{images}/after", "-e",
                      "inject=getdents64:delay_enter=50000000:when=1"])
    agent.wait_in_step(60)
    for number in range(10):
        os.rename(f"{images}/{paths[number]}", f"{images}/before/{number:04}.raw")
    os.rename(f"{images}/before", f"{images}/after")
    check(ctx, agent, images, lists, patience=90)
    assert len(rows_of(lists)) == COUNT, "rows were lost"
    assert not agent.journal_records("--op", "remove")


@on("s3d")
def test_a_swap_swaps_the_rows(ctx):
    agent, images, lists, paths = running(ctx)
    agent.stop()
    os.rename(f"{images}/{paths[0]}", f"{images}/aside")
    os.rename(f"{images}/{paths[1]}", f"{images}/{paths[0]}")
    os.rename(f"{images}/aside", f"{images}/{paths[1]}")
    agent.start()
    check(ctx, agent, images, lists)


def keep_busy(images, lists, paths):
    """Renames that come one after the other, so that a pass over the lists waits for more while the
    list is looked at."""
    for number, path in enumerate(paths):
        os.rename(f"{images}/{path}", f"{images}/{path}.moved")
        if number % 10 == 0: # and has the time to settle until then
            os.utime(f"{lists}/all.lst")
        time.sleep(0.03)


@on("s3d")
def test_rows_of_a_new_image_under_an_old_name_are_not_taken_for_old_rows(ctx):
    agent, images, lists, paths = running(ctx)
    news = range(COUNT, COUNT + 20)
    for number in news: # each comes to S3 before the rows of what was there have left
        path = f"{images}/{paths[number - COUNT]}"
        os.rename(path, f"{images}/c/moved{number}.raw")
        write(path, number)
    keep_busy(images, lists, paths[20:70])
    agent.wait_in_step(30)
    with open(f"{lists}/all.lst", "a") as file:
        file.writelines(f"{number}\t0.0\t{paths[number - COUNT]}\n" for number in news)
    for number in news:
        os.rename(f"{images}/{paths[number - COUNT]}", f"{images}/c/new{number}.raw")
    keep_busy(images, lists, paths[70:]) # the list is looked at before a pass comes by
    check(ctx, agent, images, lists)
    with open(f"{lists}/all.lst") as file:
        assert len(samples.read_list(file.read())) == COUNT + len(news)
