"""What a unit runs in a bare Debian (bare.py) under a systemd of its own: the way of somebody who
installs the package, from `dpkg --install` to a host that loses its power. Each boot is a phase of
it; /proc/cmdline has its name. S3 is a unit, too; what it has answered is on its disk.

Python and these tests are the outer host's, mounted on /host; nothing of them is in the bare one."""

import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import time
import traceback

DISK, S3_DISK = "/srv/data", "/srv/s3"
IMAGES, LISTS = f"{DISK}/images", f"{DISK}/lists"
CONF, ENVIRONMENT = "/etc/lockstep/lockstep.conf", "/etc/lockstep/environment"
PORT = 9000
BIG_BYTES = 12 << 20  # three parts
_POWER_OFF = 0x4321FEDC


def run(*words, status=0, **environment):
    """A command's text; it has to end with this status."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=120, check=False,
                          env={"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8", **environment})
    assert done.returncode == status, (words, done.returncode, done.stdout[-3000:])
    return done.stdout


def show(name):
    return run("systemctl", "show", "--value", "-p", name, "lockstep.service").strip()


def until(check, what, seconds=60):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, (what, show("StatusText"), show("ActiveState"))
        time.sleep(0.1)


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    shutil.chown(path, "lockstep", "lockstep")


def rows():
    with open(f"{LISTS}/train.lst", encoding="ascii") as file:
        return [line.split("\t")[2].strip() for line in file]


class Bucket:
    """S3 as a client sees it that is not lockstep, and its faults."""

    def __init__(self):
        from harness.client import Client
        from harness.s3d import S3d

        self.server = S3d(S3_DISK)
        self.server.port = PORT
        self.client = Client(self.server, "training")

    def same(self):
        """lockstep says that all is in step, and so does a comparison of every byte."""
        run("lockstep", "wait", "--timeout", "90")
        self.client.assert_tree(IMAGES, "images/")
        self.client.assert_tree(LISTS, "lists/")

    def parts_of(self, name):
        return [line for line in self.server.requests()
                if line["op"] == "UploadPart" and line["key"] == f"images/{name}"]

    def in_mid_upload(self, name):
        """A large file, one of whose parts is in S3, while another waits for its answer."""
        self.server.fault("delay", op="UploadPart", key=f"images/{name}", skip=1, count=0, ms=30000)
        write(f"{IMAGES}/{name}", os.urandom(BIG_BYTES))
        os.sync()
        until(lambda: self.parts_of(name), f"the first part of {name}")
        assert f"images/{name}" not in self.client.keys("images/")


def install():
    """The package alone: nothing of it runs, or will run, until somebody says so."""
    run("dpkg", "--install", "/srv/lockstep.deb", DEBIAN_FRONTEND="noninteractive")
    faults = run("dpkg", "--audit")
    assert not faults, faults
    run("systemctl", "is-enabled", "lockstep.service", status=1)
    assert show("ActiveState") == "inactive"


def configure(bucket):
    """lockstep init, with keys where the unit has them from."""
    for number in range(30):
        write(f"{IMAGES}/cat/{number}.jpg", b"cat %d" % number)
    write(f"{LISTS}/train.lst", b"".join(b"%d\t0\tcat/%d.jpg\n" % (i, i) for i in range(30)))
    run("chown", "-R", "lockstep:lockstep", DISK)
    keys = {"AWS_ACCESS_KEY_ID": bucket.server.access_key,
            "AWS_SECRET_ACCESS_KEY": bucket.server.secret_key, "AWS_EC2_METADATA_DISABLED": "true"}
    told = run("lockstep", "init", "--force", "--images", IMAGES, "--lists", LISTS, "--bucket",
               "training", "--region", bucket.server.region, "--endpoint", bucket.server.endpoint,
               "--plan", **keys)
    assert "plan: 31 files to put" in told and "NO" not in told, told
    assert "systemctl enable --now lockstep" in told, told
    assert not bucket.client.keys(""), "it has left something"
    with open(ENVIRONMENT, "w", encoding="ascii") as file:
        file.writelines(f"{name}={value}\n" for name, value in keys.items())
    os.chmod(ENVIRONMENT, 0o600)


def change(**settings):
    """Put these into the group s3 of the configuration."""
    with open(CONF, encoding="utf-8") as file:
        text = file.read()
    lines = "".join(f"    {name} = {value};\n" for name, value in settings.items())
    with open(CONF, "w", encoding="utf-8") as file:
        file.write(re.sub(r"^s3:\n\{\n", lambda found: found.group(0) + lines, text, flags=re.M))


def reload():
    """A configuration that is right is taken over by the same process, a faulty one is refused."""
    pid = show("MainPID")
    with open(CONF, encoding="utf-8") as file:
        right = file.read()
    with open(CONF, "a", encoding="utf-8") as file:
        file.write("limits: { requests = 900; };\n")
    run("systemctl", "reload", "lockstep.service")
    assert json.loads(run("lockstep", "status", "--json"))["flow"]["limit_requests"] == 900
    with open(CONF, "a", encoding="utf-8") as file:
        file.write("nonsense = 1;\n")
    run("systemctl", "reload", "lockstep.service", status=1)
    with open(CONF, "w", encoding="utf-8") as file:
        file.write(right)
    assert show("MainPID") == pid and show("ActiveState") == "active"


def killed(bucket, name):
    """kill -9 in mid-upload: systemd starts it again, and it goes on."""
    bucket.in_mid_upload(name)
    pid = show("MainPID")
    os.kill(int(pid), 9)
    bucket.server.clear_faults()
    until(lambda: show("MainPID") not in ("0", pid) and show("ActiveState") == "active",
          "it to be started again")
    assert show("NRestarts") == "1"
    bucket.same()


def first():
    """From an empty host to one that goes down in mid-upload."""
    bucket = Bucket()
    until(lambda: subprocess.run(["systemctl", "is-active", "-q", "s3.service"],
                                 check=False).returncode == 0, "S3")
    install()
    configure(bucket)
    change(multipart_size='"5M"', part_size='"5M"')
    run("systemctl", "enable", "--now", "lockstep.service")
    bucket.same()
    until(lambda: show("StatusText") == "in step", "the line of status")
    run("systemd-analyze", "security", "--no-pager", "--threshold=15", "lockstep.service")
    reload()
    os.rename(f"{IMAGES}/cat/3.jpg", f"{IMAGES}/cat/three.jpg")
    until(lambda: "cat/three.jpg" in rows(), "the list to follow its image")
    bucket.same()
    pid = show("MainPID")
    run("systemctl", "restart", "lockstep.service")
    assert show("MainPID") != pid
    write(f"{IMAGES}/dog/1.jpg", b"dog")
    bucket.same()
    killed(bucket, "dog/killed.jpg")
    bucket.in_mid_upload("dog/stopped.jpg")
    write(f"{IMAGES}/dog/2.jpg", b"written as the host goes down")


def second():
    """What a clean stop left open is done by who was enabled; then the power goes in mid-upload."""
    bucket = Bucket()
    until(lambda: show("ActiveState") == "active", "it to be started with the host")
    bucket.same()
    assert {"images/dog/stopped.jpg", "images/dog/2.jpg"} <= set(bucket.client.keys("images/"))
    os.rename(f"{IMAGES}/cat/5.jpg", f"{IMAGES}/cat/five.jpg")
    bucket.in_mid_upload("dog/cut.jpg")


def third():
    """After a cut of the power: all is there, and all agree on it."""
    bucket = Bucket()
    until(lambda: show("ActiveState") == "active", "it to be started with the host")
    bucket.same()
    assert "images/dog/cut.jpg" in bucket.client.keys("images/")
    assert len(rows()) == 30 and {"cat/three.jpg", "cat/five.jpg"} < set(rows()), rows()
    run("systemctl", "stop", "lockstep.service")
    assert show("Result") == "success"
    with open(ENVIRONMENT, encoding="ascii") as file:
        keys = dict(line.strip().split("=", 1) for line in file)
    run("lockstep", "verify", **keys)
    run("lockstep", "journal", "verify")


def journal():
    """The end of what the agent has said."""
    return subprocess.run(["journalctl", "--no-pager", "-u", "lockstep", "-u", "s3", "-n", "60"],
                          capture_output=True, text=True, check=False).stdout


def main():
    with open("/proc/cmdline", encoding="ascii") as file:
        phase = re.search(r"\bphase=(\w+)", file.read()).group(1)
    os.environ.update(PATH="/usr/sbin:/usr/bin", LC_ALL="C.UTF-8", TZ="UTC", HOME="/root")
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    told = "ok"
    try:
        {"first": first, "second": second, "third": third}[phase]()
    except BaseException:
        told = traceback.format_exc() + journal()
    with open(f"/srv/result.{phase}", "w", encoding="utf-8") as file:
        file.write(told)
        file.flush()
        os.fsync(file.fileno())
    if phase == "second":  # nothing is stopped, nothing synced
        ctypes.CDLL(None).reboot(_POWER_OFF)
    subprocess.run(["systemctl", "poweroff"], check=False)


if __name__ == "__main__":
    main()
