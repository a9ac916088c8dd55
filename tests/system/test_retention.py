"""Closed segments that go after a time: the journal says so, what is left is verified from there on, and an
auditor tells it from a segment that somebody took away."""

import glob
import os
import shutil
import subprocess
import time

import journal_verifier
from harness import deadline, lockstep_binary, on, process, read, wait_until, write
from test_anchors import FOLDER, PREFIX, anchored, key_of, verify
from test_compress import unpacked

AGE_S = 10 * 86400  # of the journal that an earlier run is to have left


def names(agent):
    """The segments that are there, in order, under their plain names."""
    return sorted(name.removesuffix(".zst") for name in os.listdir(f"{agent.state_dir}/journal")
                  if name.endswith((".jsonl", ".jsonl.zst")))


def left_behind(agent, key, records=300, segment_bytes=8192):
    """A journal of many closed segments that is some days old."""
    maker = os.path.join(process.build_dir(), "tests", "system", "journal_make")
    os.makedirs(agent.state_dir, 0o700, exist_ok=True)
    subprocess.run([maker, f"{agent.state_dir}/journal", str(records), str(segment_bytes), key,
                    str(int(time.time()) - AGE_S)], check=True)
    return names(agent)


def last_of(name):
    """The last record before a segment."""
    return int(name[:20]) - 1


def shrink(ctx, retention="7d", **journal):
    """An agent that had a journal and a retention, and has removed what it may: (agent, what was there, the public
    key)."""
    key, public = key_of(ctx)
    agent, _ = anchored(ctx, key, retention=retention, **journal)
    before = left_behind(agent, key)
    assert len(before) > 5, before
    agent.start()
    agent.wait_in_step(60)
    wait_until(lambda: len(names(agent)) <= 2, 90,
               lambda: f"old segments to go: {names(agent)}\n{agent.log()[-2000:]}")
    agent.stop()
    return agent, before, public


def other(ctx, agent, public, name):
    """What the other verifier says of it: "" or what is wrong."""
    copy = unpacked(ctx, f"{agent.state_dir}/journal", name)
    try:
        journal_verifier.Verifier(copy, [public]).verify()
        return ""
    except journal_verifier.Bad as bad:
        return bad.kind


