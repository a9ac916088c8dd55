"""`plan` says what would be done and does nothing."""

import json
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


CLASSES = {"put": ("PutObject", "UploadPart"), "copy": ("CopyObject", "UploadPartCopy"),
           "post": ("CreateMultipartUpload", "CompleteMultipartUpload"), "head": ("HeadObject",),
           "delete": ("DeleteObject", "DeleteObjects")}


def planned(agent):
    """The sum of `plan --json`."""
    done = agent.run("plan", "--json")
    assert done.returncode in (0, 1), done
    return json.loads(done.stdout.splitlines()[-1])


def compare_with_what_is_done(ctx, agent):
    """The counts of the plan are those of the requests that a run then makes."""
    plan = planned(agent)
    since = len(ctx.server.requests())
    agent.once()
    done = ctx.server.requests()[since:]
    counts = {name: sum(r["op"] in ops for r in done) for name, ops in CLASSES.items()}
    assert counts == {name: plan[name] for name in CLASSES}, (counts, plan)
    assert len(done) == sum(counts.values()), {r["op"] for r in done}
    sent = sum(r["in"] for r in done if r["op"] in CLASSES["put"])
    return plan, sent


@on("s3d")
def test_the_counts_are_those_of_the_run(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = samples.adwaita(images, count=40)
    samples.write_lists(lists, paths)
    agent = ctx.agent(images=images, lists=lists, options={
        "prices": {"currency": "USD", "put_per_1000": "0.005", "get_per_1000": "0.0004",
                   "storage_gib_month": "0.023"}})
    for i, size in enumerate((16 << 20, (16 << 20) - 1, (24 << 20) + 1)):
        with open(f"{images}/big{i}.bin", "wb") as file:
            file.write(os.urandom(size))
    plan, sent = compare_with_what_is_done(ctx, agent)
    assert (plan["put"], plan["post"]) == (42 + 1 + 2 + 4, 4), plan
    assert sent == plan["bytes"], (sent, plan)
    assert plan["currency"] == "USD" and plan["cost_requests"] == "0.000265", plan
    assert plan["cost_storage_month"].startswith("0.0012"), plan
    for path in paths[:3]:
        os.unlink(f"{images}/{path}")
    for path in paths[3:7]:
        os.chmod(f"{images}/{path}", 0o600)
    for i, path in enumerate(paths[7:12]):
        os.rename(f"{images}/{path}", f"{images}/moved{i}.png")
    with open(f"{images}/big2.bin", "ab") as file:
        file.write(b"more")
    with open(f"{images}/new.png", "wb") as file:
        file.write(b"new")
    plan, sent = compare_with_what_is_done(ctx, agent)
    assert (plan["head"], plan["copy"], plan["objects_deleted"]) == (4 + 1, 4 + 5, 8), plan
    assert abs(sent - plan["bytes"]) < 2000, (sent, plan) # lists change their size a little
    plan, _ = compare_with_what_is_done(ctx, agent)
    assert plan["put"] == 0 and plan["cost_requests"] == "0.00", plan


@on("s3d")
def test_prices_of_the_configuration(ctx):
    images = ctx.folder("images")
    samples.adwaita(images, count=5)
    agent = ctx.agent(images=images, options={"prices": {"currency": "EUR", "put_per_1000": 1}})
    done = agent.run("plan")
    assert "cost: 0.005 EUR for requests" in done.stdout, done
    with open(agent.conf, encoding="utf-8") as file:
        text = file.read()
    for value, right in (("1", True), ("0.0054", True), ('"2.5"', True), ("-1.0", False),
                         ('"1,5"', False), ("true", False), ("2000000.0", False)):
        with open(agent.conf, "w", encoding="utf-8") as file:
            file.write(text.replace("put_per_1000 = 1;", f"put_per_1000 = {value};"))
        done = agent.run("config", "check")
        assert (done.returncode == 0) == right, (value, done)
        assert right or "put_per_1000" in done.stderr + done.stdout, done
    agent.write_conf({})
    plain = ctx.agent(images=images, name="plain")
    assert "cost" not in plain.run("plan").stdout
