"""`verify` finds each kind of difference between disk, index and S3, says where it comes from, and has
it mended through the agent and its journal."""

import json
import os
import re

from harness import on, samples, wait_until

KINDS = ("missing", "extra", "differs", "metadata", "index", "stale_list", "not_compared", "not_seen")


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def verify(agent, *options, status=1):
    """(differences by key as (kind, cause), sum) of `verify --json`."""
    done = agent.run("verify", "--json", *options)
    assert done.returncode == status, done
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = {line["key"]: (line["difference"], line["cause"]) for line in lines[:-1]
             if line["difference"] != "stale list"}
    return found, lines[-1]


def expect(found, key, kind, *words):
    assert key in found, (key, found)
    assert found[key][0] == kind, (key, found[key])
    for word in words:
        assert word in found[key][1], (key, word, found[key])


def in_step(ctx, count=20, lists=False, **options):
    """An agent that ran, its paths, and a client."""
    images, lists = ctx.folder("images"), ctx.folder("lists") if lists else None
    paths = samples.adwaita(images, count=count)
    if lists:
        samples.write_lists(lists, paths)
    agent = ctx.agent(images=images, lists=lists, **options)
    agent.once()
    return agent, paths, images, ctx.server.signed(ctx.client.bucket)


@on("s3d")
def test_each_kind_of_difference(ctx):
    agent, paths, images, signed = in_step(ctx, lists=True)
    found, total = verify(agent, status=0)
    assert found == {} and total["files"] == total["objects"] == 22, total
    signed.delete(f"images/{paths[0]}")
    signed.put(f"images/{paths[1]}", b"somebody else's")
    signed.put("images/stranger.png", b"a stranger", {"x-amz-meta-user-agent": "other"})
    signed.put("images/.git/config", b"excluded")
    os.unlink(f"{images}/{paths[2]}")
    write(f"{images}/unsynced.png", b"unsynced")
    os.chmod(f"{images}/{paths[3]}", 0o600)
    write(f"{images}/{paths[4]}", b"edited")
    with open(f"{images}/{paths[5]}", "rb") as file:
        same = file.read()
    signed.put(f"images/{paths[5]}", same) # the same bytes, and so the same ETag: no difference
    os.unlink(f"{images}/{paths[6]}")
    signed.delete(f"images/{paths[6]}")
    write(f"{images}/both.png", b"both")
    signed.put("images/both.png", b"both")
    write(f"{images}/bad\x01name.png", b"x")
    os.utime(f"{images}/{paths[7]}", ns=(1, 10**18))
    signed.put("lists/val.lst", b"0\t1.0\tnothing.png\n")
    found, total = verify(agent)
    expect(found, f"images/{paths[0]}", "missing", "removed in S3 by others", "ETag")
    expect(found, f"images/{paths[1]}", "differs", "after lockstep's upload by somebody else",
           "no FSx metadata", "last written 20")
    expect(found, "images/stranger.png", "extra", "put there by other")
    expect(found, "images/.git/config", "extra", "excluded")
    expect(found, f"images/{paths[2]}", "extra", "the file was removed: while no agent ran")
    expect(found, "images/unsynced.png", "missing", "not uploaded yet", "no agent ran")
    expect(found, f"images/{paths[3]}", "metadata", "changed on disk", "no agent ran")
    expect(found, f"images/{paths[4]}", "differs", "the file changed: while no agent ran")
    assert f"images/{paths[5]}" not in found
    expect(found, f"images/{paths[6]}", "index", "gone on disk and in S3")
    expect(found, "images/both.png", "not compared", "lockstep adopt")
    expect(found, "images/bad\x01name.png", "missing", "cannot be a key", "U+0001")
    expect(found, f"images/{paths[7]}", "metadata", "mtime changed on disk")
    expect(found, "lists/val.lst", "differs", "somebody else")
    assert total["stale_list"] >= 1 and total["missing"] == 3 and total["extra"] == 3, total
    assert total["differences"] == sum(total[kind] for kind in KINDS), total


@on("s3d")
def test_a_list_that_names_what_is_not_there(ctx):
    agent, paths, images, _ = in_step(ctx, lists=True)
    os.unlink(f"{images}/{paths[0]}")
    os.unlink(f"{images}/{paths[1]}")
    done = agent.run("verify")
    stale = re.findall(r"stale list +lists/\w+.lst: (\d) of its \d+ rows name what is not there, first "
                       r"(\S+):", done.stdout)
    assert done.returncode == 1 and sum(int(n) for n, _ in stale) == 2, done
    assert {first for _, first in stale} <= set(paths[:2]), done
    agent.once()
    assert agent.run("verify").returncode == 0


