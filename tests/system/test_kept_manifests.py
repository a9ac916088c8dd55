"""Manifests that each list has beside it in S3: always those of the list, behind it and its images,
and before what they no longer name goes."""

import json
import os
import random
import time

from harness import deadline, long_test, on, read, samples, tree, wait_until, write
from harness.observer import Observer
from test_crash import Load

NAMES = {"manifest": ".manifest", "augmented_manifest": ".labels"}


def plain(bucket, text):
    """The manifest file of a list."""
    return [{"prefix": f"s3://{bucket}/images/"}] + [p for _, _, p in samples.read_list(text)]


def augmented(bucket, text):
    """Its augmented manifest, line by line."""
    return [{"source-ref": f"s3://{bucket}/images/{path}", "class": str(int(float(labels[0])))}
            for _, labels, path in samples.read_list(text)]


def parsed(kind, text):
    """What is in a manifest; None where that is none."""
    try:
        return json.loads(text) if kind == "manifest" else \
            [json.loads(line) for line in text.splitlines()]
    except ValueError:
        return None


class Bed:
    """Images of three classes, lists of them, and an agent that keeps manifests."""

    def __init__(self, ctx, count=30, **options):
        self.ctx = ctx
        self.images, self.lists = ctx.folder("images"), ctx.folder("lists")
        self.paths = [f"{'abc'[n % 3]}/{n:03}.jpg" for n in range(count)]
        for path in self.paths:
            write(f"{self.images}/{path}", path.encode() * 20)
        samples.write_lists(f"{self.lists}/sub", self.paths)
        self.settings = {"repository": {"max_removals": 10000}, "list_": NAMES, **options}
        self.agent = self.make()

    def make(self, name="agent", **options):
        return self.ctx.agent(images=self.images, lists=self.lists, name=name,
                              **{**self.settings, **options})

    def wrong(self, names=None, without=()):
        """How S3 differs from the trees and from the manifests that the lists are to have."""
        names = NAMES if names is None else names
        found = self.agent.differences()
        there = set(self.ctx.client.keys("lists/"))
        for path in tree.files(self.lists):
            if not path.endswith(".lst") or path in without:
                continue
            text = read(f"{self.lists}/{path}").decode()
            for kind, suffix in names.items():
                name = path[:-4] + suffix
                if f"lists/{name}" not in there:
                    found.append(f"no {name}")
                    continue
                data = self.ctx.client.get(f"lists/{name}")[0].decode()
                right = (plain if kind == "manifest" else augmented)(self.ctx.bucket, text)
                if parsed(kind, data) != right:
                    found.append(f"{name} is of another list")
                elif f"only in S3: {name}" in found:
                    found.remove(f"only in S3: {name}")
        return found

    def follow(self, timeout=30, **how):
        """Until all is as it should be."""
        wait_until(lambda: not self.wrong(**how) and self.agent.status()[1] == 0, timeout,
                   lambda: f"{self.wrong(**how)} {self.agent.run('status').stdout[-800:]}")


class Trainer(Observer):
    """Reads manifests."""

    @staticmethod
    def keys(name, text):
        if name.endswith(".labels"):
            uris = [json.loads(line)["source-ref"] for line in text.splitlines()]
            return [uri.split("/", 3)[3] for uri in uris]
        head, *paths = json.loads(text)
        return [head["prefix"].split("/", 3)[3] + path for path in paths]


@on("s3d", "ceph")
def test_they_follow_their_lists(ctx):
    bed = Bed(ctx)
    bed.agent.start()
    bed.follow()
    for one in ("a", "b"):
        os.rename(f"{bed.images}/{one}", f"{bed.images}/{one}-new")
    os.unlink(f"{bed.images}/c/002.jpg")
    bed.follow()
    with open(f"{bed.lists}/sub/train.lst", "a", encoding="utf-8") as file:
        file.write("900\t2\tc/005.jpg\n")
    write(f"{bed.lists}/more.lst", b"1\t0\tc/005.jpg\n")
    bed.follow()
    os.rename(f"{bed.lists}/more.lst", f"{bed.lists}/less.lst")
    os.unlink(f"{bed.lists}/sub/val.lst")
    bed.follow()
    assert sorted(ctx.client.keys("lists/")) == sorted(
        f"lists/{stem}{end}" for stem in ("less", "sub/train")
        for end in (".lst", ".manifest", ".labels"))
    bed.agent.verify_journal()
    puts = [r for r in bed.agent.journal_records() if r["o"] == "put" and r["st"] == "done"]
    assert {"less.manifest", "less.labels"} <= {r["p"] for r in puts}
    assert bed.agent.stop() == 0
    before = len(ctx.server.requests()) if ctx.server.kind == "s3d" else 0
    bed.agent.once()
    assert bed.agent.run("verify").returncode == 0
    if ctx.server.kind == "s3d":
        assert not [r for r in ctx.server.requests(before) if r["op"] != "ListObjectsV2"]


