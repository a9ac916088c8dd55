"""Another agent on a tree, as far as anybody can tell."""

import contextlib
import fcntl
import json
import os
import struct

from . import samples
from .tree import write

LOCK = ".lockstep-lock" # where other hosts may write
F_OFD_SETLK = 37 # of Linux; the module has no name for it


def _lock(fd, kind):
    fcntl.fcntl(fd, F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 1, 0))


@contextlib.contextmanager
def holding(tree):
    """The tree is locked while this lasts, as by an agent of this host."""
    fd = os.open(tree, os.O_RDONLY)
    try:
        _lock(fd, fcntl.F_RDLCK)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def holding_file(tree):
    """The same as by one of a host that may be another."""
    fd = os.open(f"{tree}/{LOCK}", os.O_RDWR | os.O_CREAT)
    try:
        _lock(fd, fcntl.F_WRLCK)
        os.ftruncate(fd, 0)
        os.write(fd, b"process 1 on \033[31mafar\n")
        os.fsync(fd)
        yield
    finally:
        os.close(fd)


def stands_by(agent):
    """`status` says so."""
    done = agent.run("status", "--json")
    return done.returncode == 4 and done.stdout and "standing_by" in json.loads(done.stdout)


def begin(ctx, count=6):
    """Trees, an agent in step on them, and one more that was not started."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = [f"c{i % 3}/{i:03}.jpg" for i in range(count)]
    for path in paths:
        write(f"{images}/{path}", path.encode())
    samples.write_lists(lists, paths)
    first = ctx.agent(images=images, lists=lists, name="first").start()
    first.wait_in_step(30)
    return images, lists, first, ctx.agent(images=images, lists=lists, name="second")
