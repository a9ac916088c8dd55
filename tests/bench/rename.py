#!/usr/bin/python3
"""What the rename of a directory with many images costs, beside a bare client in the same run.

An agent has a tree in step; its one large directory is renamed, and the time counts until all is in
step again: copies inside S3, the list rewritten and put, the old objects deleted. The bare client
copies and deletes as many objects of its own as fast as the same engine and server can, with as many
requests at once, and knows of nothing else. Both in turn, the medians of the rounds count. No image
may be read or put, each may be copied once, and memory (RssAnon, sampled) must not grow with them.
The full size is

    rename.py --images 100000 --rounds 3"""

import argparse
import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))

from harness import Agent, Client, S3d, process  # noqa: E402
from restart import anonymous_mb  # noqa: E402

BUCKET = "bench"
LEAST = 0.9     # of the bare client's speed
LIMIT_MB = 96  # of anonymous memory
POLL_S = 0.05
DEADLINE_S = 3600


def make_tree(folder, count):
    """One directory with so many images, and its list."""
    os.makedirs(f"{folder}/images/old")
    os.makedirs(f"{folder}/lists")
    with open(f"{folder}/lists/all.lst", "w", encoding="ascii") as rows:
        for i in range(count):
            with open(f"{folder}/images/old/{i:07}.jpg", "wb") as file:
                file.write(b"%d" % i * 50)
            rows.write(f"{i}\t{i % 10}.0\told/{i:07}.jpg\n")


def part(server):
    """The server has one processor for itself, and whoever is started from now on another one, as on
    two machines."""
    its, ours = sorted(os.sched_getaffinity(0))[:2]
    for thread in os.listdir(f"/proc/{server.process.pid}/task"):
        os.sched_setaffinity(int(thread), {its})
    os.sched_setaffinity(0, {ours})


