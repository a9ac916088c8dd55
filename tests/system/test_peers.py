"""What went wrong for users of other programs that do parts of this job, as far as no other test has
it: DESIGN.md names the program, its failure and the test that holds lockstep to it."""

import os
import random
import resource
import shutil
import threading
import time

from harness import deadline, long_test, on, wait_until, write


def tree(ctx, count=40, folders=4):
    """Images in some folders: (root, paths)."""
    images = ctx.folder("images")
    paths = [f"d{i % folders}/{i:04}.jpg" for i in range(count)]
    for path in paths:
        write(f"{images}/{path}", path.encode() * 30)
    return images, paths


def running(ctx, images, **options):
    agent = ctx.agent(images=images, **options).start()
    agent.wait_in_step(40)
    return agent


def versions(ctx):
    """Version ids that the log of a versioned s3d tells of, by key."""
    found = {}
    for request in ctx.server.requests():
        if request["op"] in ("PutObject", "CopyObject") and request["status"] == 200:
            found.setdefault(request["key"], []).append(request["op"])
    return found


# --- partial files, and races ----------------------------------------------------------------------


@on("s3d")
def test_a_file_that_is_being_written_is_not_shipped_half(ctx):
    """lsyncd: partial files. A writer that takes its time, with pauses below the settle time."""
    images, _ = tree(ctx)
    agent = running(ctx, images, repository={"settle_ms": 400})
    with open(f"{images}/d0/slow.jpg", "wb") as file:
        for _ in range(12):
            file.write(b"x" * 5000)
            file.flush()
            time.sleep(0.1)
    shutil.copyfile(f"{images}/d0/slow.jpg", f"{images}/d0/copied.jpg")
    agent.wait_in_step(30)
    sizes = [r["in"] for r in ctx.server.requests()
             if r["op"] == "PutObject" and r["key"] == "images/d0/slow.jpg"]
    assert sizes == [60000], sizes
    ctx.client.assert_tree(images, "images/")


@on("s3d", "ceph", "swift")
@deadline(180)
def test_what_happens_during_the_first_scan_is_not_lost(ctx):
    """lsyncd: changes between the first scan and the watches."""
    images, paths = tree(ctx, count=200 if ctx.server.kind == "swift" else 600, folders=40)
    dice, ended = random.Random(4), threading.Event()

    def change():
        for number in range(200):
            what = dice.choice(paths)
            if number % 4 == 0:
                write(f"{images}/new{number % 20}/{number}.jpg", b"%d" % number)
            elif number % 4 == 1 and os.path.exists(f"{images}/{what}"):
                os.unlink(f"{images}/{what}")
            else:
                write(f"{images}/{what}", b"%d" % number * 10)
            time.sleep(0.001)
        ended.set()

    writer = threading.Thread(target=change, daemon=True)
    agent = ctx.agent(images=images, repository={"max_removals": 10000})
    writer.start()
    agent.start()
    wait_until(ended.is_set, 60, "the writer")
    agent.wait_in_step(90)
    ctx.client.assert_tree(images, "images/")


@on("s3d", "ceph", "swift")
def test_a_file_that_changes_while_it_is_sent_goes_again(ctx):
    """aws s3 sync: a file that changed during its upload left a corrupt copy, never repaired. Here
    with the same size and the old time of modification."""
    images, paths = tree(ctx)
    agent = running(ctx, images)
    if ctx.server.kind == "s3d":
        ctx.server.fault("delay", op="PutObject", key="images/d1/large.rec", ms=700, count=2)
    path = f"{images}/d1/large.rec"
    for number in range(6):
        write(path, bytes([65 + number]) * 3_000_000)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        time.sleep(0.25)
    agent.wait_in_step(40)
    assert ctx.client.get("images/d1/large.rec")[0] == b"F" * 3_000_000
    ctx.client.assert_tree(images, "images/")


@on("s3d", "ceph", "swift")
def test_a_directory_that_is_deleted_and_made_again(ctx):
    """Syncthing: changes in such a directory were missed."""
    images, paths = tree(ctx)
    agent = running(ctx, images, repository={"max_removals": 10000})
    for number in range(12):
        shutil.rmtree(f"{images}/d0")
        if number % 3:
            time.sleep(0.05 * (number % 3))
        os.makedirs(f"{images}/d0/deeper")
        write(f"{images}/d0/deeper/{number}.jpg", b"%d" % number)
        write(f"{images}/d0/same.jpg", b"round %d" % number)
    agent.wait_in_step(40)
    write(f"{images}/d0/deeper/after.jpg", b"it is watched")
    agent.wait_in_step(40)
    ctx.client.assert_tree(images, "images/")


# --- what is in S3 already -------------------------------------------------------------------------


