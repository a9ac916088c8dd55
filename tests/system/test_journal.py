"""What people ask the journal."""

import collections
import json
import os
import time

from harness import on, wait_until, write


def shown(agent, *arguments):
    """The records that `journal show` prints, as dicts."""
    done = agent.journal("show", "--json", *arguments)
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


@on("s3d")
def test_show_has_the_life_of_an_image_under_all_its_names(ctx):
    images = ctx.folder("images")
    write(f"{images}/cats/1.jpg", b"one")
    write(f"{images}/cats/2.jpg", b"two")
    agent = ctx.agent(images=images, repository={"max_removals": 100}).start()
    agent.wait_in_step(20)
    for old, new in (("cats/1.jpg", "cats/first.jpg"), ("cats", "animals"),
                     ("animals/first.jpg", "top.jpg")):
        os.rename(f"{images}/{old}", f"{images}/{new}")
        agent.wait_in_step(20)
    write(f"{images}/top.jpg", b"edited")
    write(f"{images}/cats/1.jpg", b"another one under the first name")
    agent.wait_in_step(20)
    lives = [shown(agent, name) for name in ("top.jpg", "animals/first.jpg", "cats/first.jpg")]
    assert lives[0] == lives[1] == lives[2], lives
    deeds = [(r["o"], r["p"]) for r in lives[0] if r["st"] == "intent"]
    assert deeds == [("add", "cats/1.jpg"), ("rename", "cats/1.jpg"), ("rename", "cats"),
                     ("rename", "animals/first.jpg"), ("edit", "top.jpg")], deeds
    deeds = [(r["o"], r["p"]) for r in shown(agent, "cats/1.jpg") if r["st"] == "intent"]
    assert deeds.count(("add", "cats/1.jpg")) == 2 and ("edit", "top.jpg") in deeds, deeds
    assert not [r for r in lives[0] if r.get("p") in ("cats/2.jpg", "animals/2.jpg")], lives[0]
    assert {r["p"] for r in shown(agent, "animals/2.jpg", "--op", "add")} == {"cats/2.jpg"}
    assert shown(agent, "nowhere.jpg") == []


@on("s3d")
def test_stat_counts_what_is_in_the_journal(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for i in range(30):
        write(f"{images}/{i}.jpg", b"x" * i)
    write(f"{lists}/train.lst", b"".join(b"%d\t0\t%d.jpg\n" % (i, i) for i in range(30)))
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(30)
    ctx.server.fault("error", op="PutObject", key="images/refused.jpg", code="AccessDenied",
                     status=403, count=0)
    write(f"{images}/refused.jpg", b"nobody wants it")
    os.rename(f"{images}/3.jpg", f"{images}/three.jpg")
    os.unlink(f"{images}/4.jpg")
    wait_until(lambda: shown(agent, "--failed"), 20, "a failure")
    wait_until(lambda: b"three.jpg" in ctx.client.get("lists/train.lst")[0], 20, "the list")
    agent.stop()
    records = agent.journal_records()
    done = agent.journal("stat", "--json")
    assert done.returncode == 0, done
    told, expected = json.loads(done.stdout), collections.defaultdict(collections.Counter)
    for record in records:
        expected[record["o"]][record["st"]] += 1
    assert told["records"] == len(records), told
    assert told["counts"] == expected, (told, expected)
    assert told["bytes_put"] == sum(r["s"] for r in records if r["o"] == "put"
                                    and r["st"] == "done"), told
    assert sum(day["records"] for day in told["days"]) == len(records), told
    failed = [r for r in records if r["st"] == "failed"]
    assert sum(f["count"] for f in told["failures"]) == len(failed) > 0, told
    assert "AccessDenied" in told["failures"][0]["why"], told
    assert shown(agent, "--failed") == failed
    times = told["intent_to_done_ms"]
    assert 30 <= times["count"] and times["p50"] <= times["p99"] <= times["max"], told
    text = agent.journal("stat").stdout
    assert f"{len(records)} records" in text and "AccessDenied" in text, text
    assert agent.journal("stat", "--since", "2999-01-01").stdout.count("\n") == 4


@on("s3d")
def test_at_and_diff_tell_what_s3_had(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for name in ("a.jpg", "b.jpg", "d/c.jpg", "d/e.jpg"):
        write(f"{images}/{name}", name.encode())
    write(f"{lists}/train.lst", b"0\t0\ta.jpg\n1\t0\td/c.jpg\n")
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 100}).start()
    agent.wait_in_step(20)

    def had(*arguments):
        done = agent.journal("at", *arguments, "--json")
        assert done.returncode == 0, done
        return [json.loads(line) for line in done.stdout.splitlines()]

    def in_s3():
        """What the bucket has, by an independent client."""
        listed = ctx.client.aws_json("s3api", "list-objects-v2", "--bucket", ctx.bucket)
        return sorted((item["Key"], item["Size"], item["ETag"].strip('"'))
                      for item in listed["Contents"])

    def told(rows):
        return sorted((f"{row['w']}/{row['p']}", row["s"], row["e"]) for row in rows)

    before, moment = in_s3(), agent.journal_records()[-1]["t"] + 1
    assert told(had("0s")) == before
    time.sleep(0.01)
    write(f"{images}/a.jpg", b"edited")
    os.rename(f"{images}/d", f"{images}/f")
    os.unlink(f"{images}/b.jpg")
    os.chmod(f"{images}/f/e.jpg", 0o600)
    write(f"{images}/g.jpg", b"new")
    wait_until(lambda: agent.journal_records()[-1]["t"] > moment, 20, "something new")
    agent.wait_in_step(30)
    then = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 1000000)) \
        + f".{moment % 1000000:06}Z"
    assert told(had(then)) == before
    assert told(had("0s")) == in_s3() != before
    assert {row["p"] for row in had("0s", "f", "--mapping", "images")} == {"f/c.jpg", "f/e.jpg"}
    lines = agent.journal("diff", then, "0s").stdout.splitlines()
    assert sorted(line.split() for line in lines) == sorted(
        [["added", "images:f/c.jpg"], ["added", "images:f/e.jpg"], ["added", "images:g.jpg"],
         ["edited", "images:a.jpg"], ["edited", "lists:train.lst"], ["removed", "images:b.jpg"],
         ["removed", "images:d/c.jpg"], ["removed", "images:d/e.jpg"]]), lines
    assert agent.journal("diff", "0s", "0s").stdout == ""
    manifest = json.loads(agent.journal("at", "0s", "--manifest", "--mapping", "images").stdout)
    assert manifest[0] == {"prefix": f"s3://{ctx.bucket}/"}
    assert sorted(manifest[1:]) == sorted(ctx.client.keys("images/"))
    assert agent.journal("at").returncode == 2 and agent.journal("at", "soon").returncode == 2
    assert agent.journal("diff", "0s").returncode == 2
