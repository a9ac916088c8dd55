"""Every name that POSIX allows: what can be a key arrives under exactly that key, what cannot is
named with its reason, and nothing outside of the tree is ever touched."""

import base64
import collections
import os
import random
import socket

from harness import deadline, long_test, on, samples, wait_until, write
from harness.seeds import seed

LONG = "é" * 125 + ".jpg"  # 254 bytes: renaming may put one more in front

NAMES = (
    "plain.jpg", "sp ace.jpg", "  two leading.jpg", "trailing blank.jpg ", "plus+plus.jpg",
    "per%cent%41%.jpg", "quo'te.jpg", 'dou"ble.jpg', "tilde~a.jpg", "a&b&amp;c.jpg",
    "que?stion.jpg", "has#h.jpg", "semi;colon,comma.jpg", "e=quals=.jpg", "back\\slash\\.jpg",
    "st*ar.jpg", "<less>.jpg", "[a-z]{b}.jpg", "at@colon:.jpg", "dollar$(x)`y`.jpg",
    "bang!|pipe.jpg", "^caret_.jpg", ".leading.jpg", "trailing.dot.", "...", "-dash.jpg", "-",
    "no extension", "gr\u00fc\u00dfe.jpg", "gru\u0308\u00dfe.jpg", "\u65e5\u672c\u8a9e.jpg",
    "\U0001f408.jpg", "\u202eright-to-left.jpg", "\u00a0no-break.jpg", "\ufeffbom.jpg",
    "\u0085next-line.jpg", "del\x7f.jpg", "sedan2001", LONG, "Case.jpg", "case.jpg", "CASE.JPG",
    "index.lst", "aux", "a" * 250 + ".jpg",
)
# No row of a list can hold these.
NO_ROW = ("new\nline.jpg", "tab\there.jpg", "carriage\rreturn.jpg")
REFUSED = (
    b"not\xffutf8.jpg", b"cut\xe4\xb8.jpg", b"surrogate\xed\xa0\x80.jpg", b"bell\x07.jpg",
    b"esc\x1b[2J.jpg", b"\xef\xbf\xbf.jpg",
)
PASSED_OVER = (
    ".nfs0123456789abcdef01234567", "b.jpg~", ".x.jpg.swp", ".x.swp", "#auto#", ".#lock",
    "b.jpg.part", "b.tmp", "b.crdownload", ".~lock.b#", ".b.jpg.Ab3dEf", ".goutputstream-X",
    ".lockstep-x",
)


def write_list(path, rows):
    write(path, "".join(f"{i}\t{i % 3}\t{row}\n" for i, row in enumerate(rows)).encode())


def read_list(path):
    """The paths of the rows; only LF ends one."""
    with open(path, "rb") as file:
        rows = file.read().decode().split("\n")[:-1]
    return [row.split("\t")[-1] for row in rows]


def follow(ctx, agent, images, lists):
    agent.wait_in_step(30)
    ctx.client.assert_tree(images, "images/", ignore=())
    ctx.client.assert_tree(lists, "lists/", ignore=())


def expect_keys(ctx, keys, prefix="", timeout=15):
    """Until these are the bucket's keys."""
    wait_until(lambda: set(ctx.client.keys(prefix)) == set(keys), timeout,
               lambda: f"{sorted(keys)}: {sorted(ctx.client.keys(prefix))}")


def check_by_others(ctx, images):
    """The AWS CLI and rclone see the same names."""
    here = sorted(os.path.relpath(os.path.join(base, name), images)
                  for base, _, names in os.walk(images) for name in names)
    listed = ctx.client.aws_json("s3api", "list-objects-v2", "--bucket", ctx.bucket,
                                 "--prefix", "images/")
    assert sorted(item["Key"][len("images/"):] for item in listed["Contents"]) == here
    found = ctx.client.rclone_check(images, "images/", "--exclude", "*\n*", "--exclude", "*\r*")
    assert found == [], found


