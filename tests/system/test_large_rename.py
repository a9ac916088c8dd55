"""The rename of a directory with many images: each is copied once inside S3, in order, over a crash,
and in pieces, so that what is remembered of them does not grow with the directory."""

import os
import shutil
import time

from harness import deadline, long_test, on, samples, wait_until, write
from harness.observer import Observer

IN_FLIGHT = 512  # that an agent hands over at once: after a crash these may be done once more


def copies(ctx):
    return [r for r in ctx.server.requests()
            if r["op"] == "CopyObject" and r["status"] == 200 and r["key"].startswith("images/")]


def one_directory(ctx, count, **repository):
    """An agent in step with one directory of so many images, and its lists."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = [f"old/{i:06}.jpg" for i in range(count)]
    for path in paths:
        write(f"{images}/{path}", path.encode() * 3)
    samples.write_lists(lists, paths)
    agent = ctx.agent(images=images, lists=lists, repository=repository).start()
    wait_until(lambda: len(ctx.client.keys("lists/")) == 2, 400, lambda: str(agent.status()))
    return images, lists, paths, agent


def crash_in_the_middle(ctx, count):
    images, lists, paths, agent = one_directory(ctx, count)
    observer = Observer(ctx.server.signed(ctx.client.bucket),
                        ("lists/train.lst", "lists/val.lst"))
    observer.start()
    os.rename(f"{images}/old", f"{images}/new")
    wait_until(lambda: len(copies(ctx)) > count // 2, 300, lambda: str(agent.status()), 0.05)
    agent.kill9()
    agent.start()
    agent.wait_in_step(400)
    observer.finish()
    done = copies(ctx)
    assert {r["key"] for r in done} == {"images/new" + p[3:] for p in paths}
    assert len(done) <= count + IN_FLIGHT, len(done)
    puts = [r["key"] for r in ctx.server.requests() if r["op"] == "PutObject"]
    assert sum(key.startswith("images/") for key in puts) == count, "an image was sent again"
    assert observer.looks > 2 and observer.broken == [], (observer.looks, observer.broken[:5])
    ctx.client.assert_tree(images, "images/", metadata=False)
    ctx.client.assert_tree(lists, "lists/")
    agent.verify_journal()


@on("s3d")
@deadline(240)
def test_a_crash_in_the_middle_repeats_only_what_was_in_flight(ctx):
    crash_in_the_middle(ctx, 1500)


@on("s3d")
@long_test
@deadline(1200)
def test_a_crash_in_the_middle_of_twenty_thousand(ctx):
    crash_in_the_middle(ctx, 20000)


@on("s3d")
@deadline(240)
def test_old_objects_go_while_others_are_still_copied(ctx):
    count = 14000  # well above AGENT_RELIST_PIECE and what is on its way
    images, lists, paths, agent = one_directory(ctx, count)
    before = len(ctx.server.requests())
    observer = Observer(ctx.server.signed(ctx.client.bucket),
                        ("lists/train.lst", "lists/val.lst"))
    observer.start()
    # Else a fast machine has made all copies by the time at which the first lists are live.
    ctx.server.fault("delay", op="CopyObject", count=0, ms=30)
    os.rename(f"{images}/old", f"{images}/new")
    agent.wait_in_step(200)
    observer.finish()
    kinds = [r["op"] for r in ctx.server.requests() if r["n"] > before]
    last_copy = max(i for i, kind in enumerate(kinds) if kind == "CopyObject")
    early = sum(kind == "DeleteObjects" for kind in kinds[:last_copy])
    assert early >= 2, (early, kinds.count("DeleteObjects"))
    assert kinds.count("CopyObject") == count == len(copies(ctx))
    assert observer.looks > 2 and observer.broken == [], (observer.looks, observer.broken[:5])
    renames = [(r["st"], r["p"], r["d"], r["n"]) for r in agent.journal_records("--op", "rename")]
    assert renames == [("intent", "old", "new", count), ("done", "old", "new", count)], renames
    ctx.client.assert_tree(images, "images/", metadata=False)
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
@deadline(240)
def test_the_guard_is_asked_about_all_of_a_large_directory_at_once(ctx):
    count = 6000
    images, _, _, agent = one_directory(ctx, count, max_removals=count - 1000,
                                        max_removal_percent=10)
    os.rename(f"{images}/old", f"{images}/new")
    shutil.rmtree(f"{images}/new")
    wait_until(lambda: agent.status()[0]["held"] >= count, 120, lambda: str(agent.status()))
    assert len(ctx.client.keys("images/")) >= count


@long_test
@deadline(300)
@on("s3d")
def test_directories_that_go_on_while_s3_refuses_keep_their_rows(ctx):
    """Their listings wait as long as their images do; what is gone from where it was is not given up
    before they tell where it is."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    at = [f"d{number}" for number in range(8)]
    for folder in at:
        for i in range(600):
            write(f"{images}/{folder}/{i}.jpg", f"{folder} {i}".encode())
    names = [f"{folder}/{i}.jpg" for folder in at for i in range(600)]
    with open(f"{lists}/all.lst", "w", encoding="utf-8") as file:
        file.writelines(f"{i}\tLABEL-{name}\t{name}\n" for i, name in enumerate(names))
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(120)
    ctx.server.fault("error", op="*", code="AccessDenied", count=0)
    for number in range(60):
        folder = number % len(at)
        os.rename(f"{images}/{at[folder]}", f"{images}/e{number}")
        at[folder] = f"e{number}"
        time.sleep(0.9)
    ctx.server.clear_faults()
    agent.wait_in_step(150)
    with open(f"{lists}/all.lst", encoding="utf-8") as file:
        found = [line.rstrip("\n").split("\t")[1:] for line in file]
    assert found == [[f"LABEL-d{number}/{i}.jpg", f"{folder}/{i}.jpg"]
                     for number, folder in enumerate(at) for i in range(600)]
    ctx.client.assert_tree(images, "images/")
    agent.verify_journal()
