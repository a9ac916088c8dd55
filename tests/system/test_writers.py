"""People, scripts and another host edit a list while the agent rewrites it: no row is lost, theirs or
ours. What they do stands in writers.py."""

import os
import time

import remote
import writers
from harness import bindfs, deadline, long_test, on, read, wait_until, write

WAYS = ("append", "rename_over", "in_place", "held_open", "sed")
MINUTES = float(os.environ.get("LOCKSTEP_WRITERS_MINUTES", "10"))


def on_this_host(seconds):
    @deadline(seconds + 300)
    @on("s3d")
    def test(ctx):
        tree = ctx.folder("tree")
        writers.two_writers(remote.Bed(ctx, tree, tree), seconds, WAYS, leases=True)
    return test


def with_another_host(seconds):
    @deadline(seconds + 300)
    @on("s3d")
    def test(ctx):
        bindfs.need()
        here, there = bindfs.mount(ctx.folder("fuse"), ctx.path("bindfs.log"))
        writers.two_writers(remote.Bed(ctx, here, there, slack_s=bindfs.CACHED_S + 10), seconds,
                            WAYS, leases=False)
    return test


test_invariant_5_two_writers_of_a_list = on_this_host(10)
test_invariant_5_two_writers_of_a_list_and_another_host = with_another_host(10)
test_two_writers_for_long = long_test(on_this_host(60 * MINUTES))
test_two_writers_and_another_host_for_long = long_test(with_another_host(60 * MINUTES))


@on("s3d")
def test_a_list_saved_as_it_was_between_two_renames_of_an_image(ctx):
    """Who read the list before the first rename saves it, unchanged, before the rewrite is in S3, and
    the image goes on: S3 has the very bytes, and where the image went is told by no pass yet."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    pauses = (0, 0.03, 0.08, 0.15, 0.3)
    for number in range(len(pauses)):
        write(f"{images}/o/{number}.png", bytes([number]) * 300)
    write(f"{lists}/l.lst", b"".join(b"%d\t0\to/%d.png\n" % (n, n) for n in range(len(pauses))))
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(30)
    os.makedirs(f"{images}/m")
    for number, pause in enumerate(pauses):
        before = read(f"{lists}/l.lst")
        os.rename(f"{images}/o/{number}.png", f"{images}/m/{number}.png")
        wait_until(lambda: b"\tm/%d.png\n" % number in read(f"{lists}/l.lst"), 20, "the rewrite",
                   interval=0.002)
        write(f"{lists}/.l.swp", before)
        os.rename(f"{lists}/.l.swp", f"{lists}/l.lst")
        time.sleep(pause)
        os.rename(f"{images}/m/{number}.png", f"{images}/n{number}.png")
        agent.wait_in_step(40)
        assert b"%d\t0\tn%d.png\n" % (number, number) in read(f"{lists}/l.lst"), (number, pause)
        ctx.client.assert_tree(lists, "lists/")
