"""Hard links: one file under several names. An event names one of them only."""

import os

from harness import on, samples


def bed(ctx, **repository):
    """An agent in step on ten images, two of which are one file."""
    images = ctx.folder("images")
    paths = samples.adwaita(images, count=9)
    os.link(f"{images}/{paths[0]}", f"{images}/link.png")
    agent = ctx.agent(images=images, repository=repository)
    agent.start()
    agent.wait_in_step(20)
    return agent, images, paths


@on("s3d", "ceph")
def test_each_name_is_an_object(ctx):
    agent, images, paths = bed(ctx)
    os.link(f"{images}/{paths[1]}", f"{images}/more.png")
    os.makedirs(f"{images}/d")
    os.rename(f"{images}/link.png", f"{images}/d/link.png")
    os.unlink(f"{images}/{paths[0]}")
    agent.wait_in_step(10)
    ctx.client.assert_tree(images, "images/")


@on("s3d")
def test_a_link_less_is_no_difference_to_verify(ctx):
    agent, images, paths = bed(ctx)
    os.unlink(f"{images}/link.png") # the other name has another ctime now
    agent.wait_in_step(10)
    agent.stop()
    done = agent.run("verify")
    assert done.returncode == 0, done.stdout
    with open(f"{images}/{paths[0]}", "r+b") as file: # and still a changed byte is one
        stamp = os.stat(file.fileno())
        file.write(b"x")
    os.utime(f"{images}/{paths[0]}", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    done = agent.run("verify")
    assert done.returncode == 1 and done.stdout.count("the file changed") == 1, done.stdout


@on("s3d")
def test_a_write_through_another_link_is_found_by_the_next_scan(ctx):
    agent, images, paths = bed(ctx, rescan="2s")
    with open(f"{images}/link.png", "ab") as file: # no event names paths[0]
        file.write(b"more")
    agent.wait_in_step(20)
    ctx.client.assert_tree(images, "images/")
