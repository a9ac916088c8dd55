"""The program under test: `lockstep agent` on a work folder, and its commands."""

import json
import os
import signal
import subprocess

from . import process, schema
from . import tree as trees
from .waiting import TimedOut, wait_until


def lockstep_binary():
    """$LOCKSTEP, or the one of the build."""
    return os.environ.get("LOCKSTEP", os.path.join(process.build_dir(), "lockstep"))


def is_sanitized():
    """A sanitizer's shadow memory says nothing of ours."""
    with open(lockstep_binary(), "rb") as file:
        data = file.read()
    return b"__asan_init" in data or b"__tsan_init" in data


def _text(value):
    """A value of libconfig."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}L" if abs(value) >= 2**31 else str(value)
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(_text(v) for v in value) + ")"
    if isinstance(value, dict):
        return "{ " + " ".join(f"{k} = {_text(v)};" for k, v in value.items()) + " }"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


class Agent:
    """One agent with a configuration and a state folder of its own.

    images and lists are trees; prefixes are images/ and lists/. `options` are further settings of
    the top level, `s3`, `repository` and `list_` of their groups."""

    def __init__(self, folder, server, client, images, lists=None, s3=None, repository=None,
                 list_=None, options=None, environment=None):
        self.folder, self.server, self.client = folder, server, client
        self.ignored = trees.IGNORED  # what the exclusions of the configuration pass over
        self.mappings = [(images, "images/")] + ([(lists, "lists/")] if lists else [])
        self.conf = os.path.join(folder, "lockstep.conf")
        self.state_dir = os.path.join(folder, "state")
        self.log_path = os.path.join(folder, "agent.log")
        self.environment = server.environment(**(environment or {}))
        self.process = None
        self.wrapped = False
        os.makedirs(folder, exist_ok=True)
        settings = {
            "state_dir": self.state_dir,
            "s3": {"bucket": client.bucket, "region": server.region, "endpoint": server.endpoint,
                   "addressing": "path", **(s3 or {})},
            "repositories": [{"name": "images", "path": images, "prefix": "images/",
                              "settle_ms": 100, **(repository or {})}],
            **(options or {}),
        }
        if lists:
            settings["lists"] = [{"name": "lists", "path": lists, "prefix": "lists/",
                                  "repository": "images", "settle_ms": 100, **(list_ or {})}]
        self.write_conf(settings)

    def write_conf(self, settings):
        with open(self.conf, "w", encoding="utf-8") as file:
            file.writelines(f"{name} = {_text(value)};\n" for name, value in settings.items())

    # --- the service ----------------------------------------------------------------------------

    def start(self, *arguments, wrap=()):
        """`lockstep agent`, in the background; `wrap` goes in front (strace, ...)."""
        self.wrapped = bool(wrap)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*wrap, lockstep_binary(), "agent", "-c", self.conf, *arguments], stdout=log,
                stderr=log, stdin=subprocess.DEVNULL, env=self.environment)
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout=30):
        """SIGTERM; the exit status. Being too slow is a failure."""
        if self.process is None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise TimedOut(f"the agent did not end within {timeout} s of SIGTERM") from None

    def kill9(self):
        """SIGKILL, as in a crash."""
        self.process.send_signal(signal.SIGKILL)
        return self.process.wait()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def once(self, timeout=120, check=True):
        """`lockstep agent --once`: reconcile and exit."""
        done = self.run("agent", "--once", timeout=timeout)
        with open(self.log_path, "a", encoding="utf-8") as log:
            log.write(done.stdout + done.stderr)
        if check and done.returncode != 0:
            raise AssertionError(f"agent --once ended with {done.returncode}: {done.stderr[-2000:]}")
        return done

    def log(self):
        """All that it has logged."""
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    # --- its commands ---------------------------------------------------------------------------

    def _command(self, words):
        split = next((i for i, w in enumerate(words) if w.startswith("-")), len(words))
        return [lockstep_binary(), *words[:split], "-c", self.conf, *words[split:]]

    def run(self, *command, timeout=60, input=None):
        """`lockstep COMMAND -c conf ...`; the result with stdout and stderr as text. The words of
        the command come first, then options: run("journal", "verify", "--json")."""
        return subprocess.run(self._command(command), capture_output=True, text=True, timeout=timeout, input=input,
                              env=self.environment, check=False)

    def begun(self, *command):
        """The same, begun: a process, whose output is for communicate()."""
        return subprocess.Popen(self._command(command), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=self.environment)

    def json(self, *command, timeout=60):
        """A command with --json: (what it printed, exit status)."""
        done = self.run(*command, "--json", timeout=timeout)
        try:
            return json.loads(done.stdout), done.returncode
        except ValueError:
            raise AssertionError(f"{' '.join(command)} --json printed no JSON: "
                                 f"{done.stdout[:500]!r} {done.stderr[:500]!r}") from None

    def status(self):
        """(what `lockstep status --json` says, its exit status: 0 in step), as it is documented."""
        told, status = self.json("status")
        faults = schema.faults(schema.of_docs("status.schema.json"), told)
        assert not faults, faults
        return told, status

    def journal(self, *arguments, timeout=60):
        """`lockstep journal ...`."""
        return self.run("journal", *arguments, timeout=timeout)

    def journal_records(self, *arguments):
        """`lockstep journal show --json`: one dict a line."""
        done = self.journal("show", "--json", *arguments)
        if done.returncode not in (0, 1):
            raise AssertionError("journal show: " + done.stderr.strip())
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]

    def verify_journal(self):
        """`lockstep journal verify` must find nothing."""
        done = self.journal("verify")
        assert done.returncode == 0, f"journal verify: {done.stdout[-2000:]}{done.stderr[-2000:]}"

    # --- waiting --------------------------------------------------------------------------------

    def differences(self):
        """What the listing of the bucket and the trees disagree on."""
        found = []
        for tree, prefix in self.mappings:
            try:
                found += self.client.list_differences(tree, prefix, self.ignored)
            except FileNotFoundError as error: # a file went away under our hands: not in step
                found.append(f"vanished while looking: {error.filename}")
        return found

    def is_in_step(self):
        """The bucket's listing equals the trees, and `status` says so too."""
        if self.differences():
            return False
        return self.run("status").returncode == 0

    def wait_in_step(self, timeout=30):
        """Until is_in_step(); the agent must go on running while a started one is waited for."""
        def check():
            if self.process is not None and not self.is_running():
                raise AssertionError(f"the agent ended with {self.process.returncode}: "
                                     + process.tail(self.log_path))
            return self.is_in_step()

        def state():
            found = self.differences()
            status = self.run("status")
            return (f"step; {len(found)} differences: {found[:10]}; "
                    f"status {status.returncode}: {status.stdout[-1500:]}{status.stderr[-500:]}")

        wait_until(check, timeout, state, interval=0.05)

    def wait_for_log(self, text, timeout=30):
        """Until the log has this text."""
        wait_until(lambda: text in self.log(), timeout,
                   lambda: f"{text!r} in the agent's log; it ends in:\n"
                           + process.tail(self.log_path))

    def wait_until_ready(self, timeout=30):
        """Until it answers at its socket (`status` also tells where no agent runs)."""
        def answers():
            if not self.is_running():
                raise AssertionError(f"the agent ended with {self.process.returncode}: "
                                     + process.tail(self.log_path))
            return (os.path.exists(f"{self.state_dir}/control.sock")
                    and self.run("status").returncode in (0, 1, 3))

        wait_until(answers, timeout, "the agent to answer `status`")
