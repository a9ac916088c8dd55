"""What the guard holds, and what operators do with it: every disaster that looks like a removal of
many files, and release and discard, of all and of a part."""

import json
import os
import shutil
import subprocess

from harness import Skip, mounts, on, samples, wait_until, write

HELD = 3


def mapping(agent, name="images"):
    return next(m for m in agent.status()[0]["mappings"] if m["name"] == name)


def held(agent):
    """How many removals a running agent holds."""
    status, code = agent.status()
    return status["held"] if code == HELD and status["running"] else 0


def running(ctx, count=40, images=None, **options):
    """An agent in step on `count` images in four directories, all of them listed."""
    images, lists = images or ctx.folder("images"), ctx.folder("lists")
    paths = [f"d{i % 4}/{i:04}.jpg" for i in range(count)]
    for path in paths:
        write(f"{images}/{path}", path.encode())
    samples.write_lists(lists, paths)
    agent = ctx.agent(images=images, lists=lists, **options)
    agent.start()
    agent.wait_in_step(40)
    return agent, images, lists, paths


def nothing_was_removed(ctx, lists, count=40, since=0):
    assert len([k for k in ctx.client.keys("images/") if not k.endswith("marker")]) == count
    assert samples.count_rows(lists) == count
    gone = [r for r in ctx.server.requests(since) if r["op"] in ("DeleteObject", "DeleteObjects")]
    assert not gone, gone


# --- disasters -------------------------------------------------------------------------------------


@on("s3d")
def test_another_file_system_over_the_tree_removes_nothing(ctx):
    """A disk is mounted on the tree while the agent runs, and before it starts again."""
    mounts.private()
    agent, images, lists, _ = running(ctx)
    mounts.mount("-t", "tmpfs", "none", images)
    write(f"{images}/d0/0000.jpg", b"another tree's")
    wait_until(lambda: mapping(agent)["state"] == "lost", 15, lambda: str(agent.status()))
    agent.stop()
    nothing_was_removed(ctx, lists)
    assert agent.once(check=False).returncode == HELD
    nothing_was_removed(ctx, lists)
    assert "another device or directory" in agent.log()
    mounts.unmount(images)
    agent.once()
    assert agent.run("status").returncode != HELD
    ctx.client.assert_tree(images, "images/")
    assert samples.count_rows(lists) == 40


