"""Storms: processes that make, write, rename, link and remove at random while the agent works. At
quiet the bucket is the tree, no directory is a ghost, and lists name what is there.

Each storm has a seed; `run.py --seed N` runs the one run of storms that begins with that one, and
LOCKSTEP_WATCH=kind watches by that kind (setting `watch`).
They run alone: how late the agent is, is theirs to say.
"""

import os
import random
import shutil

from harness import Skip, alone, deadline, long_test, mounts, on, wait_until
from harness import storms
from harness.seeds import given_seed, say_seed, seed

STORMS_A_RUN = 5 # on one agent
SMALL_QUEUE, LARGE_QUEUE = 1024, 1048576


def watch_settings(ctx):
    """Further settings of the repository by LOCKSTEP_WATCH; skips where the agent has no such
    setting."""
    kind = os.environ.get("LOCKSTEP_WATCH")
    return watch_by(ctx, kind) if kind else {}


def watch_by(ctx, kind):
    """The setting that watches by `kind`."""
    agent = ctx.agent(images=ctx.folder("probe"), name="p", repository={"watch": kind})
    done = agent.run("config", "check")
    if done.returncode != 0 and "watch" in done.stdout + done.stderr:
        raise Skip(f"this build cannot be told to watch by {kind}: {done.stderr.strip()[:200]}")
    return {"watch": kind}


def one_storm(bed, number, started, flood):
    """One storm; the agent starts in its midst unless it is at work already. A flood is more than a
    small queue holds while the agent stands still."""
    choice = random.Random(number)
    gentle = choice.random() < 0.4 # no listed image leaves the tree
    how = {"writers": 1 + choice.randrange(4), "deeds": choice.choice((150, 300, 500)),
           "seconds": choice.choice((0, 0.3, 1.0)),
           "without": storms.LEAVING if gentle else ()}
    stall_s = choice.choice((0, 0, 0.3, 1.0, 2.0))
    if flood:
        how.update(writers=4, deeds=1500, seconds=0)
        stall_s = 1.0
    print(f"storm of seed {number}: {how}, stalled for {stall_s} s", flush=True)
    if started:
        bed.thin_out()
    storm = bed.storm(number, **how)
    if not started:
        storms.start_with_queue(bed.agent, bed.queue)
    elif stall_s:
        storms.stall(bed.agent, stall_s, storm if flood else None)
    done = storms.end(storm)
    bed.check()
    return done


def run(ctx, first, queue, count=STORMS_A_RUN, repository=None):
    """Storms one after the other on one agent; the sums of what they did, and overflows."""
    bed = storms.Bed(ctx, f"r{first}-{queue}", first, repository) # the bucket is emptied after each
    bed.queue = queue
    bed.know()
    sums = {}
    for i in range(count):
        for name, numbers in one_storm(bed, first + i, started=i > 0,
                                       flood=i == count - 1).items():
            if name != "seed":
                sums[name] = sums.get(name, 0) + numbers[0]
    bed.finish()
    print(f"run of seed {first}: {bed.overflows} overflows", flush=True)
    ctx.client.rclone("purge", ctx.client.remote("images"))
    ctx.client.rclone("purge", ctx.client.remote("lists"))
    return sums, bed.overflows


def runs(ctx, count, watch=None):
    """So many runs, by turns with a small and a large queue of events. Every kind of deed must
    have changed the disk, and the small queues must have overflowed."""
    repository = watch or watch_settings(ctx)
    first = seed()
    if given_seed() is not None:
        for queue in (SMALL_QUEUE, LARGE_QUEUE):
            run(ctx, first, queue, repository=repository)
        return
    total, overflows = {}, 0
    for i in range(count):
        say_seed(first + i * STORMS_A_RUN)
        sums, lost = run(ctx, first + i * STORMS_A_RUN, (SMALL_QUEUE, LARGE_QUEUE)[i % 2],
                         repository=repository)
        total = {name: total.get(name, 0) + number for name, number in sums.items()}
        overflows += lost
        print(f"storms so far: {(i + 1) * STORMS_A_RUN}", flush=True)
    idle = [name for name, number in total.items() if number == 0]
    assert not idle, f"deeds that never changed anything: {idle}"
    print(f"{count * STORMS_A_RUN} storms, {overflows} overflows, deeds: {total}")
    assert repository or overflows > 0, "no queue overflowed: the storms are too weak"


