"""What an auditor is given: keys, checkpoints, proofs."""

import os
import re
import shutil
import subprocess

from harness import lockstep_binary, on, write


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
