"""An accident is not a command: removals that look like one are held until an operator speaks."""

import os
import shutil
import subprocess

from harness import mounts, on, samples, wait_until, write

HELD = 3


def running(ctx, count=300, images=None, **options):
    images, lists = images or ctx.folder("images"), ctx.folder("lists")
    paths = [f"c{i % 7}/{i:04}.jpg" for i in range(count)]
    for path in paths:
        write(f"{images}/{path}", path.encode())
    samples.write_lists(lists, paths)
    agent = ctx.agent(images=images, lists=lists, **options)
    agent.start()
    agent.wait_in_step(40)
    return agent, images, lists, paths


def held(agent):
    status, code = agent.status()
    return status["held"] if code == HELD else 0


@on("s3d", "ceph")
def test_invariant_6_too_many_removals_are_held_until_released(ctx):
    agent, images, lists, paths = running(ctx)
    for path in paths[:250]:
        os.unlink(f"{images}/{path}")
    write(f"{images}/c0/added.jpg")
    wait_until(lambda: held(agent) == 250, 10, lambda: str(agent.status()))
    wait_until(lambda: "images/c0/added.jpg" in ctx.client.keys("images/"), 10, "the add")
    assert len(ctx.client.keys("images/")) == 301
    assert samples.count_rows(lists) == 300, "no row left a list"
    holds = agent.journal_records("--op", "hold")
    assert len(holds) == 1 and holds[0]["n"] == 250 and "250 removals" in holds[0]["why"], holds
    done = agent.run("release", "images")
    assert done.returncode == 0 and "250" in done.stdout, done
    agent.wait_in_step(20)
    ctx.client.assert_tree(images, "images/")
    assert samples.count_rows(lists) == 50
    assert [r["n"] for r in agent.journal_records("--op", "release")] == [250]


@on("s3d")
def test_the_rows_of_a_held_image_that_never_came_to_s3_leave_with_the_others(ctx):
    agent, images, lists, paths = running(ctx)
    ctx.server.fault("error", op="PutObject", key="images/c0/late.jpg", code="AccessDenied",
                     count=0)
    write(f"{images}/c0/late.jpg")
    with open(f"{lists}/train.lst", "a", encoding="utf-8") as file:
        file.write("9000\t1\tc0/late.jpg\n")
    wait_until(lambda: ctx.server.faults()[0]["hits"], 10, "the upload to be refused")
    for path in paths[:250] + ["c0/late.jpg"]:
        os.unlink(f"{images}/{path}")
    wait_until(lambda: held(agent) == 251, 15, lambda: str(agent.status()))
    assert samples.count_rows(lists) == 301
    assert agent.run("release", "images").returncode == 0
    agent.wait_in_step(20)
    assert samples.count_rows(lists) == 50


@on("s3d")
def test_files_that_come_back_are_let_out_of_the_hold(ctx):
    # cp writes each file after it has made it: a busy machine may take a while in between.
    agent, images, lists, paths = running(ctx, repository={"settle_ms": 1000})
    aside = ctx.folder("aside")
    shutil.copytree(images, f"{aside}/copy", copy_function=shutil.copy2)
    for path in paths:
        os.unlink(f"{images}/{path}")
    wait_until(lambda: held(agent) == 300, 10, lambda: str(agent.status()))
    before = len(ctx.server.requests())
    subprocess.run(["cp", "-a", f"{aside}/copy/.", images], check=True)
    agent.wait_in_step(20)
    assert samples.count_rows(lists) == 300
    puts = [r for r in ctx.server.requests(before) if r["op"] != "ListObjectsV2"]
    assert puts == [], puts[:3]


@on("s3d")
def test_an_emptied_tree_is_held_however_small(ctx):
    agent, images, _, paths = running(ctx, count=12)
    for path in paths:
        os.unlink(f"{images}/{path}")
    wait_until(lambda: held(agent) == 12, 10, lambda: str(agent.status()))
    assert len(ctx.client.keys("images/")) == 12


@on("s3d")
def test_a_single_run_holds_and_exits_3_and_release_lets_the_next_one_go(ctx):
    agent, images, lists, paths = running(ctx)
    agent.stop()
    for path in paths[:280]:
        os.unlink(f"{images}/{path}")
    done = agent.once(check=False)
    assert done.returncode == HELD, done
    assert len(ctx.client.keys("images/")) == 300 and samples.count_rows(lists) == 300
    assert agent.run("status").returncode == HELD
    assert agent.once(check=False).returncode == HELD
    done = agent.run("release")
    assert done.returncode == 0 and "280" in done.stdout, done
    agent.once()
    ctx.client.assert_tree(images, "images/")
    assert samples.count_rows(lists) == 20
    agent.verify_journal()


@on("s3d")
def test_a_vanished_mount_removes_nothing(ctx):
    mounts.private()
    images = ctx.folder("images")
    mounts.mount("-t", "tmpfs", "tmpfs", images)
    agent, images, lists, paths = running(ctx, images=images)
    mounts.unmount(images)
    wait_until(lambda: any(m["state"] == "lost" for m in agent.status()[0]["mappings"]) or
               held(agent), 45, lambda: str(agent.status()))
    agent.stop()
    assert agent.once(check=False).returncode == HELD
    assert len(ctx.client.keys("images/")) == 300 and samples.count_rows(lists) == 300


@on("s3d")
def test_a_renamed_directory_of_any_size_is_no_removal(ctx):
    agent, images, lists, _ = running(ctx)
    os.makedirs(f"{images}/sub")
    for i in range(7):
        os.rename(f"{images}/c{i}", f"{images}/sub/c{i}")
    agent.wait_in_step(30)
    ctx.client.assert_tree(images, "images/")
    assert samples.count_rows(lists) == 300
