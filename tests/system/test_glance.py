"""Status at a glance: in step or not, since when, what comes next and who does it; and why a path
that is gone keeps its object for now."""

import os
import re

from harness import on, process, schema, wait_until, write

WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def running(ctx, count=12, **options):
    images = ctx.folder("images")
    for i in range(count):
        write(f"{images}/d{i % 3}/{i}.jpg", b"%d" % i)
    agent = ctx.agent(images=images, **options)
    agent.start()
    agent.wait_in_step(30)
    return agent, images


def gone(agent):
    return {g["waits_for"]: g for m in agent.status()[0]["mappings"] for g in m.get("gone", [])}


@on("s3d")
def test_since_when_and_what_comes_next(ctx):
    agent, images = running(ctx)
    well = agent.status()[0]
    assert WHEN.fullmatch(well["since"]) and "next" not in well, well
    first = agent.run("status").stdout.splitlines()
    assert first[0] == f"in step since {well['since']}", first
    assert not [line for line in first if line.startswith("next")], first
    assert "images: in step, 12 objects of 14 bytes, 4 watches, 0 pending" in first, first
    assert f"journal: {well['journal_records']} records, not signed" in first, first

    agent.run("pause")
    write(f"{images}/d0/new.jpg")
    wait_until(lambda: not agent.status()[0]["in_step"], 10, lambda: str(agent.status()))
    paused = agent.status()[0]
    assert paused["last_in_step"] >= well["since"] and paused["needs_operator"], paused
    assert paused["since"] >= well["since"]
    assert "next, for you: lockstep resume" in agent.run("status").stdout
    agent.run("resume")
    agent.wait_in_step(20)
    assert agent.status()[0]["since"] > paused["since"]

    ctx.server.fault("error", op="PutObject", key="images/d0/denied.jpg", code="AccessDenied",
                     count=0)
    write(f"{images}/d0/denied.jpg")
    wait_until(lambda: agent.status()[0]["troubles"], 10, lambda: str(agent.status()))
    told = agent.status()[0]
    assert told["needs_operator"] and told["next"].startswith("allow it in the policies"), told
    ctx.server.clear_faults()
    agent.wait_in_step(60)

    os.rename(images, images + ".away")
    wait_until(lambda: "mount" in agent.status()[0].get("next", ""), 15,
               lambda: str(agent.status()))
    os.rename(images + ".away", images)
    agent.wait_in_step(60)


@on("s3d")
def test_held_removals_say_what_to_do(ctx):
    agent, images = running(ctx)
    for i in range(12):
        os.unlink(f"{images}/d{i % 3}/{i}.jpg")
    wait_until(lambda: agent.status()[1] == 3, 10, lambda: str(agent.status()))
    told = agent.status()[0]
    assert told["needs_operator"] and "lockstep release images" in told["next"], told
    assert "lockstep discard images" in told["next"]


@on("s3d")
def test_why_gone_files_keep_their_objects(ctx):
    """Where no event tells of renames all names are looked at first. That is told, with the file
    that waits longest."""
    agent, images = running(ctx, repository={"watch": "scan", "rescan": "2s"})
    ctx.server.fault("delay", op="PutObject", ms=300, count=0)
    seen = {}
    os.unlink(f"{images}/d0/0.jpg")
    agent.run("rescan")

    def look():
        seen.update(gone(agent))
        return "images/d0/0.jpg" not in ctx.client.keys("images/")

    wait_until(look, 40, lambda: str(agent.status()))
    assert seen, "no reason was ever told"
    for name, told in seen.items():
        assert told["oldest"] == "images/d0/0.jpg" and told["count"] == 1 and told["why"], seen
    assert set(seen) <= {"settling", "scan", "names", "claim", "events", "places"}, seen


def named(of):
    """All members that a schema names."""
    found = set(of.get("properties", {})) | set(of.get("propertyNames", {}).get("enum", ()))
    for part in [*of.get("properties", {}).values(), of.get("items", {})]:
        found |= named(part) if part else set()
    return found


@on("s3d")
def test_the_schema_is_what_is_told(ctx):
    """Each answer in any test is held against it; here, that it names nothing which nobody tells, and
    the states that are rare."""
    documented = schema.of_docs("status.schema.json")
    sources = ""
    for shelf in ("service", "core"):
        folder = f"{process.SOURCE}/agent/{shelf}"
        for name in os.listdir(folder):
            with open(f"{folder}/{name}", encoding="utf-8") as file:
                sources += file.read()
    assert not [name for name in named(documented) if f'"{name}"' not in sources]
    assert schema.faults(documented, {"running": True, "in_step": 1, "paused_since": "now",
                                      "more": 1, "held": -1, "mappings": [{}]}) == [
        "$.in_step: 1 is no boolean", "$.paused_since: 'now' is no time",
        "$.more is not in the schema", "$.held: -1 is less than 0",
        *[f"$.mappings[0].{name} is missing" for name in ("name", "path", "prefix", "state")]]

    agent = ctx.agent(images=ctx.folder("images"))
    told, status = agent.status()
    assert status == 1 and not told["running"] and not told["was_in_step"], told
    done = agent.run("status")
    assert "last in step: never" in done.stdout and not done.stderr, done
    agent, images = running(ctx)
    rival = ctx.agent(images=images, name="rival")
    rival.start()
    rival.wait_for_log("stands by")
    told, status = rival.status()
    assert status == 4 and told["standing_by"]["path"] == images, told
    assert told["mappings"][0]["state"] == "standing by"
    rival.stop()

    os.unlink(f"{images}/d0/0.jpg")
    os.rename(f"{images}/d1/1.jpg", f"{images}/d1/renamed.jpg")
    agent.wait_in_step(20)
    changes = agent.status()[0]["last_changes"]
    assert len(changes) == 10, changes
    assert {"operation": "rename", "outcome": "done", "mapping": "images", "path": "d1/1.jpg",
            "other_path": "d1/renamed.jpg"} in [
                {k: v for k, v in change.items() if k != "age_s"} for change in changes], changes
    assert "last changes" not in agent.run("status").stdout, "it is for who watches"
    agent.stop()
    told, status = agent.status()
    assert status == 1 and not told["running"] and told["was_in_step"], told
