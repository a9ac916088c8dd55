"""Mounts that vanish, come back, are replaced, or do not answer."""

import os
import signal

from harness import bindfs, deadline, mounts, on, wait_until, write


def mapping(agent, name="images"):
    return next(m for m in agent.status()[0]["mappings"] if m["name"] == name)


@on("s3d")
@deadline(120)
def test_a_mount_vanishes_and_comes_back(ctx):
    tree, images = ctx.folder("tree"), ctx.folder("images")
    for i in range(20):
        write(f"{tree}/{i % 4}/{i}.jpg", b"%d" % i)
    mounts.private()
    mounts.mount("--bind", tree, images)
    agent = ctx.agent(images=images)
    agent.start()
    agent.wait_in_step(30)
    for turn in range(2):
        before = set(ctx.client.keys("images/"))
        mounts.unmount(images)
        wait_until(lambda: mapping(agent)["state"] == "lost", 10, "status to say so")
        assert agent.status()[1] != 0
        write(f"{tree}/{turn}/meanwhile-{turn}.jpg")
        os.unlink(f"{tree}/{turn}/{turn}.jpg")
        if turn:  # another file system in its place is not it
            mounts.mount("-t", "tmpfs", "none", images)
            write(f"{images}/foreign.jpg")
            wait_until(lambda: mapping(agent)["state"] == "lost", 5, "still lost")
            mounts.unmount(images)
        assert set(ctx.client.keys("images/")) == before  # nothing is concluded
        mounts.mount("--bind", tree, images)
        agent.wait_in_step(60)
        write(f"{images}/{turn}/later-{turn}.jpg")  # watching goes on
        agent.wait_in_step(10)
        ctx.client.assert_tree(images, "images/")
    assert not mapping(agent)["held"]
    agent.stop()
    agent.verify_journal()


def stuck_and_well(ctx):
    """An agent in step on a tree that bindfs mounts and on one that is well: (agent, bindfs, the
    folder beneath its mount, the tree that is well)."""
    tree, stuck, well = ctx.folder("tree"), ctx.folder("stuck"), ctx.folder("well")
    for i in range(40):
        write(f"{tree}/{i % 8}/{i}.jpg", b"%d" % i)
        write(f"{well}/{i % 8}/{i}.jpg", b"%d" % i)
    server = bindfs.serve(tree, stuck, ctx.path("bindfs.log"), cached_s=0)
    common = {"settle_ms": 100, "rescan": "2s"}
    agent = ctx.agent(images=well, options={"repositories": [
        {"name": "images", "path": well, "prefix": "images/", **common},
        {"name": "stuck", "path": stuck, "prefix": "stuck/", **common}]})
    agent.start()
    agent.wait_in_step(30)
    return agent, server, tree, well


@on("s3d")
@deadline(120)
def test_a_mount_that_does_not_answer(ctx):
    bindfs.need()
    mounts.private()
    agent, server, tree, well = stuck_and_well(ctx)
    server.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: mapping(agent, "stuck")["state"] == "stuck", 30, "status to say so")
        assert mapping(agent, "stuck")["stuck"] and agent.status()[1] == 1
        assert "does not answer" in agent.run("status").stdout
        assert mapping(agent)["state"] == "in step", mapping(agent)
        for turn in range(3):  # the other mapping goes on
            write(f"{well}/new/{turn}.jpg", b"t%d" % turn)
            os.unlink(f"{well}/{turn}/{turn}.jpg")
            wait_until(lambda: not agent.client.list_differences(well, "images/"), 10,
                       "the other mapping's changes in S3")
        before = set(ctx.client.keys("stuck/"))
        write(f"{tree}/new.jpg")
    finally:
        server.send_signal(signal.SIGCONT)
    wait_until(lambda: "stuck/new.jpg" in ctx.client.keys("stuck/"), 30, "the new file")
    assert before < set(ctx.client.keys("stuck/"))
    wait_until(lambda: agent.status()[1] == 0, 20, lambda: str(agent.status()))
    ctx.client.assert_tree(tree, "stuck/")
    agent.stop()
