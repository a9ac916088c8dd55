"""Power loss under the agent: its state is on a disk that goes down while it works. What it did in S3
is in the journal, which is whole, and the next start finishes what was begun."""

import os
import random
import shutil
import subprocess

import images
import journal_verifier
from harness import deadline, long_test, on, samples, wait_until, write
from harness.seeds import seed

BEGIN, MORE = 20, 30  # images at first, and in each life


def put(ctx):
    """What was put into S3, by its keys."""
    return {r["key"] for r in ctx.server.requests() if r["op"] == "PutObject"}


def check_journal(agent, sent):
    """Whole by both verifiers, and ahead of what was sent to S3."""
    agent.verify_journal()
    journal_verifier.Verifier(f"{agent.state_dir}/journal").verify()
    intents = {f"{r['w']}/{path}" for r in agent.journal_records() if r["st"] == "intent"
               for path in (r["p"], r.get("d"))}
    assert sent <= intents, sent - intents


def rows(path):
    with open(path, encoding="utf-8") as file:
        return sorted(name for _, _, name in samples.read_list(file.read()))


def life(ctx, agent, tree, number, dice):
    """Images come and one changes its name; at some moment the power is lost, and what is written
    then waits for the next life."""
    agent.start()
    agent.wait_until_ready()
    before = len(put(ctx))
    for i in range(MORE):
        write(f"{tree}/{number}/{i}.jpg", b"life %d, image %d" % (number, i))
        if i == MORE // 2:
            os.rename(f"{tree}/{number}/0.jpg", f"{tree}/{number}/renamed.jpg")
    most = dice.randrange(MORE)
    wait_until(lambda: len(put(ctx)) >= before + most, 60, lambda: str(agent.status()),
               interval=0.001)


def power_down(ctx, agent, disk, tree, number):
    """The disk goes first, the machine after it. What was put until then: an fdatasync that is under
    way at that moment may say that all is well (DESIGN.md)."""
    sent = put(ctx)
    disk.lose_power()
    write(f"{tree}/{number}/late.jpg", b"too late")
    try:
        agent.process.wait(1)
    except subprocess.TimeoutExpired:
        agent.kill9()
    disk.unmount()
    disk.mount()
    return sent


def lives(ctx, kind, count):
    dice = random.Random(seed())
    tree, lists = ctx.folder("images"), ctx.folder("lists")
    disk = images.disk(ctx, kind, "disk", 300 if kind == "xfs" else 100,
                       at=ctx.path("agent", "state"))
    first = [f"{i}.jpg" for i in range(BEGIN)]
    for name in first:
        write(f"{tree}/{name}", name.encode())
    samples.write_lists(lists, first)
    agent = ctx.agent(images=tree, lists=lists)
    agent.once()
    for number in range(count):
        life(ctx, agent, tree, number, dice)
        old = first[number % BEGIN]
        first[number % BEGIN] = f"{number}/moved-{old.rsplit('/', 1)[-1]}"
        os.rename(f"{tree}/{old}", f"{tree}/{first[number % BEGIN]}")
        check_journal(agent, power_down(ctx, agent, disk, tree, number))
        shutil.rmtree(f"{agent.state_dir}/lost+found", ignore_errors=True)
        agent.start()
        agent.wait_in_step(60)
        found = sorted(name for file in os.listdir(lists) for name in rows(f"{lists}/{file}"))
        assert found == sorted(first), (found, first)
        agent.stop()
        check_journal(agent, put(ctx))
    ctx.client.assert_tree(tree, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
@deadline(240)
def test_an_agent_loses_the_power_of_its_ext4(ctx):
    lives(ctx, "ext4", 2)


@on("s3d")
@deadline(240)
def test_an_agent_loses_the_power_of_its_xfs(ctx):
    lives(ctx, "xfs", 2)


@long_test
@on("s3d")
@deadline(1800)
def test_an_agent_loses_the_power_of_its_ext4_fifty_times(ctx):
    lives(ctx, "ext4", 50)


@long_test
@on("s3d")
@deadline(1800)
def test_an_agent_loses_the_power_of_its_xfs_fifty_times(ctx):
    lives(ctx, "xfs", 50)
