"""A host to install things on: all that this one has, below a root of its own, where every change is
gone with the test. Only root can have one."""

import os
import shutil
import subprocess

from . import mounts
from .context import Skip


class Host:
    """Root is an overlay over this host's, in mounts of the test's own."""

    def __init__(self, folder):
        if os.geteuid() != 0:
            raise Skip("only root can install a package")
        mounts.private()
        self.root = os.path.join(folder, "root")
        room = os.path.join(folder, "room")
        for path in (self.root, room):
            os.makedirs(path)
        mounts.mount("-t", "tmpfs", "-o", "mode=755", "room", room)
        for name in ("upper", "work"):
            os.mkdir(os.path.join(room, name))
        try:
            mounts.mount("-t", "overlay", "-o", f"lowerdir=/,upperdir={room}/upper,workdir={room}/work",
                         "root", self.root)
        except subprocess.CalledProcessError as error:
            raise Skip("no overlay over / can be mounted here") from error
        mounts.mount("-t", "proc", "proc", f"{self.root}/proc")
        mounts.mount("--rbind", "/dev", f"{self.root}/dev")
        mounts.mount("-t", "tmpfs", "-o", "mode=1777", "tmp", f"{self.root}/tmp")

    def path(self, path):
        """Where a path of that host is here."""
        return self.root + path

    def exists(self, path):
        return os.path.lexists(self.path(path))

    def take(self, source, path):
        """Give it a copy of a file of ours."""
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        shutil.copy2(source, self.path(path))
        return path

    def run(self, *command, check=True, **environment):
        """Run a command there; the result, with all that it printed."""
        done = subprocess.run(
            ["chroot", self.root, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, text=True, check=False,
            env={"PATH": os.defpath + ":/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "HOME": "/root",
                 "DEBIAN_FRONTEND": "noninteractive", **environment})
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
        return done
