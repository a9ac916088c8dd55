"""File systems of a test's own that can be full, or lose their power.

They are mounted in the test's mount namespace, and loop devices detach by themselves with the last
mount, so that nothing is left, however the test ends."""

import fcntl
import os
import subprocess

from harness import Skip, mounts, need

GOING_DOWN = 0x8004587D  # FS_IOC_SHUTDOWN: _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2  # nothing that is still in memory gets to the device
MAKERS = {"ext4": ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
          "xfs": ["mkfs.xfs", "-q", "-f"]}
LEAST_MB = {"ext4": 24, "xfs": 300}  # mkfs.xfs makes no smaller one


class Disk:
    """A file system of that kind ("tmpfs": it has no power to lose), mounted at `at`."""

    def __init__(self, kind, at, file, megabytes):
        self.kind, self.at, self.file, self.megabytes = kind, at, file, megabytes
        os.makedirs(at, exist_ok=True)
        if kind != "tmpfs":
            self._make()
        self.mount()

    def _make(self):
        maker = MAKERS[self.kind]
        if os.geteuid() != 0:
            raise Skip("only root can mount images")
        need(maker[0])
        with open(self.file, "wb") as file:
            file.truncate(self.megabytes << 20)
        subprocess.run([*maker, self.file], check=True, capture_output=True)

    def mount(self):
        words = ["-t", self.kind, "-o", f"size={self.megabytes}m", "none"] \
            if self.kind == "tmpfs" else ["-t", self.kind, "-o", "loop", self.file]
        done = subprocess.run(["mount", *words, self.at], check=False, capture_output=True, text=True)
        if done.returncode:
            raise Skip(f"no {self.kind} can be mounted here: {done.stderr.strip()}")

    def unmount(self):
        subprocess.run(["umount", self.at], check=True, capture_output=True)

    def lose_power(self):
        """The file system takes nothing any more; what was not written by now never will be."""
        fd = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, GOING_DOWN, NO_LOG_FLUSH.to_bytes(4, "little"))
        finally:
            os.close(fd)

    def fill(self, name="filler"):
        """Take all the room that there is."""
        piece, path = 1 << 24, os.path.join(self.at, name)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            while piece >= 4096:
                try:
                    os.posix_fallocate(fd, os.fstat(fd).st_size, piece)
                except OSError:
                    piece //= 2
        finally:
            os.close(fd)
        return path


def disk(ctx, kind, name, megabytes, at=None):
    """One of the test's own, mounted at `at` or in its folder. Skips where that is not possible."""
    mounts.private()
    return Disk(kind, at or ctx.folder(name), ctx.path(f"{name}.img"), megabytes)
