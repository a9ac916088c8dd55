"""Closed segments that are compressed: every command says what it said before, byte for byte, the other
verifier reads what zstd makes of them, and a kill at any step of compressing loses nothing."""

import hashlib
import os
import re
import shutil
import subprocess

from harness import deadline, lockstep_binary, need, on, read, wait_until, write
from test_journal import made, verdicts
from test_journal_index import PATHS, journal

RECORDS, SEGMENT_BYTES = 1200, 40000
QUESTIONS = (("show",), ("show", "--json"), ("show", "--op", "rename"), ("show", "--failed"), ("stat", "--json"),
             ("at", "0s", "--json"), ("diff", "2026-01-01", "0s"), ("export",), ("export", "--format", "csv"),
             ("prove", "7"), ("prove", "1100"), ("prove", "600"),
             *(("show", path) for path in PATHS), *(("show", path, "--no-index") for path in PATHS))


def answers(folder, public):
    """What every command that reads a journal says of it."""
    said = {words: journal(*words, "--dir", folder) for words in (*QUESTIONS, ("verify",))}
    said["signed"] = journal("verify", "--dir", folder, "--key", public)
    report = journal("report", "--html", "--dir", folder)
    found = {words: (done.returncode, done.stdout) for words, done in said.items()}
    page = re.sub(rb"; made \S+ \S+ by version", b"", report.stdout)
    found["report"] = report.returncode, page, page != report.stdout
    assert found["signed"][0] == 0 and b"signed: no" not in found["signed"][1], found["signed"]
    return found


def forms(folder):
    """(plain segments, compressed ones) by name."""
    names = sorted(os.listdir(folder))
    return ([n for n in names if n.endswith(".jsonl")], [n for n in names if n.endswith(".jsonl.zst")])


def unpacked(ctx, folder, name="unpacked"):
    """A copy in which the standard tool has made the plain segments."""
    need("zstd")
    copy = shutil.copytree(folder, ctx.path(name))
    packed = [f"{copy}/{name}" for name in forms(copy)[1]]
    if packed:
        subprocess.run(["zstd", "-d", "-q", "--rm", *packed], check=True, timeout=60)
    return copy


@on("s3d")
def test_all_commands_say_the_same(ctx):
    folder, names, public = made(ctx, "made", RECORDS, SEGMENT_BYTES)
    plain = {name: read(f"{folder}/{name}") for name in names}
    before = answers(folder, public)
    assert len(before[("show",)][1]) > 50000 and before[("verify",)][1].startswith(b"good: ")
    done = journal("compress", "--dir", folder)
    closed = len(names) - 1
    assert closed > 3
    assert (done.returncode, done.stdout) == (
        0, b"%d segments compressed, 0 were, 0 stay as they are\n" % closed), done
    assert forms(folder) == ([names[-1]], [f"{name}.zst" for name in names[:-1]])
    after = answers(folder, public)
    assert before.keys() == after.keys()
    for words, said in before.items():
        assert after[words] == said, (words, said, after[words])
    done = journal("compress", "--dir", folder)
    assert done.stdout == b"0 segments compressed, %d were, 0 stay as they are\n" % closed, done
    copy = unpacked(ctx, folder)
    assert {name: read(f"{copy}/{name}") for name in names} == plain
    ours, theirs = verdicts(copy, public)
    assert ours[0] and theirs[0], (ours, theirs)
    # What the one finds in the compressed form the other finds in the plain one.
    victim = sorted(names)[1]
    write(f"{copy}/{victim}", plain[victim].replace(b'"rc":200', b'"rc":403', 1))
    ours, theirs = verdicts(copy, public)
    assert not ours[0] and not theirs[0], (ours, theirs)
    subprocess.run(["zstd", "-q", "--rm", f"{copy}/{victim}"], check=True, timeout=60)
    done = journal("verify", "--dir", copy)
    assert done.returncode == 1 and b"FAULT" in done.stdout, done


