"""Writes and fdatasyncs of the journal that fail in the real binary: by strace, which answers the
system call in the kernel's place."""

import shutil

import journal_verifier
from harness import need, on, write
from test_compress import forms, unpacked

IMAGES = 30


def begin(ctx, count=IMAGES):
    """An agent in step with its tree, ended."""
    tree = ctx.folder("images")
    for i in range(count):
        write(f"{tree}/{i}.jpg", b"%d" % i)
    agent = ctx.agent(images=tree)
    agent.once()
    return agent, tree


def first_segment(agent):
    return f"{agent.state_dir}/journal/{1:020}.jsonl"


def start_with(ctx, agent, fault, path=None):
    """Start the agent with a fault in calls of its loop's thread, on this path if one is given.
    Where strace tells of its calls."""
    need("strace")
    trace = ctx.path("trace")
    on_path = ["-P", path] if path else []
    agent.start(wrap=["strace", "-D", "-qq", "-y", "-o", trace, "-e", "trace=pwrite64,fdatasync",
                      "-e", f"inject={fault}", *on_path])
    return trace


def told(trace):
    """The lines about segments of the journal."""
    with open(trace, encoding="utf-8", errors="replace") as file:
        return [line for line in file if ".jsonl>" in line]


def more(tree):
    for i in range(IMAGES):
        write(f"{tree}/new/{i}.jpg", b"new %d" % i)


def whole(agent, ctx):
    """By both verifiers; nothing was put without an intent, and no record is there twice."""
    agent.verify_journal()
    copy = unpacked(ctx, f"{agent.state_dir}/journal")  # what was closed may be compressed by now
    count = journal_verifier.Verifier(copy).verify()
    shutil.rmtree(copy)
    records = agent.journal_records()
    assert [r["q"] for r in records] == list(range(1, count + 1))
    intents = {f"{r['w']}/{r['p']}" for r in records if r["st"] == "intent"}
    put = {r["key"] for r in ctx.server.requests() if r["op"] == "PutObject"}
    assert put <= intents, put - intents


def goes_on(ctx, call):
    """The call fails once, on the segment that is open: it is touched no more, what was in memory
    goes into a new one, and status and log tell."""
    agent, tree = begin(ctx)
    trace = start_with(ctx, agent, f"{call}:error=EIO:when=3", first_segment(agent))
    more(tree)
    agent.wait_in_step(60)
    status = agent.status()[0]["journal"]
    assert status["segments_given_up"] == 1 and not status["no_room"], status
    assert "1 segments were given up" in agent.run("status").stdout
    assert "what it may have lost was written again into a new one" in agent.log(), agent.log()
    assert agent.stop() == 0
    lines = told(trace)
    failed = [i for i, line in enumerate(lines) if "INJECTED" in line]
    assert len(failed) == 1 and lines[failed[0]].startswith(call), lines
    assert failed[0] == len(lines) - 1, lines  # the trace is of that segment alone
    names = forms(f"{agent.state_dir}/journal")
    assert len({name.removesuffix(".zst") for name in sum(names, [])}) == 2, names
    whole(agent, ctx)
    agent.once()
    ctx.client.assert_tree(tree, "images/")
    whole(agent, ctx)


@on("s3d")
def test_an_fdatasync_that_fails_is_final_for_its_segment(ctx):
    goes_on(ctx, "fdatasync")


@on("s3d")
def test_a_write_that_fails_is_final_for_its_segment(ctx):
    goes_on(ctx, "pwrite64")


@on("s3d")
def test_a_disk_that_always_fails_ends_the_agent_and_nothing_is_sent(ctx):
    agent, tree = begin(ctx)
    before = len(ctx.server.requests())
    more(tree)
    trace = start_with(ctx, agent, "fdatasync:error=EIO:when=2+")
    assert agent.process.wait(30) == 4, agent.log()
    assert "Input/output error" in agent.log(), agent.log()
    assert any("INJECTED" in line for line in told(trace)), told(trace)
    assert [r for r in ctx.server.requests(before) if r["op"] == "PutObject"] == []
    whole(agent, ctx)
    agent.once()
    ctx.client.assert_tree(tree, "images/")
    whole(agent, ctx)


@on("s3d")
def test_a_write_without_room_waits_and_is_written_later(ctx):
    agent, tree = begin(ctx)
    trace = start_with(ctx, agent, "pwrite64:error=ENOSPC:when=2..3", first_segment(agent))
    more(tree)
    agent.wait_for_log("nothing is uploaded until there is", 30)
    agent.wait_in_step(60)
    assert "there is room again" in agent.log(), agent.log()
    assert agent.stop() == 0
    assert len([line for line in told(trace) if "INJECTED" in line]) == 2, told(trace)
    ctx.client.assert_tree(tree, "images/")
    whole(agent, ctx)
