"""What another host does to the trees, told once for both beds (test_remote.py): on a bed, `here` is
the tree as the agent's host sees it, `there` as the other host does. No event tells of what is done
there: only scans find it."""

import hashlib
import os
import random
import shutil
import threading
import time

from harness import read, rivals, samples, wait_until, write

RESCAN_S = 2
LATE_S = 0.04 # who needs longer from opening a list to having written it may lose to a rewrite on a
              # file system without leases (lists/DESIGN.md: 50 ms)


class Bed:
    """One scenario's trees, bucket and agent; `settings` are those of its mappings. may_lose: the
    part of rows written at the worst moment that this file system cannot save."""

    def __init__(self, ctx, here, there, slack_s=10, may_lose=0, **settings):
        self.ctx, self.slack_s, self.settings = ctx, slack_s, settings
        self.may_lose = may_lose
        self.here, self.there = here, there
        self.images, self.lists = os.path.join(there, "images"), os.path.join(there, "lists")
        for folder in (self.images, self.lists):
            os.makedirs(folder)

    def near(self, path=""):
        """The images as this host sees them."""
        return os.path.join(self.here, "images", path)

    def begin(self, count=30, rescan=f"{RESCAN_S}s", **repository):
        """An agent in step on some images and their lists. Returns the images' paths."""
        paths = samples.adwaita(self.images, count=count)
        samples.write_lists(self.lists, paths)
        self.again(rescan, **repository)
        self.agent.wait_in_step(60)
        self.mark = len(self.ctx.server.requests())
        return paths

    def again(self, rescan, **repository):
        """An agent with these settings, started."""
        self.agent = self.ctx.agent(
            images=self.near(), lists=os.path.join(self.here, "lists"),
            repository={"rescan": rescan, "max_removals": 10000, **self.settings, **repository},
            list_={"rescan": rescan, **self.settings})
        # What is right is what the other host sees.
        self.agent.mappings = [(self.images, "images/"), (self.lists, "lists/")]
        self.agent.start()

    def follow(self, timeout=None):
        """Within the interval of the scans and some seconds S3 has what the other host sees."""
        self.agent.wait_in_step(timeout or RESCAN_S + self.slack_s)
        self.ctx.client.assert_tree(self.images, "images/")
        self.ctx.client.assert_tree(self.lists, "lists/")

    def finish(self):
        """What holds at the end of each scenario."""
        self.follow()
        self.agent.verify_journal()

    def puts(self, prefix="images/"):
        """Keys that were put (not copied) since the beginning."""
        return [r["key"] for r in self.ctx.server.requests(self.mark)
                if r["op"] in ("PutObject", "CreateMultipartUpload") and r["key"].startswith(prefix)]

    def copies(self):
        """Keys that were made by CopyObject since the beginning."""
        return [r["key"] for r in self.ctx.server.requests(self.mark) if r["op"] == "CopyObject"]

    def rows(self):
        """The paths that the lists name, sorted."""
        named = []
        for name in ("train.lst", "val.lst"):
            with open(os.path.join(self.lists, name), encoding="utf-8") as file:
                named += [row[2] for row in samples.read_list(file.read())]
        return sorted(named)


def status_tells_how_blind(bed):
    """What other hosts did is unknown since the last whole scan began, and `status` says so."""
    bed.begin(count=4)
    for _ in range(20):
        mapping = bed.agent.status()[0]["mappings"][0]
        assert mapping["others_write"] is True, mapping
        assert mapping["file_system"].startswith(("fuse", "nfs")), mapping
        assert mapping["rescan_s"] == RESCAN_S, mapping
        assert mapping["blind_s"] == mapping["scan_began_s"] >= mapping["scan_ended_s"], mapping
        assert mapping["blind_s"] <= RESCAN_S + 5, mapping
        time.sleep(0.2)
    assert f"found by scans only, every {RESCAN_S} s" in bed.agent.run("status").stdout
    bed.agent.stop()
    bed.again(rescan="1h")
    bed.agent.wait_in_step(30)
    write(f"{bed.images}/unseen.png", b"nothing tells of it")
    wait_until(lambda: bed.agent.status()[0]["mappings"][0]["blind_s"] >= 5, 30,
               "five seconds of blindness")
    mapping = bed.agent.status()[0]["mappings"][0]
    assert mapping["rescan_s"] == 3600 and mapping["state"] == "in step", mapping
    assert "images/unseen.png" not in bed.ctx.client.keys("images/")
    assert "every 1 h" in bed.agent.run("status").stdout
    bed.agent.stop()
    bed.again(rescan=f"{RESCAN_S}s")
    bed.finish()