@alone
@on("s3d")
@deadline(240)
def test_five_storms(ctx):
    """Few enough for the sanitizers; the last is a flood, which the queue does not hold."""
    repository = watch_settings(ctx)
    _, overflows = run(ctx, seed(), SMALL_QUEUE, repository=repository)
    assert repository or overflows > 0, "no queue overflowed: the flood is too weak"


@alone
@on("s3d")
@deadline(400)
def test_storms_on_fanotify(ctx):
    run(ctx, seed(), None, repository=watch_by(ctx, "fanotify"))


@alone
@long_test
@on("s3d")
@deadline(600)
def test_twenty_storms(ctx):
    runs(ctx, 20 // STORMS_A_RUN)


@on("s3d")
@long_test
@deadline(3600)
def test_two_hundred_storms(ctx):
    runs(ctx, 200 // STORMS_A_RUN)


@on("s3d")
@deadline(240)
def test_the_guard_holds_what_a_storm_removes(ctx):
    """With the default limits: a storm that takes most of the tree away is held, adds go on, and
    once an operator lets the removals go the bucket is the tree."""
    bed = storms.Bed(ctx, "g", 7, watch_settings(ctx), max_removals=None)
    for i in range(1000):
        bed.write(f"e{i % 7}/f{i}.jpg")
    bed.know()
    bed.agent.start()
    storm = bed.storm(7, writers=2, deeds=300, seconds=0.5)
    for i in range(5):
        shutil.rmtree(f"{bed.images}/e{i}")
    storms.end(storm)
    wait_until(lambda: bed.agent.run("status").returncode == 3, 60, "removals to be held")
    bed.write("late/one.jpg")
    wait_until(lambda: "images/late/one.jpg" in ctx.client.keys("images/late"), 20, "the add")
    assert len(ctx.client.keys("images/e0/")) > 100, "they went without being asked about"

    def released():
        bed.agent.run("release", "images")
        return bed.agent.is_in_step()

    wait_until(released, 60, lambda: f"step: {bed.agent.differences()[:5]} {bed.agent.status()}")
    bed.check()
    bed.finish()


@on("s3d")
@deadline(240)
def test_mounts_over_directories_of_a_storm(ctx):
    """What is mounted is not entered, what it hides is not removed, and what changed beneath it (by
    another way in) is taken up when it goes."""
    mounts.private()
    bed = storms.Bed(ctx, "m", 11, watch_settings(ctx))
    for i in range(20):
        bed.write(f"hidden/deep/f{i}.jpg")
        bed.write(f"beside/f{i}.jpg")
    behind = ctx.folder("behind")
    mounts.mount("--bind", bed.images, behind)
    bed.know()
    bed.agent.start()
    bed.agent.wait_in_step(30)
    for number in range(3):
        storm = bed.storm(11 + number, writers=2, deeds=200, seconds=1.0)
        mounts.mount("-t", "tmpfs", "none", f"{bed.images}/hidden/deep")
        bed.write("hidden/deep/mounted.jpg")
        with open(f"{behind}/hidden/deep/new{number}.jpg", "w") as file:
            file.write("made beneath the mount")
        os.unlink(f"{behind}/hidden/deep/f{number}.jpg")
        storms.end(storm)
        bed.write(f"beside/after{number}.jpg")
        wait_until(lambda: f"images/beside/after{number}.jpg" in ctx.client.keys("images/beside/"),
                   20, "what is not mounted over")
        keys = ctx.client.keys("images/hidden/")
        assert "images/hidden/deep/mounted.jpg" not in keys
        assert f"images/hidden/deep/f{number + 5}.jpg" in keys, "what the mount hides was removed"
        mounts.unmount(f"{bed.images}/hidden/deep")
        bed.check()
    bed.finish()
