"""Mounts of a test's own: they end with the test's last process, however that ends. Nothing outside
ever sees them, nor does the test see what others mount meanwhile."""

import ctypes
import os
import subprocess

from .context import Skip

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000


def private():
    """From here on this process and its children have mounts of their own. Who is not root becomes
    it, in a user namespace. Skips where that is not allowed."""
    uid, gid = os.geteuid(), os.getegid()
    _check(_LIBC.unshare(_CLONE_NEWNS | (0 if uid == 0 else _CLONE_NEWUSER)))
    if uid != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    _check(_LIBC.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))


def _check(result):
    if result:
        raise Skip("no right to have mounts of one's own: " + os.strerror(ctypes.get_errno()))


def mount(*words):
    """mount(8)."""
    subprocess.run(["mount", *words], check=True)


def unmount(path):
    """As one that vanishes: at once, whoever uses it."""
    subprocess.run(["umount", "-l", path], check=True)
