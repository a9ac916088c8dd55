"""What becomes of the objects of files that are gone: removed, in the trash, kept; and of those that
somebody else has put in their place meanwhile."""

import os
import re

from harness import on, samples, wait_until, write

STAMP = r"\.trash/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z/"
IGNORED = ("--delete-conditions", "ignored")
REFUSED = ("--delete-conditions", "refused")


def running(ctx, deletes, count=30, **repository):
    """An agent in step on `count` images and their lists."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = [f"c{i % 3}/{i:03}.jpg" for i in range(count)]
    for path in paths:
        write(f"{images}/{path}", path.encode() * 20)
    samples.write_lists(lists, paths)
    agent = ctx.agent(images=images, lists=lists, list_={"deletes": deletes},
                      repository={"deletes": deletes, "max_removals": 1000, **repository})
    agent.start()
    agent.wait_in_step(40)
    return agent, images, lists, paths


def rows(lists):
    text = "".join(open(f"{lists}/{name}").read() for name in os.listdir(lists))
    return {path for _, _, path in samples.read_list(text)}


def trash(ctx):
    """What is in the trash: the key that it had -> its key there."""
    found = {}
    for key in ctx.client.keys(".trash/"):
        assert re.match(STAMP, key), key
        found[re.sub(STAMP, "", key, count=1)] = key
    return found


def mapping(agent, name="images"):
    status, _ = agent.status()
    return next(m for m in status["mappings"] if m["name"] == name)


def clean(agent, words=""):
    """verify finds nothing, and says these words."""
    done = agent.run("verify")
    assert done.returncode == 0 and words in done.stdout, done.stdout + done.stderr


# --- trash -----------------------------------------------------------------------------------------


@on("s3d", "ceph", "swift")
def test_removed_images_are_in_the_trash_with_all_that_they_were(ctx):
    agent, images, lists, paths = running(ctx, "trash")
    before = {p: ctx.client.signed.head(f"images/{p}") for p in paths[:5]}
    for path in paths[:5]:
        os.unlink(f"{images}/{path}")
    agent.wait_in_step(30)
    assert rows(lists) == set(paths[5:])
    found = trash(ctx)
    assert set(found) == {f"images/{p}" for p in paths[:5]}, found
    for path, head in before.items():
        body, answer = ctx.client.get(found[f"images/{path}"])
        assert body == path.encode() * 20
        assert answer.metadata == head.metadata, (answer.metadata, head.metadata)
        assert answer.headers["content-type"] == head.headers["content-type"]
    told = {r["p"]: r["d"] for r in agent.journal_records("--op", "trash") if r["st"] == "done"}
    assert told == {p: found[f"images/{p}"] for p in paths[:5]}, told
    clean(agent)
    agent.verify_journal()


@on("s3d")
def test_a_renamed_image_is_not_in_the_trash_unless_its_content_went(ctx):
    agent, images, lists, paths = running(ctx, "trash")
    os.rename(f"{images}/{paths[0]}", f"{images}/moved.jpg")
    os.rename(f"{images}/c1", f"{images}/d1")
    agent.wait_in_step(30)
    assert trash(ctx) == {}
    ctx.client.assert_tree(images, "images/")
    agent.stop()
    # Renamed and changed while nobody looked: what S3 has under the old key is nowhere else.
    os.rename(f"{images}/moved.jpg", f"{images}/again.jpg")
    write(f"{images}/again.jpg", b"another content")
    agent.start()
    agent.wait_in_step(30)
    assert set(trash(ctx)) == {"images/moved.jpg"}
    assert ctx.client.get(trash(ctx)["images/moved.jpg"])[0] == paths[0].encode() * 20


@on("s3d")
def test_a_copy_to_the_trash_is_not_made_twice_across_a_crash(ctx):
    agent, images, lists, paths = running(ctx, "trash", count=60)
    gone = paths[:40]
    ctx.server.fault("stall", op="DeleteObjects", ms=600000, count=0)
    ctx.server.fault("stall", op="DeleteObject", ms=600000, count=0)
    before = len(ctx.server.requests())
    for path in gone:
        os.unlink(f"{images}/{path}")
    wait_until(lambda: len(trash(ctx)) == len(gone), 30, lambda: f"copies: {len(trash(ctx))}")
    agent.kill9()
    ctx.server.clear_faults()
    ctx.server.restart()
    agent.start()
    agent.wait_in_step(40)
    copies = [r for r in ctx.server.requests() if r["n"] > before and r["op"] == "CopyObject"]
    assert len(copies) == len(gone) == len(trash(ctx)), (len(copies), len(trash(ctx)))
    assert rows(lists) == set(paths[40:])
    agent.verify_journal()


@on("s3d")
def test_what_cannot_be_copied_to_the_trash_is_not_removed(ctx):
    agent, images, lists, paths = running(ctx, "trash")
    ctx.server.fault("error", op="CopyObject", code="AccessDenied", count=0)
    for path in paths[:3]:
        os.unlink(f"{images}/{path}")
    wait_until(lambda: sum("trash" in p["why"] for p in agent.status()[0]["problems"]) == 3, 20,
               lambda: str(agent.status()))
    assert all(f"images/{p}" in ctx.client.keys("images/") for p in paths[:3])
    ctx.server.clear_faults()
    agent.wait_in_step(60)
    assert set(trash(ctx)) == {f"images/{p}" for p in paths[:3]}


@on("s3d")
def test_an_image_that_is_back_and_goes_again_is_in_the_trash_as_it_was_last(ctx):
    agent, images, lists, paths = running(ctx, "trash")
    for content in (b"first", b"second"):
        write(f"{images}/{paths[0]}", content)
        agent.wait_in_step(30)
        os.unlink(f"{images}/{paths[0]}")
        agent.wait_in_step(30)
    contents = {ctx.client.get(key)[0] for key in ctx.client.keys(".trash/")}
    assert contents == {b"first", b"second"}, contents


@on("s3d", "ceph")
def test_only_what_is_too_old_leaves_the_trash(ctx):
    agent, images, lists, paths = running(ctx, "trash")
    agent.stop()
    each = 600 if ctx.server.kind == "s3d" else 20  # several pages, where that is fast
    old = [f".trash/2020-01-{day:02}T00-00-00.000Z/images/{i}.jpg" for day in (1, 2)
           for i in range(each)]
    stays = [".trash/2999-01-01T00-00-00.000Z/images/a.jpg", ".trash/notes.txt",
             ".trash/2020-01-01/images/a.jpg", ".trashed/2020-01-01T00-00-00.000Z/a.jpg"]
    ctx.client.signed.map(lambda key: ctx.client.signed.put(key, b"x"), old + stays)
    agent.start()
    wait_until(lambda: len(ctx.client.keys(".trash")) == len(stays), 40,
               lambda: str(len(ctx.client.keys(".trash"))))
    assert set(ctx.client.keys(".trash")) == set(stays)
    ctx.client.assert_tree(images, "images/")
    records = agent.journal_records("--op", "expire")
    assert sum(r["n"] for r in records if r["st"] == "done") == 2 * each, records
    agent.wait_in_step(20)
    agent.verify_journal()


@on("s3d")
def test_a_plan_names_what_would_become_of_removed_images(ctx):
    agent, images, lists, paths = running(ctx, "trash")
    agent.stop()
    os.unlink(f"{images}/{paths[0]}")
    done = agent.run("plan")
    assert f"trash    images/{paths[0]}" in done.stdout, done.stdout
    assert trash(ctx) == {}


# --- keep ------------------------------------------------------------------------------------------


@on("s3d", "ceph")
def test_kept_objects_stay_and_are_no_difference(ctx):
    agent, images, lists, paths = running(ctx, "keep")
    for path in paths[:4]:
        os.unlink(f"{images}/{path}")
    wait_until(lambda: mapping(agent).get("kept") == 4, 20, lambda: str(agent.status()))
    wait_until(lambda: agent.run("status").returncode == 0, 20, "step")
    assert rows(lists) == set(paths[4:])
    assert set(ctx.client.keys("images/")) == {f"images/{p}" for p in paths}
    assert mapping(agent)["objects"] == len(paths) - 4
    clean(agent, "4 objects of files that are gone are kept")
    agent.stop()
    agent.start()  # nothing of it is forgotten, nothing is done again
    wait_until(lambda: agent.run("status").returncode == 0, 20, "step")
    assert mapping(agent)["kept"] == 4
    assert len(agent.journal_records("--op", "remove")) == 8
    assert "4 objects of files that are gone are kept" in agent.run("status").stdout
    # The same file again is compared and not put; another one is put.
    before = len(ctx.server.requests()) if ctx.server.kind == "s3d" else 0
    write(f"{images}/{paths[0]}", paths[0].encode() * 20)
    write(f"{images}/{paths[1]}", b"another")
    wait_until(lambda: "kept" in mapping(agent) and mapping(agent)["kept"] == 2, 20,
               lambda: str(agent.status()))
    wait_until(lambda: agent.run("status").returncode == 0, 20, "step")
    assert ctx.client.get(f"images/{paths[1]}")[0] == b"another"
    if ctx.server.kind == "s3d":
        puts = [r["key"] for r in ctx.server.requests()
                if r["n"] > before and r["op"] == "PutObject" and r["key"].startswith("images/")]
        assert puts == [f"images/{paths[1]}"], puts
    clean(agent, "2 objects of files that are gone are kept")


@on("s3d")
def test_keep_deletes_nothing_not_even_after_a_rename(ctx):
    agent, images, lists, paths = running(ctx, "keep")
    os.rename(f"{images}/c0", f"{images}/n0")
    os.rename(f"{images}/{paths[1]}", f"{images}/moved.jpg")
    renamed = sum(p.startswith("c0/") for p in paths) + 1
    wait_until(lambda: mapping(agent).get("kept") == renamed, 20, lambda: str(agent.status()))
    wait_until(lambda: agent.run("status").returncode == 0, 20, "step")
    keys = set(ctx.client.keys("images/"))
    assert {f"images/{p}" for p in paths} <= keys and len(keys) == len(paths) + renamed
    assert not any(r["op"].startswith("Delete") for r in ctx.server.requests())
    assert {"moved.jpg", "n0/000.jpg"} <= rows(lists) and "c0/000.jpg" not in rows(lists)
    os.rename(f"{images}/n0", f"{images}/c0")  # back onto what was kept
    wait_until(lambda: "c0/000.jpg" in rows(lists), 20, "the rows")
    wait_until(lambda: agent.run("status").returncode == 0, 20, "step")
    clean(agent)
    agent.kill9()
    agent.once()
    assert not any(r["op"].startswith("Delete") for r in ctx.server.requests())
    agent.verify_journal()


@on("s3d")
def test_kept_removals_are_guarded_too(ctx):
    agent, images, lists, paths = running(ctx, "keep", max_removals=10)
    for path in paths[:20]:
        os.unlink(f"{images}/{path}")
    wait_until(lambda: agent.status()[0]["held"] == 20, 20, lambda: str(agent.status()))
    assert rows(lists) == set(paths)
    agent.run("release", "images")
    wait_until(lambda: mapping(agent).get("kept") == 20, 20, lambda: str(agent.status()))
    assert rows(lists) == set(paths[20:])


# --- somebody else's objects -----------------------------------------------------------------------


def somebody_elses_stay(ctx, deletes="remove"):
    """Others' newer objects at the keys of files that go: by themselves, in a batch, by a rename."""
    agent, images, lists, paths = running(ctx, deletes, count=90)
    theirs = [paths[0], paths[10], paths[50], paths[4]]
    for path in theirs:
        ctx.client.signed.put(f"images/{path}", b"somebody else's, newer")
    os.unlink(f"{images}/{paths[0]}")
    wait_until(lambda: mapping(agent).get("drifted") == 1, 20, lambda: str(agent.status()))
    gone = [p for p in paths[6:60]]
    for path in gone:
        os.unlink(f"{images}/{path}")
    os.rename(f"{images}/{paths[4]}", f"{images}/moved.jpg")  # its copy is refused: it is put
    wait_until(lambda: mapping(agent).get("drifted") == 4, 30, lambda: str(agent.status()))
    wait_until(lambda: agent.run("status").returncode == 0, 20, "step")
    for path in theirs:
        assert ctx.client.get(f"images/{path}")[0] == b"somebody else's, newer", path
    left = set(paths) - set(gone) - {paths[0], paths[4]}
    assert set(ctx.client.keys("images/")) == {
        f"images/{p}" for p in left | set(theirs) | {"moved.jpg"}}
    assert rows(lists) == left | {"moved.jpg"}
    etag = ctx.client.signed.head(f"images/{paths[0]}").headers["etag"].strip('"')
    told = {r["p"]: (r["e"], r["why"]) for r in agent.journal_records("--op", "delete")
            if r["st"] == "failed" and "conflict" in r["why"]}
    assert set(told) == set(theirs) and {e for e, _ in told.values()} == {etag}, told
    text = agent.run("status").stdout
    assert "4 objects were not deleted" in text and mapping(agent)["drifted_key"] in text, text
    agent.stop()
    before = len(agent.journal_records())
    agent.once()  # it is not tried again
    assert not [r for r in agent.journal_records()[before:] if r["o"] == "delete"]
    return agent


