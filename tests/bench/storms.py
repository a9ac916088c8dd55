#!/usr/bin/python3
"""Storms watched by lockstep and, beside it, by `inotifywait -mr`: which share of the files that are
there in the end did each never learn of?

Counted are the files whose path it never named. In the first storms no directory is renamed: each
file came to its path by itself, and a watcher that misses nothing has named that path. In the second
directories are renamed too: files that came with one are counted, though who takes the directory's
own event for all that lies in it could know of them. Usage: storms.py [--build DIR] [--storms N] [--seed S]
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "system"))

from harness import Context, S3d, storms, wait_until  # noqa: E402
from harness import tree as trees  # noqa: E402

WRITERS, DEEDS = 2, 1500
MOVES = ("move", "move-in", "move-out", "exchange-directories", "exchange-out", "swap-link")


class Inotifywait:
    """`inotifywait -mr` on a tree."""

    def __init__(self, root, output):
        self.root, self.output = root, output
        with open(output, "wb") as out, open(output + ".err", "wb") as err:
            self.process = subprocess.Popen(["inotifywait", "-mr", "--format", "%w%f", root],
                                            stdout=out, stderr=err)
        wait_until(lambda: "established" in self._errors(), 20, "inotifywait to be ready")

    def _errors(self):
        with open(self.output + ".err", encoding="utf-8", errors="replace") as file:
            return file.read()

    def never_reported(self, files):
        """After the storm: how many of the files it did not tell of."""
        last = -1
        while os.path.getsize(self.output) != last: # until it has nothing more to say
            last = os.path.getsize(self.output)
            time.sleep(0.5)
        told = set()
        with open(self.output, encoding="utf-8", errors="replace") as file:
            for line in file:
                told.add(line.rstrip("\n"))
        return sum(1 for path in files if os.path.join(self.root, path) not in told)

    def stop(self):
        self.process.kill()
        self.process.wait()


def one(folder, seed, without):
    """One storm, watched by both. (files, inotifywait's losses, lockstep's losses, seconds)."""
    server = S3d(os.path.join(folder, "s3d")).start()
    context = None
    try:
        server.create_bucket("bench")
        context = Context(folder, server, "bench")
        bed = storms.Bed(context, "bed", seed)
        bed.know()
        bed.agent.start()
        bed.agent.wait_in_step(60)
        other = Inotifywait(bed.images, os.path.join(folder, "inotifywait.out"))
        try:
            before = set(trees.files(bed.images))
            storms.end(bed.storm(seed, writers=WRITERS, deeds=DEEDS,
                                 without=without))
            begun = time.monotonic()
            bed.agent.wait_in_step(120)
            seconds = time.monotonic() - begun
            files = set(trees.files(bed.images)) - before
            lost = len(context.client.compare_tree(bed.images, "images/"))
            return len(files), other.never_reported(files), lost, seconds
        finally:
            other.stop()
    finally:
        if context is not None:
            context.close()
        server.stop()


def compare(arguments, what, without):
    """A table of storms; 1 where lockstep lost a file."""
    print(f"{what}:\n"
          "   seed   new files   inotifywait -mr never named   lockstep lost   in step after")
    for seed in range(arguments.seed, arguments.seed + arguments.storms):
        folder = tempfile.mkdtemp(prefix="lockstep-bench-")
        try:
            files, unheard, lost, seconds = one(folder, seed, without)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(f"{seed:7}   {files:9}   {unheard:9} ({100 * unheard / max(files, 1):4.1f} %)"
              f"           {lost:13}   {seconds:11.1f} s", flush=True)
        if lost:
            return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", metavar="DIR", default=os.path.join(TOP, "build", "plain"))
    parser.add_argument("--storms", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    if shutil.which("inotifywait") is None:
        print("inotifywait is missing: apt-get install inotify-tools", file=sys.stderr)
        return 2
    os.environ["LOCKSTEP_BUILD"] = os.path.abspath(arguments.build)
    print(f"{WRITERS} writers, {DEEDS} deeds each")
    return compare(arguments, "without renames of directories", MOVES) or \
        compare(arguments, "with renames of directories", ())


if __name__ == "__main__":
    sys.exit(main())
