"""`verify --against-journal`: the bucket is the replay of the journal, or what is not is named with the
record and where it probably comes from."""

import json
import os
import shutil
import time

from harness import Agent, on, wait_until, write


def against(agent, *options, status=1):
    """(differences by key, sum) of `verify --against-journal --json`."""
    done = agent.run("verify", "--against-journal", "--json", *options)
    assert done.returncode == status, done
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["differences"] == len(lines) - 1, lines
    return {line["key"]: line for line in lines[:-1]}, lines[-1]


def expect(agent, found, key, kind, *words):
    """A difference, and that the record which it names speaks of the key."""
    assert key in found and found[key]["difference"] == kind, (key, found)
    for word in words:
        assert word in found[key]["cause"], (key, word, found[key])
    if "record" in found[key]:
        record = next(r for r in agent.journal_records() if r["q"] == found[key]["record"])
        assert key.endswith(record["p"]), (record, found[key])


def lived_through(ctx, **repository):
    """An agent that has ended after changes of every kind, its tree, and a client."""
    images = ctx.folder("images")
    for i in range(40):
        write(f"{images}/{i % 4}/{i}.jpg", b"%d" % i * 100)
    agent = ctx.agent(images, repository={"max_removals": 100, **repository})
    agent.once()
    for i in (1, 5, 9):
        write(f"{images}/1/{i}.jpg", b"edited" * (i + 1))
    os.unlink(f"{images}/2/2.jpg")
    os.chmod(f"{images}/2/6.jpg", 0o600)
    os.rename(f"{images}/3", f"{images}/moved")
    agent.once()
    return agent, images, ctx.server.signed(ctx.bucket)


def at_version(signed, key, version):
    """Make an older version of an object the current one again, as an operator would."""
    signed.put(key, b"", {"x-amz-copy-source": f"/{signed.bucket}/{key}?versionId={version}"})


def spoil(ctx, agent, signed):
    """What others do behind the agent's back; then each must be found."""
    before = {r["p"]: r for r in agent.journal_records()
              if r["o"] in ("put", "copy") and r["st"] == "done"}
    first = next(r for r in agent.journal_records()
                 if r["o"] == "put" and r["p"] == "1/5.jpg")
    gone = next(r for r in agent.journal_records() if r["o"] == "put" and r["p"] == "2/2.jpg")
    size = before["0/0.jpg"]["s"]
    signed.put("images/0/0.jpg", b"X" * size)
    signed.delete("images/0/4.jpg")
    signed.put("images/stranger.jpg", b"a stranger", {"x-amz-meta-user-agent": "other"})
    kept = signed.head("images/0/8.jpg")
    with open(f"{agent.mappings[0][0]}/0/8.jpg", "rb") as file:
        body = file.read()
    signed.put("images/0/8.jpg", body, {**{k: v for k, v in kept.headers.items()
                                           if k.startswith("x-amz-meta-")},
                                        "x-amz-meta-file-owner": "4711"})
    signed.put("images/1/5.jpg", b"5" * 100)
    signed.put("images/2/2.jpg", b"2" * 100)
    signed.put("images/moved/3.jpg", b"another one under the new name")
    return before, first, gone


def check_spoilt(ctx, agent, signed):
    before, first, gone = spoil(ctx, agent, signed)
    found, total = against(agent)
    last = {key: before[key]["q"] for key in ("0/0.jpg", "0/4.jpg", "1/5.jpg", "moved/3.jpg")}
    expect(agent, found, "images/0/0.jpg", "differs", f"record {last['0/0.jpg']}",
           "by somebody else, on 20")
    expect(agent, found, "images/0/4.jpg", "missing", f"record {last['0/4.jpg']}",
           "removed by somebody else")
    expect(agent, found, "images/stranger.jpg", "extra", "no record of it", "by other, on 20")
    assert "record" not in found["images/stranger.jpg"]
    expect(agent, found, "images/1/5.jpg", "differs", "an older version is back",
           f"record {first['q']} put", f"record {last['1/5.jpg']} put another")
    expect(agent, found, "images/2/2.jpg", "extra", f"what record {gone['q']} put is back")
    expect(agent, found, "images/moved/3.jpg", "differs", f"record {last['moved/3.jpg']}")
    assert set(found) - {"images/0/8.jpg"} == {
        "images/0/0.jpg", "images/0/4.jpg", "images/stranger.jpg", "images/1/5.jpg",
        "images/2/2.jpg", "images/moved/3.jpg"}, found
    # The same content with other metadata no listing shows.
    found, total = against(agent, "--deep")
    expect(agent, found, "images/0/8.jpg", "metadata", "record", "once more")
    assert len(found) == 7 and total["asked"] == total["objects"] == 40, (found, total)
    assert total["metadata"] == 1 and total["extra"] == 2 and total["differs"] == 3, total
    text = agent.run("verify", "--against-journal", "--deep").stdout
    assert "7 differences (1 missing, 2 extra, 3 differs, 1 metadata)" in text, text
    assert "missing      images/0/4.jpg: record" in text, text


