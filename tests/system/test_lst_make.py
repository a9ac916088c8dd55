"""lockstep lst make: beside im2rec's own walk written in plain Python; class maps, divisions."""

import os
import shutil

from harness import on, samples, write
from harness.list_readers import everyone
from test_lst_check import lst

ODD = ("10", "2", "Z", "a", "a/b", "a-b", "e'", "caf\u00e9")


def im2rec_walk(root):
    """(index, class, path) as im2rec --list --recursive numbers them."""
    classes, rows = {}, []
    for folder, dirs, names in os.walk(root):
        dirs.sort()
        names.sort()
        for name in names:
            if os.path.splitext(name)[1].lower() in (".jpg", ".jpeg", ".png"):
                classes.setdefault(folder, len(classes))
                path = os.path.relpath(os.path.join(folder, name), root)
                rows.append((len(rows), [float(classes[folder])], path))
    return rows


def rows(ctx, name):
    with open(ctx.path(name), "rb") as file:
        return everyone(file.read())


@on("s3d")
def test_the_walk_is_that_of_im2rec(ctx):
    root = ctx.folder("images")
    for i, folder in enumerate(ODD):
        for name in ("b.JPG", "a.jpeg", "B.png", "note.txt", f"{i}.png"):
            write(f"{root}/{folder}/{name}", b"x")
    write(f"{root}/root.jpg", b"x")
    write(f"{root}/empty/readme", b"x")
    status, out, err = lst("make", "--root", "images", "all", cwd=ctx.dir)
    assert (status, out, err) == (0, f"all.lst: {len(rows(ctx, 'all.lst'))} images\n", "")
    assert rows(ctx, "all.lst") == im2rec_walk(root)
    assert lst("make", "--root", "images", "all", cwd=ctx.dir)[0] == 2, "it is there already"
    before = rows(ctx, "all.lst")
    assert lst("make", "--root", "images", "--shuffle", "--force", "all", cwd=ctx.dir)[0] == 0
    assert rows(ctx, "all.lst") != before and sorted(rows(ctx, "all.lst")) == before


@on("s3d")
def test_what_no_row_can_hold(ctx):
    root = os.fsencode(ctx.folder("images"))
    write(ctx.path("images", "good.jpg"), b"x")
    write(ctx.path("images", ".hidden.jpg"), b"x")
    os.symlink("good.jpg", ctx.path("images", "link.jpg"))
    for name in (b"a\tb.jpg", b"a\nb.jpg", b"\xff.jpg"):
        with open(os.path.join(root, name), "wb"):
            pass
    status, out, err = lst("make", "--root", "images", "x", cwd=ctx.dir)
    assert status == 1 and err.count("left out") == 3 and "1 images" in out, (status, out, err)
    assert rows(ctx, "x.lst") == [(0, [0.0], "good.jpg")]
    assert lst("make", "--root", "gone", "y", cwd=ctx.dir)[0] == 2
    os.makedirs(ctx.path("none"))
    assert lst("make", "--root", "none", "y", cwd=ctx.dir)[0] == 2
    assert not os.path.exists(ctx.path("y.lst"))


@on("s3d")
def test_classes_keep_their_numbers(ctx):
    root = ctx.folder("images")
    samples.adwaita(root, count=200)
    words = ("make", "--root", "images", "--class-map", "classes", "--force", "x")
    assert lst(*words, cwd=ctx.dir)[0] == 0
    first = {path.split("/")[0]: label for _, (label,), path in rows(ctx, "x.lst")}
    shutil.rmtree(f"{root}/{sorted(first)[0]}")
    write(f"{root}/aaa/new.jpg", b"x")
    assert lst(*words, cwd=ctx.dir)[0] == 0
    second = {path.split("/")[0]: label for _, (label,), path in rows(ctx, "x.lst")}
    assert second.pop("aaa") == len(first), "a new directory gets the next number"
    assert second == {k: v for k, v in first.items() if k in second} and len(second) == len(first) - 1
    with open(ctx.path("classes"), "rb") as file:
        known = file.read()
    assert known.endswith(b"%d\taaa\n" % len(first)) and known.startswith(b"0\t")
    write(ctx.path("classes"), known + b"1\tanother\n")
    status, _, err = lst(*words, cwd=ctx.dir)
    assert status == 2 and f"line {known.count(bytes([10])) + 1} is no class" in err, err


@on("s3d")
def test_divisions(ctx):
    root = ctx.folder("images")
    for i in range(600):
        write(f"{root}/{'ab'[i % 3 == 0]}/p{i // 10}-{i}.jpg", b"x")
    words = ("make", "--root", "images", "--split", "8,1,1", "--seed", "5", "--force")
    parts = ("_train.lst", "_val.lst", "_test.lst")
    assert lst(*words, "one", cwd=ctx.dir)[0] == lst(*words, "two", cwd=ctx.dir)[0] == 0
    everything = [row for part in parts for row in rows(ctx, "one" + part)]
    assert sorted(everything) == im2rec_walk(root), "each image in one part, with its own index"
    for part in parts:
        assert rows(ctx, "one" + part) == rows(ctx, "two" + part)
    assert [len(rows(ctx, "one" + part)) for part in parts] == [480, 60, 60]
    assert [sum(label == 1 for _, (label,), _ in rows(ctx, "one" + part)) for part in parts] == \
        [160, 20, 20]
    status, out, err = lst(*words, "--group", "/(p[0-9]+)-", "by", cwd=ctx.dir)
    assert status == 0, (out, err)
    groups = [{path.split("/")[1].split("-")[0] for _, _, path in rows(ctx, "by" + part)}
              for part in parts]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    assert len(groups[0] | groups[1] | groups[2]) == 60
    assert lst("check", "--no-images", "by_train.lst", "by_val.lst", "by_test.lst", cwd=ctx.dir)[0] == 0
    assert lst("make", "--from", "one_train.lst", "--split", "1,1", "half", cwd=ctx.dir)[0] == 0
    assert sorted(rows(ctx, "half_train.lst") + rows(ctx, "half_val.lst")) == \
        sorted(rows(ctx, "one_train.lst"))


@on("s3d")
def test_wrong_use(ctx):
    write(ctx.path("images/a.jpg"), b"x")
    for words in (("make", "x"), ("make", "--root", "images"), ("make", "--root", "images", "--split", "80", "x"),
                  ("make", "--root", "images", "--split", "8,1,1,1", "x"),
                  ("make", "--root", "images", "--group", "(", "--split", "1,1", "x"),
                  ("make", "--root", "images", "--group", "a", "x"),
                  ("make", "--root", "images", "--from", "x.lst", "x")):
        status, out, err = lst(*words, cwd=ctx.dir)
        assert status == 2 and err and not out, (words, status, out, err)
