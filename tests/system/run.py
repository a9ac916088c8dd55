#!/usr/bin/python3
"""Run the system tests: the built programs against S3 servers.

Each test runs in a process of its own with a deadline. Programs are taken from $LOCKSTEP and $S3D,
else from --build or $LOCKSTEP_BUILD, else from build/. Exit status: 0 all passed, 1 some failed,
2 wrong use.
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
FOLDERS = (HERE, os.path.join(os.path.dirname(HERE), "s3d"))
sys.path[:0] = FOLDERS

from harness import Ceph, Context, S3d, Skip, ceph, s3d_binary  # noqa: E402
from harness.context import DEADLINE_S  # noqa: E402
from harness.process import tail  # noqa: E402

SKIPPED = 77  # exit status of a test's process


class Test:
    """One function on one server."""

    def __init__(self, module, name, function, server):
        self.name = f"{module[len('test_'):]}.{name[len('test_'):]}[{server}]"
        self.function, self.server = function, server
        self.deadline = getattr(function, "deadline", DEADLINE_S)
        self.long = getattr(function, "long", False)


def discover(servers):
    """All tests of tests/system/ and tests/s3d/, file by file in the order in which they stand."""
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
    """Ceph is started once and shared; every test on s3d gets one of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.ceph = None
        self.problem = None

    def shared(self, kind):
        """The shared server of that kind, or None; raises Skip where it cannot be had."""
        if kind != "ceph":
            return None
        if self.problem:
            raise Skip(self.problem)
        if self.ceph is None:
            missing = ceph.missing()
            if missing:
                self.problem = "not installed: " + " ".join(missing)
                raise Skip(self.problem)
            self.ceph = Ceph(os.path.join(self.folder, "ceph")).start()
        return self.ceph

    def stop(self):
        if self.ceph is not None:
            self.ceph.stop()


def run_test(test, number, folder, server):
    """Call the function: 0, 1 or SKIPPED."""
    context = None
    try:
        bucket = f"test-{os.getpid()}-{number}"
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


def run_here(test, number, folder, shared):
    """In the test's own process: the same, on the shared server or on an s3d of its own. That one
    must end well too (a sanitizer has its say at the end)."""
    if shared is not None:
        return run_test(test, number, folder, shared)
    server = S3d(os.path.join(folder, "s3d"), *getattr(test.function, "s3d_options", ()))
    try:
        server.start()
    except RuntimeError as reason:
        print(reason)
        return 1
    status = run_test(test, number, folder, server)
    ended = server.stop()
    if ended not in (0, None):
        print(f"s3d ended with {ended}; see s3d.log")
    return status or (1 if ended not in (0, None) else 0)


def wait_for(pid, seconds):
    """The exit status of a child, or None after the deadline."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    return None


def run_apart(test, number, folder, shared):
    """Fork, run, wait, and end the whole group if it takes too long. (status, output)."""
    output = os.path.join(folder, "output")
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        status = 1
        try:
            status = run_here(test, number, folder, shared)
            sys.stdout.flush()
        finally:
            os._exit(status)
    try:
        status = wait_for(pid, test.deadline)
    finally:
        try:
            os.killpg(pid, signal.SIGKILL)  # its group: the test and all that it started
        except ProcessLookupError:
            pass
    if status is None:
        os.waitpid(pid, 0)
    return status, tail(output, 60)


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


def run_one(test, number, folder, servers):
    """Run and report one test: "ok", "FAIL" or "SKIP"."""
    os.makedirs(folder)
    started = time.monotonic()
    try:
        status, text = run_apart(test, number, folder, servers.shared(test.server))
    except Skip as reason:
        status, text = SKIPPED, str(reason)
    except RuntimeError as reason:
        status, text = 1, str(reason)
    seconds = time.monotonic() - started
    if status == 0:
        print(f"ok    {test.name} ({seconds:.1f} s)")
        return "ok"
    if status == SKIPPED:
        print(f"SKIP  {test.name}: {text}")
        return "SKIP"
    why = f"killed after {test.deadline} s" if status is None else f"{seconds:.1f} s"
    print(f"FAIL  {test.name} ({why})")
    print("    " + text.replace("\n", "\n    "))
    print(f"    --- its folder: {folder}")
    show_logs(folder)
    return "FAIL"


def run_all(tests, servers, base, keep):
    """All of them; counts by result."""
    counts = {"ok": 0, "FAIL": 0, "SKIP": 0}
    for number, test in enumerate(tests):
        folder = os.path.join(base, str(number))  # short: control sockets lie below it
        result = run_one(test, number, folder, servers)
        counts[result] += 1
        sys.stdout.flush()
        if not keep or result != "FAIL":
            shutil.rmtree(folder, ignore_errors=True)
    return counts


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", metavar="DIR", help="where make put the programs (build/)")
    parser.add_argument("--only", metavar="TEXT", action="append", default=[],
                        help="only tests whose name contains this text; may be given again")
    parser.add_argument("--server", choices=("s3d", "ceph", "both"), default="both")
    parser.add_argument("--long", action="store_true", help="also the long tests")
    parser.add_argument("--keep", action="store_true", help="keep the folders of failed tests")
    parser.add_argument("--list", action="store_true", help="only name the tests")
    arguments = parser.parse_args()
    if arguments.build:
        os.environ["LOCKSTEP_BUILD"] = os.path.abspath(arguments.build)
    return arguments


def end_by_signal(number, _frame):
    """SIGTERM unwinds, so that the servers are stopped."""
    raise SystemExit(128 + number)


def main():
    arguments = parse_arguments()
    chosen = ("s3d", "ceph") if arguments.server == "both" else (arguments.server,)
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
        counts = run_all(tests, servers, base, arguments.keep)
    finally:
        servers.stop()
        if not arguments.keep:
            shutil.rmtree(base, ignore_errors=True)
    if arguments.keep:
        print(f"kept: {base}")
    skipped = f", {counts['SKIP']} skipped" if counts["SKIP"] else ""
    print(f"{counts['ok']} passed, {counts['FAIL']} failed{skipped}")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