@on("s3d")
def test_what_others_did_to_the_bucket_is_found(ctx):
    agent, _, signed = lived_through(ctx)
    for options in ((), ("--deep",)):
        found, total = against(agent, *options, status=0)
        assert found == {} and total["objects"] == 39 and total["keys"] >= 49, total
    check_spoilt(ctx, agent, signed)


@on("s3d", options=("--versioning",))
def test_versions_are_held_against_the_journal(ctx):
    """A version that came back, although it has the same content, or the content it once had."""
    agent, _, signed = lived_through(ctx)
    records = [r for r in agent.journal_records() if r["o"] == "put" and r["st"] == "done"]
    assert all(r.get("v") for r in records), records
    found, _ = against(agent, "--deep", status=0)
    assert found == {}
    puts = [r for r in records if r["p"] == "1/9.jpg"]
    signed.expect("DELETE", "images/1/9.jpg", query={"versionId": puts[-1]["v"]})
    at_version(signed, "images/0/12.jpg", next(r["v"] for r in records if r["p"] == "0/12.jpg"))
    found, _ = against(agent, "--deep")
    expect(agent, found, "images/1/9.jpg", "differs", "an older version is back",
           f"record {puts[0]['q']} put", f"record {puts[-1]['q']} put another")
    expect(agent, found, "images/0/12.jpg", "metadata", "the same content in the version")
    assert len(found) == 2, found


@on("ceph")
def test_ceph_against_the_journal(ctx):
    agent, _, signed = lived_through(ctx)
    for options in ((), ("--deep",)):
        found, total = against(agent, *options, status=0)
        assert found == {} and total["objects"] == 39, total
    check_spoilt(ctx, agent, signed)


@on("s3d")
def test_an_auditor_needs_the_journal_and_the_bucket_alone(ctx):
    agent, images, signed = lived_through(ctx)
    copy = ctx.path("audit", "journal")
    shutil.copytree(f"{agent.state_dir}/journal", copy)
    auditor = Agent(ctx.folder("auditor"), ctx.server, ctx.client, "/nonexistent/images")
    found, total = against(auditor, "--dir", copy, status=0)
    assert found == {} and total["records"] == len(agent.journal_records()), total
    assert not os.path.exists(auditor.state_dir)
    # A copy that is older than the bucket does not know what came later, and says so.
    time.sleep(1.1) # times of S3 are of seconds
    write(f"{images}/later.jpg", b"later")
    agent.once()
    found, _ = against(auditor, "--dir", copy)
    expect(agent, found, "images/later.jpg", "extra", "after the journal's last record")
    assert len(found) == 1, found
    # What is damaged is not known, so that it is no journal to hold anything against.
    name = next(name for name in os.listdir(copy) if name.endswith(".jsonl"))
    with open(f"{copy}/{name}", "r+b") as file:
        data = file.read()
        file.seek(data.index(b'"o":"put","st":"done","w":"images","p":"0/0.jpg"') + 5)
        file.write(b"x")
    found, total = against(auditor, "--dir", copy)
    assert total["damaged"] == 1 and found["images/0/0.jpg"]["difference"] == "open", (found, total)
    for words in (("--against-journal", "--repair"), ("--dir", copy),
                  ("--against-journal", "--metadata")):
        assert agent.run("verify", *words).returncode == 2
    assert agent.run("verify", "--against-journal", "--dir", "/nonexistent").returncode == 4
    ctx.server.fault("error", op="HeadObject", code="AccessDenied", status=403, count=0)
    found, total = against(auditor, "--dir", f"{agent.state_dir}/journal", "--deep")
    assert total["not_seen"] == len(found) == total["objects"], total
    ctx.server.fault("error", op="ListObjectsV2", code="AccessDenied", status=403, count=0)
    done = auditor.run("verify", "--against-journal", "--dir", copy)
    assert done.returncode == 4 and "AccessDenied" in done.stderr, done


