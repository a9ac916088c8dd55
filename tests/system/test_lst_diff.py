"""lockstep lst stat, diff and merge: what they say and write, alone and called by git."""

import json
import os
import random
import subprocess

from harness import on, write
from harness.agent import lockstep_binary
from harness.list_readers import everyone
from test_lst_check import lst

BASE = b"0\t0\tcat/a.jpg\n1\t0\tcat/b.jpg\n2\t1\tdog/c.jpg\n3\t1\tdog/d.jpg\n"
NEW = b"3\t1\tdog/d.jpg\n0\t0\tcat/a.jpg\n1\t1\tcat/b.jpg\n2\t1\tdog/moved.jpg\n9\t2\tfox/e.jpg\n"


def read(path):
    with open(path, "rb") as file:
        return file.read()


@on("s3d")
def test_diff_by_meaning(ctx):
    write(ctx.path("a.lst"), BASE)
    write(ctx.path("b.lst"), NEW)
    status, out, err = lst("diff", "a.lst", "b.lst", cwd=ctx.dir)
    assert (status, err) == (1, "")
    assert out.splitlines() == [
        "relabelled b.lst:3: cat/b.jpg (0 -> 1)",
        "moved      b.lst:4: dog/c.jpg -> dog/moved.jpg",
        "added      b.lst:5: fox/e.jpg (2)",
        "class 0: 0 added, 0 removed, 0 moved, 0 relabelled to it, 1 from it",
        "class 1: 0 added, 0 removed, 1 moved, 1 relabelled to it, 0 from it",
        "class 2: 1 added, 0 removed, 0 moved, 0 relabelled to it, 0 from it",
        "1 added, 0 removed, 1 moved, 1 relabelled, 0 reindexed"], out
    lines = [json.loads(x) for x in lst("diff", "--json", "b.lst", "a.lst", cwd=ctx.dir)[1].splitlines()]
    assert [x.get("change") for x in lines[:3]] == ["removed", "relabelled", "moved"]
    assert lines[0] == {"change": "removed", "file": "b.lst", "path": "fox/e.jpg", "index": "9",
                        "labels": "2", "line": 5}
    assert lines[-1] == {"added": 0, "removed": 1, "moved": 1, "relabelled": 1, "reindexed": 0}
    write(ctx.path("c.lst"), b"".join(reversed(BASE.replace(b"\n", b"\r\n").splitlines(True))))
    assert lst("diff", "a.lst", "c.lst", cwd=ctx.dir) == (0, "", "")
    assert lst("diff", "a.lst", cwd=ctx.dir)[0] == 2
    assert lst("diff", "a.lst", "gone.lst", cwd=ctx.dir)[0] == 2


@on("s3d")
def test_diff_against_a_plain_comparison(ctx):
    """Random lists: the numbers are those of a comparison in a few lines of Python."""
    chance = random.Random(11)
    for _ in range(20):
        old = {f"d{i % 7}/{i}.jpg": (i, i % 7) for i in range(chance.randrange(400))}
        new, moved = {}, 0
        for path, (index, label) in old.items():
            fate = chance.randrange(10)
            if fate == 0:
                continue
            if fate == 1:
                path, moved = f"x/{path}", moved + 1
            new[path] = (index, label + 10 if fate == 2 else label)
        new.update({f"new/{i}.jpg": (10000 + i, 3) for i in range(chance.randrange(9))})
        for name, rows in (("a.lst", old), ("b.lst", new)):
            lines = [f"{index}\t{label}\t{path}\n" for path, (index, label) in rows.items()]
            chance.shuffle(lines)
            write(ctx.path(name), "".join(lines).encode())
        out = lst("diff", "--summary", "--json", "a.lst", "b.lst", cwd=ctx.dir)[1]
        relabelled = sum(old[p][1] != new[p][1] for p in old.keys() & new.keys())
        expected = {"added": len(new.keys() - old.keys()) - moved,
                    "removed": len(old.keys() - new.keys()) - moved, "moved": moved,
                    "relabelled": relabelled, "reindexed": 0}
        if any(expected.values()):
            assert json.loads(out.splitlines()[-1]) == expected, (out, expected)


