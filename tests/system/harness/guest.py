"""The first program of the User-Mode Linux guest (uml.py): an NFSv4.1 server and client on one
kernel, then the scenarios, then off. /mnt/c is what the agent's host sees, /mnt/srv what the other
host does. Its argument is the folder with plan.json.

The server is set up through the kernel's own files, as exportfs, rpc.mountd and rpc.nfsd would."""

import ctypes
import importlib
import json
import os
import shutil
import subprocess
import sys
import traceback

SYSTEM = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE, THERE, WORK = "/mnt/c", "/mnt/srv", "/mnt/work"
_LIBC = ctypes.CDLL(None, use_errno=True)
_POWER_OFF = 0x4321FEDC
_FOREVER = 2147483647
# linux/nfsd/export.h: any port, no check of subtrees, a number for a name.
_INSECURE_PORT, _NO_SUBTREE_CHECK, _FSID = 0x2, 0x400, 0x2000


def mount(source, target, kind, options=""):
    os.makedirs(target, exist_ok=True)
    if _LIBC.mount(source.encode(), target.encode(), kind.encode(), 0, options.encode()):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"{kind} on {target}")


def tell(path, text):
    """Write to a file of the kernel, in one piece."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text + "\n")


def modprobe(folder, *names):
    subprocess.run(["modprobe", "-d", f"{folder}/modules", "-a", *names], check=True)


def serve():
    """Export /mnt/srv as the root of an NFSv4 server on this host."""
    mount("/dev/ubda", THERE, "ext4")
    mount("nfsd", "/proc/fs/nfsd", "nfsd")
    tell("/proc/sys/fs/leases-enable", "0") # no delegations: EFS gives none
    os.makedirs("/mnt/recovery")
    nfsd = "/proc/fs/nfsd"
    tell(f"{nfsd}/nfsv4recoverydir", "/mnt/recovery")
    tell(f"{nfsd}/nfsv4gracetime", "10")
    tell(f"{nfsd}/nfsv4leasetime", "10")
    tell(f"{nfsd}/versions", "-2 -3 +4 +4.1 +4.2")
    tell(f"{nfsd}/portlist", "tcp 2049")
    flags = _INSECURE_PORT | _NO_SUBTREE_CHECK | _FSID
    caches = "/proc/net/rpc"
    tell(f"{caches}/auth.unix.ip/channel", f"nfsd 127.0.0.1 {_FOREVER} everyone")
    tell(f"{caches}/nfsd.export/channel", f"everyone {THERE} {_FOREVER} {flags} 65534 65534 0")
    tell(f"{caches}/nfsd.fh/channel", f"everyone 1 \\x00000000 {_FOREVER} {THERE}")
    tell(f"{nfsd}/threads", "4")
    tell(f"{nfsd}/v4_end_grace", "Y")


def set_up(folder, delay_ms, options):
    mount("proc", "/proc", "proc")
    mount("sysfs", "/sys", "sysfs")
    for target in ("/run", "/mnt"):
        mount("tmpfs", target, "tmpfs")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    modprobe(folder, "sunrpc", "nfs", "nfsv4", "nfsd")
    serve()
    mount("127.0.0.1:/", HERE, "nfs4",
          "vers=4.1,addr=127.0.0.1,clientaddr=127.0.0.1,port=2049,sec=sys" + options)
    if delay_ms:
        modprobe(folder, "sch_netem")
        subprocess.run(["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay",
                        f"{delay_ms * 500}us"], check=True) # there and back


def on_nfs(scenario):
    """The scenario as a test of run.py."""
    import remote # found once sys.path has the tests

    def test(ctx):
        name = scenario.__name__
        scenario(remote.Bed(ctx, f"{HERE}/{name}", f"{THERE}/{name}", slack_s=20, may_lose=0.002))

    return test


def run_scenarios(folder, names, deadline_s):
    sys.path.insert(0, SYSTEM)
    import run

    tests = {}
    for name in names:
        module, function = name.split(".")
        scenario = getattr(importlib.import_module(module), function)
        tests[name] = run.Test("test_nfs", f"test_{function}", on_nfs(scenario), "s3d")
        tests[name].deadline = deadline_s
    told = run.run_all(tests.values(), 1, run.Servers(WORK), WORK, keep=True)
    results = {name: told[test.name] for name, test in tests.items()}
    for kept in os.listdir(WORK): # those that failed
        shutil.copytree(f"{WORK}/{kept}", f"{folder}/{kept}", symlinks=True,
                        ignore=shutil.ignore_patterns("objects", "*.mdb", "control", "*.sock"))
    with open(f"{folder}/results.json", "w", encoding="utf-8") as file:
        json.dump(results, file)


def main(folder):
    os.environ.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C.UTF-8", TZ="UTC",
                      HOME="/mnt", TMPDIR="/mnt")
    try:
        with open(f"{folder}/plan.json", encoding="utf-8") as file:
            plan = json.load(file)
        os.environ.update(plan["environment"])
        set_up(folder, plan["delay_ms"], plan["options"])
        os.makedirs(WORK)
        run_scenarios(folder, plan["scenarios"], plan["deadline_s"])
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    _LIBC.reboot(_POWER_OFF)


if __name__ == "__main__":
    main(sys.argv[1])
