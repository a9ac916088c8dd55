"""Rows by names that directories had only for a while, written when events were forgotten."""

import os
import time

from harness import deadline, long_test, on, wait_until, write

MEMORY_S = 65  # what events told of directories is forgotten by then, while nothing waits


def append(lists, *names):
    with open(f"{lists}/l.lst", "ab", buffering=0) as file:
        file.write("".join(f"{i}\tLABEL-{i}\t{name}\n" for i, name in enumerate(names)).encode())


def paths(lists):
    with open(f"{lists}/l.lst", encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t")[2] for line in file]


@long_test
@on("s3d")
@deadline(200)
def test_a_row_by_a_name_that_a_directory_had_follows_it(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    names = [f"a/{n}.jpg" for n in ("stays", "goes", "moves")]
    for name in [*names, "in/1.jpg", "back/1.jpg", "z/1.jpg"]:
        write(f"{images}/{name}", name.encode() * 20)
    append(lists, "z/1.jpg")
    agent = ctx.agent(images=images, lists=lists,
                      repository={"max_removals": 100, "max_removal_percent": 100}).start()
    agent.wait_in_step(30)
    assert agent.run("pause").returncode == 0  # as long as S3 is in trouble
    write(f"{images}/a/new.jpg", b"never in S3 by any of its names but the last")
    time.sleep(1)
    for old, new in (("a", "b"), ("b", "c"), ("in", "out"), ("back", "gone")):
        os.rename(f"{images}/{old}", f"{images}/{new}")
        time.sleep(0.7)
    os.unlink(f"{images}/c/goes.jpg")
    os.rename(f"{images}/c/moves.jpg", f"{images}/z/moved.jpg")
    os.mkdir(f"{images}/back")  # rows may be about what is to come there
    time.sleep(MEMORY_S)
    append(lists, "b/stays.jpg", "b/goes.jpg", "b/moves.jpg", "b/new.jpg", "in/none.jpg",
           "back/1.jpg")
    time.sleep(1)
    assert agent.run("resume").returncode == 0
    expected = ["z/1.jpg", "c/stays.jpg", "z/moved.jpg", "c/new.jpg", "in/none.jpg",
                "back/1.jpg"]
    wait_until(lambda: paths(lists) == expected, 30, lambda: f"{paths(lists)} to be {expected}")
    agent.wait_in_step(30)
    assert ctx.client.get("lists/l.lst")[0].decode().count("c/stays.jpg") == 1
    assert paths(lists) == expected
    agent.verify_journal()


@on("s3d")
def test_a_row_follows_what_was_there_when_it_was_written(ctx):
    """While S3 refuses, a place is left by one directory after the other, and is there again."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for name in [*(f"a/{n}.jpg" for n in ("stays", "goes", "moves")), "z/1.jpg"]:
        write(f"{images}/{name}", name.encode() * 20)
    append(lists, "z/1.jpg")
    agent = ctx.agent(images=images, lists=lists,
                      repository={"max_removals": 100, "max_removal_percent": 100}).start()
    agent.wait_in_step(30)
    ctx.server.fault(op="[!GL]*", count=0, percent=100, do="error", code="SlowDown", status=503)
    write(f"{images}/a/new.jpg", b"never in S3 by any of its names but the last")
    time.sleep(1)
    os.rename(f"{images}/a", f"{images}/mid")
    append(lists, "mid/stays.jpg", "mid/goes.jpg", "mid/moves.jpg", "mid/new.jpg")
    os.rename(f"{images}/mid", f"{images}/out1")
    for place in ("out2", "out3"):
        write(f"{images}/mid/other.jpg", place.encode() * 30)
        os.rename(f"{images}/mid", f"{images}/{place}")
    write(f"{images}/mid/other.jpg", b"and it is there again" * 30)
    time.sleep(2)
    append(lists, "mid/later.jpg")  # is to come there
    os.rename(f"{images}/out1/moves.jpg", f"{images}/z/moved.jpg")
    os.unlink(f"{images}/out1/goes.jpg")
    time.sleep(2)
    ctx.server.clear_faults()
    expected = ["z/1.jpg", "out1/stays.jpg", "z/moved.jpg", "out1/new.jpg", "mid/later.jpg"]
    wait_until(lambda: paths(lists) == expected, 30, lambda: f"{paths(lists)} to be {expected}")
    agent.wait_in_step(60)
    assert paths(lists) == expected
    ctx.client.assert_tree(images, "images/")
    agent.verify_journal()