@on("s3d")
def test_damage_is_named(ctx):
    folder, names, _ = made(ctx, "made", RECORDS, SEGMENT_BYTES)
    assert journal("compress", "--dir", folder).returncode == 0
    path = f"{folder}/{names[1]}.zst"
    whole = read(path)
    middle = len(whole) // 2
    for kind, data in (("frame", whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1:]),
                       ("table", whole[:-5] + bytes(1) + whole[-4:]),
                       ("truncated", whole[:-100]), ("trailing", whole + b"more"), ("truncated", b"")):
        write(path, data)
        done = journal("verify", "--dir", folder)
        first = next(line for line in done.stdout.splitlines() if line.startswith(b"FAULT"))
        assert done.returncode == 1 and first.startswith(f"FAULT: {names[1]}.zst at byte ".encode()), done
        assert first.endswith(f": {kind}".encode()) and b"; 1 faults" in done.stdout, (kind, done)
        if kind in ("frame", "truncated"):  # what is lost is told by who reads, too
            assert journal("export", "--dir", folder).returncode == 1
    for words, status, text in (
            (("--dir", folder, "more"), 2, b"too many"), (("--anew", "--dir", folder), 2, b"--anew"),
            (("--dir", ctx.path("nowhere")), 4, b"cannot open")):
        done = journal("compress", *words)
        assert done.returncode == status and text in done.stderr, done


@on("s3d")
def test_a_damaged_segment_stays_plain(ctx):
    folder, names, _ = made(ctx, "made", RECORDS, SEGMENT_BYTES)
    path = f"{folder}/{names[1]}"
    data = read(path)
    write(path, data[:1000] + b"x" + data[1001:])
    done = journal("compress", "--dir", folder)
    assert done.returncode == 1 and f"{names[1]} stays as it is".encode() in done.stdout, done
    assert forms(folder)[0] == [names[1], names[-1]] and read(path)[1000:1001] == b"x"


# --- crashes -------------------------------------------------------------------------------------


STEPS = ("pwrite64", "utimensat", "fsync", "renameat", "renameat2", "unlinkat")  # a call has been made when it strikes


def digest(ctx, folder):
    """Of all plain bytes, in order."""
    copy = unpacked(ctx, folder, "digest")
    whole = hashlib.sha256(b"".join(read(f"{copy}/{name}") for name in sorted(forms(copy)[0])))
    shutil.rmtree(copy)
    return whole.hexdigest()


@deadline(240)
@on("s3d")
def test_a_kill_at_each_step_loses_nothing(ctx):
    need("strace")
    folder, _, public = made(ctx, "made", 60, 6000)
    assert journal("index", "--dir", folder).returncode == 0
    due, killed = digest(ctx, folder), dict.fromkeys(STEPS, 0)
    for step in STEPS:
        for number in range(1, 400):
            copy = shutil.copytree(folder, ctx.path("copy"))
            done = subprocess.run(
                ["strace", "-qq", "-o", ctx.path("trace"), "-e", f"trace={step}", "-e",
                 f"inject={step}:signal=KILL:when={number}", lockstep_binary(), "journal", "compress", "--dir", copy],
                check=False, capture_output=True, timeout=60)
            ended = done.returncode == 0
            killed[step] += not ended
            verified = journal("verify", "--dir", copy, "--key", public)
            assert verified.returncode == 0, (step, number, verified)
            assert journal("compress", "--dir", copy).returncode == 0, (step, number)
            assert len(forms(copy)[0]) == 1 and digest(ctx, copy) == due, (step, number, forms(copy))
            shutil.rmtree(copy)
            if ended:
                break
    assert killed["fsync"] > 2 and killed["unlinkat"] > 1 and killed["pwrite64"] > 2, killed
    assert killed["renameat"] + killed["renameat2"] > 1, killed


# --- the agent -----------------------------------------------------------------------------------


@on("s3d")
def test_the_agent_compresses_what_it_closes(ctx):
    images = ctx.folder("images")
    agent = ctx.agent(images=images)
    write(f"{images}/one.jpg", b"1")
    os.makedirs(agent.state_dir, 0o700, exist_ok=True)
    folder, _, _ = made(ctx, "made", RECORDS, SEGMENT_BYTES)
    shutil.copytree(folder, f"{agent.state_dir}/journal")
    before = journal("show", "--json", "--dir", folder).stdout
    agent.start()
    wait_until(lambda: len(forms(f"{agent.state_dir}/journal")[0]) == 1, 60,
               lambda: f"all but the last to be compressed: {agent.log()[-1000:]}")
    agent.wait_in_step(60)
    shown = agent.journal("show", "--json").stdout.encode()
    assert shown.startswith(before) and len(shown) > len(before)
    agent.stop()
    assert agent.journal("verify").returncode == 0
