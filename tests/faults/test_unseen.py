"""A directory that cannot be read when the tree is scanned: what is gone elsewhere may be in it."""

import os
import shutil

from harness import Skip, on, write


def begin(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for path in ("a/1.jpg", "a/2.jpg", "b/3.jpg"):
        write(f"{images}/{path}", path.encode())
    write(f"{lists}/l.lst", b"0\t1\ta/1.jpg\n1\t1\ta/2.jpg\n2\t1\tb/3.jpg\n")
    agent = ctx.agent(images=images, lists=lists)
    agent.once()
    return agent, images, lists


def once_blind(ctx, agent, folder, count=""):
    """`agent --once` that cannot read this folder's names."""
    if not shutil.which("strace"):
        raise Skip("not installed: strace")
    agent.start("--once", wrap=["strace", "-D", "-f", "-qq", "-o", ctx.path("trace"), "-P", folder,
                                "-e", "trace=getdents64", "-e", f"inject=getdents64:error=EIO{count}"])
    status = agent.process.wait(60)
    assert "INJECTED" in open(ctx.path("trace"), encoding="utf-8").read()
    return status


@on("s3d")
def test_an_image_renamed_to_where_no_scan_could_look_keeps_its_row(ctx):
    agent, images, lists = begin(ctx)
    os.rename(f"{images}/a/1.jpg", f"{images}/b/moved.jpg")
    os.unlink(f"{images}/a/2.jpg")
    assert once_blind(ctx, agent, f"{images}/b") == 1
    assert "may be where it did not see" in agent.log(), agent.log()
    with open(f"{lists}/l.lst", "rb") as file:
        assert file.read() == b"0\t1\ta/1.jpg\n1\t1\ta/2.jpg\n2\t1\tb/3.jpg\n"
    assert set(ctx.client.keys("images/")) == {f"images/{p}" for p in ("a/1.jpg", "a/2.jpg", "b/3.jpg")}
    agent.once()
    with open(f"{lists}/l.lst", "rb") as file:
        assert file.read() == b"0\t1\tb/moved.jpg\n2\t1\tb/3.jpg\n"
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    agent.verify_journal()
