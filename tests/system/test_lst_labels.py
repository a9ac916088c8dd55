"""lockstep lst relabel, split, merge-classes, append and subset: what they write, read back by
readers that share nothing with them."""

import os

from harness import on, write
from harness.list_readers import everyone
from test_lst_check import lst

TRAIN = (b"0\t0\tcat/a.jpg\n1\t1.000000\tdog/b.jpg\n2\t3\tfox/c.jpg\n3\t3\tfox/red/d.jpg\n"
         b"7\t5\towl/e.jpg\n")
VAL = b"0\t0\tcat/f.jpg\n1\t3\tfox/red/g.jpg\n2\t3\tfox/arctic/h.jpg\n"


def put(ctx):
    write(ctx.path("train.lst"), TRAIN)
    write(ctx.path("val.lst"), VAL)


def rows(ctx, name):
    """index -> (label, path), as every reader has it."""
    with open(ctx.path(name), "rb") as file:
        return {index: (labels[0], path) for index, labels, path in everyone(file.read())}


@on("s3d")
def test_relabel(ctx):
    put(ctx)
    os.chmod(ctx.path("train.lst"), 0o604)
    status, out, err = lst("relabel", "--to", "9", "--class", "3", "--match", "fox/red/**",
                           "train.lst", "val.lst", cwd=ctx.dir)
    assert (status, err) == (0, "") and "train.lst: 1 rows" in out and "val.lst: 1 rows" in out
    with open(ctx.path("train.lst"), "rb") as file:
        assert file.read() == TRAIN.replace(b"3\t3\tfox/red", b"3\t9\tfox/red")
    assert os.stat(ctx.path("train.lst")).st_mode & 0o777 == 0o604
    inode = os.stat(ctx.path("train.lst")).st_ino
    assert lst("relabel", "--to", "4", "--class", "77", "train.lst", cwd=ctx.dir)[0] == 0
    assert os.stat(ctx.path("train.lst")).st_ino == inode
    write(ctx.path("some.lst"), b"0\t0\tdog/b.jpg\n")
    assert lst("relabel", "--to", "4", "--in", "some.lst", "train.lst", cwd=ctx.dir)[0] == 0
    assert rows(ctx, "train.lst")[1] == (4.0, "dog/b.jpg")


@on("s3d")
def test_split_a_class(ctx):
    put(ctx)
    status, out, _ = lst("split", "--class", "3", "--by-directory", "train.lst", "val.lst", cwd=ctx.dir)
    assert status == 0, out
    assert out.splitlines()[:3] == ["class 3: fox", "class 6: fox/arctic", "class 7: fox/red"], out
    assert rows(ctx, "train.lst") == {0: (0, "cat/a.jpg"), 1: (1, "dog/b.jpg"), 2: (3, "fox/c.jpg"),
                                      3: (7, "fox/red/d.jpg"), 7: (5, "owl/e.jpg")}
    assert rows(ctx, "val.lst") == {0: (0, "cat/f.jpg"), 1: (7, "fox/red/g.jpg"),
                                    2: (6, "fox/arctic/h.jpg")}
    put(ctx)
    write(ctx.path("red.lst"), b"0\t0\tfox/red/d.jpg\n1\t0\towl/e.jpg\n")
    assert lst("split", "--class", "3", "--in", "red.lst", "train.lst", cwd=ctx.dir)[0] == 0
    assert rows(ctx, "train.lst")[3][0] == 6 and rows(ctx, "train.lst")[7][0] == 5


@on("s3d")
def test_merge_classes(ctx):
    put(ctx)
    status, out, _ = lst("merge-classes", "--to", "0", "--class", "1", "--renumber", "train.lst",
                         "val.lst", cwd=ctx.dir)
    assert status == 0, out
    assert {path: label for label, path in rows(ctx, "train.lst").values()} == {
        "cat/a.jpg": 0, "dog/b.jpg": 0, "fox/c.jpg": 1, "fox/red/d.jpg": 1, "owl/e.jpg": 2}
    assert {path: label for label, path in rows(ctx, "val.lst").values()} == {
        "cat/f.jpg": 0, "fox/red/g.jpg": 1, "fox/arctic/h.jpg": 1}
    assert lst("check", "--no-images", "train.lst", "val.lst", cwd=ctx.dir)[0] == 0
    put(ctx)
    assert lst("merge-classes", "--to", "1", "--class", "3", "--class", "5", "train.lst",
               cwd=ctx.dir)[0] == 0
    assert sorted(label for label, _ in rows(ctx, "train.lst").values()) == [0, 1, 1, 1, 1]


@on("s3d")
def test_append(ctx):
    put(ctx)
    write(ctx.path("more.lst"), VAL + b"9\t0\tcat/a.jpg\n")
    status, out, _ = lst("append", "train.lst", "more.lst", cwd=ctx.dir)
    assert status == 0 and "3 added, 1 known" in out, out
    got = rows(ctx, "train.lst")
    assert len(got) == 8 and got[8] == (0, "cat/f.jpg") and got[10] == (3, "fox/arctic/h.jpg")
    with open(ctx.path("train.lst"), "rb") as file:
        before = file.read()
    assert before.startswith(TRAIN)
    write(ctx.path("clash.lst"), b"0\t0\tnew.jpg\n1\t7\tcat/a.jpg\n")
    status, _, err = lst("append", "train.lst", "clash.lst", cwd=ctx.dir)
    with open(ctx.path("train.lst"), "rb") as file:
        assert status == 1 and "1 images have other labels" in err and file.read() == before


@on("s3d")
def test_subset(ctx):
    put(ctx)
    assert lst("subset", "--class", "3", "--class", "5", "-o", "some.lst", "train.lst",
               cwd=ctx.dir)[0] == 0
    with open(ctx.path("some.lst"), "rb") as file:
        assert file.read() == b"".join(TRAIN.splitlines(True)[2:])
    words = ("subset", "--not-in", "some.lst", "--per-class", "1", "-o", "rest.lst", "train.lst")
    assert lst(*words, cwd=ctx.dir)[0] == 0
    assert sorted(rows(ctx, "rest.lst")) == [0, 1]
    status, _, err = lst(*words, cwd=ctx.dir)
    assert status == 2 and "is there already" in err
    assert lst(*words, "--force", cwd=ctx.dir)[0] == 0


@on("s3d")
def test_wrong_use(ctx):
    put(ctx)
    for words in (("relabel", "train.lst"), ("relabel", "--to", "1", "train.lst"),
                  ("relabel", "--to", "x", "--class", "1", "train.lst"),
                  ("split", "--class", "3", "train.lst"), ("split", "--by-directory", "train.lst"),
                  ("merge-classes", "--to", "1", "train.lst"), ("append", "train.lst"),
                  ("subset", "train.lst"), ("subset", "-o", "x.lst"),
                  ("relabel", "--to", "1", "--class", "0", "train.lst", "gone.lst")):
        status, out, err = lst(*words, cwd=ctx.dir)
        assert status == 2 and err and not out, (words, status, out, err)
    with open(ctx.path("train.lst"), "rb") as file:
        assert file.read() == TRAIN
