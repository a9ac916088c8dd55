#!/usr/bin/python3
"""What a tree of many files costs: the time of a restart that finds nothing changed, and memory.

`lockstep agent --once` runs over a new tree, then again and again. Of the later runs the wall time
counts, beside a bare parallel getdents+statx of the same tree in the same run (medians), and that
S3 is asked nothing. Of all runs the peak of anonymous memory counts (RssAnon, sampled): it must not
grow with the number of files. With --service an agent that goes on running syncs the tree anew, and
its memory is measured too.

The server is a sink that keeps nothing and answers as S3 does; --server s3d takes the strict one,
which keeps every object as a file and checks all that it is told. The full size is

    restart.py --directories 100000 --rounds 5 --service"""

import argparse
import collections
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from bed import Failed, Sink  # first: it makes the harness known
from harness import Agent, Client, S3d, lockstep_binary, process

BUCKET = "bench"
THREADS = 2
LIMIT = 1.5     # times the floor
LIMIT_MB = 128  # of anonymous memory
POLL_S = 0.01
FIRST_DEADLINE_S = 3600
DEADLINE_S = 600
IDLE_S = 3      # what a running agent may still free

Run = collections.namedtuple("Run", "seconds cpu_seconds peak_mb last_mb")


class Strict(S3d):
    """s3d."""

    def start(self, port=0):
        super().start(port)
        self.create_bucket(BUCKET)
        return self

    def request_count(self):
        return len(self.requests())


# --- measuring ----------------------------------------------------------------------------------

def make_tree(folder, directories, files):
    for d in range(directories):
        path = f"{folder}/{d // 100:04}/{d:06}"
        os.makedirs(path)
        for f in range(files):
            with open(f"{path}/{f}.jpg", "wb") as file:
                file.write(b"%d/%d" % (d, f))
    return directories * files


def floor(tree, count):
    """The bare walk, which must see so many files: (wall, processor seconds)."""
    bench = os.path.join(process.build_dir(), "tests/bench/bench_watch")
    before = os.times()
    out = subprocess.run([bench, "--walk", tree, str(THREADS)], check=True, capture_output=True,
                         text=True).stdout.split()
    after = os.times()
    if int(out[1]) != count:
        raise Failed(f"the bare walk saw {out[1]} of {count} files")
    return float(out[0]), (after.children_user - before.children_user +
                           after.children_system - before.children_system)


def anonymous_mb(pid):
    """Memory of the process that no file stands behind, now; 0 where it has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return 0.0


def in_step(agent):
    """Does the running agent say that all is in S3?"""
    return subprocess.run([lockstep_binary(), "status", "-c", agent.conf], check=False,
                          capture_output=True, env=agent.environment).returncode == 0


def follow(agent, is_through, deadline_s):
    """Sample the running agent until it ends or is through: a Run, and its exit status or None."""
    pid, begun, peak, last, asked = agent.process.pid, time.monotonic(), 0.0, 0.0, 0.0
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        seconds = time.monotonic() - begun
        if ended:
            agent.process.returncode = os.waitstatus_to_exitcode(status)
            cpu = usage.ru_utime + usage.ru_stime
            return Run(seconds, cpu, peak, last), agent.process.returncode
        last = anonymous_mb(pid) or last
        peak = max(peak, last)
        if is_through and seconds - asked >= 1:
            asked = seconds
            if is_through(agent):
                return Run(seconds, 0.0, peak, last), None
        if seconds > deadline_s:
            agent.kill9()
            raise Failed(f"the agent took more than {deadline_s} s")
        time.sleep(POLL_S)


def once(agent, deadline_s):
    """One run that must find or bring all in step."""
    run, status = follow(agent.start("--once"), None, deadline_s)
    if status != 0:
        raise Failed(f"agent --once ended with {status}: {process.tail(agent.log_path, 10)}")
    return run


def service(agent):
    """An agent that brings all in step and goes on: its Run, and its memory at rest."""
    run, status = follow(agent.start(), in_step, FIRST_DEADLINE_S)
    if status is not None:
        raise Failed(f"the agent ended with {status}: {process.tail(agent.log_path, 10)}")
    time.sleep(IDLE_S)
    rest = anonymous_mb(agent.process.pid)
    agent.stop()
    return run, rest


# --- reporting ----------------------------------------------------------------------------------

def memory_text(peak_mb):
    return f"peak anonymous memory {peak_mb:6.1f} MB (goal {LIMIT_MB})"


def bench(options, folder, server):
    """Measure and print. True where the promises are kept."""
    tree = os.path.join(folder, "images")
    count = make_tree(tree, options.directories, options.files)
    client = Client(server, BUCKET)
    agent = Agent(os.path.join(folder, "agent"), server, client, tree)
    print(f"{count} files in {options.directories} directories, to {server.kind}", flush=True)
    first = once(agent, FIRST_DEADLINE_S)
    requests = server.request_count()
    print(f"first run    {first.seconds:8.3f} s  cpu {first.cpu_seconds:8.3f} s, "
          f"{count / first.seconds:.0f} files/s, {memory_text(first.peak_mb)}", flush=True)
    time.sleep(3)
    walks, runs = [], []
    for _ in range(options.rounds):
        walks.append(floor(tree, count))
        runs.append(once(agent, DEADLINE_S))
    asked = server.request_count() - requests
    bare, wall = statistics.median(w[0] for w in walks), statistics.median(r.seconds for r in runs)
    bare_cpu = statistics.median(w[1] for w in walks)
    cpu = statistics.median(r.cpu_seconds for r in runs)
    peak = max(r.peak_mb for r in runs)
    print(f"restart      {wall:8.3f} s  cpu {cpu:8.3f} s, {count / wall:.0f} files/s, "
          f"{memory_text(peak)}\n"
          f"bare walk    {bare:8.3f} s  cpu {bare_cpu:8.3f} s: x{wall / bare:.2f} (goal x{LIMIT}), "
          f"cpu x{cpu / bare_cpu:.2f}; {asked} requests to S3 (goal 0)", flush=True)
    peaks = [first.peak_mb, peak]
    if options.service:
        fresh = Agent(os.path.join(folder, "fresh"), server, client, tree)
        run, rest = service(fresh)
        peaks.append(run.peak_mb)
        print(f"running on   {run.seconds:8.3f} s, {count / run.seconds:.0f} files/s, "
              f"{memory_text(run.peak_mb)}, at rest {rest:.1f} MB")
    return asked == 0 and requests >= count and max(peaks) < LIMIT_MB


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", metavar="DIR", help="where make put the programs (build/)")
    parser.add_argument("--directories", type=int, default=5000,
                        help="10 times as many files, unless --files says otherwise (5000)")
    parser.add_argument("--files", type=int, default=10, help="in each directory (10)")
    parser.add_argument("--rounds", type=int, default=3, help="restarts (3)")
    parser.add_argument("--server", choices=("sink", "s3d"), default="sink")
    parser.add_argument("--service", action="store_true",
                        help="measure an agent that goes on running, too")
    parser.add_argument("--folder", metavar="DIR", help="where tree and state are made (/tmp)")
    options = parser.parse_args()
    if options.build:
        os.environ["LOCKSTEP_BUILD"] = os.path.abspath(options.build)
    folder = tempfile.mkdtemp(prefix="lockstep-bench-", dir=options.folder)
    server = Sink() if options.server == "sink" else Strict(os.path.join(folder, "s3d"))
    try:
        server.start()
        return 0 if bench(options, folder, server) else 1
    except Failed as reason:
        print(f"restart.py: {reason}", file=sys.stderr)
        return 1
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