@on("s3d")
def test_hosts_that_kept_one_tree_after_each_other(ctx):
    """Their journals are replayed as one; what one of them says alone is not all."""
    agent, images, signed = lived_through(ctx)
    second = ctx.agent(images, name="second", repository={"max_removals": 100})
    assert second.run("adopt").returncode == 0
    write(f"{images}/0/0.jpg", b"edited by the second host")
    os.unlink(f"{images}/0/4.jpg")
    write(f"{images}/new.jpg", b"new")
    second.once()
    dirs = [word for a in (agent, second) for word in ("--dir", f"{a.state_dir}/journal")]
    found, total = against(agent, *dirs, "--deep", status=0)
    assert found == {} and total["objects"] == 39, total
    found, _ = against(agent, *dirs[:2])
    assert {key: line["difference"] for key, line in found.items()} == {
        "images/0/0.jpg": "differs", "images/0/4.jpg": "missing", "images/new.jpg": "extra"}, found
    signed.delete("images/new.jpg")
    found, _ = against(agent, *dirs)
    host = found["images/new.jpg"]["host"]
    assert set(found) == {"images/new.jpg"} and f"of {host} put it" in found["images/new.jpg"]["cause"]
    record = next(r for r in second.journal_records() if r["q"] == found["images/new.jpg"]["record"])
    assert record["o"] == "put" and record["p"] == "new.jpg", record


@on("s3d")
def test_lists_and_their_manifests_are_held_against_the_journal(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for i in range(20):
        write(f"{images}/{i}.jpg", b"%d" % i)
    write(f"{lists}/train.lst", b"".join(b"%d\t%d\t%d.jpg\n" % (i, i % 2, i) for i in range(20)))
    agent = ctx.agent(images, lists, list_={"manifest": ".manifest"})
    agent.once()
    os.rename(f"{images}/3.jpg", f"{images}/three.jpg")
    agent.once()
    assert b"three.jpg" in ctx.client.get("lists/train.manifest")[0]
    found, total = against(agent, "--deep", status=0)
    assert found == {} and total["objects"] == 22, (found, total)
    signed = ctx.server.signed(ctx.bucket)
    signed.delete("lists/train.manifest")
    signed.put("lists/train.lst", b"0\t1\t5.jpg\n")
    found, _ = against(agent)
    expect(agent, found, "lists/train.manifest", "missing", "removed by somebody else")
    expect(agent, found, "lists/train.lst", "differs", "by somebody else")
    assert len(found) == 2, found


@on("s3d")
def test_the_trash_is_held_against_the_journal(ctx):
    agent, images, signed = lived_through(ctx, deletes="trash")
    found, total = against(agent, "--deep", status=0)
    trashed = [key for key in ctx.client.keys() if key.startswith(".trash/")]
    assert found == {} and len(trashed) == 1 and total["objects"] == 40, (trashed, total)
    signed.delete(trashed[0])
    signed.put(".trash/2020-01-01T00-00-00.000Z/images/x.jpg", b"who put this")
    found, _ = against(agent)
    assert {key: line["difference"] for key, line in found.items()} == {
        trashed[0]: "missing", ".trash/2020-01-01T00-00-00.000Z/images/x.jpg": "extra"}, found


@on("s3d")
def test_an_agent_at_work_is_no_difference(ctx):
    """While files come and go, and an upload hangs, nothing is told that is not so."""
    images = ctx.folder("images")
    for i in range(300):
        write(f"{images}/{i % 5}/{i}.jpg", b"%d" % i)
    agent = ctx.agent(images, repository={"max_removals": 10000, "max_removal_percent": 100})
    agent.start().wait_in_step(40)
    for turn in range(6):
        for i in range(turn * 20, turn * 20 + 20):
            write(f"{images}/{i % 5}/{i}.jpg", b"turn %d" % turn)
        os.rename(f"{images}/{turn % 5}", f"{images}/other{turn}")
        os.rename(f"{images}/other{turn}", f"{images}/{turn % 5}")
        found, _ = against(agent, *(("--deep",) if turn % 2 else ()), status=0)
        assert found == {}, found
    agent.wait_in_step(40)
    assert against(agent, "--deep", status=0)[0] == {}
    # A crash in the middle: what the journal does not know is said to be so. Of a directory, too.
    ctx.server.fault("stall", op="PutObject", key="images/hangs.jpg", count=0)
    write(f"{images}/hangs.jpg", b"hangs")
    wait_until(lambda: any(r.get("p") == "hangs.jpg" for r in agent.journal_records()), 20,
               "the intent")
    ctx.server.fault("stall", op="CopyObject", key="images/stuck/4.jpg", count=0)
    os.rename(f"{images}/4", f"{images}/stuck")
    wait_until(lambda: any(r.get("d") == "stuck" for r in agent.journal_records()), 20, "the intent")
    agent.kill9()
    signed = ctx.server.signed(ctx.bucket)
    signed.put("images/hangs.jpg", b"hangs") # it may have arrived
    signed.put("images/stuck/4.jpg", b"so may this")
    found, _ = against(agent)
    expect(agent, found, "images/hangs.jpg", "open", "did not end in the journal")
    assert found["images/stuck/4.jpg"]["difference"] == "open", found
    assert "a directory above it" in found["images/stuck/4.jpg"]["cause"], found
    assert {line["difference"] for line in found.values()} == {"open"}, found