def adds(bed):
    """Files in directories old and new, at once and many."""
    paths = bed.begin()
    folder = os.path.dirname(paths[0])
    write(f"{bed.images}/{folder}/one.png", os.urandom(5000))
    for i in range(40):
        write(f"{bed.images}/new/{i % 4}/deep/{i}.png", os.urandom(100 + i))
    write(f"{bed.images}/empty.png", b"")
    bed.finish()
    assert bed.rows() == paths


def edits(bed):
    """Edits of the same size, once with the old mtime put back; growing; attributes."""
    paths = bed.begin()
    for path in paths[:4]:
        os.stat(bed.near(path)) # this host knows it
        read(bed.near(path))
        write(f"{bed.images}/{path}", os.urandom(os.path.getsize(f"{bed.images}/{path}")))
    kept = os.stat(f"{bed.images}/{paths[4]}")
    write(f"{bed.images}/{paths[4]}", os.urandom(kept.st_size))
    os.utime(f"{bed.images}/{paths[4]}", ns=(kept.st_atime_ns, kept.st_mtime_ns))
    write(f"{bed.images}/{paths[5]}", os.urandom(300_000))
    os.chmod(f"{bed.images}/{paths[6]}", 0o600)
    os.utime(f"{bed.images}/{paths[7]}", ns=(0, 1_500_000_000_123_456_789))
    bed.finish()
    assert sorted(set(bed.puts())) == sorted("images/" + p for p in paths[:6]), bed.puts()


def edits_of_what_was_just_read(bed):
    """The same file again and again, each time of the same size: what this host remembers of its
    content and times must not stand in for it."""
    paths = bed.begin(count=8)
    size = os.path.getsize(f"{bed.images}/{paths[0]}")
    for _ in range(4):
        write(f"{bed.images}/{paths[0]}", os.urandom(size))
        bed.follow()
        assert read(bed.near(paths[0])) is not None
    replaced = f"{bed.images}/{paths[1]}"
    for _ in range(3): # another file under the name, while the old one lives on beside it
        os.rename(replaced, f"{bed.images}/kept-{os.urandom(4).hex()}.png")
        write(replaced + ".tmp", os.urandom(size))
        os.rename(replaced + ".tmp", replaced)
        bed.follow()
    bed.finish()


def deletes(bed):
    paths = bed.begin()
    for path in paths[::3]:
        os.unlink(f"{bed.images}/{path}")
    bed.follow()
    assert bed.rows() == sorted(set(paths) - set(paths[::3]))
    os.unlink(f"{bed.images}/{paths[1]}") # and one that comes back as another at once
    write(f"{bed.images}/{paths[1]}", b"another")
    bed.finish()
    assert bed.rows() == sorted(set(paths) - set(paths[::3]))


def renames_of_files(bed):
    """Found by scans alone they are renames still: copies in S3, and rows that follow."""
    paths = bed.begin()
    moved = {}
    for i, path in enumerate(paths[:12]):
        folder = os.path.dirname(path) if i % 3 else f"moved/{i % 2}"
        moved[path] = f"{folder}/r{i}.png"
        os.makedirs(f"{bed.images}/{folder}", exist_ok=True)
        os.rename(f"{bed.images}/{path}", f"{bed.images}/{moved[path]}")
    bed.finish()
    assert bed.rows() == sorted(moved.get(p, p) for p in paths)
    assert bed.puts() == [], bed.puts()
    assert sorted(bed.copies()) == sorted("images/" + p for p in moved.values()), bed.copies()


def renames_of_directories(bed):
    paths = bed.begin()
    top = os.path.dirname(paths[0])
    os.rename(f"{bed.images}/{top}", f"{bed.images}/elsewhere")
    moved = [p.replace(f"{top}/", "elsewhere/", 1) if p.startswith(f"{top}/") else p for p in paths]
    bed.follow()
    assert bed.rows() == sorted(moved)
    os.makedirs(f"{bed.images}/below")
    os.rename(f"{bed.images}/elsewhere", f"{bed.images}/below/it") # the watches are its old ones
    write(f"{bed.near('below/it')}/here.png", b"a file of this host")
    moved = [p.replace("elsewhere/", "below/it/", 1) for p in moved]
    bed.finish()
    assert bed.rows() == sorted(moved)
    assert bed.puts() == ["images/below/it/here.png"], bed.puts()


