"""lockstep pack: RecordIO files of lists and images, read back by a reader of the tests' own."""

import json
import os
import random
import signal
import subprocess

from harness import need, on, read, samples, write
from harness.agent import is_sanitized, lockstep_binary
from harness.list_readers import im2rec
from harness.process import run_measured
from harness.recordio import MAGIC, pack, read_indexed

PNG = (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\1\0\0\0\2\0\x08\2\0\0\0\0\0\0\0")


def run(*words, cwd=None, wrap=()):
    """Status, standard output and standard error of lockstep pack."""
    done = subprocess.run([*wrap, lockstep_binary(), "pack", *words], capture_output=True,
                          timeout=60, cwd=cwd, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def packed(path):
    """What a trainer finds in a .rec by its .idx."""
    return read_indexed(read(path), read(path[:-4] + ".idx"))


def expected(root, listing):
    """The .rec of a list, as it must be."""
    return b"".join(pack(index, labels, read(f"{root}/{path}"))
                    for index, labels, path in im2rec(listing))


@on("s3d")
def test_a_list_of_real_images(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    samples.write_lists(lists, samples.adwaita(images, count=900))
    rec = f"{ctx.folder('packed')}/train.rec"
    status, out, err = run("--root", images, "-o", rec, f"{lists}/train.lst")
    assert (status, err) == (0, ""), (out, err)
    assert out == f"{rec}: 720 images, {os.path.getsize(rec)} bytes, labels of an image: 1\n", out
    listing = read(f"{lists}/train.lst")
    assert read(rec) == expected(images, listing), "not what a packer of lists makes"
    assert [(index, list(labels)) for index, labels, _ in packed(rec)] == \
        [row[:2] for row in im2rec(listing)]
    first = read(rec), read(rec[:-4] + ".idx")
    assert run("--root", images, "--jobs", "1", "-q", "-o", rec, f"{lists}/train.lst")[:2] == (0, "")
    assert (read(rec), read(rec[:-4] + ".idx")) == first, "it depends on the threads"
    assert run("--check", rec)[0] == 0
    assert sorted(os.listdir(ctx.path("packed"))) == ["train.idx", "train.rec"]


@on("s3d")
def test_magic_numbers_within_images(ctx):
    """Labels of several widths, and images that have the magic number at every place."""
    root = ctx.folder("images")
    dice = random.Random(5)
    rows = []
    for number in range(400):
        pieces = dice.choices([MAGIC, b"\0", b"abcd", MAGIC[1:], b"xyz"], k=dice.randrange(1, 12))
        write(f"{root}/d/{number}.png", PNG + b"".join(pieces))
        labels = "\t".join(str(dice.choice([0, 1, 0.25, -3])) for _ in range(dice.choice([1, 3, 5])))
        rows.append(f"{number * 7}\t{labels}\td/{number}.png\n")
    write(f"{root}/x.lst", "".join(rows).encode())
    status, _, err = run("--root", root, "-o", "x.rec", "x.lst", cwd=root)
    assert (status, err) == (0, "")
    assert read(f"{root}/x.rec") == expected(root, read(f"{root}/x.lst"))
    assert len(packed(f"{root}/x.rec")) == 400
    assert run("--check", "x.rec", cwd=root)[0] == 0
    assert run("--root", root, "--first-label", "-q", "-o", "y.rec", "x.lst", cwd=root)[0] == 0
    assert [(number, labels) for number, labels, _ in packed(f"{root}/y.rec")] == \
        [(index, tuple(labels[:1])) for index, labels, _ in im2rec(read(f"{root}/x.lst"))]


@on("s3d")
def test_labels_are_changed_without_the_images(ctx):
    root = ctx.folder("images")
    for name in "abc":
        write(f"{root}/{name}.png", PNG + name.encode())
    write(f"{root}/x.lst", b"5\t0\ta.png\n3\t1\tb.png\n9\t2\tc.png\n")
    write(f"{root}/new.lst", b"9\t7\tc.png\n\n5\t1\t0\ta.png\n3\t1\tb.png\n")
    assert run("--root", root, "-q", "-o", "x.rec", "x.lst", cwd=root)[0] == 0
    for name in "abc":
        os.remove(f"{root}/{name}.png")
    assert run("--relabel", "new.lst", "-q", "-o", "new.rec", "x.rec", cwd=root) == (0, "", "")
    assert packed(f"{root}/new.rec") == [(5, (1.0, 0.0), PNG + b"a"), (3, (1.0,), PNG + b"b"),
                                         (9, (7.0,), PNG + b"c")]
    assert [labels for _, labels, _ in packed(f"{root}/x.rec")] == [(0.0,), (1.0,), (2.0,)]
    os.chmod(f"{root}/x.rec", 0o640)
    assert run("--relabel", "new.lst", "-q", "x.rec", cwd=root) == (0, "", "")
    assert read(f"{root}/x.rec") == read(f"{root}/new.rec")
    assert os.stat(f"{root}/x.rec").st_mode & 0o777 == 0o640
    before = read(f"{root}/x.rec")
    for rows, why in ((b"9\t7\tc\n5\t1\ta\n", "no row for this record's id"),
                      (b"9\t7\tc\n5\t1\ta\n3\t1\tb\n4\t1\td\n", "has 3 records"),
                      (b"9\t7\tc\n5\t1\ta\n3\tx\tb\n", "no decimal number"),
                      (b"9\t7\tc\n5\t1\ta\n5\t1\tb\n", "two rows have the index 5"),
                      (b"9\t7\tc\n5 1 a\n", "new.lst:2")):
        write(f"{root}/new.lst", rows)
        status, _, err = run("--relabel", "new.lst", "x.rec", cwd=root)
        assert status == 2 and why in err, (status, err)
    assert read(f"{root}/x.rec") == before
    assert not [name for name in os.listdir(root) if "tmp" in name]


@on("s3d")
def test_what_cannot_be_packed_is_said(ctx):
    root = ctx.folder("images")
    write(f"{root}/a.png", PNG)
    write(f"{root}/empty.png", b"")
    os.symlink("a.png", f"{root}/link.png")
    os.mkfifo(f"{root}/pipe.png")
    write(f"{root}/old.rec", b"old")
    for rows, why in ((b"0\t0\ta.png\n1\t0\tgone.png\n", "x.lst:2: gone.png: No such file"),
                      (b"0\t0\tempty.png\n", "is empty"), (b"0\t0\tlink.png\n", "link.png"),
                      (b"0\t0\tpipe.png\n", "not a regular file"),
                      (b"0\t0\t../images/a.png\n", "below the repository"),
                      (b"\n0\t0\ta.png\n# comment\n", "x.lst:3"), (b"0\tcat\ta.png\n", "decimal"),
                      (b"0\t0\ta.png\n00\t0\ta.png\n", "two rows have the index"),
                      (b"\n", "names no image")):
        write(f"{root}/x.lst", rows)
        status, out, err = run("--root", root, "-o", "old.rec", "x.lst", cwd=root)
        assert status in (2, 4) and why in err and not out, (rows, status, err)
    assert read(f"{root}/old.rec") == b"old"
    assert not [name for name in os.listdir(root) if "tmp" in name or name.endswith(".idx")]
    for words in ((), ("x.lst",), ("-o", "x.bin", "--root", root, "x.lst"), ("--check",),
                  ("--jobs", "0", "x.lst"), ("--json", "-o", "x.rec", "x.lst")):
        assert run(*words, cwd=root)[0] == 2, words


@on("s3d")
def test_faults_of_a_file_are_found(ctx):
    root = ctx.folder("images")
    for number in range(20):
        write(f"{root}/{number}.png", PNG + bytes([number]))
    write(f"{root}/x.lst", b"".join(b"%d\t%d\t%d.png\n" % (n, n % 2, n) for n in range(20)))
    assert run("--root", root, "-q", "-o", "x.rec", "x.lst", cwd=root)[0] == 0
    rec, idx = read(f"{root}/x.rec"), read(f"{root}/x.idx")
    size = len(rec) // 20

    def faults(new_rec=rec, new_idx=idx):
        write(f"{root}/x.rec", new_rec)
        write(f"{root}/x.idx", new_idx)
        status, out, err = run("--check", "--json", "x.rec", cwd=root)
        lines = [json.loads(line) for line in out.splitlines()]
        assert err == "" and status == (1 if len(lines) > 1 else 0) and \
            lines[-1]["faults"] == len(lines) - 1, out
        return [(line["file"], line["at"], line["fault"]) for line in lines[:-1]]

    assert not faults()
    cut = faults(rec[:-5])
    assert len(cut) == 1 and cut[0][1] == len(rec) - 5 and "ends within a record" in cut[0][2], cut
    turned = bytearray(rec)
    turned[3 * size] ^= 1
    assert [(at, "magic" in why) for _, at, why in faults(bytes(turned))] == [(3 * size, True)]
    text = rec[:2 * size + 32] + b"text" + rec[2 * size + 36:]
    assert [at for _, at, _ in faults(text)] == [2 * size]
    assert [(name, at) for name, at, _ in faults(new_idx=idx[:-4])][0][0] == "x.idx"
    assert faults(new_idx=idx.replace(b"\n4\t", b"\n5\t"))[0][:2] == ("x.idx", 5)
    assert "more records" in faults(new_idx=idx + b"20\t9999\n")[0][2]
    assert "no record" in faults(b"", b"")[0][2]
    os.remove(f"{root}/x.idx")
    write(f"{root}/x.rec", rec)
    status, out, _ = run("--check", "x.rec", cwd=root)
    assert status == 1 and "x.idx:0: there is no such file" in out, out


@on("s3d")
def test_killed_at_each_step(ctx):
    """Whenever it dies there is a whole .rec or the old one, and an .idx only beside its own; packing
    again makes what it should."""
    need("strace")
    root = ctx.folder("images")
    for number in range(30):
        write(f"{root}/{number}.png", PNG * (number + 1))
    write(f"{root}/old.lst", b"0\t0\t0.png\n")
    write(f"{root}/new.lst", b"".join(b"%d\t1\t%d.png\n" % (n, n) for n in range(30)))
    whole = expected(root, read(f"{root}/old.lst")), expected(root, read(f"{root}/new.lst"))
    seen = set()
    for call, times in (("openat2", 3), ("fsync", 5), ("unlinkat", 1), ("renameat", 2)):
        for when in range(1, times + 1):
            assert run("--root", root, "-q", "-o", "x.rec", "old.lst", cwd=root)[0] == 0
            status, _, err = run("--root", root, "-o", "x.rec", "new.lst", cwd=root, wrap=(
                "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                f"inject={call}:signal=KILL:when={when}"))
            assert status in (-signal.SIGKILL, 128 + signal.SIGKILL), (call, when, status, err)
            assert read(f"{root}/x.rec") in whole, (call, when)
            indexed = os.path.exists(f"{root}/x.idx")
            seen.add((read(f"{root}/x.rec") == whole[1], indexed))
            assert not indexed or packed(f"{root}/x.rec"), (call, when)
            assert run("--root", root, "-q", "-o", "x.rec", "new.lst", cwd=root) == (0, "", "")
            assert read(f"{root}/x.rec") == whole[1] and len(packed(f"{root}/x.rec")) == 30
    assert {(False, True), (True, False)} <= seen, seen
    left = [name for name in os.listdir(root) if name.startswith(".lockstep-")]
    assert left, "killed, it leaves what it was making"
    for name in left:
        os.utime(f"{root}/{name}", (0, 0))
    assert run("--root", root, "-q", "-o", "x.rec", "new.lst", cwd=root)[0] == 0
    assert not [name for name in os.listdir(root) if name.startswith(".lockstep-")]


@on("s3d")
def test_many_images_take_little_memory(ctx):
    """150 times an image of 3 MB: no more of it is held than is allowed."""
    root = ctx.folder("images")
    write(f"{root}/a.png", PNG + random.Random(1).randbytes(3 << 20))
    write(f"{root}/x.lst", b"".join(b"%d\t0\ta.png\n" % n for n in range(150)))
    words = [lockstep_binary(), "pack", "-q", "--root", root, "--jobs", "16", "-o", f"{root}/x.rec",
             f"{root}/x.lst"]
    status, said, peak = run_measured(words)
    assert status == 0, said
    if not is_sanitized():
        assert peak < 290 << 10, f"{peak >> 10} MiB"
    size = len(pack(0, [0], read(f"{root}/a.png")))
    assert read(f"{root}/x.idx") == b"".join(b"%d\t%d\n" % (n, n * size) for n in range(150))
    os.remove(f"{root}/x.rec")
