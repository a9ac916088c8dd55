"""Memory that runs out: each allocation of `agent --once` fails in turn (a sample of them, all of
them with --long), once, or from there on for good. What nobody can reach any more at the end was
leaked: LeakSanitizer is preloaded behind the allocator that fails, and looks at whatever it gave."""

import functools
import os
import random
import re
import subprocess
import time

from harness import Skip, deadline, long_test, on
from harness.seeds import seed
from oracle import Bed
from shims import shim

SAMPLE_S = 20  # of each kind, in the daily run
PARTS = 16  # of all allocations, each with a tree of its own: a tree grows with each round that it has
PART_S = 3600  # a bound of each part: some two hundred and fifty rounds of a second or two
BEYOND = 3  # numbers in a row that nobody asked for: there are no more


CALLERS = 8  # of an allocation that LeakSanitizer asks for: it is one of these

# How it says that it got nothing, which need not be the first allocation that failed.
NO_THREAD = re.compile(r"LeakSanitizer: CHECK failed: .*pthread_getattr_np.*\(0xc,")

# What libraries leak where they got no memory, or always: not ours to mend.
LIBRARIES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "leaks_of_libraries.supp")


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


@functools.cache
def leaks_are_told():
    """For the environment: the failing allocator, LeakSanitizer, and what it is to pass over. It may
    follow callers through code without frame pointers, as libraries are."""
    lsan = subprocess.run(["cc", "-print-file-name=liblsan.so"], capture_output=True, text=True,
                          check=True).stdout.strip()
    if not os.path.isabs(lsan):
        raise Skip("no liblsan.so beside the compiler: no leaks would be found")
    return {"LD_PRELOAD": f"{shim('alloc_fail')} {lsan}",
            "LSAN_OPTIONS": f"suppressions={LIBRARIES}:print_suppressions=0:exitcode=0:"
                            "handle_segv=0:handle_sigfpe=0:handle_sigbus=0:handle_abort=0:"
                            "fast_unwind_on_malloc=0"}


def fail(bed, number, **more):
    """One round in which this allocation fails: (what is wrong, was it asked for at all)."""
    log = bed.ctx.path(f"alloc.{number}")
    wrong, status, said = bed.try_one(ALLOC_FAIL_AT=str(number), ALLOC_FAIL_LOG=log,
                                      **leaks_are_told(), **more)
    who = told(log)[1]
    if (is_a_librarys(wrong, who) or "liblsan" in "".join(who.splitlines()[:CALLERS])
            or NO_THREAD.search(said)):
        wrong = ""  # LeakSanitizer asks, too, for each thread, and ends where it gets nothing
    if wrong:
        wrong = f"allocation {number} {more}: {wrong}\nstatus {status}: {said[-1500:]}\n{who}"
    elif os.path.exists(log):
        os.unlink(log)
    return wrong, "(" in who


def count(bed):
    """How many allocations a round has."""
    log = bed.ctx.path("alloc.count")
    wrong, status, said = bed.try_one(ALLOC_FAIL_LOG=log, **leaks_are_told())
    assert not wrong and status == 0, (wrong, said)
    return told(log)[0]


def sampled(ctx, seconds, **more):
    """Numbers by chance, and each of the first ones of main, for so long."""
    bed = Bed(ctx)
    dice, most = random.Random(seed()), count(bed)
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


def every(ctx, part):
    """Each PARTS-th number from this one on, until a round has fewer allocations than that. Rounds
    differ a little in how many they have: the end is where no number of a few in a row was asked
    for."""
    bed, number, beyond, tried = Bed(ctx), part, 0, 0
    while beyond < BEYOND:
        wrong, was = fail(bed, number)
        assert not wrong, wrong
        beyond = 0 if was else beyond + 1
        tried += was
        number += PARTS
    print(f"{tried} allocations failed, the last of them at most the {number - BEYOND * PARTS}th")
    assert tried * PARTS > 1000, tried


def part_of_all(part):
    """The test of this part."""
    @long_test
    @deadline(PART_S)
    @on("s3d")
    def test(ctx):
        every(ctx, part)
    return test


test_every_allocation_fails_once_01 = part_of_all(1)
test_every_allocation_fails_once_02 = part_of_all(2)
test_every_allocation_fails_once_03 = part_of_all(3)
test_every_allocation_fails_once_04 = part_of_all(4)
test_every_allocation_fails_once_05 = part_of_all(5)
test_every_allocation_fails_once_06 = part_of_all(6)
test_every_allocation_fails_once_07 = part_of_all(7)
test_every_allocation_fails_once_08 = part_of_all(8)
test_every_allocation_fails_once_09 = part_of_all(9)
test_every_allocation_fails_once_10 = part_of_all(10)
test_every_allocation_fails_once_11 = part_of_all(11)
test_every_allocation_fails_once_12 = part_of_all(12)
test_every_allocation_fails_once_13 = part_of_all(13)
test_every_allocation_fails_once_14 = part_of_all(14)
test_every_allocation_fails_once_15 = part_of_all(15)
test_every_allocation_fails_once_16 = part_of_all(16)
