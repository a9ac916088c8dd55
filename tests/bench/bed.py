"""What the benchmarks of the whole program share: a server that keeps nothing, and what a client
cost."""

import collections
import os
import subprocess
import sys
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))

from harness import process  # noqa: E402
from harness.s3d import Server  # noqa: E402

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


def measure(command, environment, log, deadline_s):
    """Run it to its end; a Run. A peak below that of who waits for it, some 14 MiB, is not seen."""
    done = process.measure(command, environment, deadline_s)
    with open(log, "w", encoding="utf-8") as out:
        out.write(done.said)
    if done.status != 0:
        raise Failed(f"{command[0]} ended with {done.status}: {process.tail(log, 10)}")
    return Run(done.seconds, done.processor, done.peak)