@on("s3d")
@deadline(300)
def test_what_goes_is_said_and_is_in_s3(ctx):
    agent, before, public = shrink(ctx)
    left = names(agent)
    gone = last_of(left[0])
    assert set(left) < set(before) | {left[-1]} and gone > 100, (left, before)
    folder = f"{agent.state_dir}/journal"
    for name in set(before) - set(left):
        assert not glob.glob(f"{folder}/{name[:20]}.*"), name
        assert f"{FOLDER}segments/{name}.zst" in ctx.client.keys(FOLDER), name
    code, said = verify(agent, "--key", public)
    assert code == 0 and f"removed by retention: records 1 to {gone}, as record " in said, said
    assert f"the history from {gone + 1} on is whole, anchored by the checkpoint over " in said, said
    assert verify(agent)[0] == 0  # by the keys that what is left names
    assert other(ctx, agent, public, "whole") == ""
    # With S3 at hand what was removed is verified, too.
    place = f"s3://{ctx.bucket}/{PREFIX}"
    code, said = verify(agent, "--key", public, "--anchor", place)
    assert code == 0 and f"in S3: records 1 to {gone} in " in said and "those that were removed" in said, said
    victim = f"{FOLDER}segments/{before[1]}.zst"
    whole = ctx.client.get(victim)[0]
    ctx.client.signed.put(victim, whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    code, said = verify(agent, "--key", public, "--anchor", place)
    assert code == 1 and f"FAULT: in S3: {before[1]}.zst at byte 0" in said, said
    ctx.client.signed.delete(victim)
    code, said = verify(agent, "--key", public, "--anchor", place)
    assert code == 1 and "in S3: " in said, said
    shown = agent.journal("show", "--op", "retire")
    assert shown.returncode == 0 and left[0] in shown.stdout, shown
    assert f"records 1 to {gone} are not here any more; older history is in S3, below {place}" in shown.stderr, shown
    held = agent.run("verify", "--against-journal")
    assert f"records 1 to {gone} are not here any more" in held.stderr, held
    # It goes on: what was removed is not removed again, and nothing is made anew.
    agent.once()
    assert names(agent)[-1] == left[-1] and verify(agent, "--key", public)[0] == 0


@on("s3d")
@deadline(300)
def test_an_auditor_tells_it_from_tampering(ctx):
    agent, _, public = kept(ctx)
    folder = f"{agent.state_dir}/journal"
    first, second = names(agent)[:2]
    shutil.copytree(folder, ctx.path("whole"))
    for path in glob.glob(f"{folder}/{first[:20]}.*"):
        os.unlink(path)
    code, said = verify(agent, "--key", public)
    assert code == 1 and f"FAULT: {second} at byte 0" in said and "no record says that retention" in said, said
    assert other(ctx, agent, public, "first") == "header"
    # Retention may take the first, but a segment behind it is missing all the same.
    shutil.rmtree(folder)
    shutil.copytree(ctx.path("whole"), folder)
    for path in glob.glob(f"{folder}/{second[:20]}.*"):
        os.unlink(path)
    assert verify(agent, "--key", public)[0] == 1
    assert other(ctx, agent, public, "second") != ""


def retired(agent):
    """What the agent has said of segments that it removed; the journal that was left behind has such records, too."""
    lines = agent.journal("show", "--op", "retire", "--json").stdout.splitlines()
    return [line for line in lines if '.jsonl"' in line]


def kept(ctx):
    """The same without a retention."""
    key, public = key_of(ctx)
    agent, _ = anchored(ctx, key)
    left_behind(agent, key)
    agent.once()
    return agent, names(agent), public


@on("s3d")
@deadline(300)
def test_what_was_said_cannot_be_changed(ctx):
    key, public = key_of(ctx)
    agent, _ = anchored(ctx, key, retention="7d", prefix=None)
    left_behind(agent, key)
    agent.start()
    agent.wait_in_step(60)
    wait_until(lambda: len(names(agent)) <= 2, 90, "old segments to go")
    agent.stop()
    assert verify(agent, "--key", public)[0] == 0
    folder = f"{agent.state_dir}/journal"
    # Who cannot sign changes what it says that was removed.
    path = sorted(glob.glob(f"{folder}/*.jsonl"))[-1]
    text = read(path)
    assert b'"o":"retire"' in text
    write(path, text.replace(b'"o":"retire"', b'"o":"expire"', 1))
    assert verify(agent, "--key", public)[0] == 1


@on("s3d")
@deadline(300)
def test_nothing_goes_that_s3_does_not_have(ctx):
    key, public = key_of(ctx)
    agent, images = anchored(ctx, key, retention="7d")
    before = left_behind(agent, key)
    ctx.server.fault("error", op="PutObject", key=f"{FOLDER}segments/*", status=503, count=0)
    agent.start()
    write(f"{images}/2.jpg", b"two")
    wait_until(lambda: "cannot be brought to S3" in agent.log(), 60, "a failure")
    time.sleep(2)
    agent.stop()
    assert set(before) <= set(names(agent)), (before, names(agent))
    assert not retired(agent), retired(agent)
    ctx.server.clear_faults()
    agent.start()
    wait_until(lambda: len(names(agent)) <= 2, 90, lambda: f"old segments to go: {agent.log()[-1000:]}")
    agent.stop()
    assert verify(agent, "--key", public)[0] == 0


@on("s3d")
@deadline(300)
def test_nothing_goes_that_is_young(ctx):
    agent, _, _ = kept(ctx)
    before = names(agent)
    with open(agent.conf, encoding="utf-8") as file:
        text = file.read()
    write(agent.conf, text.replace(f'prefix = "{PREFIX}";', f'prefix = "{PREFIX}"; retention = "20d";').encode())
    agent.once()
    assert names(agent) == before
    write(agent.conf, text.replace(f'prefix = "{PREFIX}";', f'prefix = "{PREFIX}"; retention = "soon";').encode())
    done = subprocess.run([lockstep_binary(), "config", "check", "-c", agent.conf], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2 and "journal.retention" in done.stderr + done.stdout, done
