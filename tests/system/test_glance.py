"""Status at a glance: in step or not, since when, what comes next and who does it; and why a path
that is gone keeps its object for now."""

import os
import re

from harness import on, wait_until, write

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