def renames_in_mid_scan(bed):
    """From where a scan comes late to where it was already: what is gone here is not gone."""
    for i in range(60):
        write(f"{bed.images}/m{i:02}/below/it.png", os.urandom(100))
    paths, chance = bed.begin(count=10), random.Random(3)
    current = {p: p for p in paths}
    for turn in range(5):
        for path in paths[:3]:
            late = f"m{chance.randrange(60):02}/below/{turn}-{path.replace('/', '-')}"
            os.rename(f"{bed.images}/{current[path]}", f"{bed.images}/{late}")
            current[path] = late
        os.rename(f"{bed.images}/m{turn:02}", f"{bed.images}/{turn}-early")
        for path in paths[:3]:
            current[path] = current[path].replace(f"m{turn:02}/", f"{turn}-early/", 1)
        bed.follow(60)
        assert bed.rows() == sorted(current.values()), turn
        for path in paths[:3]: # at a moment of the scans that the seed chooses
            time.sleep(chance.uniform(0, RESCAN_S / 2))
            early = f"{turn}-{path.replace('/', '-')}"
            os.rename(f"{bed.images}/{current[path]}", f"{bed.images}/{early}")
            current[path] = early
        bed.follow(60)
        assert bed.rows() == sorted(current.values()), turn
        os.rename(f"{bed.images}/{turn}-early", f"{bed.images}/m{turn:02}")
    bed.follow(60)
    bed.agent.verify_journal()
    assert bed.puts() == [], bed.puts()


def directories_that_go(bed):
    """A watched directory is removed there, and made again under the same name."""
    paths = bed.begin()
    before = bed.agent.status()[0]["mappings"][0]["directories"]
    top = os.path.dirname(paths[0])
    gone = [p for p in paths if p.startswith(f"{top}/")]
    shutil.rmtree(f"{bed.images}/{top}")
    bed.follow()
    assert bed.rows() == sorted(set(paths) - set(gone))
    wait_until(lambda: bed.agent.status()[0]["mappings"][0]["directories"] == before - 1, 20,
               lambda: str(bed.agent.status()[0]["mappings"][0]))
    for i in range(5):
        write(f"{bed.images}/{top}/{i}.png", os.urandom(1000))
    bed.follow()
    write(bed.near(f"{top}/near.png"), b"and this host is heard there again")
    wait_until(lambda: f"images/{top}/near.png" in bed.ctx.client.keys("images/"), 10,
               "a file of this host in the directory made anew")
    shutil.rmtree(f"{bed.images}/{top}")
    write(f"{bed.images}/{top}", b"a file where a directory was")
    bed.finish()


def lists_edited_there(bed):
    """Rows added and taken away, labels of the same size changed, a list saved as another file."""
    paths = bed.begin()
    train = f"{bed.lists}/train.lst"
    write(f"{bed.images}/fresh.png", b"fresh")
    with open(train, "ab") as file:
        file.write(b"900\t1.000000\tfresh.png\n")
    bed.follow()
    write(train, read(train).replace(b"\t1.000000\t", b"\t7.000000\t"))
    bed.follow()
    assert b"900\t7.000000\tfresh.png\n" in read(train)
    os.rename(f"{bed.images}/fresh.png", f"{bed.images}/fresher.png")
    write(f"{bed.lists}/val.lst.tmp", read(f"{bed.lists}/val.lst") + b"901\t0\tfresher.png\n")
    os.rename(f"{bed.lists}/val.lst.tmp", f"{bed.lists}/val.lst")
    write(f"{bed.lists}/extra.lst", b"1\t0\t" + paths[0].encode() + b"\n")
    bed.finish()
    assert b"900\t7.000000\tfresher.png\n" in read(train)
    assert b"901\t0\tfresher.png\n" in read(f"{bed.lists}/val.lst")


