"""Bed A of another host's changes: a FUSE pass-through mount. What is written into the folder
beneath it raises no event above it, and shows there once the kernel's memory of it ran out.

The mount is the test's own (mounts.py)."""

import os
import subprocess

from . import context, mounts, process
from .context import Skip
from .waiting import wait_until

CACHED_S = 3 # the kernel believes what it knows for so long


def need():
    """Skips where it cannot be had."""
    context.need("bindfs")
    if not os.path.exists("/dev/fuse"):
        raise Skip("there is no /dev/fuse")


def serve(there, here, log, cached_s):
    """Mount `there` on `here`; the bindfs that serves it."""
    options = ",".join(f"{name}_timeout={cached_s}" for name in ("attr", "entry", "negative"))
    with open(log, "ab") as errors:
        child = subprocess.Popen(["bindfs", "-f", "-o", options, there, here], stdout=errors,
                                 stderr=errors, stdin=subprocess.DEVNULL,
                                 preexec_fn=process.end_with_parent)

    def mounted():
        if child.poll() is not None:
            raise RuntimeError("bindfs ended: " + process.tail(log))
        return os.path.ismount(here)

    wait_until(mounted, 10, "the mount of bindfs")
    return child


def mount(folder, log):
    """Mount: (what this host sees, what the other host sees), both below `folder`."""
    here, there = os.path.join(folder, "here"), os.path.join(folder, "there")
    os.makedirs(here)
    os.makedirs(there)
    mounts.private()
    serve(there, here, log, CACHED_S)
    return here, there
