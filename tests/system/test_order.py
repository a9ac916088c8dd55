"""The order that a trainer can trust: new objects, then lists, then deletions."""

import os

from harness import deadline, on, samples, wait_until, write
from harness.observer import Observer


def running(ctx, images, lists, **options):
    agent = ctx.agent(images=images, lists=lists, **options)
    agent.start()
    agent.wait_in_step(40)
    return agent


def one_class(ctx, count):
    """`count` images in the class old/, some in others, and their lists."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = [f"old/{i:04}.jpg" for i in range(count)] + [f"cat/{i}.jpg" for i in range(20)]
    for path in paths:
        write(f"{images}/{path}", path.encode() * 50)
    samples.write_lists(lists, paths)
    return images, lists, paths


@on("s3d")
def test_renaming_a_directory_copies_then_lists_then_deletes(ctx):
    images, lists, _ = one_class(ctx, 500)
    agent = running(ctx, images, lists)
    before = len(ctx.server.requests())
    os.rename(f"{images}/old", f"{images}/new")
    agent.wait_in_step(30)
    seen = [r for r in ctx.server.requests() if r["n"] > before]
    kinds = [r["op"] if r["op"] != "PutObject" else "list" for r in seen]
    assert all(r["key"].startswith("lists/") for r in seen if r["op"] == "PutObject")
    assert kinds.count("CopyObject") == 500, kinds.count("CopyObject")
    last_copy = max(i for i, k in enumerate(kinds) if k == "CopyObject")
    first_list = min(i for i, k in enumerate(kinds) if k == "list")
    last_list = max(i for i, k in enumerate(kinds) if k == "list")
    deletes = [i for i, k in enumerate(kinds) if k in ("DeleteObjects", "DeleteObject")]
    assert last_copy < first_list and last_list < min(deletes), kinds[490:]
    assert len(deletes) == 2, "one that tells whether conditions are held, and one batch"
    intents = [r for r in agent.journal_records("--op", "rename") if r["st"] == "intent"]
    assert [(r["p"], r["d"], r["n"]) for r in intents] == [("old", "new", 500)], intents
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_renaming_a_directory_reads_no_image(ctx):
    images, lists, _ = one_class(ctx, 500)
    agent = ctx.agent(images=images, lists=lists)
    trace = ctx.path("opens")
    agent.start(wrap=["strace", "-f", "-qq", "-e", "trace=openat,openat2", "-o", trace])
    agent.wait_in_step(60)
    with open(trace) as file:
        before = file.read().count(".jpg")
    os.rename(f"{images}/old", f"{images}/new")
    agent.wait_in_step(60)
    with open(trace) as file:
        lines = [line for line in file if ".jpg" in line][before:]
    read = [line for line in lines if "O_PATH" not in line]
    assert before > 0 and not read, read[:5]


@on("s3d", "ceph")
@deadline(120)
def test_invariant_4_no_list_ever_names_an_absent_object(ctx):
    images, lists, paths = one_class(ctx, 150)
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 10000})
    observer = Observer(ctx.server.signed(ctx.bucket), ("lists/train.lst", "lists/val.lst"))
    observer.start()
    agent.start()
    agent.wait_in_step(40)
    for i in range(4):
        os.rename(f"{images}/{'old' if i % 2 == 0 else 'new'}",
                  f"{images}/{'new' if i % 2 == 0 else 'old'}")
        os.unlink(f"{images}/cat/{i}.jpg")
        agent.wait_in_step(40)
    observer.finish()
    assert observer.looks > 5 and observer.broken == [], (observer.looks, observer.broken[:5])


@on("s3d")
def test_a_list_waits_for_an_image_that_fails_and_says_so(ctx):
    images, lists, paths = one_class(ctx, 30)
    ctx.server.fault("error", code="InternalError", op="PutObject", key="images/old/0003.jpg", count=0)
    agent = ctx.agent(images=images, lists=lists)
    agent.start()
    wait_until(lambda: len(ctx.client.keys("images/")) == len(paths) - 1, 20, "all others")

    def told():
        status, _ = agent.status()
        text = str(status["problems"])
        return "old/0003.jpg" in text and "waits for" in text and "lists/" in text

    wait_until(told, 20, lambda: str(agent.status()))
    with open(f"{lists}/train.lst") as file:
        holder = "train.lst" if "old/0003.jpg" in file.read() else "val.lst"
    assert f"lists/{holder}" not in ctx.client.keys("lists/")
    ctx.server.clear_faults()
    agent.wait_in_step(40)
    ctx.client.assert_tree(lists, "lists/")
