"""The agent ends at a system call: strace kills it at the n-th of a kind, in `agent --once`."""

import json
import random
import time

from harness import deadline, long_test, need, on
from harness.seeds import seed
from oracle import Bed

SAMPLE_S = 20  # in the daily run
# What changes anything, or comes right before or after such: files, names, the journal, the network.
CALLS = ("pwrite64", "write", "fdatasync", "fsync", "msync", "ftruncate", "fallocate", "openat2",
         "openat", "renameat", "renameat2", "linkat", "unlinkat", "fchmod", "sendto", "recvfrom",
         "writev", "close", "epoll_wait")
CALLS_MOST = 60  # of a thread, of one kind


def begun(ctx, bed):
    """Objects that were put or copied without an intent in the journal."""
    intents = {f"{r['w']}/{path}" for r in bed.agent.journal_records() if r["st"] == "intent"
               for path in (r["p"], r.get("d"))}
    put = {r["key"] for r in ctx.server.requests() if r["op"] in ("PutObject", "CopyObject")}
    return sorted(put - intents)


def kill(bed, call, number):
    """One round that ends at this call of a thread: (what is wrong, did it end there)."""
    trace = bed.ctx.path("trace")
    lists, want = bed.change()
    # Not -D: strace ends as what it traced did.
    status, said = bed.failing_run(["strace", "-f", "-qq", "-o", trace, "-e", f"trace={call}",
                                    "-e", f"inject={call}:signal=KILL:when={number}"])
    struck = status in (-9, 137)
    wrong = [bed.hold(0 if struck else status, said, lists)]
    unbacked = begun(bed.ctx, bed)
    wrong.append(f"no intent tells of {unbacked}" if unbacked else "")
    wrong.append(bed.recover(want, said))
    told = "; ".join(filter(None, wrong))
    return told and f"killed at {call} {number}: {told}\nstatus {status}: {said[-1500:]}", struck


@deadline(180)
@on("s3d")
def test_the_agent_is_killed_at_a_call(ctx):
    """By chance, for a while."""
    need("strace")
    dice = random.Random(seed())
    bed, tried, end = Bed(ctx), 0, time.monotonic() + SAMPLE_S
    while time.monotonic() < end:
        wrong, struck = kill(bed, dice.choice(CALLS), dice.randrange(1, CALLS_MOST // 4))
        assert not wrong, wrong
        tried += struck
    print(f"{tried} kills")
    assert tried > 3, tried


@long_test
@deadline(2 * 3600)
@on("s3d")
def test_the_agent_is_killed_at_every_call(ctx):
    need("strace")
    bed, kills = Bed(ctx), {}
    for call in CALLS:
        for number in range(1, CALLS_MOST + 1):
            wrong, struck = kill(bed, call, number)
            assert not wrong, wrong
            if not struck:
                break
            kills[call] = number
    print(json.dumps(kills))
