"""The packages, as `./dev package` makes them: installed, upgraded, removed on a host of the test's own,
where they do their main job."""

import fcntl
import glob
import os
import re
import shutil
import subprocess

from harness import Skip, bare, deadline, long_test, on, read, s3d_binary, uml, write
from harness.host import Host

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONF = "/etc/lockstep/lockstep.conf"
STATE = "/var/lib/lockstep/journal/kept"


def build(kind):
    """The package of that kind. Its own build skips the unit tests: they have been run."""
    done = subprocess.run(
        [os.path.join(TOP, "dev"), "package", kind], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False,
        env={**os.environ, "DEB_BUILD_OPTIONS": "nocheck", "CI": "true",
             "DEBFULLNAME": "A Builder", "DEBEMAIL": "builder@example.org"})
    assert done.returncode == 0, done.stdout[-6000:]


def newest_source():
    """When a file of ours was last changed."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        return float("inf")  # this is no clone
    return max(os.lstat(f"{TOP}/{name}").st_mtime for name in done.stdout.split("\0") if name
               if os.path.lexists(f"{TOP}/{name}"))


def built(kind, tool):
    """The package of that kind, made by the first test that needs it."""
    if shutil.which(tool) is None:
        raise Skip(f"{tool} is not installed")
    os.makedirs(f"{TOP}/build/package", exist_ok=True)
    pattern = f"{TOP}/build/package/{kind}/lockstep[-_]0*.{kind}"
    with open(f"{TOP}/build/package/{kind}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = glob.glob(pattern)
        if len(found) != 1 or os.stat(found[0]).st_mtime <= newest_source():
            build(kind)
    found = glob.glob(pattern)
    assert len(found) == 1, found
    return found[0]


def successor(package, folder):
    """A later version of the package, whose sample configuration is another one."""
    subprocess.run(["dpkg-deb", "--raw-extract", package, folder], check=True)
    control = read(f"{folder}/DEBIAN/control").decode()
    write(f"{folder}/DEBIAN/control", control.replace("\nVersion: ", "\nVersion: 9:").encode())
    write(f"{folder}{CONF}", read(f"{folder}{CONF}") + b"# later\n")
    subprocess.run(["dpkg-deb", "--build", folder, folder + ".deb"], check=True,
                   stdout=subprocess.DEVNULL)
    return folder + ".deb"


def check_upgrades(host, package, later):
    """What somebody has written into the configuration stays, whatever comes."""
    mine = read(host.path(CONF)) + b"# mine\n"
    write(host.path(CONF), mine)
    host.run("dpkg", "--install", package)
    assert read(host.path(CONF)) == mine
    host.run("dpkg", "--force-confdef", "--install", later)
    assert read(host.path(CONF)) == mine
    assert read(host.path(CONF + ".dpkg-dist")).endswith(b"# later\n")


def check_removal(host):
    """Removed, it leaves the configuration; purged, the state: the journal is evidence."""
    os.makedirs(os.path.dirname(host.path(STATE)), exist_ok=True)
    write(host.path(STATE), b"evidence")
    host.run("dpkg", "--remove", "lockstep")
    assert host.exists(CONF) and not host.exists("/usr/bin/lockstep")
    host.run("dpkg", "--purge", "lockstep")
    assert not host.exists("/etc/lockstep")
    assert read(host.path(STATE)) == b"evidence"


def blocks():
    """The commands of docs/operations.md, by what its blocks are called."""
    text = read(os.path.join(TOP, "docs/operations.md")).decode()
    return {name: lines.splitlines()
            for name, lines in re.findall(r"^```sh (.+)\n((?:.*\n)*?)```$", text, re.M)}


def run_block(host, lines, environment):
    """Each line as it stands, but that no systemd runs there; `lockstep plan` and `status` may say that
    not all is in step."""
    for line in lines:
        line = line.replace("able --now ", "able ")
        line = re.sub(r"^apt-get ", "apt-get -qq -y ", line)
        done = host.run("sh", "-c", f"cd /srv && {line}", check=False, **environment)
        may_be = (0, 1) if re.search(r"lockstep (plan|status)", line) else (0,)
        assert done.returncode in may_be, f"{line} ended with {done.returncode}: {done.stdout}"


def configure(ctx, host):
    """Trees, a server, and a configuration of them where the package has it."""
    images = "/tmp/images"  # not on the overlay, whose files lie on two devices
    os.makedirs(host.path(images))
    write(host.path(images + "/one.jpg"))
    write(host.path(CONF), f"""
