"""A disk that is full: nothing is acted on that is not in the journal, and it goes on by itself."""

import json
import os

import images
import journal_verifier
from harness import deadline, on, wait_until, write
from harness.prom import Port


def journalled(agent, ctx):
    """Every object that was put has an intent in the journal, which is whole by both verifiers."""
    agent.verify_journal()
    journal_verifier.Verifier(f"{agent.state_dir}/journal").verify()
    records = agent.journal_records()
    intents = {r["q"]: r for r in records if r["st"] == "intent"}
    done = [r for r in records if r["o"] == "put" and r["st"] == "done"]
    assert done and all(r["tx"] in intents and r["tx"] < r["q"] for r in done), done
    put = {r["key"] for r in ctx.server.requests() if r["op"] == "PutObject"}
    assert put <= {f"{r['w']}/{r['p']}" for r in intents.values()}, put


def waits(agent):
    """Until `status` says that there is no room; the exit status tells, too."""
    def told():
        done = agent.run("status", "--json")  # who asks while the socket changes hands hears nothing
        return done.returncode == 4 and done.stdout and json.loads(done.stdout)["journal"]["no_room"]

    wait_until(told, 40, lambda: f"no room: {agent.run('status')} {agent.log()[-1500:]}")
    assert "no room in" in agent.run("status").stdout
    assert "nothing is uploaded until there is" in agent.log()


def is_full(ctx, kind, megabytes):
    """A test of a disk of state that fills up while the agent runs, and is freed."""
    state = ctx.path("agent", "state")
    small = images.disk(ctx, kind, "small", megabytes, at=state)
    tree = ctx.folder("images")
    for i in range(20):
        write(f"{tree}/{i}.jpg", b"%d" % i)
    port = Port()
    agent = ctx.agent(images=tree, options=port.options).start()
    agent.wait_in_step(30)
    for turn in range(2):
        filler = small.fill()
        for i in range(300):
            write(f"{tree}/{turn}/{i}.jpg", b"more %d" % i)
        waits(agent)
        assert port.get("/healthz") == (503, "there is no room for the journal: nothing is begun\n")
        assert port.figures().get("lockstep_journal_no_room") == 1
        before = len(ctx.server.requests())
        for i in range(20):
            write(f"{tree}/{turn}/{i}.jpg", b"not now %d" % i)
        told = agent.status()[0]["journal"]["no_room_s"]
        wait_until(lambda t=told: agent.status()[0]["journal"]["no_room_s"] > t + 1, 20, "some time")
        assert agent.is_running() and len(ctx.server.requests()) == before
        assert agent.run("release").returncode == 4
        os.unlink(filler)
        agent.wait_in_step(60)
    assert agent.log().count("there is room again") == 2, agent.log()
    ctx.client.assert_tree(tree, "images/")
    journalled(agent, ctx)
    assert agent.stop() == 0


@on("s3d")
@deadline(240)
def test_a_disk_that_fills_up_and_is_freed(ctx):
    is_full(ctx, "tmpfs", 64)


@on("s3d")
@deadline(240)
def test_an_ext4_that_fills_up_and_is_freed(ctx):
    is_full(ctx, "ext4", 80)


@on("s3d")
@deadline(240)
def test_no_room_for_the_journal_alone(ctx):
    state, tree = ctx.folder("agent", "state"), ctx.folder("images")
    os.chmod(state, 0o700)
    small = images.disk(ctx, "tmpfs", "small", 40, at=f"{state}/journal")
    write(f"{tree}/first.jpg", b"first")
    agent = ctx.agent(images=tree)
    agent.once()
    filler = small.fill()
    write(f"{tree}/second.jpg", b"second")
    done = agent.once(check=False)
    assert done.returncode == 4 and "No space left on device" in done.stderr, done
    assert set(ctx.client.keys("images/")) == {"images/first.jpg"}
    agent.start()
    waits(agent)
    assert set(ctx.client.keys("images/")) == {"images/first.jpg"}
    agent.stop()  # it ends while it waits, too
    assert not os.path.exists(f"{state}/control"), os.listdir(state)
    agent.start()
    waits(agent)
    os.unlink(filler)
    agent.wait_in_step(60)
    ctx.client.assert_tree(tree, "images/")
    assert os.path.getsize(f"{state}/journal/ballast") == 16 << 20  # for the next time
    journalled(agent, ctx)
    assert agent.stop() == 0
