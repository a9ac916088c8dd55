"""People, scripts and another host edit a list while the agent rewrites it: no row is lost, theirs or
ours. What they do stands in writers.py."""

import os

import remote
import writers
from harness import bindfs, deadline, long_test, on

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