class Run:
    """The server, the agent, and the bare client."""

    def __init__(self, folder, build, apart, latency_ms):
        self.folder, self.build = folder, build
        self.server = S3d(f"{folder}/s3d").start()
        if apart:
            part(self.server)
        self.server.create_bucket(BUCKET)
        self.latency_ms = latency_ms
        self.agent = Agent(f"{folder}/agent", self.server, Client(self.server, BUCKET),
                           f"{folder}/images", f"{folder}/lists")
        self.peak_mb = 0.0

    def probe(self, *arguments):
        """s3probe, as many requests at once as the agent has."""
        done = subprocess.run([f"{self.build}/tests/system/s3probe", "-b", BUCKET, "-e",
                               self.server.endpoint, "-q", "-w", "2", "-f", "64", *arguments],
                              capture_output=True, text=True, check=False,
                              env=self.server.environment())
        if done.returncode != 0:
            raise SystemExit(f"s3probe {arguments[0]}: {done.stderr}")
        return done.stdout

    def be_far(self):
        """From now on."""
        if self.latency_ms > 0:
            self.server.fault("delay", count=0, ms=self.latency_ms)

    def in_step(self):
        return self.agent.log().count(": in step (")

    def await_step(self, before):
        """Until the agent has said once more that it is in step."""
        end = time.monotonic() + DEADLINE_S
        while self.in_step() <= before:
            if not self.agent.is_running() or time.monotonic() > end:
                raise SystemExit("the agent did not come in step: " +
                                 process.tail(self.agent.log_path))
            self.peak_mb = max(self.peak_mb, anonymous_mb(self.agent.process.pid))
            time.sleep(POLL_S)

    def cpu_s(self):
        """Of the agent so far."""
        with open(f"/proc/{self.agent.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rename_by_agent(self, old, new):
        """Seconds until all is in step, and of them on a processor."""
        before, cpu = self.in_step(), self.cpu_s()
        began = time.monotonic()
        os.rename(f"{self.folder}/images/{old}", f"{self.folder}/images/{new}")
        self.await_step(before)
        return time.monotonic() - began, self.cpu_s() - cpu

    def rename_bare(self, old, new):
        told = json.loads(self.probe("rename", f"bare/{old}/", f"bare/{new}/"))
        return (told["copies_ms"] + told["deletions_ms"]) / 1000, told["cpu_s"]


def check(run, count, rounds):
    """What the server says of it: each image copied once a round, none put again."""
    operations = {}
    for request in run.server.requests():
        if request["key"].startswith("images/"):
            operations[request["op"]] = operations.get(request["op"], 0) + 1
    if operations.get("CopyObject") != count * rounds or operations.get("PutObject") != count:
        raise SystemExit(f"not one copy an image: {operations}")


def phases(run, began, ended):
    """Where the time of one rename went."""
    times = {}
    for request in run.server.requests():
        at = datetime.datetime.fromisoformat(request["time"].replace("Z", "+00:00")).timestamp()
        if at >= began and not request["key"].startswith("bare/"):
            times.setdefault(request["op"], []).append(at)
    copies, lists = times["CopyObject"], times["PutObject"]
    deletions = times["DeleteObjects"]
    return (f"first copy after {copies[0] - began:.1f} s, copies {copies[-1] - copies[0]:.1f} s, "
            f"list after {lists[-1] - copies[-1]:.1f} s more, deletions after "
            f"{deletions[0] - lists[-1]:.1f} s, for {deletions[-1] - deletions[0]:.1f} s, in step "
            f"after {ended - deletions[-1]:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build/plain", help="where make put the programs")
    parser.add_argument("--images", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--apart", action="store_true",
                        help="server and client each on a processor of its own, as on two machines")
    parser.add_argument("--latency-ms", type=int, default=0,
                        help="the server answers each request so much later, as one that is far")
    parser.add_argument("--dir", default="/dev/shm" if os.path.isdir("/dev/shm") else None,
                        help="where all of it lies meanwhile; in memory, so that no disk is measured")
    arguments = parser.parse_args()
    build = os.environ["LOCKSTEP_BUILD"] = os.path.abspath(arguments.build)
    folder = tempfile.mkdtemp(prefix="lockstep-rename-", dir=arguments.dir)
    run = None
    try:
        make_tree(folder, arguments.images)
        run = Run(folder, build, arguments.apart, arguments.latency_ms)
        return compare(run, arguments.images, arguments.rounds)
    finally:
        if run is not None:
            if run.agent.is_running():
                run.agent.kill9()
            run.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def prepare(run):
    """All images in S3, twice: the agent's and the bare client's."""
    run.agent.start()
    run.await_step(0)
    names = subprocess.run(["find", ".", "-name", "*.jpg", "-printf", "%P\\0"], check=True,
                           cwd=f"{run.folder}/images", capture_output=True).stdout
    done = subprocess.run([f"{run.build}/tests/system/s3probe", "-b", BUCKET, "-e",
                           run.server.endpoint, "-q", "put", f"{run.folder}/images", "bare", "-"],
                          input=names, capture_output=True, check=False,
                          env=run.server.environment())
    if done.returncode != 0:
        raise SystemExit("s3probe put: " + done.stderr.decode())


def compare(run, count, rounds):
    prepare(run)
    run.be_far()
    at_rest_mb, run.peak_mb = anonymous_mb(run.agent.process.pid), 0.0
    names, ours, bare = ("old", "new"), [], []
    for number in range(rounds):
        old, new = names[number % 2], names[1 - number % 2]
        bare.append(run.rename_bare(old, new))
        began = time.time()
        ours.append(run.rename_by_agent(old, new))
        print(f"round {number + 1}: bare {bare[-1][0]:.1f} s ({bare[-1][1]:.1f} s of processor), "
              f"agent {ours[-1][0]:.1f} s ({ours[-1][1]:.1f} s)")
        sys.stdout.flush()
    print(phases(run, began, time.time()))
    check(run, count, rounds)
    floor, took = (statistics.median(s for s, _ in runs) for runs in (bare, ours))
    last_mb = anonymous_mb(run.agent.process.pid)
    print(f"rename of {count} images: bare {count / floor:.0f}/s, agent {count / took:.0f}/s, "
          f"{floor / took:.2f} of it (at least {LEAST}); memory {at_rest_mb:.0f} MB before, "
          f"{run.peak_mb:.0f} MB at most (limit {LIMIT_MB}), {last_mb:.0f} MB after")
    return 0 if floor / took >= LEAST and run.peak_mb <= LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
