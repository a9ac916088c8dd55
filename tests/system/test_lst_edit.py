"""lockstep lst edit: nothing wrong takes a list's place, and nobody's change is lost."""

import os
import subprocess

from harness import on, read, wait_until, write
from harness.agent import lockstep_binary

OLD = b"1\t0\tcat/a.jpg\n2\t0\tcat/b.jpg\n# a word\n3\t3\tdog/c.jpg\n"


class Desk:
    """A list, and editors that are scripts: they get the copy as $1, and the list as $LIST."""

    def __init__(self, ctx):
        self.dir, self.list = ctx.dir, ctx.path("train.lst")
        self.tmp = ctx.folder("tmp")
        write(self.list, OLD)

    def start(self, script, **more):
        editor = os.path.join(self.dir, "editor.sh")
        write(editor, b"#!/bin/sh\nset -e\n" + script.encode())
        os.chmod(editor, 0o755)
        environment = {**os.environ, "EDITOR": editor, "LIST": self.list, "TMPDIR": self.tmp,
                       "VISUAL": "", **more}
        return subprocess.Popen([lockstep_binary(), "lst", "edit", self.list], cwd=self.dir,
                                env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def edit(self, script, answers="", **more):
        process = self.start(script, **more)
        out, err = process.communicate(answers, timeout=30)
        return process.returncode, out, err

    def leftovers(self):
        beside = [name for name in os.listdir(self.dir) if name.startswith(".lockstep-")]
        return beside + os.listdir(self.tmp)


@on("s3d")
def test_what_is_right_takes_the_place(ctx):
    desk = Desk(ctx)
    os.chmod(desk.list, 0o640)
    status, out, err = desk.edit("sed -i s,cat/a,cat/x, \"$1\"; test \"${1##*/}\" = train.lst")
    assert (status, err) == (0, "") and "train.lst: replaced" in out, (status, out, err)
    assert read(desk.list) == OLD.replace(b"cat/a", b"cat/x")
    assert os.stat(desk.list).st_mode & 0o777 == 0o640
    inode = os.stat(desk.list).st_ino
    status, out, _ = desk.edit("touch \"$1\"")
    assert status == 0 and "unchanged" in out and os.stat(desk.list).st_ino == inode
    assert desk.edit("exit 1", VISUAL="sed -i s,cat/x,cat/y,")[0] == 0, "VISUAL comes first"
    assert b"cat/y" in read(desk.list)
    assert desk.leftovers() == []


@on("s3d")
def test_what_is_wrong_is_refused_with_its_line(ctx):
    desk = Desk(ctx)
    wrong = "printf '3\\t1\\tdog/d.jpg\\n4\\tx\\n' >>\"$1\""
    status, out, _ = desk.edit(wrong, "g\n")
    assert status == 1 and read(desk.list) == OLD, out
    assert "train.lst:5: error: " in out and "[index-twice]" in out, out
    assert "train.lst:6: error: " in out and "[two-columns]" in out, out
    assert ":3:" not in out, "the comment was there before"
    assert "(e)dit again, (g)ive up" in out and desk.leftovers() == []

    # Edit again: the copy is as it was left.
    again = "if grep -q x$ \"$1\"; then sed -i -e '/x$/d' -e s,^3.1,4\\\\t1, \"$1\"; else " \
        + wrong + "; fi"
    status, out, err = desk.edit(again, "what?\ne\n")
    assert status == 0, (out, err)
    assert read(desk.list) == OLD + b"4\t1\tdog/d.jpg\n"

    # A row that stands there once more is new, too; a list without rows is none.
    for script, rule in (("sed -i '1{p}' \"$1\"", "index-twice"), (": >\"$1\"", "no-rows")):
        status, out, err = desk.edit(script, "g\n")
        assert status == 1 and f"[{rule}]" in out, (out, err)
    # Nobody can be asked: nothing happens to the list, and the text is kept.
    status, out, err = desk.edit(wrong)
    assert status == 1 and "what you wrote is in " in err, err
    assert b"4\tx\n" in read(err.split("what you wrote is in ")[1].split("\n")[0])
    assert read(desk.list) == OLD + b"4\t1\tdog/d.jpg\n"


@on("s3d")
def test_what_others_did_meanwhile_is_merged(ctx):
    desk = Desk(ctx)
    status, out, err = desk.edit(
        "sed -i s,^2.0,2\\\\t7, \"$1\"; sed -i -e s,cat/b,cat/z, -e '/dog/d' \"$LIST\";"
        "printf '9\\t3\\tdog/e.jpg\\n' >>\"$LIST\"")
    assert status == 0 and "the list changed meanwhile" in out, (out, err)
    assert read(desk.list) == (b"1\t0\tcat/a.jpg\n2\t7\tcat/z.jpg\n# a word\n9\t3\tdog/e.jpg\n")
    assert desk.leftovers() == []


@on("s3d")
def test_a_conflict_is_for_a_person(ctx):
    desk = Desk(ctx)
    clash = "sed -i s,^2.0,2\\\\t7, \"$1\"; sed -i s,^2.0,2\\\\t8, \"$LIST\""
    status, out, err = desk.edit(clash)
    assert status == 1 and "changed in two ways" in out, (out, err)
    theirs = OLD.replace(b"2\t0", b"2\t8")
    assert read(desk.list) == theirs
    kept = read(err.split("what you wrote is in ")[1].split("\n")[0])
    assert b"<<<<<<< yours\n2\t7\tcat/b.jpg\n" in kept and b"2\t8\tcat/b.jpg\n" in kept, kept

    # Markers are no rows; who takes them out decides.
    write(desk.list, OLD)
    status, out, err = desk.edit(
        "if grep -q '^<<<' \"$1\"; then sed -i -e '/^[<=>|]/d' -e '/^2.8/d' -e '/^2.0/d' \"$1\";"
        f" else {clash}; fi", "e\n")
    assert status == 0, (out, err)
    assert read(desk.list) == OLD.replace(b"2\t0", b"2\t7")


@on("s3d")
def test_one_at_a_time_edits_a_list(ctx):
    desk = Desk(ctx)
    first = desk.start(f"touch {ctx.path('begun')}; read line <{ctx.path('gate')}")
    os.mkfifo(ctx.path("gate"))
    wait_until(lambda: os.path.exists(ctx.path("begun")), 10, "the first editor")
    status, _, err = desk.edit("echo >>\"$1\"")
    assert status == 1 and "it is being edited by uid 0, process" in err, err
    first.kill()  # who dies leaves no lock
    write(ctx.path("gate"), b"\n")
    first.communicate()
    assert desk.edit("sed -i s,cat/a,cat/x, \"$1\"")[0] == 0
    assert b"cat/x" in read(desk.list)


@on("s3d")
def test_wrong_use_and_broken_editors(ctx):
    desk = Desk(ctx)
    assert desk.edit("kill -9 $$")[0] == 1
    status, _, err = desk.edit("echo >>\"$1\"; exit 3")
    assert status == 1 and "the editor failed (status 3)" in err and "what you wrote is in" in err
    assert read(desk.list) == OLD
    run = [lockstep_binary(), "lst", "edit"]
    assert subprocess.run(run, capture_output=True, check=False).returncode == 2
    done = subprocess.run([*run, ctx.path("none.lst")], capture_output=True, check=False)
    assert done.returncode == 2 and b"No such file" in done.stderr, done
