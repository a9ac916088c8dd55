"""What an auditor is given: keys, checkpoints, proofs."""

import base64
import json
import os
import re
import shutil
import subprocess

from harness import lockstep_binary, on, wait_until, write


def lockstep(*words, **environment):
    """A command without a configuration."""
    return subprocess.run([lockstep_binary(), *words], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment}, check=False)


def new_key(path, *words):
    """A new key in this file: its public half."""
    done = lockstep("journal", "key", "new", path, *words)
    assert done.returncode == 0, done
    return done.stdout.strip()


def signed(ctx, key, **more):
    """An agent that signs its journal, and its tree."""
    images = ctx.folder("images")
    write(f"{images}/1.jpg", b"one")
    return ctx.agent(images=images, options={"journal": {"key": key}}, **more), images


@on("s3d")
def test_a_key_is_made_once(ctx):
    path = ctx.path("journal.key")
    public = new_key(path, "--name", "audit.example/images")
    assert re.fullmatch(r"audit\.example/images\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}", public), public
    assert os.stat(path).st_mode & 0o7777 == 0o600
    with open(path, encoding="utf-8") as file:
        private = file.read()
    assert private.startswith("PRIVATE+KEY+audit.example/images+"), private
    assert lockstep("journal", "key", "show", path).stdout.strip() == public
    again = lockstep("journal", "key", "new", path)
    assert again.returncode == 2 and "never overwritten" in again.stderr, again
    with open(path, encoding="utf-8") as file:
        assert file.read() == private
    assert new_key(ctx.path("other")).startswith(f"{os.uname().nodename}/lockstep+")
    for words in (("new", ctx.path("x"), "--name", "a b"), ("new",), ("show",), ("old", path),
                  ("show", path, "--name", "x"), ()):
        assert lockstep("journal", "key", *words).returncode == 2, words
    assert lockstep("journal", "key", "show", "/dev/null").returncode == 2
    assert lockstep("journal", "key", "show", ctx.path("none")).returncode == 4
    assert lockstep("journal", "key", "new", ctx.path("no/such")).returncode == 4


@on("s3d")
def test_the_journal_names_the_keys_that_sign_it(ctx):
    keys = [ctx.path("first.key"), ctx.path("second.key")]
    public = [new_key(key, "--name", "a.example") for key in keys]
    key = ctx.path("journal.key")
    shutil.copy(keys[0], key)
    agent, _ = signed(ctx, key)
    agent.once()
    shutil.copy(keys[1], key)
    agent.once()
    named = [r["a"] for r in agent.journal_records("--op", "key")]
    assert named == public, (named, public)
    with open(key, encoding="utf-8") as file:
        secret = file.read().split("+", 4)[4].strip()
    for folder, _, names in os.walk(agent.state_dir):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert secret.encode() not in file.read(), name
    assert secret not in agent.log()


@on("s3d")
def test_a_key_may_be_a_credential_of_systemd(ctx):
    folder = ctx.folder("credentials")
    public = new_key(f"{folder}/journal-key")
    os.chmod(f"{folder}/journal-key", 0o440)
    agent, _ = signed(ctx, "journal-key", environment={"CREDENTIALS_DIRECTORY": folder})
    agent.once()
    assert [r["a"] for r in agent.journal_records("--op", "key")] == [public]


@on("s3d")
def test_an_agent_without_the_key_that_is_configured_does_not_begin(ctx):
    key = ctx.path("journal.key")

    def refused(what):
        agent, _ = signed(ctx, key)
        done = agent.once(check=False)
        assert done.returncode == 2 and what in done.stderr, done
        assert not os.path.exists(agent.state_dir), done

    refused("No such file")
    new_key(key)
    os.chmod(key, 0o644)
    refused("chmod it to 0600")
    os.chmod(key, 0o600)
    write(key, b"PRIVATE+KEY+something+else")
    refused("no private key")
    agent, _ = signed(ctx, "journal-key")
    done = agent.once(check=False)
    assert done.returncode == 2 and "LoadCredential" in done.stderr, done


# --- checkpoints ---------------------------------------------------------------------------------


def newest(agent):
    """The newest checkpoint: (its text, how many lines it covers)."""
    with open(f"{agent.state_dir}/journal/checkpoint", encoding="utf-8") as file:
        text = file.read()
    return text, int(text.split("\n")[1])


def kept(ctx, agent, name):
    """The newest checkpoint as an auditor keeps it."""
    return shutil.copy(f"{agent.state_dir}/journal/checkpoint", ctx.path(name))


def audit(agent, *words):
    """`journal verify` of the directory alone: (exit status, what it said)."""
    done = lockstep("journal", "verify", "--dir", f"{agent.state_dir}/journal", *words)
    return done.returncode, done.stdout + done.stderr


