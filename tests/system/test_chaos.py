"""S3 fails in every way while people work: afterwards the bucket is the tree, each list has its
rows, no upload is left half done; and at no moment does a list in S3 name an object that is not
there."""

import time

from harness import deadline, long_test, on, wait_until
from harness.observer import Observer
from harness.seeds import seed
from harness.workload import Workload

CHANGES = "[!GL]*"  # the tests themselves Get and List
PARTS = {"part_size": "5M", "multipart_size": "5M"}
IMAGES = 150
SHARE = 20  # percent of the requests that each mode strikes

MODES = (
    {"do": "error", "code": "SlowDown", "status": 503},
    {"do": "error", "code": "InternalError", "status": 500},
    {"do": "error", "code": "RequestTimeout", "status": 400},
    {"do": "error", "code": "BadDigest", "status": 400},
    {"do": "error", "code": "ExpiredToken", "status": 400},
    {"do": "reset"},
    {"do": "reset-after-body"},
    {"do": "lost-reply"},
    {"do": "truncate"},
    {"do": "error-applied", "code": "InternalError", "status": 500},
    {"do": "stall", "ms": 1500},
    {"do": "delay", "ms": 300},
)
ONLY_200 = {"do": "error-200"}  # of the operations whose answer may turn into an error
LATE = ("CopyObject", "UploadPartCopy", "CompleteMultipartUpload")


def begin(ctx, number, images=IMAGES, **options):
    """Trees, an agent that is in step, somebody who works on them, an observer of S3."""
    work = Workload(ctx.folder("images"), ctx.folder("lists"), number).prepare(images)
    agent = ctx.agent(images=work.root, lists=work.lists_root, s3={**PARTS, **options},
                      repository={"max_removals": 100000, "max_removal_percent": 100}).start()
    agent.wait_in_step(60)
    observer = Observer(ctx.server.signed(ctx.bucket), ("lists/train.lst", "lists/val.lst"))
    observer.start()
    work.start()
    return work, agent, observer


def settle(ctx, work, agent, observer, patience):
    """The storm is over: judge."""
    work.finish()
    agent.wait_in_step(patience)
    observer.finish()
    ctx.client.assert_tree(work.root, "images/")
    ctx.client.assert_tree(work.lists_root, "lists/")
    work.assert_rows()
    assert observer.broken == [], observer.broken[:5]
    wait_until(lambda: ctx.client.signed.uploads() == [], 20, "no upload half done")
    agent.verify_journal()
    print(work.deeds, "observed", observer.looks, "times")


def strike_all_modes(ctx, seconds):
    """One mode after the other, in turns, for so long. How many requests were struck by each."""
    struck, until, turn = {}, time.monotonic() + seconds, max(1.5, seconds / len(MODES) / 4)
    while time.monotonic() < until:
        for mode in MODES:
            if time.monotonic() >= until:
                break
            ctx.server.fault(op=CHANGES, count=0, percent=SHARE, **mode)
            for op in LATE:
                ctx.server.fault(op=op, count=0, percent=SHARE, **ONLY_200)
            time.sleep(turn)
            for fault in ctx.server.faults():
                name = fault.get("code") or fault["do"]
                struck[name] = struck.get(name, 0) + fault["hits"]
            ctx.server.clear_faults()
    return struck


def chaos_on_s3d(ctx, seconds, patience):
    work, agent, observer = begin(ctx, seed())
    struck = strike_all_modes(ctx, seconds)
    print("struck", struck)
    settle(ctx, work, agent, observer, patience)
    assert sum(struck.values()) > seconds, struck


@long_test
@deadline(240)
@on("s3d", options=("--min-part-size", "1"))
def test_every_mode_of_failure_under_mixed_load(ctx):
    chaos_on_s3d(ctx, 20, 120)


@long_test
@deadline(1200)
@on("s3d", options=("--min-part-size", "1"))
def test_every_mode_of_failure_under_mixed_load_for_ten_minutes(ctx):
    chaos_on_s3d(ctx, 600, 300)


@long_test
@deadline(1200)
@on("ceph")
def test_a_real_server_in_trouble_for_ten_minutes(ctx):
    """A gateway that is throttled, killed and restarted; an OSD that stands still; a user who is
    suspended; a quota that is full."""
    ctx.take_own_ceph()
    work, agent, observer = begin(ctx, seed())
    ceph, until = ctx.server, time.monotonic() + 600
    while time.monotonic() < until:
        for blow in (ceph.throttled, ceph.stalled, ceph.gone, ceph.suspended, ceph.full):
            with blow():
                time.sleep(2)
            time.sleep(2)
    settle(ctx, work, agent, observer, 300)