@on("s3d", "ceph", "swift")
def test_new_metadata_keep_what_others_have_set(ctx):
    """rclone: a metadata update by REPLACE dropped Cache-Control and the like; and mc never brought
    a chmod at all."""
    images, paths = tree(ctx, count=6)
    agent = running(ctx, images)
    key, path = f"images/{paths[0]}", f"{images}/{paths[0]}"
    ctx.client.aws("s3api", "copy-object", "--bucket", ctx.bucket, "--key", key, "--copy-source",
                   f"{ctx.bucket}/{key}", "--metadata-directive", "REPLACE", "--cache-control",
                   "max-age=86400", "--content-disposition", "inline", "--content-type",
                   "image/jpeg", "--metadata", "camera=7,file-permissions=0100644")
    os.chmod(path, 0o640)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    wait_until(lambda: ctx.client.signed.head(key).metadata.get("file-permissions") == "0100640",
               20, lambda: str(ctx.client.signed.head(key).headers))
    agent.wait_in_step(20)
    head = ctx.client.signed.head(key)
    kept = {name: head.headers.get(name)
            for name in ("cache-control", "content-disposition", "content-type")}
    assert kept == {"cache-control": "max-age=86400", "content-disposition": "inline",
                    "content-type": "image/jpeg"}, kept
    assert head.metadata["camera"] == "7" and "file-mtime" in head.metadata, head.metadata


@on("s3d", "ceph", "swift")
def test_what_is_excluded_or_anothers_is_not_deleted(ctx):
    """s5cmd --delete: objects that its patterns exclude were removed. mc: the whole target."""
    images, paths = tree(ctx)
    others = [f"images/{p}" for p in ("stranger.jpg", "d0/stranger.jpg", "d0/x.tmp", "d9/a/b.jpg")]
    for key in others:
        ctx.client.signed.put(key, b"not ours")
    agent = ctx.agent(images=images, repository={"max_removals": 10000}).start()
    wanted = {f"images/{p}" for p in paths} | set(others)
    wait_until(lambda: set(ctx.client.keys("images/")) == wanted, 30, "the images")
    shutil.rmtree(f"{images}/d0")
    gone = {f"images/{p}" for p in paths if p.startswith("d0/")}
    wait_until(lambda: set(ctx.client.keys("images/")) == wanted - gone, 30,
               lambda: str(set(ctx.client.keys("images/")) ^ (wanted - gone)))
    agent.stop()
    agent.once()
    assert set(ctx.client.keys("images/")) == wanted - gone


@on("s3d", "ceph", "swift")
def test_a_source_that_is_not_there_at_the_start_removes_nothing(ctx):
    """mc mirror: deleted the target when the source could not be read, and after a restart."""
    images, paths = tree(ctx)
    agent = running(ctx, images)
    agent.stop()
    os.rename(images, images + ".away")
    for _ in range(2):
        done = agent.once(check=False)
        assert done.returncode not in (0, 1), done
    os.makedirs(images)  # as an unmounted directory: empty
    assert agent.once(check=False).returncode == 3
    assert len(ctx.client.keys("images/")) == len(paths)
    os.rmdir(images)
    os.rename(images + ".away", images)
    agent.start()
    agent.wait_in_step(40)
    ctx.client.assert_tree(images, "images/")


@on("s3d", options=("--versioning",))
def test_one_version_an_upload_and_none_more_for_a_rename(ctx):
    """S3 File Gateway: two versions an upload. FSx, mc: a rename sends everything again."""
    images, paths = tree(ctx)
    agent = running(ctx, images)
    write(f"{images}/{paths[0]}", b"edited")
    agent.wait_in_step(20)
    os.rename(f"{images}/d1", f"{images}/e1")
    agent.wait_in_step(20)
    found = versions(ctx)
    for path in paths:
        assert found[f"images/{path}"] == ["PutObject"] * (1 + (path == paths[0])), path
        if path.startswith("d1/"):
            assert found["images/e1/" + path[3:]] == ["CopyObject"], path


# --- resources -------------------------------------------------------------------------------------


@on("s3d")
def test_two_thousand_directories_and_few_files_open(ctx):
    """mc: too many open files."""
    images = ctx.folder("images")
    for number in range(2000):
        write(f"{images}/{number % 50}/{number}/a.jpg", b"%d" % number)
    agent = ctx.agent(images=images)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limit[1]))
    try:
        agent.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    agent.wait_in_step(60)
    assert len(os.listdir(f"/proc/{agent.process.pid}/fd")) < 256
    ctx.client.assert_tree(images, "images/", metadata=False)


@on("s3d")
@long_test
@deadline(400)
def test_ten_thousand_images_on_one_level_cost_no_memory_that_stays(ctx):
    """rclone: about 1 KB an object in one directory. Here memory goes with what is open."""
    images = ctx.folder("images")
    os.makedirs(f"{images}/flat")

    def peak_kib(count):
        before = len(os.listdir(f"{images}/flat"))
        for number in range(before, before + count):
            write(f"{images}/flat/{number:06}.jpg", b"%d" % number)
        agent = ctx.agent(images=images).start()
        wait_until(lambda: agent.run("status").returncode == 0, 180, lambda: str(agent.status()))
        agent.stop()
        agent.start()  # the second run finds all of it in step
        wait_until(lambda: agent.run("status").returncode == 0, 180, lambda: str(agent.status()))
        with open(f"/proc/{agent.process.pid}/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        agent.stop()
        return int(lines["RssAnon"].split()[0])

    small = peak_kib(100)
    large = peak_kib(10000)
    assert large - small < 10000 // 4, (small, large)  # a quarter of a KiB each, were it to stay