@on("s3d", "ceph", "swift")
def test_every_legal_name_is_added_edited_renamed_and_removed(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for name in NAMES + NO_ROW:
        write(f"{images}/{name}", b"at the top: " + name.encode())
        write(f"{images}/in/{name}/{name}", b"below: " + name.encode())
    rows = [path for name in NAMES for path in (name, f"in/{name}/{name}")]
    write_list(f"{lists}/train.lst", rows)
    write_list(f"{lists}/sub +%/li st&.lst", rows[:10])
    write_list(f"{lists}/{'l' * 251}.lst", rows[:4])
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 10000}).start()
    follow(ctx, agent, images, lists)
    check_by_others(ctx, images)

    for name in NAMES + NO_ROW:
        write(f"{images}/{name}", b"edited: " + name.encode())
    follow(ctx, agent, images, lists)

    for name in NAMES + NO_ROW:  # a file, and a directory
        os.rename(f"{images}/{name}", f"{images}/_{name}")
        os.rename(f"{images}/in/{name}", f"{images}/in/_{name}")
    follow(ctx, agent, images, lists)
    renamed = [path for name in NAMES for path in ("_" + name, f"in/_{name}/{name}")]
    assert read_list(f"{lists}/train.lst") == renamed
    assert read_list(f"{lists}/sub +%/li st&.lst") == renamed[:10]
    assert read_list(f"{lists}/{'l' * 251}.lst") == renamed[:4]
    check_by_others(ctx, images)

    for name in (NAMES + NO_ROW)[::2]:
        os.unlink(f"{images}/_{name}")
        os.unlink(f"{images}/in/_{name}/{name}")
    follow(ctx, agent, images, lists)
    left = [path for name in NAMES[1::2] for path in ("_" + name, f"in/_{name}/{name}")]
    assert read_list(f"{lists}/train.lst") == left
    agent.verify_journal()
    agent.stop()
    agent.once()


ALPHABETS = (
    "abcXYZ019", " ", "!\"#$%&'()*+,-.:;<=>?@[\\]^_`{|}~", "%+&=?#", ".-_~", "\t\n\r\x7f",
    "\u0080\u0085\u009f\u00a0\u00ad\u00e9\u00df\u00ff", "\u0300\u0301\u0308\u0323\u036f",
    "\u03a3\u03c2\u0130\u0131\u01c5\ufb01", "\u05d0\u0627\u200e\u200f\u202a\u202e\u2066\u2069",
    "\u0e01\u0e33\u1100\u1161\uac01\u3042\u30ac\u65e5\u8a9e", "\u2028\u2029\u200b\u200d\u2060\u3000",
    "\ud7ff\ue000\uf8ff\ufdd0\ufeff\uff0f\ufffd", "\U00010000\U0001f408\U0001f3fd\U000e0041\U0010fffd",
)


def generated_names(number, count):
    """So many paths of up to four components out of characters that a key can hold."""
    dice, files, folders = random.Random(number), set(), set()

    def component():
        wanted = dice.choice((1, 2, 3, 5, 8, 13, 40, 240))  # bytes, about
        mixed, name = dice.sample(ALPHABETS, dice.randint(1, 4)), ""
        while len(name.encode()) < wanted:
            name += dice.choice(dice.choice(mixed))
        return name if name not in (".", "..") else component()

    while len(files) < count:
        parts = [component() for _ in range(dice.choice((1, 1, 2, 3, 4)))]
        above = {"/".join(parts[:i]) for i in range(1, len(parts))}
        path = "/".join(parts)
        if path not in files | folders and not above & files and len(path.encode()) < 900:
            files.add(path)
            folders |= above
    return sorted(files)


def there_and_back(ctx, number, count=500):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    names = generated_names(number, count)
    for name in names:
        write(f"{images}/{name}", b"of " + name.encode())
    rows = [name for name in names if not set("\t\n\r") & set(name)]
    write_list(f"{lists}/train.lst", rows)
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 10000,
                                                              "default_exclude": False}).start()
    agent.ignored = ()
    follow(ctx, agent, images, lists)
    check_by_others(ctx, images)
    moved = {}
    for i, name in enumerate(names):  # each third is renamed
        if i % 3 == 0:
            to = f"{os.path.dirname(name)}/_{os.path.basename(name)}".lstrip("/")
            if os.path.lexists(f"{images}/{to}"):
                continue
            moved[name] = to
            os.rename(f"{images}/{name}", f"{images}/{moved[name]}")
        elif i % 3 == 1:
            write(f"{images}/{name}", b"edited, " + name.encode())
    follow(ctx, agent, images, lists)
    assert read_list(f"{lists}/train.lst") == [moved.get(row, row) for row in rows]
    check_by_others(ctx, images)
    agent.verify_journal()
    agent.stop()
    agent.once()
    ctx.client.assert_tree(images, "images/", ignore=())


