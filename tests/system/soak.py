#!/usr/bin/python3
"""A long run under mixed load: people who add, edit, rename and list images, and storms beside them,
while the agent's own figures (its metrics port) are kept. In rounds: load, then rest until all is in
S3, then a look. Memory, descriptors, threads and the time that changes take may not grow from round
to round (trend.py). The result is a plot, and PASS or FAIL.

    soak.py [--build DIR] [--seconds N] [--out FILE.svg]

The load follows from a seed, which is printed."""

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time

import soak_plot
from harness import Context, S3d, storms, write
from harness.prom import Port
from harness.seeds import seed
from harness.workload import Workload
from trend import Trend

IMAGES, IMAGES_MOST = 400, 450
ROUNDS = 45             # or more, where they would last longer than ROUND_MOST_S
ROUND_LEAST_S, ROUND_MOST_S = 2.0, 60.0
ROUNDS_LEAST = 12       # however slow the machine is
WARM = 0.3              # the part of the rounds in which it may still grow: it fills what it keeps
STORM_RATE = 30         # deeds of each writer of a storm for each second of the round
AT_ONCE = 16            # requests: the buffers that it keeps for them are soon all there
PRIME_MOST, PRIME_RATE = 4500, 10
OLD_S = 15.0            # an image of this age may be changed again
MIB = 1 << 20

# What is judged: name, unit, and by how much it may grow over the rounds that count.
JUDGED = {
    "memory": ("MiB", 2.0),
    "descriptors": ("", 4.0),
    "threads": ("", 2.0),
    "latency, median": ("s", 0.5),
    "latency, 99 %": ("s", 3.0),
}


class Load(Workload):
    """Work on a tree that does not grow for ever. On a busy machine changes take long: an image is
    removed or listed only when the agent has certainly looked at it (harness/workload.py)."""

    def old_images(self):
        before = time.monotonic() - OLD_S
        return [image for image in self.paths if self.born[image] < before]

    def add(self):
        if len(self.paths) >= IMAGES_MOST:
            self.remove()
        else:
            super().add()

    def list_one(self):
        """Rows come and go with their images; a list that only grew would be read ever longer."""
        if sum(len(rows) for rows in self.rows.values()) < 2 * IMAGES_MOST:
            super().list_one()


def quantile(before, after, share):
    """Of the changes that landed between two looks, from the classes of the histograms; None: none
    did."""
    classes = {}
    for (name, labels), value in after.samples.items():
        if name == "lockstep_mapping_change_seconds_bucket":
            bound = float(dict(labels)["le"])
            classes[bound] = classes.get(bound, 0) + value - before.samples.get((name, labels), 0)
    bounds = sorted(classes)
    wanted, lower, below = share * classes[bounds[-1]], 0.0, 0.0
    if not wanted:
        return None
    for bound in bounds[:-1]:
        if classes[bound] >= wanted:
            return lower + (bound - lower) * (wanted - below) / (classes[bound] - below)
        lower, below = bound, classes[bound]
    return lower


def vitals(figures):
    return {"memory": figures.get("lockstep_process_own_memory_bytes") / MIB,
            "descriptors": figures.get("lockstep_process_open_fds"),
            "threads": figures.get("lockstep_process_threads")}


class Sampler(threading.Thread):
    """What the agent says of itself all the while."""

    def __init__(self, port, began, every_s):
        super().__init__(daemon=True)
        self.port, self.began, self.every_s = port, began, every_s
        self.ended, self.samples, self.missed = threading.Event(), [], 0

    def run(self):
        while not self.ended.wait(self.every_s):
            try:
                self.samples.append((time.monotonic() - self.began, vitals(self.port.figures())))
            except (OSError, AssertionError):  # no answer, or none in time
                self.missed += 1