s3: {{ bucket = "{ctx.bucket}"; endpoint = "{ctx.server.endpoint}"; addressing = "path"; }};
repositories = ( {{ name = "images"; path = "{images}"; prefix = "images/"; }} );
""".encode())
    host.run("install", "-d", "-o", "lockstep", "-g", "lockstep", "-m", "700", "/var/lib/lockstep")


def follow_the_book(ctx, package):
    """docs/operations.md from installing to removing, on a host of its own."""
    host = Host(ctx.folder("book"))
    host.take(package, "/srv/build/package/deb/" + os.path.basename(package))
    book = blocks()
    assert list(book) == ["install", "first start", "upgrade", "removal"]
    assert book["install"][0] == "./dev package deb"  # that made the package
    environment = {name: value for name, value in ctx.server.environment().items()
                   if name.startswith("AWS_")}
    run_block(host, book["install"][1:], environment)
    configure(ctx, host)
    run_block(host, book["first start"], environment)
    # No systemd runs there: so the service is one run of its program.
    host.run("runuser", "-u", "lockstep", "--", "lockstep", "agent", "--once", **environment)
    run_block(host, book["upgrade"], environment)
    run_block(host, book["removal"], environment)
    assert host.exists("/root/lockstep-journal.csv") and not host.exists("/var/lib/lockstep")
    assert list(ctx.client.keys("images/")) == ["images/one.jpg"]


def does_its_job(host):
    """What debian/tests/main-job says."""
    server = host.take(s3d_binary(), "/srv/s3d")
    job = host.take(os.path.join(TOP, "debian/tests/main-job"), "/srv/main-job")
    done = host.run(job, S3D=server)
    assert "all went right" in done.stdout, done.stdout


def check_hardening(host):
    """All that hardening-check looks for, but for marks of indirect branches, which wait for what is
    not ours (tests/layout/hardening.py); the shadow stack's are there."""
    told = host.run("hardening-check", "/usr/bin/lockstep", check=False).stdout
    wrong = re.findall(r"^ (.*): no\b", told, re.M)
    assert wrong in ([], ["Control flow integrity"]), told
    assert "Position Independent Executable: yes" in told, told
    marks = host.run("readelf", "-n", "/usr/bin/lockstep").stdout
    assert re.search(r"x86 feature: .*SHSTK|AArch64 feature: BTI", marks), marks


@on("s3d")
@long_test
@deadline(1200)
def test_debian(ctx):
    package = built("deb", "dpkg-buildpackage")
    told = subprocess.run(["dpkg-deb", "--field", package, "Maintainer"], check=True,
                          capture_output=True, text=True).stdout
    assert told == "A Builder <builder@example.org>\n", told
    follow_the_book(ctx, package)
    host = Host(ctx.folder("host"))
    there = host.take(package, "/srv/lockstep.deb")
    later = host.take(successor(package, ctx.path("later")), "/srv/later.deb")
    host.run("dpkg", "--install", there)
    check_hardening(host)
    does_its_job(host)
    check_upgrades(host, there, later)
    check_removal(host)


@on("s3d")
@long_test
@deadline(1200)
def test_rpm(ctx):
    package = built("rpm", "rpmbuild")
    host = Host(ctx.folder("host"))
    there = host.take(package, "/srv/lockstep.rpm")
    told = host.run("rpm", "--query", "--package", "--scripts", there).stdout
    assert "%" not in told.replace("%%", ""), told  # a macro that nobody has expanded
    # Debian's rpm wants to be told twice.
    install = ("rpm", "--install", "--nodeps", "--force-debian")
    host.run(*install, there)
    does_its_job(host)
    mine = read(host.path(CONF)) + b"# mine\n"
    write(host.path(CONF), mine)
    host.run(*install, "--replacepkgs", there)
    assert read(host.path(CONF)) == mine
    host.run("rpm", "--erase", "--nodeps", "--force-debian", "lockstep")
    assert not host.exists("/usr/bin/lockstep")
    assert read(host.path(CONF + ".rpmsave")) == mine


FIRST = """#!/bin/sh
mount -t proc proc /proc
mount -t hostfs -o ro,/ outside /host
mount -t ext4 /dev/ubda /srv/data
mount -t ext4 -o sync /dev/ubdb /srv/s3
mkdir -p /srv/data/state
mount --bind /srv/data/state /var/lib/lockstep
exec /lib/systemd/systemd
"""
S3_UNIT = """[Unit]
Description=S3
Before=lockstep.service
[Service]
ExecStart=/srv/s3d --root /srv/s3/objects --log /srv/s3/access.jsonl --region us-east-1 \
    --port 9000 --bucket training --access-key LOCKSTEPTESTKEY --secret-key test+secret/of=no+use
[Install]
WantedBy=multi-user.target
"""
DRIVE_UNIT = """[Unit]
After=s3.service
[Service]
Environment=PYTHONHOME=/host/usr
ExecStart=/host/lib64/ld-linux-x86-64.so.2 --library-path /host/usr/lib/x86_64-linux-gnu \
    /host/usr/bin/python3 -B /host{harness}/guest_host.py
[Install]
WantedBy=multi-user.target
"""


def furnish(root, package):
    """What the way through a bare host needs beside Debian: the package, S3, and who goes it."""
    for folder in ("host", "srv/data", "srv/s3", "var/lib/lockstep"):
        os.makedirs(f"{root}/{folder}")
    shutil.copy(package, f"{root}/srv/lockstep.deb")
    shutil.copy(s3d_binary(), f"{root}/srv/s3d")
    write(f"{root}/first", FIRST.encode())
    os.chmod(f"{root}/first", 0o755)
    units = {"s3": S3_UNIT,
             "drive": DRIVE_UNIT.format(harness=os.path.dirname(os.path.abspath(uml.__file__)))}
    for name, text in units.items():
        write(f"{root}/etc/systemd/system/{name}.service", text.encode())
        subprocess.run(["systemctl", f"--root={root}", "enable", "-q", name], check=True)


@on("s3d")
@long_test
@deadline(1200)
def test_the_whole_way_on_a_bare_debian_with_systemd(ctx):
    """harness/guest_host.py says what is done in each boot."""
    lost = uml.missing()
    if lost:
        raise Skip("no kernel to run systemd on: " + lost)
    package = built("deb", "dpkg-buildpackage")
    depends = subprocess.run(["dpkg-deb", "--field", package, "Depends"], check=True,
                             capture_output=True, text=True).stdout
    root = ctx.path("bare")
    bare.make(root, depends)
    furnish(root, package)
    disks = [uml.make_disk(ctx.path(name), 512 << 20) for name in ("disk.img", "s3.img")]
    for phase in ("first", "second", "third"):
        uml.boot_root(ctx.folder(phase), root, disks, phase, 240)
