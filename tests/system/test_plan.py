"""`plan` says what would be done and does nothing."""

import os

from harness import on, samples


def state(folder):
    return sorted((base, tuple(sorted(names))) for base, _, names in os.walk(folder))


@on("s3d")
def test_a_plan_before_the_first_run(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = samples.adwaita(images, count=30)
    samples.write_lists(lists, paths)
    agent = ctx.agent(images=images, lists=lists)
    done = agent.run("plan")
    assert done.returncode == 1 and done.stderr == "", done
    assert "32 adds, 0 edits" in done.stdout, done.stdout[-500:]
    assert "requests: 32 PUT" in done.stdout, done.stdout[-500:]
    assert ctx.server.requests() == [] or all(r["op"] == "CreateBucket"
                                              for r in ctx.server.requests())
    assert not os.path.exists(agent.state_dir)


@on("s3d")
def test_a_plan_names_every_change_and_makes_none(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = samples.adwaita(images, count=40)
    samples.write_lists(lists, paths)
    agent = ctx.agent(images=images, lists=lists)
    agent.once()
    assert agent.run("plan").returncode == 0
    with open(f"{images}/{paths[0]}", "wb") as file:
        file.write(b"edited")
    os.unlink(f"{images}/{paths[1]}")
    os.chmod(f"{images}/{paths[2]}", 0o600)
    os.rename(f"{images}/{paths[3]}", f"{images}/moved.png")
    with open(f"{images}/new.png", "wb") as file:
        file.write(b"new")
    texts = {n: open(f"{lists}/{n}").read() for n in os.listdir(lists)}
    before, files = len(ctx.server.requests()), state(agent.state_dir)
    records = len(agent.journal_records())
    done = agent.run("plan")
    assert done.returncode == 1, done
    for line in (f"edit     images/{paths[0]}  (6 bytes)", f"remove   images/{paths[1]}",
                 f"meta     images/{paths[2]}", f"rename   images/{paths[3]} -> images/moved.png",
                 "add      images/new.png  (3 bytes)"):
        assert line in done.stdout, (line, done.stdout)
    assert "1 adds, 1 edits, 1 metadata changes, 1 renames, 1 removals" in done.stdout, done.stdout
    assert "rewrite" in done.stdout and "2 rows)" in done.stdout, done.stdout
    assert len(ctx.server.requests()) == before
    assert state(agent.state_dir) == files and len(agent.journal_records()) == records
    assert {n: open(f"{lists}/{n}").read() for n in os.listdir(lists)} == texts
    agent.once()
    assert agent.run("plan").returncode == 0
    assert agent.run("verify").returncode == 0
