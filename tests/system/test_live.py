"""The running agent: whatever people and tools do to the trees, the bucket follows."""

import os
import time

from harness import on, samples, wait_until, write

SETTLED_S = 2.0  # after the last change has settled, the bucket must be right within this
SETTLE_S = 0.1   # the harness's settle_ms


def running(ctx, count=60):
    """An agent in step on `count` images and their lists."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = samples.adwaita(images, count=count)
    samples.write_lists(lists, paths)
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 10000})
    agent.start()
    agent.wait_in_step(30)
    return agent, images, lists, paths


def follow(ctx, agent, images, lists, timeout=SETTLE_S + SETTLED_S + 1):
    """Within the promised time the listing is right; then the bytes and the metadata are, too.
    Swift is too slow for a promise."""
    promised = ctx.server.kind != "swift"
    begun = time.monotonic()
    wait_until(lambda: not agent.differences(), timeout, lambda: str(agent.differences()[:10]),
               interval=0.05)
    took = time.monotonic() - begun
    assert not promised or took <= SETTLE_S + SETTLED_S, f"it took {took:.1f} s"
    agent.wait_in_step(10)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d", "ceph", "swift")
def test_files_are_added_edited_and_removed(ctx):
    agent, images, lists, paths = running(ctx)
    write(f"{images}/new/one.jpg")
    write(f"{images}/{paths[0]}", b"edited" * 100)
    os.unlink(f"{images}/{paths[1]}")
    follow(ctx, agent, images, lists)
    with open(f"{lists}/train.lst") as a, open(f"{lists}/val.lst") as b:
        named = [r[2] for r in samples.read_list(a.read() + b.read())]
    assert sorted(named) == sorted(p for p in paths if p != paths[1])
    agent.verify_journal()


@on("s3d")
def test_each_way_of_watching(ctx):
    """The same deeds are followed with fanotify, with inotify, and by scanning alone."""
    images = ctx.folder("images")
    write(f"{images}/a/b/one.jpg")
    for watch in ("inotify", "fanotify", "scan"):
        agent = ctx.agent(images=images, name=watch,
                          repository={"watch": watch, "rescan": "1s", "max_removals": 10000}
                          if watch == "scan" else
                          {"watch": watch, "rescan": "off", "max_removals": 10000})
        if watch == "fanotify" and os.geteuid() != 0:
            print("SKIPPED: no right to use fanotify")
            continue
        agent.start()
        agent.wait_in_step(30)
        write(f"{images}/new-{watch}/deep/er/one.jpg", watch.encode() * 100)
        write(f"{images}/a/b/two.jpg", watch.encode())
        wait_until(lambda: not agent.differences(), 10, lambda: str(agent.differences()[:10]))
        os.rename(f"{images}/a", f"{images}/c")
        os.unlink(f"{images}/c/b/two.jpg")
        write(f"{images}/c/b/three.jpg", watch.encode())
        wait_until(lambda: not agent.differences(), 10, lambda: str(agent.differences()[:10]))
        os.rename(f"{images}/c", f"{images}/a")
        wait_until(lambda: not agent.differences(), 10, lambda: str(agent.differences()[:10]))
        agent.wait_in_step(10)
        ctx.client.assert_tree(images, "images/")
        mapping = agent.status()[0]["mappings"][0]
        assert mapping["unwatched"] == 0, mapping
        assert mapping["watches"] == (0 if watch == "scan" else mapping["directories"]), mapping
        agent.stop()


@on("s3d")
def test_fanotify_that_is_not_possible_is_told(ctx):
    """Status 2, and a line that says where, why and what would be right."""
    agent = ctx.agent(images="/proc/sys/kernel", repository={"watch": "fanotify"})
    done = agent.run("agent")
    assert done.returncode == 2, done
    assert "/proc/sys/kernel: watch = \"fanotify\"" in done.stderr, done
    assert "watch = \"auto\"" in done.stderr, done


@on("s3d", "ceph", "swift")
def test_an_edit_of_the_same_size_is_seen(ctx):
    agent, images, lists, paths = running(ctx, 10)
    size = os.path.getsize(f"{images}/{paths[0]}")
    stamp = os.stat(f"{images}/{paths[0]}")
    with open(f"{images}/{paths[0]}", "r+b") as file:
        file.write(os.urandom(size))
    os.utime(f"{images}/{paths[0]}", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    wait_until(lambda: ctx.client.get(f"images/{paths[0]}")[0] ==
               open(f"{images}/{paths[0]}", "rb").read(), 5, "the edit in the bucket")
    follow(ctx, agent, images, lists)


@on("s3d", "ceph", "swift")
def test_mode_owner_and_time_go_without_an_upload(ctx):
    agent, images, lists, paths = running(ctx, 10)
    os.chmod(f"{images}/{paths[0]}", 0o600)
    os.chown(f"{images}/{paths[1]}", 1234, 5678)
    os.utime(f"{images}/{paths[2]}", ns=(0, 1_500_000_000_123_456_789))
    wait_until(lambda: not ctx.client.compare_tree(images, "images/"), 5, "the metadata")
    follow(ctx, agent, images, lists)
    changes = [r["o"] for r in agent.journal_records() if r.get("st") == "intent"][-3:]
    assert changes == ["meta"] * 3, changes


@on("s3d", "ceph", "swift")
def test_a_directory_is_renamed(ctx):
    agent, images, lists, paths = running(ctx, 100)
    old = paths[0].split("/")[0]
    os.rename(f"{images}/{old}", f"{images}/renamed")
    follow(ctx, agent, images, lists)
    with open(f"{lists}/train.lst") as a, open(f"{lists}/val.lst") as b:
        named = {r[2] for r in samples.read_list(a.read() + b.read())}
    assert named == {p.replace(old + "/", "renamed/", 1) if p.startswith(old + "/") else p
                     for p in paths}
    renames = [r for r in agent.journal_records("--op", "rename") if r["st"] == "intent"]
    assert len(renames) == 1 and (renames[0]["p"], renames[0]["d"]) == (old, "renamed"), renames
    agent.verify_journal()


@on("s3d")
def test_files_are_renamed(ctx):
    agent, images, lists, paths = running(ctx, 20)
    before = len(ctx.server.requests())
    os.rename(f"{images}/{paths[0]}", f"{images}/moved.png")
    os.makedirs(f"{images}/else/where")
    os.rename(f"{images}/{paths[1]}", f"{images}/else/where/b.png")
    follow(ctx, agent, images, lists)
    seen = [r for r in ctx.server.requests() if r["n"] > before]
    assert not [r for r in seen if r["op"] == "PutObject" and r["key"].startswith("images/")], seen
    assert sum(r["op"] == "CopyObject" for r in seen) == 2


@on("s3d", "ceph")
def test_directories_move_in_and_out(ctx):
    agent, images, lists, paths = running(ctx, 40)
    outside = ctx.folder("outside")
    samples.adwaita(f"{outside}/in", count=30, seed=9)
    os.rename(f"{outside}/in", f"{images}/in")
    follow(ctx, agent, images, lists)
    os.rename(f"{images}/in", f"{outside}/out")
    follow(ctx, agent, images, lists)


@on("s3d")
def test_what_happened_while_it_was_down_is_done(ctx):
    agent, images, lists, paths = running(ctx, 80)
    agent.stop()
    write(f"{images}/while/down.png")
    write(f"{images}/{paths[0]}", b"edited while down")
    os.unlink(f"{images}/{paths[1]}")
    os.chmod(f"{images}/{paths[2]}", 0o640)
    os.rename(f"{images}/{paths[3]}", f"{images}/moved-while-down.png")
    old = paths[-1].split("/")[0]
    os.rename(f"{images}/{old}", f"{images}/renamed")
    before = len(ctx.server.requests())
    agent.start()
    agent.wait_in_step(20)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    seen = [r for r in ctx.server.requests() if r["n"] > before]
    puts = sorted(r["key"] for r in seen if r["op"] == "PutObject" and "images/" in r["key"])
    assert puts == sorted(["images/while/down.png", f"images/{paths[0]}"]), puts
    with open(f"{lists}/train.lst") as a, open(f"{lists}/val.lst") as b:
        named = {r[2] for r in samples.read_list(a.read() + b.read())}
    for path in named:
        assert os.path.exists(f"{images}/{path}"), path
    assert "moved-while-down.png" in named
    assert len(named) == len(paths) - 1


@on("s3d")
def test_an_image_deleted_and_recreated_changes_no_list(ctx):
    agent, images, lists, paths = running(ctx, 20)
    before = {n: os.stat(f"{lists}/{n}").st_ino for n in os.listdir(lists)}
    with open(f"{images}/{paths[0]}", "rb") as file:
        data = file.read()
    os.unlink(f"{images}/{paths[0]}")
    write(f"{images}/{paths[0]}", data)
    follow(ctx, agent, images, lists)
    assert {n: os.stat(f"{lists}/{n}").st_ino for n in os.listdir(lists)} == before
