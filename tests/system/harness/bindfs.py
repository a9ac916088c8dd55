"""Bed A of another host's changes: a FUSE pass-through mount. What is written into the folder
beneath it raises no event above it, and shows there once the kernel's memory of it ran out.

The mount lies in a mount namespace of the test's own: it ends with the test's last process, however
that ends, and nothing outside ever sees it."""

import ctypes
import os
import shutil
import subprocess

from . import process
from .waiting import wait_until

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000

CACHED_S = 3 # the kernel believes what it knows for so long


def missing():
    """Why it cannot be had here, or None."""
    if not shutil.which("bindfs"):
        return "not installed: bindfs"
    if not os.path.exists("/dev/fuse"):
        return "there is no /dev/fuse"
    return None


def _private_mounts():
    """From here on this process and its children have mounts of their own. Who is not root becomes
    it, in a user namespace."""
    uid, gid = os.geteuid(), os.getegid()
    flags = _CLONE_NEWNS | (0 if uid == 0 else _CLONE_NEWUSER)
    if _LIBC.unshare(flags):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "unshare")
    if uid != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    if _LIBC.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "mount / private")


def mount(folder, log):
    """Mount: (what this host sees, what the other host sees), both below `folder`."""
    here, there = os.path.join(folder, "here"), os.path.join(folder, "there")
    os.makedirs(here)
    os.makedirs(there)
    _private_mounts()
    options = ",".join(f"{name}_timeout={CACHED_S}" for name in ("attr", "entry", "negative"))
    with open(log, "ab") as errors:
        child = subprocess.Popen(["bindfs", "-f", "-o", options, there, here], stdout=errors,
                                 stderr=errors, stdin=subprocess.DEVNULL,
                                 preexec_fn=process.end_with_parent)

    def mounted():
        if child.poll() is not None:
            raise RuntimeError("bindfs ended: " + process.tail(log))
        return os.path.ismount(here)

    wait_until(mounted, 10, "the mount of bindfs")
    return here, there
