"""Bed B of another host's changes: a real NFSv4.1 client and server in a kernel of their own, a
User-Mode Linux that runs as an ordinary process. Its root is this host's, so the programs under
test, Python and these tests run in it (guest.py). It needs no network and no KVM.

The guest is the first process of a PID namespace: it and all its helpers end with the test, however
that ends. What it mounts is never seen outside."""

import json
import os
import platform
import shutil
import subprocess

from . import process
from .agent import lockstep_binary
from .s3d import s3d_binary

HERE = os.path.dirname(os.path.abspath(__file__))
KERNEL, MODULES = "/usr/bin/linux.uml", "/usr/lib/uml/modules"
MEMORY = "1G"
DISK_BYTES = 2 << 30 # sparse
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def missing():
    """Why it cannot be had here, or None."""
    if platform.machine() != "x86_64":
        return f"no User-Mode Linux on {platform.machine()}"
    lost = [name for name in (KERNEL, MODULES) if not os.path.exists(name)]
    lost += [name for name in ("modprobe", "ip", "tc", "mkfs.ext4", "unshare")
             if not shutil.which(name, path=_PATH)]
    return "not installed: " + " ".join(lost) if lost else None


def _write_init(folder, program):
    """The first program of a guest: a script of this folder that becomes this one, with the folder
    as its argument."""
    init = os.path.join(folder, "init.sh")
    with open(init, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\nexec /usr/bin/python3 -B {HERE}/{program} {folder}\n")
    os.chmod(init, 0o700)
    return init


def make_disk(path, size=DISK_BYTES):
    """An empty ext4 in a file; its path."""
    with open(path, "wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-F", path], check=True, stdin=subprocess.DEVNULL,
                   env={**os.environ, "PATH": _PATH})
    return path


def _prepare(folder, plan):
    """Disk, modules, and the first program of the guest."""
    disk = make_disk(os.path.join(folder, "disk.img"))
    os.makedirs(os.path.join(folder, "modules", "lib"))
    os.symlink(MODULES, os.path.join(folder, "modules", "lib", "modules"))
    with open(os.path.join(folder, "plan.json"), "w", encoding="utf-8") as file:
        json.dump(plan, file)
    return disk, _write_init(folder, "guest.py")


def _boot(folder, init, seconds, *more, root="/"):
    """Boot a guest, with `more` options, and wait for its end: its console's file."""
    apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        apart += ["--user", "--map-root-user"]
    command = [*apart, "--", KERNEL, f"mem={MEMORY}", "root=/dev/root", "rootfstype=hostfs",
               f"rootflags={root}", f"init={init}", "con=null", "con0=fd:0,fd:1", f"uml_dir={folder}/",
               "quiet", *more]
    console = os.path.join(folder, "console.log")
    with open(console, "wb") as log:
        guest = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                 env={**process.clean_environment(PATH=_PATH), "TMPDIR": "/tmp"},
                                 preexec_fn=process.end_with_parent)
    try:
        guest.wait(seconds)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the guest did not end within {seconds} s:\n"
                             + process.tail(console, 80)) from None
    finally:
        if guest.poll() is None:
            guest.kill()
            guest.wait()
    return console


def run_systemd(ctx, units, seconds=120):
    """Boot a guest whose first process becomes systemd with these units alone ({name: text}), on this
    host's files, which it cannot write to, and with guest_systemd.py as what it is to do."""
    folder = ctx.folder("uml")
    os.makedirs(f"{folder}/units")
    for name, text in units.items():
        with open(f"{folder}/units/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    with open(f"{folder}/plan.json", "w", encoding="utf-8") as file:
        json.dump({"LOCKSTEP": os.path.abspath(lockstep_binary()),
                   "S3D": os.path.abspath(s3d_binary())}, file)
    console = _boot(folder, _write_init(folder, "guest_systemd.py"), seconds, "ro")
    result = os.path.join(folder, "result")
    told = open(result, encoding="utf-8").read() if os.path.exists(result) else "it has told nothing"
    if told != "ok":
        raise AssertionError(f"in the guest: {told}\n" + process.tail(console, 80))


def boot_root(folder, root, disks, phase, seconds):
    """Boot a host that lies in the folder `root` and has a program /first, with these disks, and say
    phase=... on its kernel's command line. Returns when it is off. It tells "ok" in
    /srv/result.PHASE."""
    drives = [f"ubd{number}={disk}" for number, disk in enumerate(disks)]
    console = _boot(folder, "/first", seconds, "rw", f"phase={phase}", *drives, root=root)
    result = f"{root}/srv/result.{phase}"
    told = open(result, encoding="utf-8").read() if os.path.exists(result) else "it has told nothing"
    if told != "ok":
        raise AssertionError(f"{phase} boot: {told}\n" + process.tail(console, 80))


def run(ctx, scenarios, delay_ms=0, options="", seconds=600, deadline_s=300, environment=None):
    """Boot a guest and run these ("remote.adds", ...) in it, each for at most `deadline_s`;
    `delay_ms` is the time of a round trip to the server, `options` are further ones of the mount.
    Fails with what the guest printed unless
    all passed, and where it takes longer than `seconds`."""
    folder = ctx.folder("uml")
    disk, init = _prepare(folder, {
        "scenarios": list(scenarios), "delay_ms": delay_ms, "options": options, "deadline_s": deadline_s,
        "environment": {"LOCKSTEP": os.path.abspath(lockstep_binary()),
                        "S3D": os.path.abspath(s3d_binary()), **(environment or {})}})
    try:
        console = _boot(folder, init, seconds, "rw", f"ubd0={disk}")
    finally:
        os.unlink(disk)
    results = os.path.join(folder, "results.json")
    if not os.path.exists(results):
        raise AssertionError("the guest ended without results:\n" + process.tail(console, 80))
    with open(results, encoding="utf-8") as file:
        bad = {name: result for name, result in json.load(file).items() if result != "ok"}
    if bad:
        raise AssertionError(f"in the guest: {bad}\n" + process.tail(console, 200))
    print(process.tail(console, 60))
