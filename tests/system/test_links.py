"""Hard links: one file under several names. An event names one of them only."""

import os
import signal
import time

from harness import on, samples, write


def list_of(lists):
    with open(f"{lists}/a.lst", encoding="utf-8") as file:
        return file.read()


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


@on("s3d")
def test_rows_of_a_link_go_with_it_and_those_of_the_other_stay(ctx):
    """Two names of one file are two images: which of them left is what the names say."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    first, second = samples.adwaita(images, count=2)
    os.link(f"{images}/{first}", f"{images}/link.png")
    with open(f"{lists}/a.lst", "w", encoding="utf-8") as file:
        file.write(f"0\t1.0\t{first}\n1\t2.0\tlink.png\n2\t3.0\t{second}\n")
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(20)
    agent.process.send_signal(signal.SIGSTOP)
    os.unlink(f"{images}/{first}")
    os.rename(f"{images}/link.png", f"{images}/z.png")
    agent.process.send_signal(signal.SIGCONT)
    agent.wait_in_step(20)
    assert list_of(lists) == f"1\t2.0\tz.png\n2\t3.0\t{second}\n"
    os.link(f"{images}/z.png", f"{images}/again.png")
    agent.wait_in_step(20)
    os.unlink(f"{images}/z.png")
    agent.wait_in_step(20)
    ctx.client.assert_tree(images, "images/")
    assert list_of(lists) == f"2\t3.0\t{second}\n"


@on("s3d")
def test_what_overwrites_a_link_has_its_rows(ctx):
    """The other link did not come from there, though its file is alone by then: whichever of them
    is looked at first."""
    images, lists, outside = ctx.folder("images"), ctx.folder("lists"), ctx.folder("outside")
    names = [f"{name}{n}" for n in (1, 2) for name in ("a", "over", "link")]
    for name in names:
        write(f"{images}/{name}.jpg", name.encode() * 99)
    rows = "".join(f"{row}\t1.0\t{name}.jpg\n" for row, name in enumerate(names))
    write(f"{lists}/a.lst", rows.encode())
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(20)
    for n in (1, 2):
        os.link(f"{images}/a{n}.jpg", f"{outside}/link{n}.jpg")
        os.rename(f"{outside}/link{n}.jpg", f"{images}/link{n}.jpg")
    agent.wait_in_step(20)
    os.rename(f"{images}/over1.jpg", f"{images}/a1.jpg")
    os.chmod(f"{images}/link1.jpg", 0o640)
    os.chmod(f"{images}/link2.jpg", 0o640)
    time.sleep(0.02)
    os.rename(f"{images}/over2.jpg", f"{images}/a2.jpg")
    agent.wait_in_step(20)
    ctx.client.assert_tree(images, "images/")
    assert list_of(lists) == ("0\t1.0\ta1.jpg\n2\t1.0\tlink1.jpg\n"
                              "3\t1.0\ta2.jpg\n5\t1.0\tlink2.jpg\n"), list_of(lists)
