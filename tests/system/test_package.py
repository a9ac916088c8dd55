"""The packages, as `./dev package` makes them: installed, upgraded, removed on a host of the test's own,
where they do their main job."""

import glob
import os
import re
import shutil
import subprocess

from harness import Skip, deadline, long_test, on, read, s3d_binary, write
from harness.host import Host

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONF = "/etc/lockstep/lockstep.conf"
STATE = "/var/lib/lockstep/journal/kept"


def built(kind, tool):
    """The package of that kind. Its own build skips the unit tests: they have been run."""
    if shutil.which(tool) is None:
        raise Skip(f"{tool} is not installed")
    done = subprocess.run(
        [os.path.join(TOP, "dev"), "package", kind], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False,
        env={**os.environ, "DEB_BUILD_OPTIONS": "nocheck", "CI": "true"})
    assert done.returncode == 0, done.stdout[-6000:]
    found = glob.glob(f"{TOP}/build/package/{kind}/lockstep[-_]0*.{kind}")
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


@on("s3d")
@long_test
@deadline(1200)
def test_debian(ctx):
    package = built("deb", "dpkg-buildpackage")
    follow_the_book(ctx, package)
    host = Host(ctx.folder("host"))
    there = host.take(package, "/srv/lockstep.deb")
    later = host.take(successor(package, ctx.path("later")), "/srv/later.deb")
    host.run("dpkg", "--install", there)
    host.run("hardening-check", "--nocfprotection", "/usr/bin/lockstep")
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
