"""Mounts that vanish, come back, are replaced, or do not answer."""

import contextlib
import os
import shutil
import signal
import subprocess

from harness import Skip, deadline, on, wait_until


def write(path, data=b"x" * 1000):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def mount(*words):
    """mount(8), or the test is skipped."""
    done = subprocess.run(["mount", *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise Skip("no right to mount: " + done.stderr.strip())


@contextlib.contextmanager
def unmounted_in_the_end(path):
    try:
        yield
    finally:
        while subprocess.run(["umount", "-l", path], check=False, capture_output=True).returncode == 0:
            pass


def mapping(agent, name="images"):
    return next(m for m in agent.status()[0]["mappings"] if m["name"] == name)


@on("s3d")
@deadline(120)
def test_a_mount_vanishes_and_comes_back(ctx):
    tree, images = ctx.folder("tree"), ctx.folder("images")
    for i in range(20):
        write(f"{tree}/{i % 4}/{i}.jpg", b"%d" % i)
    with unmounted_in_the_end(images):
        mount("--bind", tree, images)
        agent = ctx.agent(images=images)
        agent.start()
        agent.wait_in_step(30)
        for turn in range(2):
            before = set(ctx.client.keys("images/"))
            subprocess.run(["umount", "-l", images], check=True)
            wait_until(lambda: mapping(agent)["state"] == "lost", 10, "status to say so")
            assert agent.status()[1] != 0
            write(f"{tree}/{turn}/meanwhile-{turn}.jpg")
            os.unlink(f"{tree}/{turn}/{turn}.jpg")
            if turn:  # another file system in its place is not it
                mount("-t", "tmpfs", "none", images)
                write(f"{images}/foreign.jpg")
                wait_until(lambda: mapping(agent)["state"] == "lost", 5, "still lost")
                subprocess.run(["umount", "-l", images], check=True)
            assert set(ctx.client.keys("images/")) == before  # nothing is concluded
            mount("--bind", tree, images)
            agent.wait_in_step(60)
            write(f"{images}/{turn}/later-{turn}.jpg")  # watching goes on
            agent.wait_in_step(10)
            ctx.client.assert_tree(images, "images/")
        assert not mapping(agent)["held"]
        agent.stop()
        agent.verify_journal()


@on("s3d")
@deadline(120)
def test_a_mount_that_does_not_answer(ctx):
    if not shutil.which("bindfs"):
        raise Skip("bindfs is missing")
    tree, stuck, well = ctx.folder("tree"), ctx.folder("stuck"), ctx.folder("well")
    for i in range(40):
        write(f"{tree}/{i % 8}/{i}.jpg", b"%d" % i)
        write(f"{well}/{i % 8}/{i}.jpg", b"%d" % i)
    server = subprocess.Popen(["bindfs", "-f", "-o", "attr_timeout=0,entry_timeout=0", tree, stuck],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with unmounted_in_the_end(stuck):
        try:
            wait_until(lambda: os.path.ismount(stuck) or server.poll() is not None, 10, "bindfs")
            if server.poll() is not None:
                raise Skip("bindfs may not mount: " + server.stderr.read().decode())
            common = {"settle_ms": 100, "rescan": "2s"}
            agent = ctx.agent(images=well, options={"repositories": [
                {"name": "images", "path": well, "prefix": "images/", **common},
                {"name": "stuck", "path": stuck, "prefix": "stuck/", **common}]})
            agent.start()
            agent.wait_in_step(30)
            server.send_signal(signal.SIGSTOP)
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
            server.send_signal(signal.SIGCONT)
            wait_until(lambda: "stuck/new.jpg" in ctx.client.keys("stuck/"), 30, "the new file")
            assert before < set(ctx.client.keys("stuck/"))
            wait_until(lambda: agent.status()[1] == 0, 20, lambda: str(agent.status()))
            ctx.client.assert_tree(tree, "stuck/")
            agent.stop()
        finally:
            server.send_signal(signal.SIGCONT)
            server.terminate()
            server.wait(10)
