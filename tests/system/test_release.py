"""What `make dist` makes: the same bytes, wherever and whenever it is made of a commit."""

import glob
import hashlib
import os
import subprocess

from harness import Skip, deadline, long_test, on, read

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def shell(folder, script):
    """Run it there, with an environment in which git and make are nobody's."""
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SOURCE_DATE_EPOCH")}
    done = subprocess.run(["sh", "-ec", script], cwd=folder, env=env, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-4000:]


def sums(folder):
    """The releases that lie there, by name."""
    found = {os.path.basename(path): hashlib.sha256(read(path)).hexdigest()
             for path in glob.glob(f"{folder}/lockstep-*.tar.*")}
    assert len(found) == 2, found
    return found


@on("s3d")
@long_test
@deadline(900)
def test_two_releases_of_a_commit_are_equal(ctx):
    if not os.path.exists(os.path.join(TOP, ".git")):
        raise Skip("this is no clone")
    shell(ctx.dir, f"umask 077; git clone -q {TOP} one; umask 002; git clone -q {TOP} two")
    one, two = ctx.path("one"), ctx.path("two")
    shell(one, "umask 077; autoreconf -i; ./configure -q; make -s dist")
    shell(two, "umask 002; autoreconf -i; mkdir out; cd out; ../configure -q; touch ../README.md;"
               "make -s dist")
    assert sums(one) == sums(f"{two}/out")
    # A release makes itself again.
    third = ctx.folder("third")
    shell(third, f"tar -xf {one}/lockstep-*.tar.xz --strip-components=1; ./configure -q; make -s dist")
    assert sums(one) == sums(third)
