"""What a test is given, and how it says what it needs."""

import os
import re
import shutil

from .agent import Agent
from .ceph import Ceph
from .client import Client
from .s3d import S3d

DEADLINE_S = 90
SANITIZERS = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|: runtime error: ")


class Skip(Exception):
    """This test cannot run here; the message says why."""


def need(*tools):
    """Skips where one of these programs is not on PATH."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        raise Skip("not installed: " + " ".join(missing))


def on(*servers, options=()):
    """The servers that a test runs on, once each: "s3d", "ceph", "swift". `options` go to s3d."""
    def mark(function):
        function.servers = servers
        function.s3d_options = options
        return function
    return mark


def deadline(seconds):
    """The test is killed after so many seconds (default 90)."""
    def mark(function):
        function.deadline = seconds
        return function
    return mark


def alone(function):
    """No other test runs meanwhile. For what measures, or changes, the whole machine."""
    function.alone = True
    return function


def long_test(function):
    """Runs with --long only."""
    function.long = True
    return function


class Context:
    """One run of one test: a folder, a server with a bucket, a client, and agents."""

    def __init__(self, folder, server, bucket):
        self.dir = folder
        self.server = server
        self.bucket = bucket
        self.client = Client(server, bucket)
        self._agents = []
        self._servers = []

    def path(self, *names):
        """A path in the test's folder."""
        return os.path.join(self.dir, *names)

    def folder(self, *names):
        """The same, made."""
        full = self.path(*names)
        os.makedirs(full, exist_ok=True)
        return full

    def agent(self, images, lists=None, name="agent", **options):
        """An agent with its files in the folder `name`; ended with the test."""
        agent = Agent(self.folder(name), self.server, self.client, images, lists, **options)
        self._agents.append(agent)
        return agent

    def s3d(self, name, *options, certificate=None):
        """One more s3d; ended with the test."""
        server = S3d(self.path(name), *options, certificate=certificate).start()
        self._servers.append(server)
        return server

    def take_own_ceph(self):
        """From here on `server` and `client` are of a Ceph of the test's own, which it may hurt."""
        self.server = Ceph(self.path("ceph")).start()
        self._servers.append(self.server)
        self.server.create_bucket(self.bucket)
        self.client = Client(self.server, self.bucket)

    def finish(self):
        """After a test that went well: agents end well too, and no sanitizer has complained."""
        for agent in self._agents:
            if agent.is_running() and not agent.wrapped: # strace keeps the signal to itself
                agent.stop()
            words = [line for line in agent.log().splitlines() if SANITIZERS.search(line)]
            assert not words, words[0]

    def close(self):
        for agent in self._agents:
            if agent.is_running():
                agent.kill9()
        for server in self._servers:
            server.stop()

    def logs(self):
        """The logs to show when the test failed."""
        return [a.log_path for a in self._agents]
