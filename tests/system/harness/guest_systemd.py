"""The first program of a User-Mode Linux guest that becomes systemd (uml.run_systemd), and, with
--drive, what a unit of it runs: the service's life as an administrator drives it. The kernel is the
guest's own, so nothing that systemd sets reaches this host."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
import traceback

SYSTEM = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT, WORK, PROGRAMS, TESTS = "/mnt/out", "/mnt/work", "/run/programs", "/run/tests"
_LIBC = ctypes.CDLL(None, use_errno=True)
_POWER_OFF, _MS_BIND, _MS_SHARED = 0x4321FEDC, 4096, (1 << 20) | 16384
_ETC = ("group", "hosts", "ld.so.cache", "localtime", "nsswitch.conf", "passwd", "ssl")
_CREDENTIALS = "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n"


def mount(source, target, kind, options="", flags=0):
    os.makedirs(target, exist_ok=True)
    if _LIBC.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"{kind} on {target}")


def become_systemd(folder):
    mount("proc", "/proc", "proc")
    mount("sysfs", "/sys", "sysfs")
    for target in ("/run", "/mnt", "/var/lib", "/var/log"):
        mount("tmpfs", target, "tmpfs")
    mount("none", OUT, "hostfs", folder)
    os.makedirs("/run/etc/lockstep")
    for name in _ETC:
        copy = shutil.copytree if os.path.isdir(f"/etc/{name}") else shutil.copy
        if os.path.exists(f"/etc/{name}"):
            copy(f"/etc/{name}", f"/run/etc/{name}")
    with open("/run/etc/passwd", "a", encoding="ascii") as file:
        file.write("lockstep:x:990:990::/var/lib/lockstep:/usr/sbin/nologin\n")
    with open("/run/etc/group", "a", encoding="ascii") as file:
        file.write("lockstep:x:990:\n")
    mount("/run/etc", "/etc", "none", "", _MS_BIND)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    shutil.copytree(f"{folder}/units", "/run/units")
    os.makedirs(PROGRAMS)
    shutil.copy(os.environ["LOCKSTEP"], f"{PROGRAMS}/lockstep")
    shutil.copy(os.environ["S3D"], f"{PROGRAMS}/s3d")
    shutil.copytree(SYSTEM, TESTS)
    for target in ("/tmp", "/var/tmp"):  # PrivateTmp= writes there; what came from there is copied
        mount("tmpfs", target, "tmpfs", "mode=1777")
    # As systemd does it itself, unless it finds signs of a container on this host's root.
    mount("none", "/", "none", "", _MS_SHARED)
    os.environ["SYSTEMD_UNIT_PATH"] = "/run/units"
    os.execv("/lib/systemd/systemd", ["systemd", "--system", "--unit=test.target",
                                      "--log-target=console", "--show-status=0"])


def systemctl(*words, check=True):
    done = subprocess.run(["systemctl", "--no-pager", *words], capture_output=True, text=True,
                          timeout=60, check=False)
    assert not check or done.returncode == 0, (words, done.stdout[-800:], done.stderr[-800:])
    return done


def show(name):
    return systemctl("show", "--value", "-p", name, "lockstep.service").stdout.strip()


def until(check, what, seconds=30):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, (what, show("StatusText"), show("ActiveState"))
        time.sleep(0.1)


def policies(pid):
    """The kernel's scheduling policies of its threads."""
    return {os.sched_getscheduler(int(task)) for task in os.listdir(f"/proc/{pid}/task")}


def drive():
    sys.path.insert(0, SYSTEM)
    from harness.client import Client
    from harness.s3d import S3d

    os.makedirs(f"{WORK}/images")
    server = S3d(f"{WORK}/s3d").start()
    server.create_bucket("training")
    client = Client(server, "training")
    conf = (f's3: {{ bucket = "training"; region = "{server.region}"; addressing = "path";'
            f' endpoint = "{server.endpoint}"; }};\n'
            f'repositories = ( {{ name = "images"; path = "{WORK}/images"; prefix = "images/";'
            ' settle_ms = 100; } );\n')

    def configure(more=""):
        with open("/etc/lockstep/lockstep.conf", "w", encoding="utf-8") as file:
            file.write(conf + more)

    def put(name):
        with open(f"{WORK}/images/{name}", "w", encoding="utf-8") as file:
            file.write(name)
        until(lambda: f"images/{name}" in client.keys("images/"), f"{name} to be in S3")

    configure()
    keys = server.environment()
    with open("/etc/lockstep/credentials", "w", encoding="ascii") as file:
        file.write(_CREDENTIALS.format(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]))
    os.chmod("/etc/lockstep/credentials", 0o600)
    os.chmod(WORK, 0o755)

    systemctl("start", "lockstep.service")
    put("one.jpg")
    until(lambda: show("StatusText") == "in step", "the line of status")
    pid = show("MainPID")
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = dict(line.split(":", 1) for line in file)
    assert status["Uid"].split() == ["990"] * 4 and int(status["CapEff"], 16) == 0, status
    assert int(status["NoNewPrivs"]) == 1, status
    assert policies(pid) == {os.SCHED_BATCH}, policies(pid)

    configure("limits: { requests = 900; };\n")
    systemctl("reload", "lockstep.service")
    configure("nonsense = 1;\n")
    assert systemctl("reload", "lockstep.service", check=False).returncode != 0, "refused"
    assert show("MainPID") == pid and show("ActiveState") == "active"
    configure()
    put("two.jpg")

    systemctl("restart", "lockstep.service")
    assert show("MainPID") != pid
    put("three.jpg")

    pid = show("MainPID")
    os.kill(int(pid), 9)
    until(lambda: show("MainPID") not in ("0", pid) and show("ActiveState") == "active",
          "it to be started again")
    put("four.jpg")

    systemctl("stop", "lockstep.service")
    assert show("Result") == "success" and show("ActiveState") == "inactive"
    configure("nonsense = 1;\n")
    assert systemctl("start", "lockstep.service", check=False).returncode != 0
    time.sleep(6)  # RestartSec and some
    assert show("ActiveState") == "failed" and show("NRestarts") == "0", "2 is not tried again"


def main(folder):
    os.environ.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C.UTF-8", TZ="UTC", HOME="/mnt",
                      TMPDIR="/mnt")
    told = "ok"
    try:
        with open(f"{folder}/plan.json", encoding="utf-8") as file:
            os.environ.update(json.load(file))
        if sys.argv[2:] != ["--drive"]:
            become_systemd(folder)
        os.environ["S3D"] = f"{PROGRAMS}/s3d"
        drive()
    except BaseException:
        told = traceback.format_exc()
        if os.path.exists("/run/agent.log"):
            with open("/run/agent.log", encoding="utf-8", errors="replace") as file:
                told += file.read()[-3000:]
    with open(f"{OUT}/result", "w", encoding="utf-8") as file:
        file.write(told)
    os.sync()
    _LIBC.reboot(_POWER_OFF)


if __name__ == "__main__":
    main(sys.argv[1])
