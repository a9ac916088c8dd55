"""Child processes: started with a clean environment, ended by their own id."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import typing

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1

# What the surroundings may have set and no test should depend on.
_DROPPED = ("AWS_", "RCLONE_", "S3D_", "LOCKSTEP_", "NOTIFY_SOCKET", "WATCHDOG_", "JOURNAL_STREAM")
_DROPPED_NAMES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def clean_environment(**extra):
    """The environment without credentials, proxies and certificates of the surroundings."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_DROPPED) and name.lower() not in _DROPPED_NAMES
    }
    env.update(LC_ALL="C.UTF-8", TZ="UTC")
    env.update(extra)
    return env


def end_with_parent():
    """For Popen's preexec_fn: the child is killed when the thread that starts it ends, however it
    ends. For what the main thread starts."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


# The memory of a process counts from its fork on, when it still has that of the process that forks:
# here a small one, since that of the runner of the tests is larger than what is measured. It sleeps
# meanwhile: whoever looks takes from what there is, and two processors are not many.
_MEASURED = """
import resource, signal, subprocess, sys, time
late = []
def end(*_):
    late.append(True)
    child.kill()
signal.signal(signal.SIGALRM, end)
begun = time.monotonic()
child = subprocess.Popen(sys.argv[3:])
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[2]))
status = child.wait()
if late:
    status = 124
took = time.monotonic() - begun
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as told:
    told.write(f"{used.ru_maxrss} {took} {used.ru_utime + used.ru_stime}")
sys.exit(status if status >= 0 else 128 - status)
"""


class Measured(typing.NamedTuple):
    """What came of a program: exit status (ended by a signal: 128 + its number; after a timeout:
    124), what it said, KiB of memory at the most, seconds on the wall and of processors."""

    status: int
    said: str
    peak: int
    seconds: float
    processor: float


def measure(words, env=None, timeout=60, output=None):
    """Run a program to its end; with `output`, a path, what it prints goes there and what it
    complains of is what it said."""
    with contextlib.ExitStack() as open_files:
        told = open_files.enter_context(tempfile.NamedTemporaryFile("r"))
        file = open_files.enter_context(open(output, "wb")) if output else None
        done = subprocess.run(
            [sys.executable, "-I", "-c", _MEASURED, told.name, str(timeout), *words],
            stdout=file or subprocess.PIPE, stderr=subprocess.PIPE if file else subprocess.STDOUT,
            stdin=subprocess.DEVNULL, env=env, check=False)
        said = done.stderr if file else done.stdout
        peak, seconds, processor = told.read().split()
        return Measured(done.returncode, said.decode(errors="replace"), int(peak), float(seconds),
                        float(processor))


def run_measured(words, env=None, timeout=60):
    """(exit status, what it said, KiB of memory at the most), as by measure."""
    return measure(words, env, timeout)[:3]


def free_port(count=1):
    """The first of `count` ports in a row that are free on 127.0.0.1 right now."""
    for _ in range(50):
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            if all(_is_free(port + i) for i in range(1, count)):
                return port
    raise RuntimeError(f"no {count} free ports in a row on 127.0.0.1")


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def end(process, timeout=10):
    """SIGTERM, then SIGKILL if it takes too long. Returns the exit status."""
    if process.poll() is not None:
        return process.returncode
    process.terminate()
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return process.wait()


def tail(path, lines=30):
    """The last lines of a file as text; empty where there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 65536))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def build_dir():
    """Where make put the programs: $LOCKSTEP_BUILD, or build/ below the source."""
    return os.environ.get("LOCKSTEP_BUILD", os.path.join(SOURCE, "build"))
