"""A program that finds what a newer one has left: it says so, and touches nothing."""

import hashlib
import json
import os

import journal_verifier
from harness import on, read, write


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
