"""Debian's package, as `./dev package deb` makes it: installed, upgraded, removed on a host of the
test's own, where it does its main job."""

import glob
import os
import shutil
import subprocess

from harness import Skip, deadline, long_test, on, read, s3d_binary, write
from harness.host import Host

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONF = "/etc/lockstep/lockstep.conf"
STATE = "/var/lib/lockstep/journal/kept"


def built():
    """The package. Its own build skips the unit tests: they have been run."""
    if shutil.which("dpkg-buildpackage") is None:
        raise Skip("dpkg-buildpackage is not installed")
    done = subprocess.run(
        [os.path.join(TOP, "dev"), "package", "deb"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False,
        env={**os.environ, "DEB_BUILD_OPTIONS": "nocheck", "CI": "true"})
    assert done.returncode == 0, done.stdout[-6000:]
    found = [path for path in glob.glob(f"{TOP}/build/package/deb/lockstep_*.deb")]
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


@on("s3d")
@long_test
@deadline(1200)
def test_debian(ctx):
    package = built()
    host = Host(ctx.dir)
    there = host.take(package, "/srv/lockstep.deb")
    later = host.take(successor(package, ctx.path("later")), "/srv/later.deb")
    server = host.take(s3d_binary(), "/srv/s3d")
    job = host.take(os.path.join(TOP, "debian/tests/main-job"), "/srv/main-job")
    host.run("dpkg", "--install", there)
    host.run("hardening-check", "--nocfprotection", "/usr/bin/lockstep")
    done = host.run(job, S3D=server)
    assert "all went right" in done.stdout, done.stdout
    check_upgrades(host, there, later)
    check_removal(host)
