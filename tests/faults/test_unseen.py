"""What cannot be looked at when the tree is scanned: what is gone elsewhere may be there."""

import os
import time

from harness import deadline, need, on, write

LISTING_S = 40  # what is gone does not wait so long for a listing

ROWS = b"0\t1\ta/1.jpg\n1\t1\ta/2.jpg\n2\t1\tb/3.jpg\n"


def begin(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for path in ("a/1.jpg", "a/2.jpg", "b/3.jpg"):
        write(f"{images}/{path}", path.encode())
    write(f"{lists}/l.lst", ROWS)
    agent = ctx.agent(images=images, lists=lists)
    agent.once()
    return agent, images, lists


def once_blind(ctx, agent, path, fault="getdents64:error=EIO"):
    """`agent --once` in which a call fails that is about this path: one that reads a folder's names."""
    need("strace")
    agent.start("--once", wrap=["strace", "-D", "-f", "-qq", "-o", ctx.path("trace"), "-P", path,
                                "-e", f"trace={fault.split(':')[0]}", "-e", f"inject={fault}"])
    status = agent.process.wait(60)
    assert "INJECTED" in open(ctx.path("trace"), encoding="utf-8").read()
    return status


def keeps_its_row(ctx, agent, images, lists, *blind):
    """While nobody can look where the image went nothing is removed; the next run follows it."""
    os.rename(f"{images}/a/1.jpg", f"{images}/b/moved.jpg")
    os.unlink(f"{images}/a/2.jpg")
    assert once_blind(ctx, agent, *blind) == 1
    with open(f"{lists}/l.lst", "rb") as file:
        assert file.read() == ROWS
    assert set(ctx.client.keys("images/")) == {f"images/{p}" for p in ("a/1.jpg", "a/2.jpg", "b/3.jpg")}
    agent.once()
    with open(f"{lists}/l.lst", "rb") as file:
        assert file.read() == b"0\t1\tb/moved.jpg\n2\t1\tb/3.jpg\n"
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    agent.verify_journal()


@on("s3d")
def test_an_image_renamed_to_where_no_scan_could_look_keeps_its_row(ctx):
    agent, images, lists = begin(ctx)
    keeps_its_row(ctx, agent, images, lists, f"{images}/b")
    assert "may be where it did not see" in agent.log(), agent.log()


@on("s3d")
def test_an_image_renamed_to_what_cannot_be_looked_at_keeps_its_row(ctx):
    agent, images, lists = begin(ctx)
    keeps_its_row(ctx, agent, images, lists, "b/moved.jpg", "openat2:error=ESTALE")
    assert "b/moved.jpg: it cannot be looked at" in agent.log(), agent.log()


def rows(lists):
    with open(f"{lists}/l.lst", encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t")[2] for line in file]


@deadline(150)
@on("s3d")
def test_an_image_is_looked_for_wherever_its_place_may_have_gone(ctx):
    """The place was left twice, and the listing of where it went first takes long. What is not
    there either is gone."""
    need("strace")
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for path in ("a/stays.jpg", "a/goes.jpg", "c/3.jpg"):
        write(f"{images}/{path}", path.encode() * 30)
    write(f"{lists}/l.lst", b"0\t1\ta/stays.jpg\n1\t1\ta/goes.jpg\n2\t1\tc/3.jpg\n")
    agent = ctx.agent(images=images, lists=lists,
                      repository={"max_removals": 100, "max_removal_percent": 100})
    agent.start(wrap=["strace", "-D", "-f", "-qq", "-o", ctx.path("trace"), "-P", f"{images}/b", "-e",
                      "trace=getdents64", "-e", f"inject=getdents64:delay_enter={LISTING_S}000000"])
    agent.wait_in_step(60)
    until = time.monotonic() + LISTING_S - 4
    os.rename(f"{images}/a", f"{images}/b")
    os.mkdir(f"{images}/a")
    os.rename(f"{images}/a", f"{images}/e")
    os.unlink(f"{images}/b/goes.jpg")
    expected = ["b/stays.jpg", "c/3.jpg"]
    while rows(lists) != expected:
        assert time.monotonic() < until, rows(lists)
        write(f"{images}/c/other.jpg", b"the file system answers, else nothing would be decided")
        time.sleep(0.5)
    agent.wait_in_step(LISTING_S + 30)
    assert rows(lists) == expected
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    agent.verify_journal()
