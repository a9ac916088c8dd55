"""lockstep lst check: what it says of lists and images, in three forms, and what it sets right."""

import json
import os
import subprocess
import time

from harness import on, samples, write
from harness.agent import lockstep_binary
from harness.list_readers import everyone, im2rec, image_iter

HEAD = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


def lst(*words, cwd=None):
    """Status, standard output and standard error of a command of lst."""
    done = subprocess.run([lockstep_binary(), "lst", *words], capture_output=True, timeout=60,
                          cwd=cwd, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def jpeg(width, height):
    """The header of a JPEG, behind a segment that is longer than what is read at first."""
    long_segment = b"\xff\xe1\x30\x02" + b"\0" * 0x3000
    frame = b"\xff\xc0\x00\x0b\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return HEAD + long_segment + frame + b"\x01\x01\x11\x00"


def found(text):
    """(line, rule) of each finding of --json, and the sum."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [(x.get("line", 0), x["rule"]) for x in lines[:-1]], lines[-1]


@on("s3d")
def test_clean_lists_have_nothing(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    samples.write_lists(lists, samples.adwaita(images, count=300))
    both = (f"{lists}/train.lst", f"{lists}/val.lst")
    status, out, err = lst("check", "--root", images, "--imbalance", "0", "--mini-batch-size", "32",
                           "--image-shape", "3,16,16", *both)
    assert (status, err) == (0, ""), (out, err)
    assert out == "2 lists, 300 images looked at: 0 errors, 0 warnings, 0 notes\n", out
    for path in both:
        with open(path, "rb") as file:
            everyone(file.read())


@on("s3d")
def test_images_are_looked_at(ctx):
    root = ctx.folder("images")
    write(f"{root}/good.jpg", jpeg(300, 200))
    write(f"{root}/small.jpg", jpeg(300, 199))
    write(f"{root}/empty.jpg", b"")
    write(f"{root}/cut.jpg", jpeg(300, 300)[:-6])
    write(f"{root}/text.png", b"not an image")
    os.symlink("good.jpg", f"{root}/link.jpg")
    os.makedirs(f"{root}/folder")
    names = ("good.jpg", "small.jpg", "empty.jpg", "cut.jpg", "text.png", "link.jpg", "folder",
             "gone.jpg", "good.jpg/x.jpg")
    write(f"{root}/x.lst", "".join(f"{i}\t0\t{name}\n" for i, name in enumerate(names)).encode())
    status, out, err = lst("check", "--root", root, "--image-shape", "200x300", "--json",
                           f"{root}/x.lst")
    assert (status, err) == (1, "")
    rules, total = found(out)
    assert rules == [(2, "image-small"), (3, "image-empty"), (4, "image-format"),
                     (5, "image-format"), (6, "image-link"), (7, "image-link"),
                     (8, "image-missing"), (9, "image-missing")], rules
    assert total == {"lists": 1, "images": 9, "errors": 6, "warnings": 2, "notes": 0}
    status, out, _ = lst("check", "--root", root, f"{root}/x.lst")
    assert status == 1 and f"{root}/x.lst:8: error: there is no such file" in out, out


@on("s3d")
def test_the_same_bytes_in_two_lists(ctx):
    root = ctx.folder("images")
    for name, width in (("a.jpg", 10), ("b.jpg", 11), ("c.jpg", 10)):
        write(f"{root}/{name}", jpeg(width, 10))
    write(f"{root}/train.lst", b"0\t0\ta.jpg\n1\t1\tb.jpg\n")
    write(f"{root}/val.lst", b"0\t0\tc.jpg\n")
    words = ("check", "--root", root, "--json", "train.lst", "val.lst")
    assert lst(*words, cwd=root)[0] == 0
    status, out, _ = lst(*words, "--content", cwd=root)
    first = json.loads(out.splitlines()[0])
    assert status == 1 and first["rule"] == "content-in-two-lists", out
    assert (first["file"], first["line"], first["other_file"], first["other_line"]) == \
        ("val.lst", 1, "train.lst", 1)


@on("s3d")
def test_the_repository_is_that_of_the_mapping(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    samples.write_lists(lists, samples.adwaita(images, count=40))
    agent = ctx.agent(images=images, lists=lists)
    conf = agent.run("config", "check")
    assert conf.returncode == 0
    done = agent.run("lst", "check", "--imbalance", "0", f"{lists}/train.lst", f"{lists}/val.lst")
    assert done.returncode == 0 and "40 images looked at" in str(done.stdout), done
    write(ctx.path("else.lst"), b"0\t0\ta.jpg\n")
    done = agent.run("lst", "check", ctx.path("else.lst"))
    assert done.returncode == 2 and "--root" in str(done.stderr), done


@on("s3d")
def test_sarif_is_one_document(ctx):
    write(ctx.path("a b.lst"), b"\xef\xbb\xbf0\t0\ta.jpg\r\n\n0\t\xff\tb\x1b.jpg\n")
    status, out, _ = lst("check", "--no-images", "--sarif", "a b.lst", cwd=ctx.dir)
    log = json.loads(out)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert status == 1 and log["version"] == "2.1.0" and log["$schema"].startswith("https://")
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("note", "warning", "error") and result["message"]["text"]
        for place in result["locations"] + result.get("relatedLocations", []):
            place = place["physicalLocation"]
            assert place["artifactLocation"]["uri"] == "a%20b.lst"
            assert place["region"]["startLine"] in (1, 2, 3)
    clean = json.loads(lst("check", "--no-images", "--sarif", "/dev/null")[1] or "{}")
    assert clean == {}, "a device is no list"


@on("s3d")
def test_fix_changes_nothing_that_somebody_means(ctx):
    path = ctx.path("x.lst")
    rows = b"\xef\xbb\xbf7\t1\ta.jpg\r\n\n \t\n3\t0\tb c.jpg\n5.0\t1\t kept.jpg\n# kept\n9\t1\td.jpg"
    write(path, rows)
    os.chmod(path, 0o640)
    before = im2rec(rows)
    status, out, err = lst("check", "--no-images", "--fix", path)
    assert status == 1 and "4 rows set right" in out and err == "", (out, err)
    with open(path, "rb") as file:
        fixed = file.read()
    assert fixed == (b"7\t1\ta.jpg\n3\t0\tb c.jpg\n5.0\t1\t kept.jpg\n# kept\n9\t1\td.jpg\n")
    assert im2rec(fixed) == [(7, [1.0], "a.jpg"), *before]
    assert os.stat(path).st_mode & 0o777 == 0o640
    inode = os.stat(path).st_ino
    assert lst("check", "--no-images", "--fix", path)[0] == 1
    assert os.stat(path).st_ino == inode, "nothing to set right: the file is left alone"
    write(path, fixed.replace(b"5.0\t1\t kept.jpg\n# kept\n", b""))
    assert lst("check", "--no-images", path)[0] == 0
    with open(path, "rb") as file:
        assert image_iter(file.read()) == [(7, [1.0], "a.jpg"), (3, [0.0], "b c.jpg"),
                                           (9, [1.0], "d.jpg")]


@on("s3d")
def test_wrong_use(ctx):
    write(ctx.path("x.lst"), b"0\t0\ta.jpg\n")
    for words in (("check",), ("check", "--image-shape", "3", "x.lst"), ("check", "gone.lst"),
                  ("check", "--jobs", "0", "x.lst"), ("check", "--no-images", "."), ("nothing",),
                  ("check", "--no-images", "--content", "x.lst"), ("check", "--classes", "-1", "x.lst"),
                  ("check", "--root", "gone", "x.lst"), ()):
        status, out, err = lst(*words, cwd=ctx.dir)
        assert status == 2 and err and not out, (words, status, out, err)
    assert lst("--help")[0] == lst("check", "--help")[0] == 0


@on("s3d")
def test_many_images_in_seconds(ctx):
    root = ctx.folder("images")
    for folder in range(20):
        os.makedirs(f"{root}/{folder}")
        write(f"{root}/{folder}/0.jpg", jpeg(32, 32))
        for i in range(1, 500):
            os.link(f"{root}/{folder}/0.jpg", f"{root}/{folder}/{i}.jpg")
    with open(ctx.path("x.lst"), "w", encoding="utf-8") as file:
        file.writelines(f"{i}\t{i % 20}\t{i % 20}/{i // 20}.jpg\n" for i in range(10000))
    begin = time.monotonic()
    status, out, _ = lst("check", "--root", root, ctx.path("x.lst"))
    took = time.monotonic() - begin
    print(f"10,000 images in {took:.2f} s")
    assert status == 0 and "10000 images" in out, out
    assert took < 10, took