@on("s3d", "ceph", "swift")
def test_somebody_elses_newer_objects_stay(ctx):
    somebody_elses_stay(ctx)


@on("s3d", options=IGNORED)
def test_somebody_elses_newer_objects_stay_where_conditions_are_ignored(ctx):
    somebody_elses_stay(ctx)


@on("s3d", options=REFUSED)
def test_somebody_elses_newer_objects_stay_where_conditions_are_refused(ctx):
    somebody_elses_stay(ctx)


@on("s3d", "ceph")
def test_somebody_elses_newer_objects_do_not_go_to_the_trash(ctx):
    somebody_elses_stay(ctx, "trash")
    if ctx.server.kind == "s3d":  # Ceph takes no notice of a copy's condition: such a copy expires
        assert not any(ctx.client.get(k)[0].startswith(b"somebody") for k in trash(ctx).values())


@on("s3d")
def test_our_own_changes_are_nobody_elses(ctx):
    """Metadata, edits, renames and what a crash left: all of it can be removed afterwards."""
    agent, images, lists, paths = running(ctx, "remove")
    os.chmod(f"{images}/{paths[0]}", 0o600)
    write(f"{images}/{paths[1]}", b"edited")
    os.rename(f"{images}/{paths[2]}", f"{images}/moved.jpg")
    agent.wait_in_step(30)
    ctx.server.fault("lost-reply", op="PutObject", key="images/*", count=0)
    write(f"{images}/{paths[3]}", b"put without an answer")
    wait_until(lambda: ctx.client.get(f"images/{paths[3]}")[0] == b"put without an answer", 20,
               "the put")
    agent.kill9()
    ctx.server.clear_faults()
    for path in [*paths[:2], paths[3], "moved.jpg"]:
        os.unlink(f"{images}/{path}")
    agent.start()
    agent.wait_in_step(30)
    assert "drifted" not in mapping(agent)


@on("s3d")
def test_removals_that_wait_for_s3_are_decided_once(ctx):
    """Lists are refused, so that the objects of a directory that is gone wait; scans come by."""
    agent, images, lists, paths = running(ctx, "remove")
    ctx.server.fault("error", op="PutObject", count=0, code="SlowDown", status=503)
    for path in paths[::3]:
        os.unlink(f"{images}/{path}")
    os.rmdir(f"{images}/c0")
    wait_until(lambda: not rows(lists) & set(paths[::3]), 20, "the rows to go")
    for i in range(3):
        assert agent.run("rescan", "images").returncode == 0
        write(f"{images}/c1/seen-{i}.jpg", b"found by then, at the latest")
        wait_until(lambda: mapping(agent)["scan_ended_s"] <= 1, 20, "a scan")
        wait_until(lambda name=f"c1/seen-{i}.jpg": any(
            r.get("p") == name for r in agent.journal_records("--op", "add")), 20, "its end")
    ctx.server.clear_faults()
    agent.wait_in_step(40)
    removed = [(r["p"], r["st"]) for r in agent.journal_records("--op", "remove")]
    assert sorted(removed) == [(path, "intent") for path in sorted(paths[::3])], removed
    ctx.client.assert_tree(images, "images/")