@on("s3d")
def test_stat(ctx):
    write(ctx.path("a.lst"), NEW + b"# note\n\n")
    status, out, _ = lst("stat", "a.lst", cwd=ctx.dir)
    assert status == 0 and "7 rows, 5 images, 1 blank, 1 others" in out, out
    lines = [json.loads(x) for x in lst("stat", "--json", "a.lst", cwd=ctx.dir)[1].splitlines()]
    assert {x["class"]: x["images"] for x in lines[1:]} == {0: 1, 1: 3, 2: 1}
    assert lst("stat")[0] == lst("stat", "gone.lst")[0] == 2


@on("s3d")
def test_merge_writes_ours(ctx):
    ours, theirs = ctx.path("ours.lst"), ctx.path("theirs.lst")
    write(ctx.path("base.lst"), BASE)
    write(ours, BASE.replace(b"cat/b.jpg", b"cat/renamed.jpg") + b"4\t0\tcat/ours.jpg\n")
    write(theirs, BASE.replace(b"1\t0\tcat/b", b"1\t5\tcat/b").replace(b"3\t1\tdog/d.jpg\n", b"")
          + b"4\t1\tdog/theirs.jpg\n")
    before = read(ours)
    status, out, err = lst("merge", "--renumber", ctx.path("base.lst"), ours, theirs)
    assert (status, err) == (0, ""), (out, err)
    assert sorted(everyone(read(ours))) == [
        (0, [0.0], "cat/a.jpg"), (1, [5.0], "cat/renamed.jpg"), (2, [1.0], "dog/c.jpg"),
        (4, [0.0], "cat/ours.jpg"), (5, [1.0], "dog/theirs.jpg")]
    write(ours, before)
    status, out, _ = lst("merge", ctx.path("base.lst"), ours, theirs)
    assert status == 1 and "1 conflicts" in out
    assert b"<<<<<<< ours\n=======\n4\t1\tdog/theirs.jpg\n>>>>>>> theirs\n" in read(ours)
    write(ours, before)
    assert lst("merge", ctx.path("gone.lst"), ours, theirs)[0] == 2 and read(ours) == before


@on("s3d")
def test_git_calls_both(ctx):
    repo = ctx.folder("repo")
    binary = lockstep_binary()
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}

    def git(*words, status=0):
        done = subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.net", *words],
                              cwd=repo, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == status, (words, done)
        return done.stdout

    def commit(rows, message):
        write(f"{repo}/train.lst", rows)
        git("add", "-A")
        git("commit", "-qm", message)

    git("init", "-q", "-b", "main")
    git("config", "diff.lst.command", f"{binary} lst diff --git")
    git("config", "merge.lst.driver",
        f"{binary} lst merge -q --marker-size %L --path %P %O %A %B")
    write(f"{repo}/.gitattributes", b"*.lst diff=lst merge=lst\n")
    commit(BASE, "base")
    git("checkout", "-qb", "theirs")
    commit(BASE + b"7\t1\tdog/theirs.jpg\n", "theirs")
    git("checkout", "-q", "main")
    commit(BASE + b"8\t0\tcat/ours.jpg\n", "ours")
    out = git("diff", "theirs", "main")
    assert "removed    train.lst:5: dog/theirs.jpg (1)" in out, out
    assert "added      train.lst:5: cat/ours.jpg (0)" in out, out
    assert "4 added, 0 removed" in git("diff", "--ext-diff", "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
                                       "theirs~1", "--", "train.lst"), "against nothing"
    git("merge", "-q", "-m", "both", "theirs")
    assert len(everyone(read(f"{repo}/train.lst"))) == 6
    git("checkout", "-qb", "more", "theirs")
    commit(read(f"{repo}/train.lst").replace(b"2\t1\tdog/c", b"2\t4\tdog/c"), "4")
    git("checkout", "-q", "main")
    commit(read(f"{repo}/train.lst").replace(b"2\t1\tdog/c", b"2\t5\tdog/c"), "5")
    git("merge", "-q", "-m", "clash", "more", status=1)
    assert b"<<<<<<< ours\n2\t5\tdog/c.jpg\n=======\n2\t4\tdog/c.jpg\n>>>>>>>" in \
        read(f"{repo}/train.lst")
    assert "UU train.lst" in git("status", "--short")
