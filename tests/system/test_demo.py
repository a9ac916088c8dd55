"""The demo that `./dev run` shows: it runs, it is right, and it leaves nothing behind."""

import os
import subprocess
import sys

from harness import deadline, on, process

DEMO = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "demo", "run.py")


def demo(ctx, *arguments):
    """Run it in the test's folder; the result, with all that it printed."""
    temporary = ctx.folder("tmp")
    done = subprocess.run(
        [sys.executable, "-B", DEMO, "--build", process.build_dir(), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
        env={**os.environ, "TMPDIR": temporary}, check=False)
    assert os.listdir(temporary) == [], os.listdir(temporary)
    return done


@deadline(120)
@on("s3d")
def test_all_steps_go_right(ctx):
    done = demo(ctx)
    assert done.returncode == 0, done.stdout
    assert "All 11 steps went right" in done.stdout, done.stdout
    assert "WRONG" not in done.stdout and "\x1b" not in done.stdout, done.stdout
    wide = [line for line in done.stdout.splitlines() if len(line) > 100]
    assert not wide, wide


@deadline(120)
@on("s3d")
def test_own_images_are_copied_and_never_touched(ctx):
    images, lists = ctx.folder("own", "images"), ctx.folder("own", "lists")
    for label in ("cat", "dog/big", "dog/small"):
        os.makedirs(f"{images}/{label}")
        for i in range(30):
            with open(f"{images}/{label}/{i}.jpg", "wb") as file:
                file.write(b"\xff\xd8" + os.urandom(2000))
    with open(f"{lists}/a.lst", "w", encoding="utf-8", newline="") as file:
        file.write("# mine\r\n")
        file.writelines(f"{i}\t1\t0.5\t./cat/{i}.jpg\r\n" for i in range(30))
        file.writelines(f"{i}\t2\t0.5\tdog/small/{i}.jpg\n" for i in range(35))
    before = look(ctx.path("own"))
    done = demo(ctx, "--repository", images, "--lists", lists)
    assert done.returncode == 0, done.stdout
    assert "5 rows without an image left out" in done.stdout, done.stdout
    assert look(ctx.path("own")) == before


def look(folder):
    """Everything about all that lies in a folder, but the times of access."""
    found = {}
    for base, folders, names in os.walk(folder):
        for name in folders + names:
            st = os.lstat(os.path.join(base, name))
            found[os.path.join(base, name)] = (st.st_ino, st.st_mode, st.st_size, st.st_mtime_ns,
                                               st.st_ctime_ns)
    return found
