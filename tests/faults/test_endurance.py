"""What failures leave behind: after a thousand kill -9, and after ten thousand failed transfers, the
agent has as much memory, as many descriptors and threads as at the start, and its directory holds
nothing but what belongs there (row 1, row 26)."""

import contextlib
import os
import random
import time

from harness import deadline, long_test, on, write
from harness.prom import Port
from harness.seeds import seed
from test_crash import Load, check

MIB = 1 << 20
MEMORY_MIB = 2.0  # what it may have more in the end
JOURNAL = "journal" + os.sep


def connections(agent):
    """How many connections to S3 an agent keeps: as many as it had use for at once, so that how many
    there are in the beginning is chance."""
    open_now = set()
    for fd in os.scandir(f"/proc/{agent.process.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            open_now.add(os.readlink(fd.path))
    remote = f":{agent.server.port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file]
    return sum(row[2].endswith(remote) and f"socket:[{row[9]}]" in open_now for row in rows[1:])


class Vitals:
    """What an agent in step has: asked of itself, and seen in its directory."""

    def __init__(self, agent, port):
        agent.wait_in_step(60)
        time.sleep(0.5)  # what idles is given back
        figures = port.figures()
        self.memory = figures.get("lockstep_process_own_memory_bytes") / MIB
        self.connections = connections(agent)
        self.connections_max = figures.get("lockstep_s3_concurrency_limit")
        self.descriptors = figures.get("lockstep_process_open_fds") - self.connections
        self.threads = figures.get("lockstep_process_threads")
        self.files = {os.path.relpath(os.path.join(base, name), agent.state_dir)
                      for base, _, names in os.walk(agent.state_dir) for name in names}

    def assert_as(self, first):
        print(f"memory {first.memory:.1f} -> {self.memory:.1f} MiB, descriptors "
              f"{first.descriptors:.0f} -> {self.descriptors:.0f}, connections to S3 "
              f"{first.connections} -> {self.connections} (of {self.connections_max:.0f}), threads "
              f"{first.threads:.0f} -> {self.threads:.0f}")
        assert self.memory <= first.memory + MEMORY_MIB, (first.memory, self.memory)
        assert self.descriptors <= first.descriptors, (first.descriptors, self.descriptors)
        assert self.connections <= self.connections_max, (self.connections, self.connections_max)
        assert self.threads == first.threads, (first.threads, self.threads)
        # Of the journal: segments, their indexes, undo texts of rewrites, and tails that were cut
        # off (where the agent was killed in the midst of a write); no other kind than before.
        new = {name for name in self.files - first.files if not name.startswith(JOURNAL)}
        assert not new, sorted(new)
        assert self.kinds() <= first.kinds() | {(JOURNAL, ".undo"), (JOURNAL, ".torn")}, self.kinds() - first.kinds()

    def kinds(self):
        return {(JOURNAL, os.path.splitext(name)[1]) for name in self.files
                if name.startswith(JOURNAL)}


def bed(ctx, number, images_count=60):
    """An agent on a tree with lists, a load for them, its port."""
    images, lists, port = ctx.folder("images"), ctx.folder("lists"), Port()
    load = Load(images, lists, number)
    for i in range(images_count):
        load.write(f"d{i % 6}/start{i}.jpg")
    write(f"{lists}/train.lst", "".join(
        f"{i}\t1\t{path}\n" for i, path in enumerate(sorted(load.files()))).encode())
    agent = ctx.agent(images=images, lists=lists, options=port.options,
                      repository={"max_removals": 10**6, "max_removal_percent": 100})
    return agent.start(), load, port


def assert_nothing_open(ctx):
    """No upload in parts was left in S3."""
    found = ctx.client.aws_json("s3api", "list-multipart-uploads", "--bucket", ctx.client.bucket)
    assert not found.get("Uploads"), found["Uploads"]


def age_leftovers(journal):
    """Temporary files are two hours old: younger ones may be another process's. There are some in
    any case."""
    for folder in (journal, f"{journal}/undo"):
        os.makedirs(folder, exist_ok=True)
        write(f"{folder}/.lockstep-0123456789abcdef.tmp")
        for name in os.listdir(folder):
            if name.endswith(".tmp"):
                os.utime(f"{folder}/{name}", (time.time() - 7200,) * 2)


def restarted(agent, port):
    """The vitals of a run that has nothing to do. How much memory one keeps that had depends on how
    much there was at once, and the run after the last kill has all that the others left."""
    agent.wait_in_step(120)
    agent.stop()
    agent.start()
    return Vitals(agent, port)


def kills(ctx, count):
    """Rounds of some deeds, each ended by kill -9 at any moment from the start on."""
    agent, load, port = bed(ctx, seed())
    first = restarted(agent, port)
    agent.stop()
    for _ in range(count):
        agent.start()
        end = time.monotonic() + load.random.uniform(0, 0.4)
        while time.monotonic() < end:
            if len(load.files()) < 100 or load.random.random() < 0.3:
                load.step()
            time.sleep(load.random.uniform(0, 0.02))
        agent.kill9()
    age_leftovers(f"{agent.state_dir}/journal")
    agent.start()
    agent.wait_in_step(120)
    check(ctx, agent, load.images, load.lists)
    assert_nothing_open(ctx)
    left = [name for root in (load.images, load.lists) for _, _, names in os.walk(root)
            for name in names if name.startswith(".")]
    assert not left, left
    restarted(agent, port).assert_as(first)


@deadline(120)
@on("s3d")
def test_thirty_kills_leave_nothing_behind(ctx):
    kills(ctx, 30)


@long_test
@deadline(3600)
@on("s3d")
def test_a_thousand_kills_leave_nothing_behind(ctx):
    kills(ctx, 1000)


def failures(ctx, count):
    """So many requests fail, two of three."""
    agent, load, port = bed(ctx, seed())
    first = Vitals(agent, port)
    modes = [ctx.server.fault(do, op=op, count=0, percent=22, **more)
             for op in ("PutObject", "CopyObject", "DeleteObjects")
             for do, more in (("error", {"code": "InternalError", "status": 500}),
                              ("reset", {}), ("error", {"code": "AccessDenied", "status": 403}))]

    def hits():
        return sum(f["hits"] for f in ctx.server.faults() if f["id"] in modes)

    dice, end = random.Random(1), time.monotonic() + 0.25 * count + 60
    while hits() < count and time.monotonic() < end:
        for path in dice.sample(sorted(load.files()), 30):
            load.write(path)
        time.sleep(0.1)
    failed = hits()
    ctx.server.clear_faults()
    print(f"{failed} requests failed")
    assert failed >= count, failed
    agent.wait_in_step(120)
    check(ctx, agent, load.images, load.lists)
    assert_nothing_open(ctx)
    Vitals(agent, port).assert_as(first)


@deadline(150)
@on("s3d")
def test_two_hundred_failed_transfers_leave_nothing_behind(ctx):
    failures(ctx, 200)


@long_test
@deadline(3600)
@on("s3d")
def test_ten_thousand_failed_transfers_leave_nothing_behind(ctx):
    failures(ctx, 10_000)