@on("s3d")
def test_a_plan_counts_them(ctx):
    bed = Bed(ctx)

    def planned_and_put():
        """How many PUTs a plan tells, and how many then are made."""
        done = bed.agent.run("plan", "--json")
        assert done.returncode == 1, done
        mark = len(ctx.server.requests())
        bed.agent.once()
        return json.loads(done.stdout.splitlines()[-1])["put"], len(
            [r for r in ctx.server.requests(mark) if r["op"] == "PutObject"])

    told, made = planned_and_put()
    assert told == made == 30 + 2 * 3, (told, made)
    os.rename(f"{bed.images}/a", f"{bed.images}/z")
    told, made = planned_and_put()
    assert told == made and made in (3, 6), (told, made)
    assert bed.agent.run("plan").returncode == 0


@on("s3d")
def test_copies_then_lists_then_manifests_then_deletions(ctx):
    bed = Bed(ctx, count=60)
    bed.agent.start()
    bed.follow()
    mark = len(ctx.server.requests())
    os.rename(f"{bed.images}/a", f"{bed.images}/z")
    bed.follow()
    seen = [(r["op"], r["key"]) for r in ctx.server.requests(mark)]
    copied = [i for i, (op, _) in enumerate(seen) if op == "CopyObject"]
    gone = [i for i, (op, _) in enumerate(seen) if op.startswith("DeleteObject")]
    assert len(copied) == 20 and gone
    for stem in ("lists/sub/train", "lists/sub/val"):
        at = [next(i for i, (op, key) in enumerate(seen) if (op, key) == ("PutObject", stem + end))
              for end in (".lst", ".manifest", ".labels")]
        assert max(copied) < at[0] < min(at[1:]) and max(at) < min(gone), seen


@on("s3d")
@deadline(120)
def test_invariant_4_no_manifest_ever_names_an_absent_object(ctx):
    bed = Bed(ctx, count=120)
    trainer = Trainer(ctx.server.signed(ctx.bucket), [
        f"lists/sub/{name}{end}" for name in ("train", "val") for end in NAMES.values()])
    for end in NAMES.values(): # so that there is time to look
        ctx.server.fault("delay", op="PutObject", key=f"lists/*{end}", ms=300, count=0)
    trainer.start()
    bed.agent.start()
    bed.follow()
    for turn in range(4):
        os.rename(f"{bed.images}/{'ad'[turn % 2]}", f"{bed.images}/{'da'[turn % 2]}")
        os.unlink(f"{bed.images}/b/{3 * turn + 1:03}.jpg")
        bed.follow(40)
    trainer.finish()
    assert trainer.looks > 20 and trainer.broken == [], (trainer.looks, trainer.broken[:3])


@on("s3d")
@deadline(120)
def test_killed_between_a_list_and_its_manifest(ctx):
    """What an old manifest names stays, over crashes, until there is a new one."""
    bed = Bed(ctx)
    bed.agent.start()
    bed.follow()
    old = [f"images/{p}" for p in bed.paths if p.startswith("a/")]
    for key in ("lists/sub/train.manifest", "lists/sub/val.labels"):
        ctx.server.fault("error", code="InternalError", op="PutObject", key=key, count=0)
    os.rename(f"{bed.images}/a", f"{bed.images}/z")
    os.unlink(f"{bed.images}/b/001.jpg")

    def listed():
        both = b"".join(ctx.client.get(f"lists/sub/{name}.lst")[0] for name in ("train", "val"))
        return both.count(b"\tz/") == len(old) and b"b/001.jpg" not in both

    def told():
        text = str(bed.agent.status()[0].get("problems", ""))
        return "lists/sub/train.lst" in text and "its manifest" in text

    for _ in range(3):
        wait_until(listed, 30, "the lists to name the new place")
        wait_until(told, 30, lambda: str(bed.agent.status()))
        there = set(ctx.client.keys("images/"))
        assert set(old) <= there and "images/b/001.jpg" in there, set(old) - there
        bed.agent.kill9()
        bed.agent.start()
        bed.agent.wait_until_ready()
    ctx.server.clear_faults()
    bed.follow(60)
    assert not set(old) & set(ctx.client.keys("images/"))
    bed.agent.verify_journal()


