"""Other hosts' changes, which no event tells of: on a FUSE pass-through mount, and with --long on a
real NFSv4.1 client. What is done there stands in remote.py."""

import os

import churn
import remote
from harness import Skip, bindfs, deadline, long_test, on, uml, wait_until
from harness.seeds import SEED_VARIABLE


def on_fuse(scenario, patience=90):
    """A test: the scenario on a FUSE mount of its own."""
    @deadline(patience)
    @on("s3d")
    def test(ctx):
        bindfs.need()
        here, there = bindfs.mount(ctx.folder("fuse"), ctx.path("bindfs.log"))
        scenario(remote.Bed(ctx, here, there, slack_s=bindfs.CACHED_S + 10))
    return test


test_fuse_adds = on_fuse(remote.adds)
test_fuse_edits = on_fuse(remote.edits)
test_fuse_edits_of_what_was_just_read = long_test(
    on_fuse(remote.edits_of_what_was_just_read, patience=180))
test_fuse_deletes = on_fuse(remote.deletes)
test_fuse_renames_of_files_are_renames = on_fuse(remote.renames_of_files)
test_fuse_renames_of_directories_are_renames = on_fuse(remote.renames_of_directories)
test_fuse_renames_in_mid_scan = long_test(on_fuse(remote.renames_in_mid_scan, patience=240))
test_fuse_directories_that_go = on_fuse(remote.directories_that_go)
test_fuse_lists_edited_there = on_fuse(remote.lists_edited_there)
test_invariant_5_fuse_lists_edited_in_the_moment = on_fuse(
    remote.lists_edited_in_the_moment, patience=240)
test_invariant_2_fuse_slow_writers = on_fuse(remote.slow_writers)
test_fuse_status_tells_how_blind_it_is = on_fuse(remote.status_tells_how_blind, patience=180)
test_fuse_no_lock_there = on_fuse(remote.no_lock_there)
test_fuse_churn = long_test(on_fuse(churn.churn, patience=1900))


# --- trees of this host only ----------------------------------------------------------------------


@on("s3d")
def test_a_local_tree_is_not_blind(ctx):
    images = ctx.folder("images")
    agent = ctx.agent(images=images).start()
    agent.wait_in_step(20)
    mapping = agent.status()[0]["mappings"][0]
    assert mapping["others_write"] is False and mapping["blind_s"] == 0, mapping
    assert mapping["rescan_s"] == 86400 and mapping["scan_ended_s"] <= 20, mapping
    assert "events tell of every change; scanned every 24 h" in agent.run("status").stdout


def on_scans(scenario, patience=90):
    """A test: the scenario on a local tree that is not watched: no event tells of this host's
    changes."""
    @deadline(patience)
    @on("s3d")
    def test(ctx):
        tree = ctx.folder("tree")
        scenario(remote.Bed(ctx, tree, tree, watch="scan"))
    return test


test_scans_alone_deletes = on_scans(remote.deletes)
test_scans_alone_renames_in_mid_scan = long_test(on_scans(remote.renames_in_mid_scan, patience=240))
test_scans_alone_slow_writers = long_test(on_scans(remote.slow_writers))


@on("s3d")
def test_scans_alone_are_blind(ctx):
    images = ctx.folder("images")
    agent = ctx.agent(images=images, repository={"watch": "scan"}).start()
    agent.wait_in_step(20)
    with open(f"{images}/unseen.png", "wb") as file:
        file.write(b"nothing tells of it")
    mapping = wait_until(lambda: next(
        (m for m in agent.status()[0]["mappings"] if m["blind_s"] >= 2), None), 10, "blindness")
    assert mapping["others_write"] is False and mapping["state"] == "in step", mapping
    assert mapping["rescan_s"] == 900 and mapping["blind_s"] == mapping["scan_began_s"], mapping
    assert ": changes are found by scans only, every 900 s" in agent.run("status").stdout


# --- the same on NFSv4.1 --------------------------------------------------------------------------


def on_nfs(ctx, names, **how):
    """Scenarios one after the other in one guest."""
    problem = uml.missing()
    if problem:
        raise Skip(problem)
    uml.run(ctx, names, **how)


ALL = [f"remote.{scenario.__name__}"
       for scenario in (*remote.SCENARIOS, remote.another_agent_there)]


@long_test
@on("s3d")
@deadline(300)
def test_nfs_another_agent_there(ctx):
    on_nfs(ctx, ["remote.another_agent_there"], seconds=250)


@long_test
@on("s3d")
@deadline(1200)
def test_nfs_what_another_host_does(ctx):
    on_nfs(ctx, ALL, seconds=1150)


@long_test
@on("s3d")
@deadline(1200)
def test_nfs_what_another_host_does_two_milliseconds_away(ctx):
    # And the client believes for a minute what it knows of files and directories.
    on_nfs(ctx, ALL, delay_ms=2, options=",acregmin=60,acdirmin=60", seconds=1150)


@long_test
@on("s3d")
@deadline(2400)
def test_nfs_churn(ctx):
    minutes = float(os.environ.get("LOCKSTEP_CHURN_MINUTES", "1"))
    assert minutes <= 30, "LOCKSTEP_CHURN_MINUTES: at most 30"
    given = {name: os.environ[name] for name in ("LOCKSTEP_CHURN_MINUTES", SEED_VARIABLE)
             if name in os.environ}
    seconds = int(60 * minutes) + 400
    on_nfs(ctx, ["churn.churn"], seconds=seconds + 60, deadline_s=seconds, environment=given)
