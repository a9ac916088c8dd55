"""Faults by cause: `status` tells each once, and what would fail too is not tried all the time."""

import json
import os
import time

from harness import on, wait_until, write

CHANGES = "[!GL]*"  # operations that only lockstep sends: the tests themselves Get and List


def fill(images, count, first=0):
    for i in range(first, first + count):
        write(f"{images}/c{i % 4}/{i:04}.jpg", b"%d" % i)


def deny(ctx, **more):
    ctx.server.fault(**{"do": "error", "code": "AccessDenied", "status": 403, "op": CHANGES,
                        "count": 0, **more})


def troubles(agent):
    return agent.status()[0].get("troubles", [])


def group(agent, kind, timeout=30):
    """The group of that kind, once there is one."""
    wait_until(lambda: any(t["kind"] == kind for t in troubles(agent)), timeout,
               lambda: str(agent.status()))
    return next(t for t in troubles(agent) if t["kind"] == kind)


def log_lines(agent, word):
    with open(agent.log_path, encoding="utf-8") as file:
        return [line for line in file if word in line]


@on("s3d")
def test_all_denied_is_one_line_and_few_requests(ctx):
    images = ctx.folder("images")
    fill(images, 700)
    deny(ctx)
    agent = ctx.agent(images=images).start()
    found = group(agent, "denied")
    assert found["operation"] == "s3:PutObject" and found["mapping"] == "images", found
    assert f"s3:PutObject on s3://{ctx.client.bucket}/images/: AccessDenied" in found["what"], found
    assert found["example"].startswith("images/c") and "policies" in found["advice"], found
    assert found["first"] <= found["last"], found
    wait_until(lambda: "nothing gets through" in agent.run("status").stdout, 30,
               lambda: agent.run("status").stdout)
    # The wave that was on its way has ended; from then on one a second at most.
    wait_until(lambda: agent.status()[0]["in_flight"] <= 1, 30, lambda: str(agent.status()))
    before, began = len(ctx.server.requests()), time.monotonic()
    time.sleep(3)
    sent, span = len(ctx.server.requests()) - before, time.monotonic() - began
    assert sent <= span + 2, (sent, span)
    lines = [line for line in agent.run("status").stdout.splitlines() if "AccessDenied" in line]
    assert len(lines) == 1 and "failures of" in lines[0], lines
    told = log_lines(agent, "AccessDenied")
    assert len(told) == 1 and "warning" in told[0], told
    assert agent.is_running()
    ctx.server.clear_faults()
    agent.wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    assert troubles(agent) == [], troubles(agent)
    assert len(log_lines(agent, "over: s3:PutObject")) == 1, log_lines(agent, "over")
    agent.verify_journal()


@on("s3d")
def test_one_denied_file_holds_up_no_other(ctx):
    images = ctx.folder("images")
    fill(images, 30)
    for i in range(20):
        write(f"{images}/private/{i}.jpg", b"private")
    deny(ctx, key="images/private/*")
    agent = ctx.agent(images=images).start()
    wait_until(lambda: len(ctx.client.keys("images/")) == 30, 30, lambda: str(agent.status()))
    found = group(agent, "denied")
    wait_until(lambda: group(agent, "denied")["files"] == 20, 20, lambda: str(troubles(agent)))
    for i in range(3):  # whatever failed meanwhile, a new one goes up at once
        write(f"{images}/new/{i}.jpg", b"new")
        wait_until(lambda i=i: f"images/new/{i}.jpg" in ctx.client.keys("images/"), 10,
                   lambda: str(agent.status()))
    assert found["example"].startswith("images/private/"), found
    ctx.server.clear_faults()
    agent.wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    assert troubles(agent) == []