@on("s3d")
def test_killed_while_a_manifest_is_on_its_way(ctx):
    """An answer that never came, and an index that has not heard of what was put."""
    bed = Bed(ctx)
    bed.agent.start()
    bed.follow()
    ctx.server.fault("lost-reply", op="PutObject", key="lists/sub/val.manifest", count=2)
    os.rename(f"{bed.images}/c", f"{bed.images}/y")
    wait_until(lambda: any(f["hits"] for f in ctx.server.faults()), 20, "the fault to strike")
    bed.agent.kill9()
    os.unlink(f"{bed.lists}/sub/train.lst")
    bed.agent.start()
    bed.follow(60)
    assert "lists/sub/train.manifest" not in ctx.client.keys("lists/")
    bed.agent.kill9()
    for name in os.listdir(f"{bed.agent.state_dir}/index"):
        os.unlink(f"{bed.agent.state_dir}/index/{name}")
    write(f"{bed.lists}/sub/val.lst", b"7\t1\tb/001.jpg\n")
    bed.agent.start()
    bed.follow(60)
    assert bed.agent.run("verify").returncode == 0


@on("s3d")
def test_one_that_landed_unheard_and_was_refused_goes_with_its_list(ctx):
    """The answer was lost, the next attempt was denied: nobody told that it is there."""
    bed = Bed(ctx)
    bed.agent.start()
    bed.follow()
    key = "lists/sub/new.manifest"
    ctx.server.fault("lost-reply", op="PutObject", key=key, count=1)
    ctx.server.fault("error", code="AccessDenied", status=403, op="PutObject", key=key, count=0)
    write(f"{bed.lists}/sub/new.lst", b"7\t1\ta/000.jpg\n")
    wait_until(lambda: any(r["st"] == "failed" for r in bed.agent.journal_records("--op", "put")), 20,
               "the refusal")
    assert key in ctx.client.keys("lists/")
    os.unlink(f"{bed.lists}/sub/new.lst")
    ctx.server.clear_faults()
    bed.follow()
    wait_until(lambda: key not in ctx.client.keys("lists/"), 20,
               lambda: str(ctx.client.keys("lists/")))
    bed.agent.verify_journal()


@on("s3d")
def test_a_list_that_can_have_none(ctx):
    bed = Bed(ctx)
    bed.agent.start()
    bed.follow()
    right = read(f"{bed.lists}/sub/val.lst")
    write(f"{bed.lists}/sub/val.lst", right + b"# a remark\n")
    bed.follow(without=("sub/val.lst",))
    assert "lists/sub/val.manifest" not in ctx.client.keys("lists/")
    mapping = next(m for m in bed.agent.status()[0]["mappings"] if m["name"] == "lists")
    assert mapping["unmanifested"] == 2 and "val.lst:" in mapping["unmanifested_why"], mapping
    assert "val.lst:" in bed.agent.run("status").stdout
    done = bed.agent.run("verify")
    assert done.returncode == 1 and "sub/val.lst" in done.stdout, done.stdout
    os.unlink(f"{bed.images}/b/001.jpg")
    bed.follow(without=("sub/val.lst",))
    assert bed.agent.stop() == 0
    mark = len(ctx.server.requests())
    bed.agent.start()
    bed.follow(without=("sub/val.lst",))
    assert not [r for r in ctx.server.requests(mark) if r["op"] == "PutObject"], "it is tried again"
    write(f"{bed.lists}/sub/val.lst", read(f"{bed.lists}/sub/val.lst").replace(b"# a remark\n", b""))
    bed.follow()
    mapping = next(m for m in bed.agent.status()[0]["mappings"] if m["name"] == "lists")
    assert "unmanifested" not in mapping, mapping
    assert bed.agent.run("verify").returncode == 0


@on("s3d")
def test_other_settings(ctx):
    """Switched on for lists that are there, other names, switched off; files of such names."""
    bed = Bed(ctx, list_={})
    write(f"{bed.lists}/sub/train.manifest", b"somebody's own")
    bed.agent.start()
    bed.follow(names={})
    bed.agent.stop()
    bed.agent = bed.make(list_={"manifest": ".manifest"})
    os.unlink(f"{bed.lists}/sub/train.manifest")
    bed.agent.start()
    bed.follow(names={"manifest": ".manifest"})
    bed.agent.stop()
    bed.agent = bed.make(list_={"manifest": ".json", "augmented_manifest": ".lines"})
    write(f"{bed.lists}/sub/val.json", b"passed over")
    bed.agent.ignored = (*bed.agent.ignored, "*.json")
    bed.agent.start()
    bed.follow(names={"manifest": ".json", "augmented_manifest": ".lines"})
    assert not [key for key in ctx.client.keys("lists/") if key.endswith(".manifest")]
    bed.agent.stop()
    os.unlink(f"{bed.lists}/sub/val.json")
    bed.agent = bed.make(list_={})
    bed.agent.start()
    bed.follow(names={})
    for settings, why in (({"manifest": "-x.lst"}, "makes the manifest a list"),
                          ({"manifest": ".a", "augmented_manifest": ".b.a"}, "one and the same")):
        done = bed.make(name="wrong", list_=settings).run("config", "check")
        assert done.returncode == 2 and why in done.stderr + done.stdout, done


