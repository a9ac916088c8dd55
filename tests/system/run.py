#!/usr/bin/python3
"""Run the system tests: the built programs against S3 servers.

Each test runs in a process of its own with a deadline, several of them at once. Programs are taken
from $LOCKSTEP and $S3D, else from --build or $LOCKSTEP_BUILD, else from build/. Exit status: 0 all
passed, 1 some failed, 2 wrong use.
"""

import argparse
import importlib
import inspect
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDERS = (HERE, *(os.path.join(os.path.dirname(HERE), name) for name in ("s3d", "faults")))
sys.path[:0] = FOLDERS

from harness import (  # noqa: E402
    Ceph, Context, S3d, Skip, Swift, TimedOut, be_patient, ceph, s3d_binary, swift)
from harness.context import DEADLINE_S  # noqa: E402
from harness.process import build_dir, tail  # noqa: E402
from harness.seeds import SEED_VARIABLE, said_seed  # noqa: E402

SKIPPED = 77  # exit status of a test's process
POLL_S = 0.01
OUTPUT_LINES = 120  # of a test that are shown
MOST_JOBS = 4  # unless told: Ceph and the disk are everybody's
KINDS = {"s3d": S3d, "ceph": Ceph, "swift": Swift}


class Test:
    """One function on one server."""

    def __init__(self, module, name, function, server):
        self.name = f"{module[len('test_'):]}.{name[len('test_'):]}[{server}]"
        self.function, self.server, self.number = function, server, 0
        self.deadline = getattr(function, "deadline", DEADLINE_S) * KINDS[server].patience
        self.long = getattr(function, "long", False)
        self.alone = getattr(function, "alone", False)


def discover(servers):
    """All tests of the folders, file by file in the order in which they stand."""
    found = []
    for file in sorted(name for folder in FOLDERS for name in os.listdir(folder)):
        if not file.startswith("test_") or not file.endswith(".py"):
            continue
        module = importlib.import_module(file[:-3])
        functions = [(name, f) for name, f in vars(module).items()
                     if name.startswith("test_") and inspect.isfunction(f)
                     and f.__module__ == module.__name__]
        for name, function in functions:
            for server in getattr(function, "servers", ("s3d",)):
                if server in servers:
                    found.append(Test(file[:-3], name, function, server))
    return found