@on("ceph")
def test_a_real_server_that_denies_one_key(ctx):
    """By the bucket's policy, which binds its owner, too."""
    images = ctx.folder("images")
    fill(images, 12)
    write(f"{images}/private/0.jpg", b"private")
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{ctx.bucket}/images/private/*"}]}
    ctx.client.aws("s3api", "put-bucket-policy", "--bucket", ctx.bucket, "--policy",
                   json.dumps(policy))
    agent = ctx.agent(images=images).start()
    wait_until(lambda: len(ctx.client.keys("images/")) == 12, 30, lambda: str(agent.status()))
    found = group(agent, "denied")
    assert found["files"] == 1 and found["example"] == "images/private/0.jpg", found
    write(f"{images}/c0/new.jpg", b"new")
    wait_until(lambda: "images/c0/new.jpg" in ctx.client.keys("images/"), 20,
               lambda: str(agent.status()))
    ctx.client.aws("s3api", "delete-bucket-policy", "--bucket", ctx.bucket)
    agent.wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    assert troubles(agent) == []
    agent.verify_journal()


@on("s3d")
def test_a_file_that_is_edited_while_it_fails_rests_for_no_longer_than_that(ctx):
    """Each edit is tried at once, and may fail: that is no reason to wait for five minutes."""
    images = ctx.folder("images")
    fill(images, 8)
    agent = ctx.agent(images=images).start()
    agent.wait_in_step()
    deny(ctx, key="images/c0/0000.jpg")
    until = time.monotonic() + 8
    while time.monotonic() < until:
        write(f"{images}/c0/0000.jpg", b"%f" % time.monotonic())
        time.sleep(0.5)  # it settles in between
    tried = [r for r in ctx.server.requests() if r["op"] == "PutObject" and r["status"] == 403]
    assert len(tried) >= 10, len(tried)  # in a row, which would be five minutes
    ctx.server.clear_faults()
    agent.wait_in_step(30)
    agent.verify_journal()


@on("s3d")
def test_each_cause_has_its_advice(ctx):
    images = ctx.folder("images")
    causes = {
        "kms": ("KMS.DisabledException", 400), "quota": ("QuotaExceeded", 403),
        "keys": ("InvalidAccessKeyId", 403), "size": ("EntityTooLarge", 400),
        "bucket": ("NoSuchBucket", 404), "name": ("KeyTooLongError", 400),
    }
    for name, (code, status) in causes.items():
        ctx.server.fault("error", code=code, status=status, op=CHANGES, key=f"images/{name}.jpg",
                         count=0)
        write(f"{images}/{name}.jpg", b"x")
    agent = ctx.agent(images=images).start()
    for name, (code, _) in causes.items():
        found = group(agent, name)
        assert code in found["what"] and found["advice"], found
        assert found["example"] == f"images/{name}.jpg" and found["files"] == 1, found
    shown = agent.run("status").stdout
    assert all(code in shown for code, _ in causes.values()), shown
    os.unlink(f"{images}/size.jpg")
    wait_until(lambda: all(t["kind"] != "size" for t in troubles(agent)), 20,
               lambda: str(troubles(agent)))
    ctx.server.clear_faults()
    agent.wait_in_step(60)
    assert troubles(agent) == []


@on("s3d")
def test_a_denied_deletion_names_its_permission(ctx):
    images = ctx.folder("images")
    fill(images, 40)
    agent = ctx.agent(images=images).start()
    agent.wait_in_step(20)
    deny(ctx, op="Delete*")
    for i in range(3):
        os.unlink(f"{images}/c{i % 4}/{i:04}.jpg")
    found = group(agent, "denied")
    assert found["operation"] == "s3:DeleteObject", found
    ctx.server.clear_faults()
    agent.wait_in_step(60)
    ctx.client.assert_tree(images, "images/")


@on("s3d")
def test_a_server_that_is_away_is_one_line(ctx):
    images = ctx.folder("images")
    fill(images, 300)
    ctx.server.stop()
    agent = ctx.agent(images=images).start()
    found = group(agent, "unreached")
    assert "operation" not in found and "mapping" not in found, found
    assert len(log_lines(agent, "see that the endpoint")) == 1
    ctx.server.start(ctx.server.port)
    agent.wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    assert troubles(agent) == []
