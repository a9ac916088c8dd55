"""The runner itself: what runs beside what, and what becomes of those that fail."""

import os
import random
import re
import time

import run
from harness import Skip, alone, deadline, on, read
from harness.seeds import SEED_VARIABLE, seed


def plan(found):
    """Tests that note when they run: name -> [begun, ended]."""
    def noting(name, what=lambda ctx: time.sleep(1)):
        def test(ctx):
            with open(f"{found}/{name}", "w", encoding="ascii", buffering=1) as file:
                file.write(f"{time.monotonic()}\n")
                what(ctx)
                file.write(f"{time.monotonic()}\n")
        return test

    def skips(ctx):
        raise Skip(f"no reason to run in {ctx.dir}")

    def fails(ctx):
        raise AssertionError(f"it fails in {ctx.dir}")

    functions = {"one": noting("one"), "two": noting("two"), "first": alone(noting("first")),
                 "second": alone(noting("second")), "skips": skips, "fails": fails,
                 "slow": deadline(2)(noting("slow", lambda ctx: time.sleep(60)))}
    return [run.Test("test_t", f"test_{name}", function, "s3d")
            for name, function in functions.items()]


def when(found, name):
    with open(f"{found}/{name}", encoding="ascii") as file:
        return [float(line) for line in file]


def results(ctx, jobs):
    """Run the plan; (results, where the tests noted their times, the folders that are kept)."""
    found, base = ctx.folder(f"found{jobs}"), ctx.folder(f"base{jobs}")
    told = run.run_all(plan(found), jobs, run.Servers(base), base, keep=True)
    assert told == {"t.one[s3d]": "ok", "t.two[s3d]": "ok", "t.first[s3d]": "ok",
                    "t.second[s3d]": "ok", "t.skips[s3d]": "SKIP", "t.fails[s3d]": "FAIL",
                    "t.slow[s3d]": "FAIL"}, told
    assert sorted(os.listdir(base)) == ["5", "6"], os.listdir(base)  # those that failed
    assert len(when(found, "slow")) == 1, "it was not killed"
    return found


@on("s3d")
def test_tests_run_beside_each_other_but_those_alone(ctx):
    found = results(ctx, jobs=7)
    (begun, ended), (begun2, ended2) = when(found, "one"), when(found, "two")
    assert begun < ended2 and begun2 < ended, "one after the other"
    lonely = sorted([when(found, "first"), when(found, "second")])
    beside = max(ended, ended2, when(found, "slow")[0] + 1)
    assert beside <= lonely[0][0] and lonely[0][1] <= lonely[1][0], (beside, lonely)


@on("s3d")
def test_one_at_a_time_goes_in_order(ctx):
    found = results(ctx, jobs=1)
    order = [when(found, name)[0] for name in ("one", "two", "slow", "first", "second")]
    assert order == sorted(order) and when(found, "one")[1] <= order[1], order


@on("s3d")
def test_a_failure_names_the_command_that_repeats_it(ctx):
    def fails(inner):
        number = random.Random(seed()).random()
        with open(ctx.path("drawn"), "w", encoding="ascii") as file:
            file.write(repr(number))
        raise AssertionError(f"it fails in {inner.dir}")

    def drawn(name):
        """What was drawn, and the command that repeats it."""
        base, commands = ctx.folder(name), []
        run.run_beside([run.Test("test_t", "test_fails", fails, "s3d")], 1, run.Servers(base), base,
                       lambda ended: commands.append(ended.command()))
        return read(ctx.path("drawn")), commands.pop()

    os.environ.pop(SEED_VARIABLE, None)
    first, command = drawn("first")
    again = re.fullmatch(r"tests/system/run\.py --build \S+ --server s3d --seed (\d+) "
                         r"--only 't\.fails\[s3d\]'", command)
    assert again and drawn("other")[0] != first, command
    os.environ[SEED_VARIABLE] = again.group(1)
    assert drawn("second") == (first, command)
