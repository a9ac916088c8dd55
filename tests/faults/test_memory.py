"""Memory that runs out: each allocation of `agent --once` fails in turn (a sample of them, all of
them with --long), once, or from there on for good."""

import os
import random
import re
import time

from harness import deadline, long_test, on
from harness.workload import seed
from oracle import Bed
from shims import shim

SAMPLE_S = 20  # of each kind, in the daily run


def told(log):
    """(how many allocations there were, who asked for the one that failed)."""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except FileNotFoundError:
        return 0, ""
    found = re.search(r"^asked (\d+)$", text, re.MULTILINE)
    return int(found.group(1)) if found else 0, text


# Libraries that crash where they got no memory, which is not ours to mend (README.md): libconfig
# while it reads the file, libcurl once its table of sockets got no entry.
CRASHES = {"it ended with -11": "libconfig.so", "it ended with -8": "libcurl.so"}


def is_a_librarys(wrong, who):
    """Nothing else is wrong, and it was this library that asked."""
    return wrong in CRASHES and any(CRASHES[wrong] in line for line in who.splitlines()[2:5])


def fail(bed, number, **more):
    """One round in which this allocation fails: (what is wrong, was it asked for at all)."""
    log = bed.ctx.path(f"alloc.{number}")
    wrong, status, said = bed.try_one(LD_PRELOAD=shim("alloc_fail"), ALLOC_FAIL_AT=str(number),
                                      ALLOC_FAIL_LOG=log, **more)
    who = told(log)[1]
    if is_a_librarys(wrong, who):
        wrong = ""
    if wrong:
        wrong = f"allocation {number} {more}: {wrong}\nstatus {status}: {said[-1500:]}\n{who}"
    elif os.path.exists(log):
        os.unlink(log)
    return wrong, "(" in who


def count(bed):
    """How many allocations a round has."""
    log = bed.ctx.path("alloc.count")
    wrong, status, said = bed.try_one(LD_PRELOAD=shim("alloc_fail"), ALLOC_FAIL_LOG=log)
    assert not wrong and status == 0, (wrong, said)
    return told(log)[0]


def sampled(ctx, seconds, **more):
    """Numbers by chance, and each of the first ones of main, for so long."""
    bed = Bed(ctx)
    dice, most = random.Random(seed("LOCKSTEP_FAULT_SEED")), count(bed)
    end, tried, found = time.monotonic() + seconds, 0, []
    while time.monotonic() < end:
        wrong, was = fail(bed, dice.randrange(1, most + 1), **more)
        tried += was
        if wrong:
            found.append(wrong)
            break  # the next round stands on this one
    print(f"{tried} of about {most} allocations failed")
    assert not found, found[0]
    assert tried > 3, tried


@deadline(180)
@on("s3d")
def test_an_allocation_that_fails_once(ctx):
    sampled(ctx, SAMPLE_S)


@deadline(180)
@on("s3d")
def test_memory_that_is_gone_from_some_moment_on(ctx):
    sampled(ctx, SAMPLE_S, ALLOC_FAIL_ON="1")


@long_test
@deadline(4 * 3600)
@on("s3d")
def test_every_allocation_fails_once(ctx):
    """One after the other, until a round has fewer than that."""
    bed, number, was = Bed(ctx), 1, True
    while was:
        wrong, was = fail(bed, number)
        assert not wrong, wrong
        number += 1
    assert number > 1000, number
