"""What cannot be looked at when the tree is scanned: what is gone elsewhere may be there."""

import os

from harness import need, on, write


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
