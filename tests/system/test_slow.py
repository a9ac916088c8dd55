"""Requests that stand out are asked again; a server that is slow is waited for."""

import os
import time

from harness import on
from harness.tree import write
from test_engine import run


def files(ctx, count):
    root = ctx.folder("tree")
    names = [f"{i}" for i in range(count)]
    for name in names:
        write(os.path.join(root, name), b"x" * 3000)
    return root, names


@on("s3d")
def test_requests_that_stall_are_asked_again(ctx):
    """One in twenty would not be answered for a minute; waiting takes 30 s."""
    root, names = files(ctx, 300)
    ctx.server.fault("stall", op="PutObject", percent=5, count=20, ms=60000)
    begun = time.monotonic()
    result = run(ctx, "put", root, "p", *names, options=("-f", 32))
    took = time.monotonic() - begun
    assert set(result.verdicts().values()) == {"done"}, result.lines
    assert max(line["attempts"] for line in result.lines) == 1, result.lines
    stalled = sum(fault["hits"] for fault in ctx.server.faults())
    assert stalled >= 5, stalled
    assert took < 25, took
    ctx.client.assert_tree(root, "p/")


@on("s3d")
def test_a_slow_server_is_not_asked_twice(ctx):
    root, names = files(ctx, 80)
    ctx.server.fault("delay", op="PutObject", count=0, ms=2600)
    result = run(ctx, "put", root, "p", *names, options=("-f", 40))
    assert set(result.verdicts().values()) == {"done"}, result.lines
    assert len([r for r in ctx.server.requests() if r["op"] == "PutObject"]) == len(names)
