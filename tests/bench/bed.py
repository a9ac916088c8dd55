"""What the benchmarks of the whole program share: a server that keeps nothing, and what a client
cost."""

import collections
import os
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))

from harness import process  # noqa: E402
from harness.s3d import Server  # noqa: E402

POLL_S = 0.005

Run = collections.namedtuple("Run", "seconds cpu_seconds peak_kib")


class Failed(Exception):
    """A client did not do its work."""


class Sink(Server):
    """The server that keeps nothing, and answers as S3 does to who only puts."""

    kind = "sink"

    def __init__(self):
        self.process = None

    def start(self):
        command = [os.path.join(process.build_dir(), "tests/bench/bench_engine"), "sink"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                        preexec_fn=process.end_with_parent)
        self.port = int(self.process.stdout.readline())
        return self

    def stop(self):
        if self.process is not None:
            process.end(self.process)
            self.process.stdout.close()

    def request_count(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.endpoint + "/-/requests", timeout=10) as reply:
            return int(reply.read())


def peak_kib(pid, last):
    """The peak of resident memory so far. (Not from rusage: what the kernel keeps there begins with
    that of the process that forked.)"""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return max(last, int(line.split()[1]))
    except OSError:
        pass
    return last


def measure(command, environment, log, deadline_s):
    """Run it to its end; a Run."""
    with open(log, "wb") as out:
        begun = time.monotonic()
        child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                 env=environment)
        peak = 0
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            seconds = time.monotonic() - begun
            if pid:
                break
            if seconds > deadline_s:
                child.kill()
            peak = peak_kib(child.pid, peak)
            time.sleep(POLL_S)
    child.returncode = os.waitstatus_to_exitcode(status) # it is reaped: nothing is left to wait for
    if child.returncode != 0:
        raise Failed(f"{command[0]} ended with {child.returncode}: {process.tail(log, 10)}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, peak)