@on("s3d")
def test_deep_finds_what_no_listing_shows(ctx):
    """Contents are held against what S3 tells of each object; what cannot be is said to be so."""
    agent, paths, images, signed = in_step(ctx)
    found, total = verify(agent, "--deep", status=0)
    assert found == {} and total["compared"] == total["asked"] == 20, total
    target = f"{images}/{paths[0]}"
    st = os.stat(target)
    with open(target, "r+b") as file: # the bytes change, size and mtime do not
        byte = file.read(1)
        file.seek(0)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(target, ns=(st.st_atime_ns, st.st_mtime_ns))
    signed.put("images/plain.bin", b"x" * 1000)
    write(f"{images}/plain.bin", b"x" * 1000)
    write(f"{images}/other.bin", b"y" * 1000)
    signed.put("images/other.bin", b"z" * 1000)
    found, _ = verify(agent, "--deep")
    expect(found, f"images/{paths[0]}", "differs")
    expect(found, "images/plain.bin", "index", "shown by", "lockstep adopt")
    expect(found, "images/other.bin", "differs", "other content")
    head = signed.head(f"images/{paths[1]}")
    with open(f"{images}/{paths[1]}", "rb") as file:
        body = file.read()
    kept = {k: v for k, v in head.headers.items() if k.startswith("x-amz-meta-")}
    signed.put(f"images/{paths[1]}", body, {**kept, "x-amz-meta-file-owner": "4711"})
    signed.put(f"images/{paths[2]}", open(f"{images}/{paths[2]}", "rb").read())
    assert f"images/{paths[1]}" not in verify(agent)[0]
    found, _ = verify(agent, "--metadata")
    expect(found, f"images/{paths[1]}", "metadata", "not as on disk: owner", "lockstep")
    expect(found, f"images/{paths[2]}", "metadata", "no FSx metadata")


def spoil(signed, images, paths):
    signed.delete(f"images/{paths[0]}")
    signed.put(f"images/{paths[1]}", b"somebody else's")
    signed.put("images/stranger.png", b"a stranger")
    signed.put(f"images/{paths[2]}", open(f"{images}/{paths[2]}", "rb").read())
    write(f"{images}/unsynced.png", b"unsynced")


@on("s3d")
def test_repair_without_an_agent(ctx):
    agent, paths, images, signed = in_step(ctx, lists=True)
    spoil(signed, images, paths)
    before = len(agent.journal_records())
    done = agent.run("verify", "--repair", "--metadata")
    assert done.returncode == 0, done
    found, _ = verify(agent, "--deep", "--metadata")
    assert set(found) == {"images/stranger.png"}, found
    records = agent.journal_records()[before:]
    assert {r["p"] for r in records if r["o"] == "put" and r["st"] == "done"} == \
        {paths[0], paths[1], "unsynced.png"}, records
    assert [r["p"] for r in records if r["o"] == "copy"] == [paths[2]], records
    assert agent.run("verify", "--repair=extras").returncode == 0
    assert verify(agent, "--deep", status=0)[0] == {}
    assert "images/stranger.png" not in signed.list()
    agent.verify_journal()


@on("s3d")
def test_repair_through_the_running_agent(ctx):
    agent, paths, images, signed = in_step(ctx, lists=True)
    agent.start()
    agent.wait_in_step(30)
    spoil(signed, images, paths)
    wait_until(lambda: "images/unsynced.png" in signed.list(), 30, "the new image in S3")
    done = agent.run("verify", "--repair=extras", "--metadata")
    assert done.returncode == 1 and "repairs were handed to the agent" in done.stdout, done
    agent.wait_in_step(30)
    assert verify(agent, "--deep", "--metadata", status=0)[0] == {}
    ctx.client.assert_tree(images, "images/")
    agent.verify_journal()


@on("s3d")
def test_the_guard_holds_extras_too(ctx):
    """An index that was lost makes everything look like nobody's: a thousand extras are an accident."""
    agent, paths, images, signed = in_step(ctx, repository={"max_removals": 5})
    for i in range(10):
        signed.put(f"images/extra/{i}", b"x")
    done = agent.run("verify", "--repair=extras")
    assert done.returncode == 3, done
    assert len(signed.list("images/extra/")) == 10
    found, _ = verify(agent)
    assert {cause for _, cause in found.values()} == \
        {"its removal is held by the guard; if it is meant: lockstep release"}, found
    agent.run("release")
    agent.once()
    assert verify(agent, status=0)[0] == {}


@on("s3d")
def test_what_the_agent_says_of_a_path(ctx):
    agent, paths, images, _ = in_step(ctx)
    ctx.server.fault("error", op="PutObject", key="images/never.png", count=0, code="AccessDenied")
    agent.start()
    agent.wait_in_step(30)
    write(f"{images}/never.png", b"never")
    wait_until(lambda: "AccessDenied" in agent.run("status").stdout, 30, "a failure in status")
    found, _ = verify(agent)
    assert list(found) == ["images/never.png"], found
    expect(found, "images/never.png", "missing", "failing since 20", "AccessDenied")


@on("s3d")
def test_what_cannot_be_reached(ctx):
    agent, paths, images, _ = in_step(ctx, count=5)
    ctx.server.fault("error", op="ListObjectsV2", code="AccessDenied", count=0)
    done = agent.run("verify")
    assert done.returncode == 4 and "AccessDenied" in done.stderr, done
    ctx.server.clear_faults()
    ctx.server.fault("error", op="HeadObject", code="AccessDenied", count=0)
    found, _ = verify(agent, "--deep")
    assert {kind for kind, _ in found.values()} == {"not seen"} and len(found) == 5, found
    assert agent.run("verify", "--no-such").returncode == 2
    assert agent.run("verify", "--repair=all").returncode == 2
