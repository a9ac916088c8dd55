"""System calls that fail once: strace answers the n-th of a thread in the kernel's place, for calls
of directories, files and the network, during `agent --once`."""

import random
import time

from harness import deadline, long_test, need, on
from harness.seeds import seed
from oracle import Bed

SAMPLE_S = 30  # in the daily run
FAULTS = (
    ("openat2", ("ESTALE", "EIO", "EMFILE")), ("statx", ("ESTALE", "EIO")),
    ("getdents64", ("EIO", "ESTALE")), ("read", ("EIO", "EINTR")), ("pread64", ("EIO", "EINTR")),
    ("renameat2", ("EINVAL", "EIO", "EDQUOT")), ("renameat", ("EIO", "EDQUOT")),
    ("fsync", ("EIO", "ENOSPC")), ("fdatasync", ("EIO",)), ("linkat", ("EPERM", "ENOSPC")),
    ("unlinkat", ("EIO", "EACCES")), ("epoll_wait", ("EINTR",)),
    ("inotify_add_watch", ("ENOSPC", "ENOMEM")), ("socket", ("EMFILE", "ENOBUFS")),
    ("connect", ("ECONNREFUSED", "ENETUNREACH", "EADDRNOTAVAIL")),
    ("sendto", ("EPIPE", "ECONNRESET")), ("writev", ("EIO",)),
)
CALLS_MOST = 12  # of a thread, of one kind


def fail(bed, call, error, number):
    """One round with this fault: (what is wrong, did it strike)."""
    trace = bed.ctx.path("trace")
    wrong, status, said = bed.try_one(may_leave=call == "unlinkat", wrap=[
        "strace", "-D", "-f", "-qq", "-o", trace, "-e", f"trace={call}",
        "-e", f"inject={call}:error={error}:when={number}"])
    with open(trace, encoding="utf-8", errors="replace") as file:
        struck = [line for line in file if "INJECTED" in line]
    if "error while loading shared libraries" in said and status == 127:
        wrong = ""  # it was the loader's call, before main
    if wrong:
        wrong = f"{call} {error} {number}: {wrong}\nstatus {status}: {said[-1500:]}\n{struck[:6]}"
    return wrong, bool(struck)


@deadline(180)
@on("s3d")
def test_a_call_that_fails_once(ctx):
    """By chance, for a while."""
    need("strace")
    dice = random.Random(seed())
    bed, tried, end = Bed(ctx), 0, time.monotonic() + SAMPLE_S
    while time.monotonic() < end:
        call, errors = dice.choice(FAULTS)
        wrong, struck = fail(bed, call, dice.choice(errors), dice.randrange(1, CALLS_MOST + 1))
        assert not wrong, wrong
        tried += struck
    assert tried > 3, tried


@long_test
@deadline(2 * 3600)
@on("s3d")
def test_every_call_fails_once(ctx):
    need("strace")
    bed = Bed(ctx)
    for call, errors in FAULTS:
        for error in errors:
            for number in range(1, CALLS_MOST + 1):
                wrong, struck = fail(bed, call, error, number)
                assert not wrong, wrong
                if not struck:
                    break