@on("s3d", "ceph", "swift")
def test_five_hundred_generated_names_there_and_back(ctx):
    there_and_back(ctx, 500, 60 if ctx.server.kind == "swift" else 500)  # it is slow


@long_test
@deadline(300)
@on("s3d")
def test_generated_names_that_nobody_saw_before(ctx):
    there_and_back(ctx, seed())


@on("s3d", "ceph")
def test_an_image_whose_new_name_no_row_can_hold_leaves_the_lists(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        write(f"{images}/{name}", name.encode())
    write_list(f"{lists}/train.lst", ["a.jpg", "b.jpg", "c.jpg"])
    agent = ctx.agent(images=images, lists=lists).start()
    follow(ctx, agent, images, lists)
    os.rename(f"{images}/b.jpg", f"{images}/b\n.jpg")
    follow(ctx, agent, images, lists)
    assert read_list(f"{lists}/train.lst") == ["a.jpg", "c.jpg"]
    assert "no row of a list can name it" in agent.log()


@on("s3d", "ceph", "swift")
def test_the_longest_key_and_one_byte_more(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    parent = "/".join(["d" * 250] * 4)
    longest = parent + "/" + "e" * (1024 - len(f"images/{parent}/") - 4) + ".jpg"
    assert len(f"images/{longest}") == 1024
    write(f"{images}/{longest}", b"longest")
    write(f"{images}/{longest}x", b"one more")
    write(f"{images}/a.jpg", b"a")
    write_list(f"{lists}/train.lst", [longest, "a.jpg"])
    agent = ctx.agent(images=images, lists=lists).start()
    expect_refused(agent, {f"images/{longest}x": "1025 bytes"})
    expect_keys(ctx, {"images/" + longest, "images/a.jpg"}, "images/")
    assert ctx.client.get("images/" + longest)[0] == b"longest"
    os.rename(f"{images}/{longest}x", f"{images}/{parent}/short.jpg")
    follow(ctx, agent, images, lists)
    # From a name that fits to one that does not: the object goes, the file is told of.
    os.rename(f"{images}/{longest}", f"{images}/{longest}y")
    expect_refused(agent, {f"images/{longest}y": "1025 bytes"})
    expect_keys(ctx, {f"images/{parent}/short.jpg", "images/a.jpg"}, "images/")
    wait_until(lambda: ctx.client.get("lists/train.lst")[0] == b"1\t1\ta.jpg\n", 10, "the list")
    os.rename(f"{images}/{longest}y", f"{images}/{longest}")
    follow(ctx, agent, images, lists)
    agent.verify_journal()


def expect_refused(agent, reasons):
    """Until `status` names exactly these keys with these words."""
    def told():
        found = {p["key"]: p["why"] for p in agent.status()[0].get("problems", [])}
        return set(found) == set(reasons) and all(reasons[k] in found[k] for k in found)

    wait_until(told, 10, lambda: str(agent.status()))


@on("s3d")
def test_names_that_can_be_no_key_are_told_of_and_kept_by_their_bytes(ctx):
    images = ctx.folder("images")
    write(f"{images}/good.jpg")
    root = os.fsencode(images)
    for name in REFUSED:
        write(os.path.join(root, b"c", name))
    os.makedirs(os.path.join(root, b"dir\xfe"))
    write(os.path.join(root, b"dir\xfe", b"inside.jpg"))
    agent = ctx.agent(images=images).start()
    wait_until(lambda: agent.status()[0].get("problem_count") == len(REFUSED) + 1, 10,
               lambda: str(agent.status()))
    wait_until(lambda: set(ctx.client.keys()) == {"images/good.jpg"}, 10,
               lambda: str(ctx.client.keys()))
    assert agent.status()[1] == 1
    failed = [r for r in agent.journal_records() if r.get("st") == "failed"]
    paths = {base64.b64decode(r["P"]) if "P" in r else r["p"].encode() for r in failed}
    assert paths == {b"c/" + name for name in REFUSED} | {b"dir\xfe/inside.jpg"}, paths
    assert all(r["why"] for r in failed), failed
    shown = agent.journal("show").stdout
    for text in (r"c/not\xffutf8.jpg", r"c/bell\x07.jpg", r"c/esc\x1b[2J.jpg",
                 r"dir\xfe/inside.jpg"):
        assert text in shown, (text, shown)
    told = agent.run("status").stdout
    assert "\x1b" not in told + shown and r"esc\x1b[2J.jpg" in told, told
    assert "\x1b" not in agent.log() and "\x07" not in agent.log()
    for name in REFUSED:
        os.rename(os.path.join(root, b"c", name),
                  os.path.join(root, b"c", name.hex().encode() + b".jpg"))
    os.rename(os.path.join(root, b"dir\xfe"), os.path.join(root, b"dir"))
    agent.wait_in_step(10)
    ctx.client.assert_tree(images, "images/")
    os.rename(f"{images}/good.jpg", os.path.join(root, b"bad\xff.jpg"))
    wait_until(lambda: "images/good.jpg" not in ctx.client.keys(), 10, "the removal of good.jpg")
    os.unlink(os.path.join(root, b"bad\xff.jpg"))
    agent.wait_in_step(10)
    agent.verify_journal()


@on("s3d")
def test_what_editors_and_tools_leave_is_passed_over(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for name in PASSED_OVER:
        for folder in (images, lists, f"{images}/c"):
            write(f"{folder}/{name}", b"not for S3")
    write(f"{images}/sediment/a.jpg")
    write(f"{lists}/all.lst", b"0\t0\tsediment/a.jpg\n")
    expected = {"images/sediment/a.jpg", "lists/all.lst"}
    agent = ctx.agent(images=images, lists=lists).start()
    wait_until(lambda: agent.run("status").returncode == 0, 10, lambda: str(agent.status()))
    assert set(ctx.client.keys()) == expected
    os.rename(f"{images}/b.jpg.part", f"{images}/b.jpg")  # a download is complete
    expected.add("images/b.jpg")
    expect_keys(ctx, expected)
    os.rename(f"{images}/b.jpg", f"{images}/b.jpg~")      # and an editor's backup
    expected.remove("images/b.jpg")
    expect_keys(ctx, expected)
    wait_until(lambda: agent.run("status").returncode == 0, 10, lambda: str(agent.status()))
    agent.stop()
    agent.once()
    assert set(ctx.client.keys()) == expected


@on("s3d")
def test_own_patterns_pass_names_over(ctx):
    images = ctx.folder("images")
    for name in ("a.jpg", "a.txt", "raw/b.jpg", "x/raw/c.jpg", "x/~draft.jpg", "d.jpg~"):
        write(f"{images}/{name}")
    agent = ctx.agent(images=images, repository={"exclude": ["*.txt", "raw/**", "~*"],
                                                 "default_exclude": False})
    agent.once()
    assert set(ctx.client.keys()) == {f"images/{n}" for n in ("a.jpg", "x/raw/c.jpg", "d.jpg~")}


# --- what is no regular file ----------------------------------------------------------------------


@on("s3d")
def test_links_pipes_and_sockets_are_passed_over(ctx):
    images, outside = ctx.folder("images"), ctx.folder("outside")
    write(f"{outside}/secret.jpg", b"outside")
    write(f"{images}/a.jpg")
    os.symlink(f"{outside}/secret.jpg", f"{images}/link.jpg")
    os.symlink("a.jpg", f"{images}/inner.jpg")
    os.symlink(outside, f"{images}/dirlink")
    os.symlink("/nowhere", f"{images}/dangling.jpg")
    os.symlink(".", f"{images}/loop")
    os.mkfifo(f"{images}/pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(images)
        listener.bind("socket.jpg")
        os.chdir(here)
    agent = ctx.agent(images=images).start()
    wait_until(lambda: agent.run("status").returncode == 0, 10, lambda: str(agent.status()))
    assert set(ctx.client.keys()) == {"images/a.jpg"}
    os.symlink(f"{outside}/secret.jpg", f"{images}/later.jpg")
    os.mkfifo(f"{images}/later.pipe")
    write(f"{images}/b.jpg")
    expect_keys(ctx, {"images/a.jpg", "images/b.jpg"})
    os.unlink(f"{images}/b.jpg")  # a file gives way to a link: its object goes
    os.symlink(f"{outside}/secret.jpg", f"{images}/b.jpg")
    expect_keys(ctx, {"images/a.jpg"})
    wait_until(lambda: agent.run("status").returncode == 0, 10, lambda: str(agent.status()))
    os.unlink(f"{images}/b.jpg")  # and the link to a file
    write(f"{images}/b.jpg", b"again")
    expect_keys(ctx, {"images/a.jpg", "images/b.jpg"})
    agent.stop()
    agent.once()
    assert set(ctx.client.keys()) == {"images/a.jpg", "images/b.jpg"}


def opens(ctx):
    """What was opened so far, by all threads: the lines of strace whose call succeeded."""
    found = collections.Counter()
    for name in sorted(os.listdir(ctx.dir)):
        if name.startswith("opens."):
            with open(ctx.path(name), encoding="utf-8", errors="replace") as file:
                found.update(line for line in file if " = -1 " not in line)
    return found


@on("s3d")
def test_invariant_9_a_directory_that_becomes_a_link_leads_nowhere(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for i in range(5):
        write(f"{images}/etc/{i}.jpg", b"image")
    write(f"{images}/etc/passwd", b"an image of that name")
    write(f"{images}/other/a.jpg")
    write_list(f"{lists}/train.lst", ["etc/0.jpg", "etc/passwd", "other/a.jpg"])
    trace = ctx.path("opens")
    agent = ctx.agent(images=images, lists=lists)
    agent.start(wrap=["strace", "-D", "-ff", "-qq", "-y", "-e", "trace=openat,openat2",
                      "-o", trace])
    agent.wait_in_step(30)
    before = opens(ctx)
    assert any("passwd" in line for line in before), "the trace sees images being read"
    os.rename(f"{images}/etc", ctx.path("aside"))
    os.symlink("/etc", f"{images}/etc")
    expect_keys(ctx, {"images/other/a.jpg"}, "images/")
    wait_until(lambda: ctx.client.get("lists/train.lst")[0] == b"2\t2\tother/a.jpg\n", 10,
               "the list")
    wait_until(lambda: agent.run("status").returncode == 0, 10, lambda: str(agent.status()))
    since = opens(ctx) - before
    assert not [line for line in since if "</etc" in line or "/passwd" in line], since
    agent.stop()
    agent.once()
    assert set(ctx.client.keys("images/")) == {"images/other/a.jpg"}


@on("s3d")
def test_a_list_that_becomes_a_link_is_not_written_through(ctx):
    images, lists, outside = ctx.folder("images"), ctx.folder("lists"), ctx.folder("outside")
    paths = samples.adwaita(images, count=20)
    write_list(f"{lists}/train.lst", paths)
    write_list(f"{lists}/val.lst", paths)
    write_list(f"{outside}/other.lst", paths)
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(20)
    os.unlink(f"{lists}/train.lst")
    os.symlink(f"{outside}/other.lst", f"{lists}/train.lst")
    os.rename(f"{images}/{paths[0]}", f"{images}/moved.png")
    wait_until(lambda: "images/moved.png" in ctx.client.keys(), 10, "the renamed image")
    wait_until(lambda: f"images/{paths[0]}" not in ctx.client.keys(), 15,
               lambda: str(agent.status()))
    assert read_list(f"{outside}/other.lst") == paths
    assert read_list(f"{lists}/val.lst") == ["moved.png", *paths[1:]]
    expect_keys(ctx, {"lists/val.lst"}, "lists/")
    wait_until(lambda: agent.run("status").returncode == 0, 10, lambda: str(agent.status()))
