"""S3 at its worst: whatever it answers, or does not, in the end the bucket is the tree, and
meanwhile `status` tells why it is not."""

import json
import os
import shutil

from harness import deadline, on, samples, wait_until, write

IMAGES = 200
CHANGES = "[!GL]*"  # operations that only lockstep sends: the tests themselves Get and List


def trees(ctx, count=IMAGES):
    """Small images in four classes and their lists."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = [f"c{i % 4}/{i:04}.jpg" for i in range(count)]
    for path in paths:
        write(f"{images}/{path}", path.encode() * 20)
    samples.write_lists(lists, paths)
    return images, lists, paths


def named(lists):
    """The paths of all rows of all lists, sorted."""
    found = []
    for name in sorted(os.listdir(lists)):
        with open(os.path.join(lists, name), encoding="utf-8") as file:
            found += [path for _, _, path in samples.read_list(file.read())]
    return sorted(found)


def check(ctx, agent, images, lists, expected):
    """The bucket is the tree, the lists name what they should, the journal is good."""
    agent.wait_in_step(45)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    assert named(lists) == sorted(expected)
    agent.verify_journal()


def arm(ctx, faults):
    for fault in faults:
        ctx.server.fault(**{"op": CHANGES, **fault})


def struck(ctx):
    return sum(fault["hits"] for fault in ctx.server.faults())


def work(images, paths):
    """A renamed class, a renamed file, removals, edits, additions, a change of mode. What the
    lists must name in the end."""
    os.rename(f"{images}/c0", f"{images}/renamed")
    os.rename(f"{images}/{paths[1]}", f"{images}/c1/moved.jpg")
    for path in paths[2:42:4]:
        os.unlink(f"{images}/{path}")
    for path in paths[3:43:4]:
        write(f"{images}/{path}", b"edited" + path.encode())
    for i in range(20):
        write(f"{images}/new/{i}.jpg", b"new %d" % i)
    os.chmod(f"{images}/{paths[-1]}", 0o600)
    after = []
    for path in paths:
        if path in paths[2:42:4]:
            continue
        path = "c1/moved.jpg" if path == paths[1] else path
        after.append(path.replace("c0/", "renamed/", 1) if path.startswith("c0/") else path)
    return after


def survives(*faults, options=None, patience=None):
    """A test: the faults strike while the trees go up for the first time, and again while images
    are renamed, removed, edited and added."""
    @deadline(patience or 90)
    @on("s3d")
    def test(ctx):
        images, lists, paths = trees(ctx)
        arm(ctx, faults)
        agent = ctx.agent(images=images, lists=lists, options=options,
                          repository={"max_removals": 10000})
        agent.start()
        check(ctx, agent, images, lists, paths)
        first = struck(ctx)
        ctx.server.clear_faults()
        arm(ctx, faults)
        after = work(images, paths)
        check(ctx, agent, images, lists, after)
        assert first + struck(ctx) > 0, "no fault struck"
        assert agent.stop() == 0
    return test


def error(code, status, count, **more):
    return {"do": "error", "code": code, "status": status, "count": count, **more}


test_slow_down = survives(error("SlowDown", 503, 40))
test_every_fifth_request_is_throttled = survives(error("SlowDown", 503, 0, percent=20))
test_internal_errors = survives(error("InternalError", 500, 60))
test_request_timeouts = survives(error("RequestTimeout", 400, 60))
test_damaged_on_the_way = survives(error("BadDigest", 400, 30))
test_resets_before_the_body = survives({"do": "reset", "count": 60})
test_resets_after_the_body = survives({"do": "reset-after-body", "count": 60})
test_lost_replies = survives({"do": "lost-reply", "count": 60})
test_late_replies = survives({"do": "stall", "ms": 1500, "count": 30})
test_replies_cut_short = survives({"do": "truncate", "count": 60})
test_done_but_answered_with_an_error = survives(
    {"do": "error-applied", "code": "InternalError", "status": 500, "count": 60})
test_errors_inside_a_200 = survives({"do": "error-200", "op": "CopyObject", "count": 20},
                                    {"do": "error-200", "op": "DeleteObjects", "count": 2})
test_all_at_once = survives(
    {"do": "reset", "count": 0, "percent": 5}, {"do": "lost-reply", "count": 0, "percent": 5},
    {"do": "truncate", "count": 0, "percent": 5}, error("InternalError", 500, 0, percent=5),
    error("SlowDown", 503, 0, percent=5), {"do": "delay", "ms": 200, "count": 0, "percent": 10})


# --- copies and deletions -------------------------------------------------------------------------


@on("s3d")
def test_a_copy_whose_source_is_another_falls_back_to_a_put(ctx):
    images, lists, paths = trees(ctx, 40)
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(20)
    ctx.client.signed.put(f"images/{paths[0]}", b"somebody else's")
    before = len(ctx.server.requests())
    os.rename(f"{images}/{paths[0]}", f"{images}/moved.jpg")
    wait_until(lambda: "1 objects were not deleted" in agent.run("status").stdout, 40,
               lambda: str(agent.status()))
    assert ctx.client.get(f"images/{paths[0]}")[0] == b"somebody else's"
    ctx.client.signed.delete(f"images/{paths[0]}")
    agent.wait_in_step(20)
    seen = [(r["op"], r["status"]) for r in ctx.server.requests(before)
            if r["key"] == "images/moved.jpg"]
    assert set(seen[:-1]) == {("CopyObject", 412)} and seen[-1] == ("PutObject", 200), seen
    check(ctx, agent, images, lists, ["moved.jpg", *paths[1:]])


@on("s3d")
def test_a_copy_whose_source_is_gone_falls_back_to_a_put(ctx):
    images, lists, paths = trees(ctx, 40)
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(20)
    for path in paths:
        if path.startswith("c0/"):
            ctx.client.signed.delete(f"images/{path}")
    os.rename(f"{images}/c0", f"{images}/renamed")
    after = [p.replace("c0/", "renamed/", 1) for p in paths]
    check(ctx, agent, images, lists, after)


@on("s3d")
def test_a_deletion_that_is_refused_is_told_and_done_later(ctx):
    images, lists, paths = trees(ctx, 40)
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(20)
    ctx.server.fault("error", code="AccessDenied", status=403, op="Delete*", count=0)
    for path in paths[:3]:
        os.unlink(f"{images}/{path}")
    expect_problems(agent, [f"images/{p}" for p in paths[:3]], "AccessDenied")
    write(f"{images}/c0/meanwhile.jpg", b"meanwhile")
    wait_until(lambda: "images/c0/meanwhile.jpg" in ctx.client.keys("images/"), 10, "an addition")
    ctx.server.clear_faults()
    check(ctx, agent, images, lists, paths[3:])


# --- what `status` tells --------------------------------------------------------------------------


def problems(agent):
    """key -> reason."""
    return {p["key"]: p["why"] for p in agent.status()[0].get("problems", [])}


def expect_problems(agent, keys, word, timeout=20):
    """Until `status` names each of these keys with a reason that has the word."""
    def told():
        found = problems(agent)
        return all(word in found.get(key, "") for key in keys)

    wait_until(told, timeout, lambda: f"{word} for {keys}: {agent.status()}")


@on("s3d")
def test_invariant_7_one_bad_file_stops_only_itself(ctx):
    images, lists, paths = trees(ctx, 60)
    bad = f"images/{paths[5]}"
    ctx.server.fault("error", code="AccessDenied", status=403, op=CHANGES, key=bad, count=0)
    for name in (b"not\xffutf8.jpg", b"bell\x07.jpg"):
        write(os.path.join(os.fsencode(images), b"c1", name), b"poison")
    agent = ctx.agent(images=images).start()
    others = sorted(f"images/{p}" for p in paths if p != paths[5])
    wait_until(lambda: sorted(ctx.client.keys("images/")) == others, 20,
               lambda: str(agent.status()))
    expect_problems(agent, [bad], "AccessDenied")
    entry = next(p for p in agent.status()[0]["problems"] if p["key"] == bad)
    assert entry["failures"] >= 1 and entry["age_s"] >= 0, entry
    told = str(problems(agent))
    assert "is not UTF-8" in told and "U+0007" in told, told
    assert agent.status()[1] == 1
    write(f"{images}/c1/after.jpg", b"after")
    wait_until(lambda: "images/c1/after.jpg" in ctx.client.keys("images/"), 5, "what came after")
    done = agent.run("status")
    assert "AccessDenied" in done.stdout and paths[5] in done.stdout, done.stdout
    failed = [r for r in agent.journal_records() if r.get("st") == "failed"]
    assert any(r.get("p") == paths[5] and "AccessDenied" in r["why"] for r in failed), failed
    ctx.server.clear_faults()
    for name in (b"not\xffutf8.jpg", b"bell\x07.jpg"):
        os.unlink(os.path.join(os.fsencode(images), b"c1", name))
    agent.wait_in_step(30)
    ctx.client.assert_tree(images, "images/")
    agent.verify_journal()


@on("s3d")
def test_throttling_without_end_is_told_and_outlived(ctx):
    images, lists, paths = trees(ctx, 20)
    ctx.server.fault("error", code="SlowDown", status=503, op=CHANGES, count=0)
    agent = ctx.agent(images=images, lists=lists).start()
    expect_problems(agent, [f"images/{p}" for p in paths], "SlowDown", 40)
    ctx.server.clear_faults()
    check(ctx, agent, images, lists, paths)


@on("s3d")
def test_keys_without_rights_are_told(ctx):
    images, lists, paths = trees(ctx, 10)
    agent = ctx.agent(images=images, lists=lists,
                      environment={"AWS_SECRET_ACCESS_KEY": "not-the-one-that-s3d-knows"})
    done = agent.once(check=False)
    assert done.returncode == 4, done
    agent.start()
    expect_problems(agent, [f"images/{paths[0]}"], "SignatureDoesNotMatch")


# --- a server that is not there -------------------------------------------------------------------


@on("s3d")
def test_a_server_that_is_down_at_the_start_and_comes_later(ctx):
    images, lists, paths = trees(ctx, 60)
    ctx.server.stop()
    agent = ctx.agent(images=images, lists=lists)
    done = agent.once(check=False)
    assert done.returncode == 4, done
    assert "unreached" in done.stderr, done.stderr
    agent.start()
    expect_problems(agent, [f"images/{paths[0]}"], "unreached")
    assert agent.is_running()
    ctx.server.start(ctx.server.port)
    check(ctx, agent, images, lists, paths)


@on("s3d")
@deadline(120)
def test_a_server_that_dies_in_the_middle_and_comes_back(ctx):
    images, lists, paths = trees(ctx, 1500)
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 10000})
    for count in (100, 500):
        # What it holds has to be on its way for long enough to be met half done.
        ctx.server.fault("delay", op="PutObject", count=0, ms=200)
        if not agent.is_running():
            agent.start()
        wait_until(lambda n=count: len(ctx.client.keys("images/")) >= n, 20, f"{count} objects")
        ctx.server.kill9()
        wait_until(lambda: problems(agent), 20, "a reason in status")
        ctx.server.start(ctx.server.port)
    agent.wait_in_step(40)
    after = work(images, paths)
    wait_until(lambda: any(k.startswith("images/renamed/") for k in ctx.client.keys("images/")),
               10, "the first copies")
    ctx.server.kill9()
    ctx.server.start(ctx.server.port)
    check(ctx, agent, images, lists, after)


@on("ceph")
def test_a_real_server_that_refuses_a_bucket(ctx):
    images, lists, paths = trees(ctx, 10)
    agent = ctx.agent(images=images, lists=lists, s3={"bucket": "there-is-no-such-bucket"})
    done = agent.once(check=False)
    assert done.returncode != 0, done
    assert "NoSuchBucket" in done.stderr, done.stderr


# --- large files ----------------------------------------------------------------------------------


@on("s3d", options=("--min-part-size", "1"))
def test_a_large_file_through_faults_in_its_parts(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(41 << 20))
    for fault in ({"do": "reset-after-body", "op": "UploadPart", "count": 2},
                  error("InternalError", 500, 2, op="UploadPart"),
                  {"do": "lost-reply", "op": "CompleteMultipartUpload", "count": 1},
                  error("SlowDown", 503, 1, op="CreateMultipartUpload")):
        ctx.server.fault(**fault)
    agent = ctx.agent(images=images, s3={"part_size": "5M", "multipart_size": "5M"}).start()
    agent.wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    os.rename(f"{images}/large.rec", f"{images}/renamed.rec")
    agent.wait_in_step(30)
    ctx.client.assert_tree(images, "images/")
    assert ctx.client.signed.uploads() == []


@on("s3d")
def test_the_whole_tree_taken_away_while_it_goes_up(ctx):
    """Files that vanish in flight are no failures."""
    images, lists, paths = trees(ctx, 400)
    ctx.server.fault("delay", ms=100, count=0, op="PutObject")
    agent = ctx.agent(images=images, lists=lists,
                      repository={"max_removals": 100000, "max_removal_percent": 100}).start()
    wait_until(lambda: len(ctx.client.keys("images/")) > 50, 20, "some objects")
    for i in range(3):
        shutil.rmtree(f"{images}/c{i}")
    ctx.server.clear_faults()
    check(ctx, agent, images, lists, [p for p in paths if p.startswith("c3/")])


def unheard_and_refused(ctx):
    """An agent whose journal says of two new objects that they were refused; both are in S3: the answer
    was lost, and the next attempt was denied. Its images, and the index from before that."""
    images = ctx.folder("images")
    write(f"{images}/stays.jpg", b"stays" * 99)
    agent = ctx.agent(images=images, s3={"part_size": "5M", "multipart_size": "5M"})
    agent.once()
    before = shutil.copytree(f"{agent.state_dir}/index", ctx.path("index"))
    agent.start().wait_in_step(20)
    for op in ("PutObject", "CompleteMultipartUpload"):
        ctx.server.fault("lost-reply", op=op, count=1)
        ctx.server.fault("error", op=op, count=0, code="AccessDenied", status=403)
    write(f"{images}/small.jpg", b"small" * 99)
    write(f"{images}/large.rec", b"large" * (6 << 20 >> 2))
    both = {"images/small.jpg", "images/large.rec"}
    wait_until(lambda: both <= set(ctx.client.keys("images/")), 20, "both to land")
    wait_until(lambda: {r["p"] for r in agent.journal_records("--op", "put")
                        if r["st"] == "failed"} == {"small.jpg", "large.rec"}, 20,
               lambda: str(agent.journal_records("--op", "put")))
    return agent, images, before


def crash_before_the_index_knew(agent, before):
    """The index is as it was, the journal as it is."""
    agent.kill9()
    shutil.rmtree(f"{agent.state_dir}/index")
    shutil.copytree(before, f"{agent.state_dir}/index")


def without_them(ctx, images):
    os.unlink(f"{images}/small.jpg")
    os.unlink(f"{images}/large.rec")
    ctx.server.clear_faults()


@on("s3d", options=("--min-part-size", "1"))
def test_what_landed_unheard_and_was_refused_then_goes_with_its_file(ctx):
    """The answer is lost, the next attempt is refused, and so nobody told that the object is there."""
    agent, images, _ = unheard_and_refused(ctx)
    without_them(ctx, images)
    agent.wait_in_step(30)
    assert set(ctx.client.keys("images/")) == {"images/stays.jpg"}, ctx.client.keys("images/")
    agent.verify_journal()


@on("s3d", options=("--min-part-size", "1"))
def test_so_it_does_after_a_crash_before_the_index_knew(ctx):
    """The journal says that it is not sure, and recovery reads that."""
    agent, images, before = unheard_and_refused(ctx)
    crash_before_the_index_knew(agent, before)
    without_them(ctx, images)
    agent.once()
    assert set(ctx.client.keys("images/")) == {"images/stays.jpg"}, ctx.client.keys("images/")
    agent.verify_journal()


@on("s3d", options=("--min-part-size", "1"))
def test_the_journal_is_not_sure_of_what_was_refused_after_it_landed_unheard(ctx):
    """Not even when a later attempt was refused, whose answer was heard, or a crash was."""
    def attempts():
        return len([r for r in agent.journal_records("--op", "put") if r["st"] == "failed"])

    agent, _, _ = unheard_and_refused(ctx)
    for turn in range(2):
        before = attempts()
        agent.run("rescan")
        wait_until(lambda: attempts() > before, 60, "the next attempt")
        agent.kill9() # since what an agent is at work on is passed over
        found = [json.loads(line) for line in
                 agent.run("verify", "--against-journal", "--json").stdout.splitlines()][:-1]
        said = {line["key"]: line["difference"] for line in found}
        assert said.get("images/small.jpg") == "open" and set(said.values()) == {"open"}, (turn, found)
        agent.start()


@on("s3d")
def test_a_directory_s_rename_that_was_taken_back_leaves_no_copy_after_a_crash(ctx):
    """One of its copies landed unheard and was refused then; the index did not hear of it either."""
    images = ctx.folder("images")
    for name in ("a", "b", "c"):
        write(f"{images}/d/{name}.jpg", name.encode() * 99)
    agent = ctx.agent(images=images)
    agent.once()
    before = shutil.copytree(f"{agent.state_dir}/index", ctx.path("index"))
    agent.start().wait_in_step(20)
    ctx.server.fault("lost-reply", op="CopyObject", key="images/e/a.jpg", count=1)
    for op in ("CopyObject", "Delete*"):
        ctx.server.fault("error", op=op, count=0, code="AccessDenied", status=403)
    os.rename(f"{images}/d", f"{images}/e")
    wait_until(lambda: any(r["st"] == "failed" and r["p"] == "e/a.jpg"
                           for r in agent.journal_records("--op", "copy")), 20, "the refusal")
    assert "images/e/a.jpg" in ctx.client.keys("images/")
    os.rename(f"{images}/e", f"{images}/d")
    wait_until(lambda: any(r["st"] != "intent" for r in agent.journal_records("--op", "rename")), 20,
               lambda: str(agent.journal_records()))
    crash_before_the_index_knew(agent, before)
    ctx.server.clear_faults()
    agent.once()
    ctx.client.assert_tree(images, "images/")
    agent.verify_journal()


@on("s3d")
def test_what_was_deleted_unheard_and_is_back_goes_up_again(ctx):
    """The answer to a deletion is lost, the next attempt is refused: nobody told that the object is gone."""
    images, outside = ctx.folder("images"), ctx.folder("outside")
    for name in ("a", "b", "c", "first"):
        write(f"{images}/{name}.jpg", name.encode() * 99)
    agent = ctx.agent(images=images).start()
    agent.wait_in_step(20)
    os.unlink(f"{images}/first.jpg") # which conditions the server holds is known then
    agent.wait_in_step(20)
    for names in (["a"], ["b", "c"]):
        ctx.server.fault("lost-reply", op="Delete*", count=1)
        for op in ("Delete*", "HeadObject"):
            ctx.server.fault("error", op=op, count=0, code="AccessDenied", status=403)
        for name in names:
            os.rename(f"{images}/{name}.jpg", f"{outside}/{name}.jpg")
        wait_until(lambda: {r["p"] for r in agent.journal_records("--op", "delete")
                            if r["st"] == "failed"} >= {f"{name}.jpg" for name in names}, 20,
                   lambda: str(agent.journal_records("--op", "delete")))
        for name in names:
            os.rename(f"{outside}/{name}.jpg", f"{images}/{name}.jpg")
        ctx.server.clear_faults()
        agent.wait_in_step(30)
        ctx.client.assert_tree(images, "images/")
    agent.verify_journal()
