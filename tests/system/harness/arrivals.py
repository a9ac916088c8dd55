"""Names that come to a folder, however short they stay: the kernel tells of each, so that nobody has
to look in time."""

import ctypes
import os
import select
import struct
import time

_LIBC = ctypes.CDLL(None, use_errno=True)
_IN_CREATE = 0x00000100
_EVENT = struct.Struct("iIII") # watch, mask, cookie, bytes of the name that follows
_READ_BYTES = 1 << 16


class Arrivals:
    """Of one folder, from here on."""

    def __init__(self, folder):
        self.fd = _LIBC.inotify_init1(os.O_CLOEXEC)
        if self.fd < 0 or _LIBC.inotify_add_watch(self.fd, os.fsencode(folder), _IN_CREATE) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), folder)

    def _read(self):
        """The names of the next events."""
        data, at = os.read(self.fd, _READ_BYTES), 0
        while at < len(data):
            size = _EVENT.unpack_from(data, at)[3]
            at += _EVENT.size + size
            yield os.fsdecode(data[at - size:at].rstrip(b"\0"))

    def wait(self, prefix, timeout):
        """Has a name come that begins so, or does it within that time?"""
        end = time.monotonic() + timeout
        while select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
            if any(name.startswith(prefix) for name in self._read()):
                return True
        return False

    def close(self):
        os.close(self.fd)