class Soak:
    """One run."""

    def __init__(self, ctx, seconds, number):
        self.ctx, self.seconds, self.number = ctx, seconds, number
        self.port = Port()
        self.root, self.outside = ctx.folder("images"), ctx.folder("outside")
        self.load = Load(self.root, ctx.folder("lists"), number).prepare(IMAGES)
        self.stormy = ctx.folder("images", "storm")
        self.agent = ctx.agent(images=self.root, lists=self.load.lists_root,
                               repository={"max_removals": 10**7, "max_removal_percent": 100},
                               s3={"in_flight": AT_ONCE}, options=self.port.options)
        self.round_s = min(ROUND_MOST_S, max(ROUND_LEAST_S, seconds / ROUNDS))
        self.rounds = []  # (seconds since the start, values)

    def work(self, turn):
        """The load of a round, and a storm in the middle of it."""
        load = Load(self.load.root, self.load.lists_root, self.number + turn)
        for name in ("paths", "born", "rows", "numbers", "deeds"):
            setattr(load, name, getattr(self.load, name))
        load.start()
        storm = storms.begin(self.stormy, self.outside, self.number + turn,
                             deeds=int(STORM_RATE * self.round_s), seconds=self.round_s / 3)
        time.sleep(self.round_s)
        storms.end(storm)
        load.finish()

    def look(self, before):
        """The round is over and all is in S3."""
        self.agent.wait_in_step(120)
        self.load.assert_rows()  # what went wrong is found while the journal's end tells of it
        figures = self.port.figures()
        values = vitals(figures)
        for name, share in (("latency, median", 0.5), ("latency, 99 %", 0.99)):
            values[name] = quantile(before, figures, share)
        self.rounds.append((time.monotonic() - self.began, values))
        return figures

    def prime(self, count):
        """Have it keep all that it keeps: so many listed images come at once, are renamed with their
        directories and go. LMDB holds the pages of its largest transaction, which is a commit of
        4,096 entries; without this it would come by that bit by bit, hours long."""
        names = [f"prime/d{i % 64}/{i}.jpg" for i in range(count)]
        for name in names:
            write(f"{self.root}/{name}", name.encode())
        rows = "".join(f"{i}\t0\t{name}\n" for i, name in enumerate(names))
        write(f"{self.load.lists_root}/prime.lst", rows.encode())
        self.agent.wait_in_step(300)
        for folder in os.listdir(f"{self.root}/prime"):
            os.rename(f"{self.root}/prime/{folder}", f"{self.root}/prime/moved-{folder}")
        self.agent.wait_in_step(300)
        shutil.rmtree(f"{self.root}/prime")
        self.agent.wait_in_step(300)
        os.unlink(f"{self.load.lists_root}/prime.lst")
        self.agent.wait_in_step(300)

    def run(self):
        self.agent.start()
        self.agent.wait_in_step(120)
        self.prime(min(PRIME_MOST, int(PRIME_RATE * self.seconds)))
        self.began, turn = time.monotonic(), 0
        figures = self.port.figures()
        sampler = Sampler(self.port, self.began, max(0.25, self.seconds / 800))
        sampler.start()
        while time.monotonic() - self.began < self.seconds or turn < ROUNDS_LEAST:
            turn += 1
            self.work(turn)
            figures = self.look(figures)
        sampler.ended.set()
        sampler.join()
        self.samples, self.missed = sampler.samples, sampler.missed
        return self

    def check(self):
        """Nothing was lost on the way."""
        self.ctx.client.assert_tree(self.root, "images/")
        self.load.assert_rows()
        self.agent.verify_journal()
        assert self.agent.stop() == 0

    def judge(self):
        """(name, Trend, allowed growth, whether it is more) of each series."""
        warm = self.rounds[0][0] + WARM * (self.rounds[-1][0] - self.rounds[0][0])
        found = []
        for name, (_, allowed) in JUDGED.items():
            points = [(at, v[name]) for at, v in self.rounds if at >= warm and v[name] is not None]
            trend = Trend(points)
            found.append((name, trend, allowed, trend.grew(allowed)))
        return found

    def plot(self, path, verdicts):
        strips = []
        for name, trend, _, failed in verdicts:
            busy = [(at, v[name]) for at, v in self.samples if name in v]
            quiet = [(at, v[name]) for at, v in self.rounds if v[name] is not None]
            strips.append(soak_plot.Strip(name, JUDGED[name][0], busy, quiet, trend, failed))
        soak_plot.write(path, f"lockstep under mixed load: {self.rounds[-1][0]:.0f} s, "
                        f"{len(self.rounds)} rounds, {sum(self.load.deeds.values())} deeds", strips,
                        self.rounds[-1][0])


def report(soak, verdicts):
    """The figures, a line each; whether all is well."""
    print(f"{soak.rounds[-1][0]:.0f} s, {len(soak.rounds)} rounds of load and rest, "
          f"{sum(soak.load.deeds.values())} deeds and as many storms as rounds, "
          f"{len(soak.samples)} samples, {soak.missed} without an answer")
    for name, trend, allowed, failed in verdicts:
        unit = JUDGED[name][0]
        print(f"{'FAIL' if failed else 'ok  '}  {name}: median {trend.median:.3g} {unit}, grew by "
              f"{trend.slope * trend.span:+.3g} (at least {trend.least * trend.span:+.3g}, "
              f"{allowed:g} allowed) in {trend.span:.0f} s")
    return not any(failed for _, _, _, failed in verdicts)


def main():
    parser = argparse.ArgumentParser(description="A long run under mixed load.")
    parser.add_argument("--build", metavar="DIR", default=os.environ.get("LOCKSTEP_BUILD", "build"))
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--out", metavar="FILE")
    arguments = parser.parse_args()
    os.environ["LOCKSTEP_BUILD"] = os.path.abspath(arguments.build)
    out = arguments.out or os.path.join(arguments.build, "soak.svg")
    folder = tempfile.mkdtemp(prefix="lockstep-soak-")
    server, ctx, well = S3d(os.path.join(folder, "s3d")).start(), None, False
    try:
        server.create_bucket("soak")
        ctx = Context(folder, server, "soak")
        soak = Soak(ctx, arguments.seconds, seed()).run()
        verdicts = soak.judge()
        soak.plot(out, verdicts)
        well = report(soak, verdicts)
        soak.check()
    except AssertionError as error:
        print(f"FAIL  what is left is not right: {error}")
        well = False
    finally:
        if ctx:
            ctx.finish()
        server.stop()
        if well:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"what it leaves: {folder}")
    print(f"plot: {out}\n{'PASS' if well else 'FAIL'}")
    print(f"{int(well)} passed, {int(not well)} failed")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