def lists_edited_in_the_moment(bed):
    """Rows are appended there all the while that we rewrite the list: none is lost, but for one
    now and then where the file system cannot tell us of a writer (lists/DESIGN.md, limits)."""
    paths = bed.begin()
    train, ended = f"{bed.lists}/train.lst", threading.Event()
    appended, missed = [], []

    def editor():
        number = 0
        while not ended.is_set():
            number += 1
            row = b"%d\t0\tnowhere/%d.png\n" % (number + 1000, number)
            begun = time.monotonic()
            try: # as an editor of an existing list: it is not made where it is not
                with open(os.open(train, os.O_WRONLY | os.O_APPEND), "ab", buffering=0) as file:
                    file.write(row)
                if time.monotonic() - begun < LATE_S:
                    appended.append(row)
            except FileNotFoundError:
                missed.append(row) # NFS puts an open file aside before another takes its name
            time.sleep(0.003)

    thread = threading.Thread(target=editor, daemon=True)
    thread.start()
    current = {p: p for p in paths}

    def rows_now():
        try:
            return bed.rows()
        except FileNotFoundError:
            return []

    try:
        for turn in range(4):
            for i, path in enumerate(paths[:6]):
                new = f"turn{turn}/{i}.png"
                os.makedirs(f"{bed.images}/turn{turn}", exist_ok=True)
                os.rename(f"{bed.images}/{current[path]}", f"{bed.images}/{new}")
                current[path] = new
            wait_until(lambda: any(p.startswith(f"turn{turn}/") for p in rows_now()), 40,
                       "the rows to follow")
    finally:
        ended.set()
        thread.join()
    bed.finish()
    rows = read(train).splitlines(keepends=True)
    lost = [row for row in appended if row not in set(rows)]
    print(f"{len(lost)} of {len(appended)} rows are lost")
    assert len(lost) <= bed.may_lose * len(appended), \
        f"{len(lost)} of {len(appended)} rows are lost: {lost[:3]}"
    assert len(rows) == len(set(rows)), "rows came twice"
    named = sorted(p for p in bed.rows() if not p.startswith("nowhere/"))
    assert named == sorted(current.values())
    assert len(appended) > 20 > len(missed), (len(appended), len(missed))


def slow_writers(bed):
    """A file that grows there for a long time, with pauses, tells of no end: until it rests it is
    never published."""
    bed.begin(count=4)
    broken, seen, ended = [], set(), threading.Event()

    def observe():
        signed = bed.ctx.server.signed(bed.ctx.bucket)
        while not ended.is_set():
            for key in signed.list("images/slow/"):
                data = signed.get(key).body
                seen.add(key)
                if hashlib.sha256(data[:-32]).digest() != data[-32:]:
                    broken.append((key, len(data)))
            time.sleep(0.05)

    def writer(number):
        chance = random.Random(number)
        body = os.urandom(40_000)
        data, at = body + hashlib.sha256(body).digest(), 0
        with open(f"{bed.images}/slow/{number}.rec", "wb", buffering=0) as file:
            while at < len(data):
                step = chance.randrange(2000, 5000)
                file.write(data[at:at + step])
                at += step
                time.sleep(chance.uniform(0.2, 1.2))

    os.makedirs(f"{bed.images}/slow")
    threads = [threading.Thread(target=observe, daemon=True)]
    threads += [threading.Thread(target=writer, args=(n,), daemon=True) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join()
    bed.follow()
    wait_until(lambda: len(seen) == 5, 10, lambda: f"{seen} of 5 files seen")
    ended.set()
    threads[0].join()
    assert not broken, broken[:5]
    bed.finish()


def another_agent_there(bed):
    """It acts, ours stands by until it is gone; and it cannot act while ours does."""
    os.makedirs(bed.images, exist_ok=True)
    with rivals.holding_file(bed.lists):
        bed.again(f"{RESCAN_S}s")
        wait_until(lambda: rivals.stands_by(bed.agent), 30, lambda: bed.agent.log())
        assert "on \\x1b[31mafar" in bed.agent.run("status").stdout
        write(f"{bed.images}/a.png", b"new")
    bed.agent.wait_in_step(60)
    try:
        with rivals.holding_file(bed.images):
            raise AssertionError("both have the lock")
    except BlockingIOError:
        pass
    bed.finish()


def no_lock_there(bed):
    """As where there is no right to make the file: that is said, and the agent acts."""
    os.makedirs(f"{bed.images}/{rivals.LOCK}")
    bed.begin()
    assert bed.agent.log().count("no lock can be kept") == 1, bed.agent.log()
    bed.finish()


SCENARIOS = (adds, edits, edits_of_what_was_just_read, deletes, renames_of_files,
             renames_of_directories, renames_in_mid_scan, directories_that_go, lists_edited_there,
             lists_edited_in_the_moment, slow_writers, status_tells_how_blind)