@on("s3d")
def test_another_disk_under_the_same_device_number_removes_nothing(ctx):
    """The disk is pulled and another one plugged in: same number, same type, same path, and the
    same inode of its root."""
    mounts.private()
    images, loop = ctx.folder("images"), None
    disks = [ctx.path("one.img"), ctx.path("two.img")]
    for disk in disks:
        with open(disk, "wb") as file:
            file.truncate(8 << 20)
        subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    try:
        loop = subprocess.run(["losetup", "--find", "--show", disks[0]], capture_output=True,
                              text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise Skip("no loop device can be had") from error
    try:
        mounts.mount(loop, images)
        agent, images, lists, paths = running(ctx, images=images)
        agent.stop()
        before = os.stat(images)
        mounts.unmount(images)
        subprocess.run(["losetup", "--detach", loop], check=True)
        if subprocess.run(["losetup", loop, disks[1]], check=False).returncode:
            raise Skip("somebody else took the device")
        mounts.mount(loop, images)
        after = os.stat(images)
        if (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino):
            raise Skip("the device has another number")
        write(f"{images}/{paths[0]}", b"another disk's")
        assert agent.once(check=False).returncode == HELD
        assert "another device or directory" in agent.log()
        nothing_was_removed(ctx, lists)
    finally:
        subprocess.run(["umount", "-l", images], check=False)
        subprocess.run(["losetup", "--detach", loop], check=False)


@on("s3d")
def test_a_disk_that_is_mounted_over_a_directory_of_the_tree_removes_nothing(ctx):
    mounts.private()
    agent, images, lists, _ = running(ctx)
    mounts.mount("-t", "tmpfs", "none", f"{images}/d1")
    agent.run("rescan")
    write(f"{images}/d0/added.jpg")
    wait_until(lambda: "images/d0/added.jpg" in ctx.client.keys("images/"), 20, "the add")
    agent.stop()
    agent.once(check=False)
    assert len(ctx.client.keys("images/")) == 41 and samples.count_rows(lists) == 40
    mounts.unmount(f"{images}/d1")
    agent.once()
    ctx.client.assert_tree(images, "images/")


@on("s3d")
def test_trees_that_are_swapped_remove_nothing(ctx):
    """Two directories change names while no agent runs: each path has the other's tree."""
    images, masks = ctx.folder("images"), ctx.folder("masks")
    for i in range(30):
        write(f"{images}/a{i % 3}/{i}.jpg", b"i%d" % i)
        write(f"{masks}/b{i % 3}/{i}.png", b"m%d" % i)
    settings = {"settle_ms": 100}
    agent = ctx.agent(images=images, options={"repositories": [
        {"name": "images", "path": images, "prefix": "images/", **settings},
        {"name": "masks", "path": masks, "prefix": "masks/", **settings}]})
    agent.once()
    before = set(ctx.client.keys("")), len(ctx.server.requests())
    os.rename(images, images + ".x")
    os.rename(masks, images)
    os.rename(images + ".x", masks)
    for _ in range(2):
        assert agent.once(check=False).returncode == HELD
    assert before[0] < set(ctx.client.keys(""))  # what is there is added, nothing goes
    assert not [r for r in ctx.server.requests(before[1]) if r["op"].startswith("DeleteObject")]
    os.rename(images, images + ".x")
    os.rename(masks, images)
    os.rename(images + ".x", masks)
    agent.start()
    wait_until(lambda: len(ctx.client.keys("images/")) == 30, 20, "what was added to go again")
    agent.wait_in_step(20)
    ctx.client.assert_tree(masks, "masks/")


@on("s3d")
def test_a_marker_that_is_gone_or_made_again_holds_a_single_removal(ctx):
    images = ctx.folder("images")
    write(f"{images}/marker", b"0d9f8a")
    agent, images, lists, paths = running(ctx, images=images, repository={"marker": "marker"})
    os.unlink(f"{images}/{paths[0]}")  # with the marker in its place this goes
    agent.wait_in_step(20)
    assert samples.count_rows(lists) == 39
    since = len(ctx.server.requests())
    os.unlink(f"{images}/marker")
    os.unlink(f"{images}/{paths[1]}")
    wait_until(lambda: held(agent) == 2, 15, lambda: str(agent.status()))
    assert mapping(agent)["guard_shut"] == "no marker"
    refused = agent.run("release", "images")
    assert refused.returncode == HELD and "marker" in refused.stderr, refused
    write(f"{images}/marker", b"0d9f8a")  # the same bytes; another file
    wait_until(lambda: mapping(agent).get("guard_shut") == "another marker", 15,
               lambda: str(agent.status()))
    os.unlink(f"{images}/{paths[2]}")
    wait_until(lambda: held(agent) == 2, 15, lambda: str(agent.status()))
    assert "another file than before" in agent.run("status").stdout
    agent.stop()
    assert agent.once(check=False).returncode == HELD  # also after a restart
    nothing_was_removed(ctx, lists, 39, since)
    assert agent.run("release", "images").returncode == 0
    agent.once()
    assert samples.count_rows(lists) == 37
    ctx.client.assert_tree(images, "images/")
    os.unlink(f"{images}/{paths[3]}")  # the new marker is the right one from here on
    agent.once()
    assert samples.count_rows(lists) == 36


@on("s3d")
def test_a_first_run_against_a_full_bucket_removes_nothing(ctx):
    """No index, no journal, a small tree: what only S3 has is nobody's to remove."""
    for i in range(60):
        ctx.client.signed.put(f"images/old/{i}.jpg", b"%d" % i)
    agent, images, lists, _ = running_apart(ctx)
    for _ in range(2):
        agent.once()
        assert len(ctx.client.keys("images/")) == 64
    assert not [r for r in ctx.server.requests() if r["op"].startswith("DeleteObject")]
    told = agent.run("verify")
    assert told.returncode == 1 and told.stdout.count("images/old/") == 60, told.stdout[-500:]
    shutil.rmtree(images + "/d0")
    write(f"{images}/d9/new.jpg")
    agent.once()
    assert len([k for k in ctx.client.keys("images/") if k.startswith("images/old/")]) == 60


def running_apart(ctx):
    """Four images and no run yet."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = [f"d{i}/{i}.jpg" for i in range(4)]
    for path in paths:
        write(f"{images}/{path}", path.encode())
    samples.write_lists(lists, paths)
    return ctx.agent(images=images, lists=lists), images, lists, paths


@on("s3d")
def test_removals_that_drip_are_held_within_the_hour(ctx):
    """A script that removes a few files at a time, over restarts."""
    limits = {"max_removals": 5, "max_removal_percent": 0, "max_removals_hourly": 8}
    agent, images, lists, paths = running(ctx, repository=limits)
    agent.stop()
    for first in (0, 4):
        for path in paths[first:first + 4]:
            os.unlink(f"{images}/{path}")
        agent.once()
    assert samples.count_rows(lists) == 32
    os.unlink(f"{images}/{paths[8]}")
    assert agent.once(check=False).returncode == HELD
    assert samples.count_rows(lists) == 32
    agent.start()
    wait_until(lambda: held(agent) == 1, 15, lambda: str(agent.status()))
    assert "9 removals within an hour" in mapping(agent)["held_why"], mapping(agent)


# --- what operators do ------------------------------------------------------------------------------


def gone_but_one(ctx, **options):
    """An agent that holds the removals of all images but one."""
    agent, images, lists, paths = running(ctx, **options)
    aside = ctx.folder("aside")
    shutil.copytree(images, f"{aside}/copy", copy_function=shutil.copy2)
    for path in paths[1:]:
        os.unlink(f"{images}/{path}")
    wait_until(lambda: held(agent) == 39, 15, lambda: str(agent.status()))
    return agent, images, lists, paths, f"{aside}/copy"


FEW = {"max_removals": 2, "max_removal_percent": 1}


@on("s3d")
def test_the_reason_survives_restarts_and_the_held_are_named(ctx):
    agent, images, lists, paths, _ = gone_but_one(ctx, repository=FEW)
    before = mapping(agent)
    assert "39 removals at once" in before["held_why"] and before["held_since"], before
    text = agent.run("status")
    assert text.returncode == HELD and "lockstep discard images" in text.stdout, text.stdout
    wait_until(lambda: len(agent.run("release", "--list").stdout.splitlines()) == 39, 10,
               "them to be in the index")
    agent.kill9()
    alone, code = agent.status()  # what the state directory tells
    assert code == HELD and alone["holds"] == [
        {"mapping": "images", "held": 39, "held_why": before["held_why"],
         "held_since": before["held_since"]}], alone
    text = agent.run("status").stdout
    assert f"39 removals of images are held since {before['held_since']}" in text, text
    agent.start()
    wait_until(lambda: agent.status()[0]["running"] and held(agent) == 39, 15,
               lambda: str(agent.status()))
    after = mapping(agent)
    assert after["held_why"] == before["held_why"] and after["held_since"] == before["held_since"]
    named = agent.run("release", "images", "--list")
    assert named.returncode == 0
    assert named.stdout.splitlines() == sorted(f"{images}/{p}" for p in paths[1:])
    part = agent.run("release", "--list", "--json", "--mapping", "images", "--path", "d2")
    assert [json.loads(line) for line in part.stdout.splitlines()] == [
        {"mapping": "images", "path": p} for p in sorted(paths) if p.startswith("d2/")]
    nothing_was_removed(ctx, lists)


@on("s3d")
def test_a_part_is_released_and_the_rest_stays_held(ctx):
    agent, images, lists, paths, _ = gone_but_one(ctx, repository=FEW)
    done = agent.run("release", "--mapping", "images", "--path", "d2")
    assert done.returncode == 0 and "10 held" in done.stdout, done
    wait_until(lambda: held(agent) == 29, 15, lambda: str(agent.status()))
    wait_until(lambda: len(ctx.client.keys("images/")) == 30, 15, "ten objects to go")
    wait_until(lambda: samples.count_rows(lists) == 30, 15, "ten rows to go")
    done = agent.run("release", "--path", f"{images}/{paths[1]}")
    assert done.returncode == 0 and "1 held" in done.stdout, done
    wait_until(lambda: len(ctx.client.keys("images/")) == 29, 15, "one object to go")
    said = agent.journal_records("--op", "release")
    assert [r["n"] for r in said] == [10, 1] and said[0]["p"] == "d2", said
    assert all(f"released by uid {os.getuid()} (pid " in r["why"] for r in said), said
    for words in (("--path", "/nowhere/a"), ("--path", "d2"), ("--mapping", "none"),
                  ("--mapping", "images", "--path", "../x"), ("--json",),
                  ("--mapping", "images", "images")):
        refused = agent.run("release", *words)
        assert refused.returncode == 2 and refused.stderr, (words, refused)
    assert held(agent) == 28


def check_discarded(ctx, agent, lists, copy, images):
    """Nothing went, nothing is open; and when the files are back nothing is sent for them."""
    nothing_was_removed(ctx, lists)
    assert mapping(agent)["kept"] == 39 and "39 objects of files that are gone are kept" in \
        agent.run("status").stdout
    compared = agent.run("verify")
    assert compared.returncode == 0, compared.stdout
    agent.run("rescan")
    assert agent.run("wait", "--timeout", "20").returncode == 0
    since = len(ctx.server.requests())
    shutil.copytree(copy, images, dirs_exist_ok=True, copy_function=shutil.copy2)
    agent.wait_in_step(20)
    assert not [r for r in ctx.server.requests(since) if r["op"] == "PutObject"
                and r["key"].startswith("images/")]
    assert "kept" not in mapping(agent)
    assert samples.count_rows(lists) == 40
    agent.stop()
    agent.verify_journal()


@on("s3d")
def test_discarded_removals_never_happen(ctx):
    agent, images, lists, paths, copy = gone_but_one(ctx, repository=FEW)
    done = agent.run("discard", "images")
    assert done.returncode == 0 and "39 held" in done.stdout, done
    wait_until(lambda: agent.run("status").returncode == 0, 15, lambda: str(agent.status()))
    said = agent.journal_records("--op", "release")
    assert [(r["n"], r["st"]) for r in said] == [(39, "abort")], said
    assert f"discarded by uid {os.getuid()}" in said[0]["why"], said
    assert len([r for r in agent.journal_records("--op", "remove") if r["st"] == "done"]) == 39
    page = ctx.path("report.html")
    assert agent.run("journal", "report", "--html", "-o", page).returncode == 0
    assert "<td>discarded</td>" in open(page, encoding="utf-8").read()
    held_against = agent.run("verify", "--against-journal")
    assert held_against.returncode == 0, held_against.stdout
    at = agent.run("journal", "at", "0s")  # S3 has them as before
    assert all(path in at.stdout for path in paths), at.stdout[-500:]
    agent.stop()
    agent.start()
    wait_until(lambda: agent.run("status").returncode == 0, 15, lambda: str(agent.status()))
    check_discarded(ctx, agent, lists, copy, images)


@on("s3d")
def test_removals_are_discarded_and_released_while_no_agent_runs(ctx):
    agent, images, lists, paths, copy = gone_but_one(ctx, repository=FEW)
    agent.stop()
    done = agent.run("discard", "--path", f"{images}/d1")
    assert done.returncode == 0 and done.stdout.startswith("10 held"), done
    assert agent.run("status").returncode == HELD
    assert agent.run("discard").returncode == 0
    assert agent.run("status").returncode == 1
    agent.start()
    wait_until(lambda: agent.run("status").returncode == 0, 15, lambda: str(agent.status()))
    why = [r["why"] for r in agent.journal_records("--op", "release")]
    assert len(why) == 2 and all(f"discarded by uid {os.getuid()}" in w for w in why), why
    check_discarded(ctx, agent, lists, copy, images)


@on("s3d")
def test_a_lost_index_knows_of_discarded_objects_again(ctx):
    agent, images, lists, _, _ = gone_but_one(ctx, repository=FEW)
    assert agent.run("discard").returncode == 0
    agent.stop()
    shutil.rmtree(f"{agent.state_dir}/index")
    agent.start()
    wait_until(lambda: agent.run("status").returncode == 0, 20, lambda: str(agent.status()))
    nothing_was_removed(ctx, lists)
    assert mapping(agent)["kept"] == 39