@on("s3d")
def test_what_is_kept_and_what_others_put(ctx):
    bed = Bed(ctx, list_={**NAMES, "deletes": "keep"})
    write(f"{bed.lists}/other.lst", b"1\t0\ta/000.jpg\n")
    bed.agent.start()
    bed.follow()
    os.unlink(f"{bed.lists}/sub/val.lst")
    wait_until(lambda: bed.agent.status()[1] == 0 and not os.path.exists(
        f"{bed.lists}/sub/val.lst"), 20, "step")
    assert "lists/sub/val.manifest" in ctx.client.keys("lists/")
    assert bed.agent.run("verify").returncode == 0
    bed.agent.stop()
    bed.agent = bed.make(list_=NAMES)
    ctx.client.signed.put("lists/sub/train.labels", b"somebody else's")
    done = bed.agent.run("verify")
    assert done.returncode == 1 and "lists/sub/train.labels" in done.stdout, done
    bed.agent.start()
    bed.agent.wait_until_ready()
    os.unlink(f"{bed.lists}/sub/train.lst")
    wait_until(lambda: "lists/sub/train.lst" not in ctx.client.keys("lists/")
               and bed.agent.status()[1] == 0, 30, lambda: str(bed.agent.status()))
    assert ctx.client.get("lists/sub/train.labels")[0] == b"somebody else's"
    assert "lists/sub/train.manifest" not in ctx.client.keys("lists/")


@on("s3d")
def test_verify_tells_and_mends(ctx):
    bed = Bed(ctx)
    bed.agent.start()
    bed.follow()
    assert bed.agent.run("verify", "--deep").returncode == 0
    ctx.client.signed.delete("lists/sub/train.manifest")
    ctx.client.signed.put("lists/sub/val.labels", b"other")
    lines = bed.agent.run("verify", "--json")
    assert lines.returncode == 1, lines
    found = {x["key"]: x["difference"] for x in map(json.loads, lines.stdout.splitlines())
             if "key" in x}
    assert found == {"lists/sub/train.manifest": "missing", "lists/sub/val.labels": "differs"}, found
    assert bed.agent.run("verify", "--repair").returncode == 1
    bed.follow()
    bed.agent.stop()
    ctx.client.signed.delete("lists/sub/val.manifest")
    assert bed.agent.run("verify", "--repair").returncode == 0
    bed.agent = bed.make()
    assert not bed.wrong()


def crashes(ctx, rounds):
    """kill -9 under a mixed load, again and again; then each list has its manifests, and S3 nothing
    else."""
    seed = random.randrange(10 ** 6)
    print(f"seed {seed}")
    bed = Bed(ctx, count=60, repository={"max_removals": 100000})
    load = Load(bed.images, f"{bed.lists}/sub", seed)
    bed.agent.once()
    for _ in range(rounds):
        bed.agent.start()
        end = time.monotonic() + load.random.uniform(0.1, 0.9)
        while time.monotonic() < end:
            load.step()
            time.sleep(load.random.uniform(0, 0.01))
        bed.agent.kill9()
        for _ in range(load.random.randrange(4)):
            load.step()
    bed.agent.start()
    bed.follow(60)
    ctx.client.assert_tree(bed.images, "images/")
    bed.agent.verify_journal()
    done = bed.agent.run("verify", "--json")
    found = [x for x in map(json.loads, done.stdout.splitlines()) if "key" in x]
    # A row for a file that the agent never saw is the editor's own matter.
    assert all(x["difference"] == "stale list" and "rows name what" in x["cause"]
               for x in found), found


@on("s3d")
@deadline(120)
def test_killed_again_and_again(ctx):
    crashes(ctx, 8)


@on("s3d", "ceph")
@long_test
@deadline(900)
def test_a_hundred_crashes(ctx):
    crashes(ctx, 100)
