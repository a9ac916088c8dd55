"""A program that finds what a newer one has left says so, and touches nothing. What an older one has
left (states/README.md) it takes over, and nothing of it is lost."""

import hashlib
import json
import os
import subprocess

import journal_verifier
import make_state
from harness import Skip, deadline, long_test, need, on, read, write
from test_compress import unpacked


def bytes_of(folder):
    """path -> content of all that is there, but for locks."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            if "lock" not in name:
                found[os.path.join(base, name)] = read(os.path.join(base, name))
    return found


def of_next_format(data):
    """A journal's first segment as a writer of the next format might have left it."""
    out, chain = b"", bytes(32)
    for _, body, commit in journal_verifier.batches(data)[0]:
        body = body.replace(b'{"k":"h","v":1,', b'{"k":"h","v":2,', 1)
        chain = hashlib.sha256(chain + body).digest()
        commit = {**commit, "x": f"{journal_verifier.crc32c(body):08x}", "h": chain.hex()}
        out += body + json.dumps(commit, separators=(",", ":")).encode() + b"\n"
    return out


def begin(ctx):
    tree = ctx.folder("images")
    write(f"{tree}/first.jpg", b"first")
    agent = ctx.agent(images=tree)
    agent.once()
    return agent, tree


def is_refused(ctx, agent, tree, path, newer):
    """With this content in the place of the file's nothing is done; with the old one all is."""
    old = read(path)
    assert newer != old
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(newer)
    write(f"{tree}/second.jpg", b"second")
    before, asked = bytes_of(agent.state_dir), len(ctx.server.requests())
    for arguments in (("agent", "--once"), ("agent",)):
        done = agent.run(*arguments)
        assert done.returncode in (2, 4), done
        assert "newer" in done.stderr or "version that wrote it" in done.stderr, done
    assert bytes_of(agent.state_dir) == before
    assert [r for r in ctx.server.requests(asked) if r["op"] == "PutObject"] == []
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(old)
    agent.once()
    ctx.client.assert_tree(tree, "images/")
    agent.verify_journal()


@on("s3d")
def test_a_newer_journal_is_left_alone(ctx):
    agent, tree = begin(ctx)
    path = f"{agent.state_dir}/journal/{1:020}.jsonl"
    is_refused(ctx, agent, tree, path, of_next_format(read(path)))


@on("s3d")
def test_a_newer_index_is_left_alone(ctx):
    agent, tree = begin(ctx)
    path = f"{agent.state_dir}/index/data.mdb"
    is_refused(ctx, agent, tree, path,
               read(path).replace(b"version\x02\x00\x00\x00", b"version\x63\x00\x00\x00"))


FIRST_FORMAT = "74b7b4ee9b71c8a95cfa8e110898b18fc366a0d3"  # the last commit with it
WRITES = ("PutObject", "CopyObject", "DeleteObject", "DeleteObjects", "CreateMultipartUpload")


def left_by(ctx, name):
    """An agent on what the program of an earlier format had left when it was killed."""
    need("tar", "xz")
    host = ctx.folder("agent")
    subprocess.run(["tar", "--extract", "--xz", f"--file={make_state.STATES}/{name}.tar.xz", "-C",
                    host], check=True)
    with open(f"{host}/objects.json", encoding="utf-8") as file:
        for key, carried in json.load(file).items():
            ctx.client.signed.put(key, read(f"{host}/objects/{key}"), carried)
    return ctx.agent(images=f"{host}/images", lists=f"{host}/lists",
                     options={"journal": {"key": f"{host}/journal.key", "checkpoint_ms": 1000}})


def writes_of_a_run(ctx, agent):
    """What `agent --once` changes in S3."""
    asked = len(ctx.server.requests())
    agent.once()
    for tree, prefix in agent.mappings:
        ctx.client.assert_tree(tree, prefix)
    return [(r["op"], r["key"]) for r in ctx.server.requests(asked) if r["op"] in WRITES]


def is_taken_over(ctx, name):
    agent = left_by(ctx, name)
    agent.verify_journal()
    old = agent.journal_records()
    assert len(old) > 40
    assert set(writes_of_a_run(ctx, agent)) <= {("PutObject", f"images/{make_state.LATE}")}
    records = agent.journal_records()
    assert records[:len(old)] == old and len(records) > len(old)
    assert [r["q"] for r in records] == list(range(1, records[-1]["q"] + 1))
    done = agent.run("verify")
    assert done.returncode == 0, done
    assert writes_of_a_run(ctx, agent) == []
    goes_on(ctx, agent)
    agent.verify_journal()
    journal_verifier.Verifier(unpacked(ctx, f"{agent.state_dir}/journal"), []).verify()
    # Who knows the older format alone is told by its number.
    assert b"version\x02\x00\x00\x00" in read(f"{agent.state_dir}/index/data.mdb")


def goes_on(ctx, agent):
    """Images and lists are followed as if the program had always been this one; what the other did is told, and
    can be taken back."""
    images, lists = (tree for tree, _ in agent.mappings)
    os.rename(f"{images}/cat/0.jpg", f"{images}/cat/zero.jpg")
    assert "PutObject" not in [op for op, key in writes_of_a_run(ctx, agent) if "images/" in key]
    assert b"cat/zero.jpg" in read(f"{lists}/train.lst")
    told = agent.journal("show", "cat/2.jpg")
    assert told.returncode == 0 and "cat/two.jpg" in told.stdout, told
    write(f"{images}/dog/3.jpg", b"back again")
    agent.once()
    seq, = [r["q"] for r in agent.journal_records("--op", "lst")
            if r["st"] == "done" and r["p"] == "val.lst"]
    done = agent.run("lst", "undo", str(seq))
    assert done.returncode == 0 and b"\tdog/3.jpg\n" in read(f"{lists}/val.lst"), done
    agent.once()
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_what_the_first_format_left_is_taken_over(ctx):
    is_taken_over(ctx, "format-1")


@on("s3d")
def test_what_the_second_format_left_is_taken_over(ctx):
    is_taken_over(ctx, "format-2")


@on("s3d")
@long_test
@deadline(900)
def test_a_program_of_the_first_format_leaves_what_this_one_left(ctx):
    """The older program itself, made of its commit."""
    need("git", "autoreconf", "make")
    if not make_state.is_known(FIRST_FORMAT):
        raise Skip("the history of the sources is not here")
    program = make_state.build(FIRST_FORMAT, ctx.path("older"))
    agent, tree = begin(ctx)
    write(f"{tree}/second.jpg", b"second")
    before, asked = bytes_of(agent.state_dir), len(ctx.server.requests())
    for words in (("agent", "-c", agent.conf, "--once"), ("plan", "-c", agent.conf)):
        done = subprocess.run([program, *words], capture_output=True, text=True, check=False,
                              timeout=60, env=agent.environment)
        assert done.returncode in (2, 4), done
        assert "format 2 is newer than this program's 1" in done.stderr, done
    assert bytes_of(agent.state_dir) == before
    assert [r for r in ctx.server.requests(asked) if r["op"] in WRITES] == []
    assert writes_of_a_run(ctx, agent) == [("PutObject", "images/second.jpg")]
