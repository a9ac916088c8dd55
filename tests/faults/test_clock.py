"""The clock of the host jumps by an hour, forth and back, under the agent: a preloaded shim
(clock_shift.c). The journal's times jump with it; its records, and what is done, do not."""

import os

from harness import deadline, on, write
from shims import shim
from test_journal_io import whole

HOUR_S = 3600


def running(ctx, tree):
    """(an agent whose clock can be shifted, in step with one image, the function that does it)."""
    environment = {"LD_PRELOAD": shim("clock_shift"), "CLOCK_SHIFT_FILE": ctx.path("shift")}

    def shift(seconds):
        write(environment["CLOCK_SHIFT_FILE"], b"%d" % seconds)

    shift(0)
    write(f"{tree}/first.jpg", b"first")
    agent = ctx.agent(images=tree, environment=environment).start()
    agent.wait_in_step(30)
    return agent, shift


def jump(ctx, tree, agent, shift):
    """Changes before, at and after each jump arrive."""
    for number, hours in enumerate((1, 0, -1, 0)):
        shift(hours * HOUR_S)
        write(f"{tree}/{number}/new.jpg", b"new %d" % number)
        write(f"{tree}/first.jpg", b"edit %d" % number)
        agent.wait_in_step(30)
        ctx.client.assert_tree(tree, "images/")
        if number:
            os.unlink(f"{tree}/{number - 1}/new.jpg")
    agent.wait_in_step(60)
    ctx.client.assert_tree(tree, "images/")


@on("s3d")
@deadline(120)
def test_no_change_is_missed_where_the_clock_jumps(ctx):
    tree = ctx.folder("images")
    agent, shift = running(ctx, tree)
    jump(ctx, tree, agent, shift)
    assert agent.stop() == 0
    whole(agent, ctx)
    records = agent.journal_records()
    steps = [(b["t"] - a["t"]) / 1e6 for a, b in zip(records, records[1:])]
    assert max(steps) > HOUR_S / 2 and min(steps) < -HOUR_S / 2, steps  # the shim did shift
    shift(-HOUR_S)  # what was written "later" is read by who starts "before" it
    write(f"{tree}/last.jpg", b"last")
    agent.once()
    ctx.client.assert_tree(tree, "images/")
    whole(agent, ctx)


@on("ceph", "swift")
@deadline(180)
def test_servers_that_look_at_the_clock_are_not_kept_away(ctx):
    """They refuse what is a quarter of an hour off; their answer tells the time."""
    tree = ctx.folder("images")
    agent, shift = running(ctx, tree)
    jump(ctx, tree, agent, shift)
    again = [r for r in agent.journal_records() if r["st"] == "done" and r.get("at", 1) > 1]
    assert again, agent.journal_records()  # it was refused, and learnt
    agent.verify_journal()
