#!/usr/bin/python3
"""What a restart costs where nothing has changed: `lockstep agent --once` over a tree that is in S3,
beside a bare parallel getdents+statx of the same tree in the same run.

The first run uploads all; what counts is the second and later ones: wall time beside the floor's
(medians), processor time, and that S3 is asked nothing."""

import argparse
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

BUCKET = "bench"
THREADS = 2
LIMIT = 1.5  # times the floor
FIRST_DEADLINE_S = 3600


def make_tree(folder, directories, files):
    for d in range(directories):
        path = f"{folder}/{d // 100:04}/{d:06}"
        os.makedirs(path)
        for f in range(files):
            with open(f"{path}/{f}.jpg", "wb") as file:
                file.write(b"%d/%d" % (d, f))
    return directories * files


def floor(tree):
    """Seconds of the bare walk."""
    bench = os.path.join(process.build_dir(), "tests/bench/bench_watch")
    out = subprocess.run([bench, "--walk", tree, str(THREADS)], check=True, capture_output=True,
                         text=True).stdout.split()
    return float(out[0]), int(out[1])


def once(agent, deadline_s):
    """(wall, processor seconds) of one run that must find all in step."""
    before, begun = os.times(), time.monotonic()
    agent.once(timeout=deadline_s)
    wall, after = time.monotonic() - begun, os.times()
    return wall, (after.children_user - before.children_user +
                  after.children_system - before.children_system)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=None)
    parser.add_argument("--directories", type=int, default=2000)
    parser.add_argument("--files", type=int, default=10, help="in each directory")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.build:
        os.environ["LOCKSTEP_BUILD"] = os.path.abspath(options.build)
    folder = tempfile.mkdtemp(prefix="lockstep-bench-")
    server = S3d(os.path.join(folder, "s3d"))
    try:
        server.start()
        client = Client(server, BUCKET)
        client.aws("s3api", "create-bucket", "--bucket", BUCKET)
        tree = os.path.join(folder, "images")
        count = make_tree(tree, options.directories, options.files)
        agent = Agent(os.path.join(folder, "agent"), server, client, tree)
        first, _ = once(agent, FIRST_DEADLINE_S)
        requests = len(server.requests())
        time.sleep(3)
        walks, runs = [], []
        for _ in range(options.rounds):
            seconds, seen = floor(tree)
            assert seen == count, (seen, count)
            walks.append(seconds)
            runs.append(once(agent, 600))
        asked = len(server.requests()) - requests
        bare, wall = statistics.median(walks), statistics.median(r[0] for r in runs)
        print(f"{count} files in {options.directories} directories; the first run took {first:.1f} s")
        print(f"restart, nothing changed {wall:7.3f} s (bare {bare:7.3f}, x{wall / bare:.2f}, "
              f"goal x{LIMIT})  cpu {statistics.median(r[1] for r in runs):7.3f} s, "
              f"{count / wall:.0f} files/s, {asked} requests to S3")
        return 0 if asked == 0 else 1
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