@on("s3d")
def test_checkpoints_vouch_for_the_journal(ctx):
    key, other = ctx.path("journal.key"), ctx.path("other.key")
    public, foreign = new_key(key, "--name", "a.example"), new_key(other, "--name", "a.example")
    images = ctx.folder("images")
    write(f"{images}/1.jpg", b"one")
    agent = ctx.agent(images=images, options={"journal": {"key": key, "checkpoint_ms": 1000}})
    agent.start()
    agent.wait_in_step(20)
    wait_until(lambda: os.path.exists(f"{agent.state_dir}/journal/checkpoint"), 30, "a checkpoint")
    before = newest(agent)[1]
    write(f"{images}/2.jpg", b"two")
    wait_until(lambda: newest(agent)[1] > before, 30, "one more checkpoint")
    first = kept(ctx, agent, "first")
    code, said = audit(agent, "--key", public, "--anchor", first)
    assert code == 0 and "and 1 that were kept, by the keys that were given" in said, said
    write(f"{images}/3.jpg", b"three")
    agent.wait_in_step(20)
    agent.kill9()
    agent.start()
    agent.wait_in_step(20)
    agent.stop()
    last = kept(ctx, agent, "last")
    lines = newest(agent)[1]
    code, said = audit(agent, "--key", public, "--anchor", first, "--anchor", last)
    assert code == 0 and f"signed: {lines} of {lines} lines" in said, said
    code, said = audit(agent)
    assert code == 0 and "that the journal itself names" in said, said
    code, said = audit(agent, "--key", foreign)
    assert code == 1 and "wrong key" in said, said
    write(ctx.path("public"), public.encode() + b"\n")
    assert audit(agent, "--key", ctx.path("public"))[0] == 0
    for words in (("--key", "nonsense"), ("--key", key), ("--anchor", ctx.path("public"))):
        assert audit(agent, *words)[0] == 2, words
    assert audit(agent, "--anchor", ctx.path("none"))[0] == 4
    assert agent.journal("show", "--key", public).returncode == 2


@on("s3d")
def test_a_journal_that_was_rolled_back_is_found_out(ctx):
    key = ctx.path("journal.key")
    public = new_key(key)
    agent, images = signed(ctx, key)
    agent.once()
    early = kept(ctx, agent, "early")
    shutil.copytree(agent.state_dir, ctx.path("backup"))
    for name in ("2", "3"):
        write(f"{images}/{name}.jpg", name.encode())
        agent.once()
    late = kept(ctx, agent, "late")
    shutil.rmtree(agent.state_dir)
    shutil.copytree(ctx.path("backup"), agent.state_dir)
    trust = ("--key", public, "--anchor")
    assert audit(agent, *trust, early)[0] == 0
    code, said = audit(agent, *trust, late)
    assert code == 1 and "truncated" in said and "late" in said, said
    for name in ("4", "5", "6", "7"):  # another history, signed by the same key
        write(f"{images}/{name}.jpg", name.encode())
        agent.once()
    assert audit(agent, *trust, early)[0] == 0
    code, said = audit(agent, *trust, late)
    assert code == 1 and "forked" in said, said
    assert audit(agent, "--key", public)[0] == 0  # which is why checkpoints are kept elsewhere


@on("s3d")
def test_what_was_signed_and_is_lost_is_not_signed_again(ctx):
    key = ctx.path("journal.key")
    public = new_key(key)
    agent, images = signed(ctx, key)
    agent.once()
    path = f"{agent.state_dir}/journal/{1:020}.jsonl"
    with open(path, "rb") as file:
        data = file.read()
    cut = data.rindex(b"\n", 0, data.rindex(b'{"q":'))
    with open(path, "wb") as file:
        file.write(data[:cut + 1])
    text = newest(agent)[0]
    write(f"{images}/2.jpg", b"two")
    agent.once()  # the images go on
    assert "nothing will be signed" in agent.log(), agent.log()
    assert newest(agent)[0] == text
    assert "images/2.jpg" in ctx.client.keys("images/")
    code, said = audit(agent, "--key", public)
    assert code == 1 and ("forked" in said or "truncated" in said), said


# --- proofs --------------------------------------------------------------------------------------


@on("s3d")
def test_a_record_is_proven_to_who_has_the_key_alone(ctx):
    key = ctx.path("journal.key")
    public = new_key(key, "--name", "a.example")
    agent, images = signed(ctx, key)
    for i in range(20):
        write(f"{images}/{i}.jpg", b"%d" % i)
    agent.once()
    write(f"{images}/last.jpg", b"last")
    agent.once()
    folder = f"{agent.state_dir}/journal"
    records = {r["q"]: r for r in agent.journal_records()}
    path = ctx.path("proof")
    for number in (1, 2, 7, max(records)):
        done = lockstep("journal", "prove", str(number), "--dir", folder)
        assert done.returncode == 0, done
        write(path, done.stdout.encode())
        held = lockstep("journal", "verify-proof", "--key", public, path)
        assert held.returncode == 0 and json.loads(held.stdout) == records[number], held
    assert agent.journal("prove", "7").returncode == 0
    assert agent.journal("verify-proof", path).returncode == 0  # by the configured key
    assert agent.journal("prove", str(max(records) + 1)).returncode == 1
    for words in (("prove",), ("prove", "x"), ("prove", "0"), ("prove", "1", "2"),
                  ("verify-proof",), ("verify-proof", "--key", "x", path),
                  ("verify-proof", "--key", public, key), ("prove", "1", "--key", public)):
        assert lockstep("journal", *words).returncode == 2, words
    assert lockstep("journal", "verify-proof", "--key", public, "/nowhere").returncode == 4
    foreign = new_key(ctx.path("other.key"), "--name", "a.example")
    held = lockstep("journal", "verify-proof", "--key", foreign, path)
    assert held.returncode == 1 and "not the key that was given" in held.stderr, held
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    lines[1] = "extra " + base64.b64encode(json.dumps(records[7]).encode()).decode()
    write(path, "\n".join(lines).encode())
    held = lockstep("journal", "verify-proof", "--key", public, path)
    assert held.returncode == 1 and held.stdout == "" and "changed" in held.stderr, held


@on("s3d")
def test_without_a_checkpoint_there_is_no_proof(ctx):
    images = ctx.folder("images")
    write(f"{images}/1.jpg", b"one")
    agent = ctx.agent(images=images)
    agent.once()
    done = agent.journal("prove", "1")
    assert done.returncode == 1 and "no checkpoint covers record 1" in done.stderr, done
