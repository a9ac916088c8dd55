"""Indexes beside the journal's closed segments: made by a command and by the agent, and what is found by them
is what reading the whole journal finds, byte for byte."""

import os
import shutil
import subprocess

from harness import lockstep_binary, on, read, wait_until, write
from test_journal import made

RECORDS, SEGMENT_BYTES = 1200, 80000
PATHS = ("a.jpg", "dir", 'dir/b "quoted" \\.jpg', "gr\u00fcn/\t.jpg", "gr\u00fcn", "d/e/f",
         "d/e/f/g/h/i/j.jpg", b"not\xffutf8/c", b"not\xffutf8", "nowhere", "")


def journal(*arguments):
    return subprocess.run([lockstep_binary(), "journal", *arguments], check=False, capture_output=True,
                          timeout=60)


def same(folder):
    """Both ways print the same of all paths; returns how much."""
    size = 0
    for path in PATHS:
        for words in ((), ("--json",)):
            ways = [journal("show", path, "--dir", folder, *words, *way)
                    for way in ((), ("--no-index",))]
            assert ways[0].stdout == ways[1].stdout, (path, words)
            assert [way.returncode for way in ways] == [0, 0], ways
            size += len(ways[0].stdout)
    return size


def indexes(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".idx"))


@on("s3d")
def test_the_command_makes_what_is_missing(ctx):
    folder, names, _ = made(ctx, "made", RECORDS, SEGMENT_BYTES)
    assert len(names) > 2, names
    assert same(folder) > 50000
    done = journal("index", "--dir", folder)
    closed = len(names) - 1
    assert (done.returncode, done.stdout) == (
        0, b"%d indexes made, 0 were there, 0 segments have none\n" % closed), done
    assert indexes(folder) == [name[:-len("jsonl")] + "idx" for name in names[:-1]]
    same(folder)
    first = f"{folder}/{names[0][:-len('jsonl')]}idx"
    before = read(first)
    write(first, before[:-1])
    os.unlink(f"{folder}/{indexes(folder)[1]}")
    same(folder)
    done = journal("index", "--dir", folder)
    assert done.stdout.startswith(b"2 indexes made, %d were there" % (closed - 2)), done
    assert read(first) == before
    assert journal("verify", "--dir", folder).returncode == 0
    done = journal("index", "--dir", folder, "--anew")
    assert done.stdout.startswith(b"%d indexes made" % closed), done


@on("s3d")
def test_a_damaged_segment_has_none(ctx):
    folder, names, _ = made(ctx, "made", RECORDS, SEGMENT_BYTES)
    path = f"{folder}/{names[1]}"
    content = bytearray(read(path))
    content[content.index(b'"t":', len(content) // 2) + 8] ^= 1
    write(path, bytes(content))
    done = journal("index", "--dir", folder)
    assert done.returncode == 1 and names[1].encode() + b" gets no index" in done.stdout, done
    ways = [journal("show", "dir", "--dir", folder, *way) for way in ((), ("--no-index",))]
    assert [way.returncode for way in ways] == [1, 1], ways
    assert ways[0].stdout == ways[1].stdout and ways[0].stderr == ways[1].stderr, ways


def test_wrong_use(ctx):
    folder, _, _ = made(ctx, "made", 10, SEGMENT_BYTES)
    for words in (("index", "--dir", folder, "more"), ("index", "--what"),
                  ("show", "--no-index", "--dir", folder),
                  ("follow", "a", "--no-index", "--dir", folder)):
        done = journal(*words)
        assert done.returncode == 2 and done.stderr, done
    assert journal("index", "--dir", ctx.path("nowhere")).returncode == 4


@on("s3d")
def test_the_agent_makes_them(ctx):
    folder, names, _ = made(ctx, "made", RECORDS, SEGMENT_BYTES)
    images = ctx.folder("images")
    agent = ctx.agent(images=images)
    shutil.copytree(folder, f"{agent.state_dir}/journal", dirs_exist_ok=True)
    agent.start()
    wait_until(lambda: len(indexes(f"{agent.state_dir}/journal")) >= len(names) - 1, 20, "indexes")
    write(f"{images}/new.jpg", b"new")
    agent.wait_in_step(20)
    os.rename(f"{images}/new.jpg", f"{images}/renamed.jpg")
    agent.wait_in_step(20)
    ways = [agent.journal("show", "renamed.jpg", *way).stdout for way in ((), ("--no-index",))]
    assert ways[0] == ways[1] and "new.jpg" in ways[0], ways
    agent.stop()