class Servers:
    """Ceph and Swift are started once each and shared, when the first test wants them; every test
    on s3d gets one of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.started = {}
        self.problems = {}

    def shared(self, kind):
        """The shared server of that kind, or None; raises Skip where it cannot be had."""
        if kind == "s3d":
            return None
        if kind not in self.problems:
            self.problems[kind] = missing(kind, self.folder)
        if self.problems[kind]:
            raise Skip(self.problems[kind])
        if kind not in self.started:
            self.started[kind] = KINDS[kind](os.path.join(self.folder, kind)).start()
        return self.started[kind]

    def stop(self):
        for server in self.started.values():
            server.stop()


def missing(kind, folder):
    """Why a server of that kind cannot be had in this folder; "" where it can."""
    if kind == "swift":
        return swift.missing(folder)
    names = ceph.missing()
    return "not installed: " + " ".join(names) if names else ""


def run_test(test, folder, server):
    """Call the function: 0, 1 or SKIPPED."""
    context = None
    be_patient(server.patience)
    try:
        bucket = f"test-{os.getpid()}-{test.number}"
        server.create_bucket(bucket)
        context = Context(folder, server, bucket)
        test.function(context)
        context.finish()
        return 0
    except Skip as reason:
        print(reason)
        return SKIPPED
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        if context is not None:
            context.close()


def run_here(test, folder, shared):
    """In the test's own process: the same, on the shared server or on an s3d of its own. That one
    must end well too (a sanitizer has its say at the end)."""
    if shared is not None:
        return run_test(test, folder, shared)
    server = S3d(os.path.join(folder, "s3d"), *getattr(test.function, "s3d_options", ()))
    try:
        server.start()
    except RuntimeError as reason:
        print(reason)
        return 1
    status = run_test(test, folder, server)
    ended = server.stop()
    if ended not in (0, None):
        print(f"s3d ended with {ended}; see s3d.log")
    return status or (1 if ended not in (0, None) else 0)


def show_logs(folder):
    """The ends of the logs that a failed test leaves."""
    for base, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith((".log", ".jsonl")) and "objects" not in base:
                path = os.path.join(base, name)
                text = tail(path, 15)
                if text:
                    print(f"    --- {os.path.relpath(path, folder)}")
                    print("    " + text.replace("\n", "\n    "))


class Run:
    """One test under way in a process of its own, which leads a group of its own."""

    def __init__(self, test, folder):
        self.test, self.folder = test, folder
        self.output = os.path.join(folder, "output")
        self.pid, self.status, self.text = None, None, ""
        self.started = time.monotonic()

    def start(self, servers):
        """Fork; or it is over at once where its server cannot be had."""
        os.makedirs(self.folder)
        try:
            shared = servers.shared(self.test.server)
        except Skip as reason:
            self.status, self.text = SKIPPED, str(reason)
        except (RuntimeError, TimedOut) as reason:
            self.status, self.text = 1, str(reason)
        else:
            sys.stdout.flush()
            self.started = time.monotonic()
            self.pid = os.fork()
            if self.pid == 0:
                self._be_the_test(shared)

    def _be_the_test(self, shared):
        """What the child does, to its end."""
        status = 1
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            fd = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(fd, 1)
            os.dup2(fd, 2)
            status = run_here(self.test, self.folder, shared)
            sys.stdout.flush()
        finally:
            os._exit(status)

    def is_over(self):
        """Did it end, or was it ended because it took too long?"""
        if self.pid is None:
            return True
        done, status = os.waitpid(self.pid, os.WNOHANG)
        if done:
            self.status = os.waitstatus_to_exitcode(status)
            self._kill_group()
            self.pid = None
        elif time.monotonic() >= self.started + self.test.deadline:
            self.end()
        else:
            return False
        self.text = tail(self.output, OUTPUT_LINES)
        return True

    def end(self):
        """End it and all that it started, if it has not ended."""
        if self.pid is not None:
            self._kill_group()
            os.kill(self.pid, signal.SIGKILL)  # it may not lead its group yet
            os.waitpid(self.pid, 0)
            self.pid = None

    def _kill_group(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def command(self):
        """What does the same once more."""
        seed = said_seed(self.output)
        return " ".join(("tests/system/run.py --build", os.path.relpath(build_dir()),
                         "--server", self.test.server, *(["--long"] if self.test.long else []),
                         *([f"--seed {seed}"] if seed is not None else []),
                         "--only", f"'{self.test.name}'"))

    def report(self):
        """Print how it went: "ok", "FAIL" or "SKIP"."""
        seconds = time.monotonic() - self.started
        if self.status == 0:
            print(f"ok    {self.test.name} ({seconds:.1f} s)")
            if self.test.long and self.text:  # figures, seeds
                print("    " + self.text.replace("\n", "\n    "))
            return "ok"
        if self.status == SKIPPED:
            print(f"SKIP  {self.test.name}: {self.text}")
            return "SKIP"
        why = f"killed after {self.test.deadline} s" if self.status is None else f"{seconds:.1f} s"
        print(f"FAIL  {self.test.name} ({why})")
        print("    " + self.text.replace("\n", "\n    "))
        print(f"    --- again: {self.command()}")
        print(f"    --- its folder: {self.folder}")
        show_logs(self.folder)
        return "FAIL"


def run_beside(tests, jobs, servers, base, over):
    """Run so many of these tests at once; over(run) is told each that has ended."""
    waiting, running = list(tests), []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                test = waiting.pop(0)
                run = Run(test, os.path.join(base, str(test.number)))  # short: sockets lie below it
                running.append(run)
                run.start(servers)
            for run in [run for run in running if run.is_over()]:
                running.remove(run)
                over(run)
            time.sleep(POLL_S)
    finally:
        for run in running:
            run.end()


def run_all(tests, jobs, servers, base, keep=False):
    """All of them, and then those that want nothing beside them. The result of each by its name:
    "ok", "FAIL" or "SKIP"."""
    results = {}

    def over(run):
        result = results[run.test.name] = run.report()
        sys.stdout.flush()
        if not keep or result != "FAIL":
            shutil.rmtree(run.folder, ignore_errors=True)

    for number, test in enumerate(tests):
        test.number = number
    beside = [test for test in tests if not test.alone]
    if jobs > 1:  # the longest first, so that none is left to run by itself in the end
        beside.sort(key=lambda test: -test.deadline)
    run_beside(beside, jobs, servers, base, over)
    run_beside([test for test in tests if test.alone], 1, servers, base, over)
    return results


def default_jobs():
    """One a core, and two that wait: most of a test's time is waiting."""
    return min(len(os.sched_getaffinity(0)) + 2, MOST_JOBS)


def at_least_one(text):
    """A number from 1 on."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", metavar="DIR", help="where make put the programs (build/)")
    parser.add_argument("--only", metavar="TEXT", action="append", default=[],
                        help="only tests whose name contains this text; may be given again")
    parser.add_argument("--server", choices=(*KINDS, "all"), default="all")
    parser.add_argument("--long", action="store_true", help="also the long tests")
    parser.add_argument("--jobs", type=at_least_one, metavar="N", default=default_jobs(),
                        help="so many tests at once (%(default)s)")
    parser.add_argument("--seed", type=int, metavar="N",
                        help="do by chance what a test did that named this seed")
    parser.add_argument("--keep", action="store_true", help="keep the folders of failed tests")
    parser.add_argument("--list", action="store_true", help="only name the tests")
    arguments = parser.parse_args()
    if arguments.build:
        os.environ["LOCKSTEP_BUILD"] = os.path.abspath(arguments.build)
    if arguments.seed is not None:
        os.environ[SEED_VARIABLE] = str(arguments.seed)
    return arguments


def end_by_signal(number, _frame):
    """SIGTERM unwinds, so that the servers are stopped."""
    raise SystemExit(128 + number)


def main():
    arguments = parse_arguments()
    chosen = tuple(KINDS) if arguments.server == "all" else (arguments.server,)
    tests = [t for t in discover(chosen)
             if (not arguments.only or any(text in t.name for text in arguments.only))
             and (arguments.long or not t.long)]
    if arguments.list:
        print("\n".join(t.name for t in tests))
        return 0
    if not os.access(s3d_binary(), os.X_OK):
        print(f"{s3d_binary()} is missing: build first, or set S3D", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, end_by_signal)
    base = tempfile.mkdtemp(prefix="lockstep-test-")
    servers = Servers(base)
    try:
        results = list(run_all(tests, arguments.jobs, servers, base, arguments.keep).values())
    finally:
        servers.stop()
        if not arguments.keep:
            shutil.rmtree(base, ignore_errors=True)
    if arguments.keep:
        print(f"kept: {base}")
    passed, failed, skipped = (results.count(result) for result in ("ok", "FAIL", "SKIP"))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
