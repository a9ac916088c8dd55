"""The journal for other programs: JSON Lines, CSV and SQLite, read back by Python's own modules and
held against `journal show`, `journal stat` and what the second verifier reads."""

import collections
import csv
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import time

import journal_verifier
from harness import deadline, lockstep_binary, mounts, on, wait_until, write
from test_journal import framed, made

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "journal.md")
COLUMNS = ["p64" if key == "P" else "d64" if key == "D" else key
           for key in journal_verifier.RECORD_KEYS]
NUMBERS = {"q", "t", "n", "tx", "s", "u", "g", "rc", "at", "ms"}
NASTY = (b"a,b.jpg", b'say "cheese".jpg', b"two\nlines.jpg", b"cr\rlf\r\n.jpg", b"=1+1.jpg",
         b"<script>alert(1)<.jpg", "gr\u00fcn \u732b/\U0001f431.jpg".encode(),
         b"'; DROP TABLE records; --.jpg", b" white \t space ", b"\\.jpg")


def export(folder, *words, **options):
    """`lockstep journal export` of a directory, with bytes for output."""
    return subprocess.run([lockstep_binary(), "journal", "export", "--dir", folder, *words],
                          capture_output=True, timeout=60, check=False, **options)


def shown(folder, *words):
    """The records that `journal show` prints."""
    done = subprocess.run([lockstep_binary(), "journal", "show", "--json", "--dir", folder, *words],
                          capture_output=True, timeout=60, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def second_reading(folder):
    """The lines of all records, as the other verifier finds them in the segments."""
    lines = []
    for name in sorted(name for name in os.listdir(folder) if name.endswith(".jsonl")):
        with open(f"{folder}/{name}", "rb") as file:
            found, _ = journal_verifier.batches(file.read())
        lines += [line for _, body, _ in found for line in body.split(b"\n")[:-1]
                  if line.startswith(b'{"q":')]
    return lines


def row_of(record):
    """A record as a row of the columns."""
    named = {"p64" if key == "P" else "d64" if key == "D" else key: record[key] for key in record}
    assert set(named) <= set(COLUMNS), record
    return tuple(named.get(column) for column in COLUMNS)


def csv_records(data):
    """The rows of a CSV."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    assert rows[0] == COLUMNS, rows[0]
    return [tuple(None if text == "" else int(text) if column in NUMBERS else text
                  for column, text in zip(COLUMNS, row, strict=True)) for row in rows[1:]]


def leftovers(folder):
    return [name for name in os.listdir(folder) if name.startswith(".lockstep-")]


def database(path):
    """A database, opened to be read."""
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def lived_through(ctx):
    """An agent that has ended after all sorts of deeds, and its journal's folder."""
    images, lists = os.fsencode(ctx.folder("images")), ctx.folder("lists")
    for name in NASTY:
        write(os.path.join(images, name), name)
    for name in (b"cats/1.jpg", b"cats/2.jpg", b"0.jpg", b"gone.jpg"):
        write(os.path.join(images, name), name)
    write(f"{lists}/train.lst", b"0\t0\t0.jpg\n1\t0\tcats/1.jpg\n2\t0\tgone.jpg\n")
    agent = ctx.agent(images=os.fsdecode(images), lists=lists, repository={"max_removals": 100})
    agent.start()
    wait_until(lambda: agent.run("status").returncode == 0, 60, "all in S3")
    write(os.path.join(images, b"not\xffutf8/\xfe.jpg"), b"no key can be that")
    ctx.server.fault("error", op="PutObject", key="images/refused.jpg", code="AccessDenied",
                     status=403, count=0)
    write(os.path.join(images, b"refused.jpg"), b"nobody wants it")
    for old, new in ((b"cats/1.jpg", b"cats/first.jpg"), (b"cats", b"animals"),
                     (b"animals/first.jpg", b"top.jpg"), (b"0.jpg", b"zero,\n\"0\".jpg")):
        os.rename(os.path.join(images, old), os.path.join(images, new))
        wait_until(lambda new=new: any(r["st"] == "done" and os.fsdecode(new) in (r.get("d"), "")
                                       for r in agent.journal_records("--op", "rename")), 60,
                   f"the rename to {new}")
    os.unlink(os.path.join(images, b"gone.jpg"))
    wait_until(lambda: any(r["st"] == "done" for r in agent.journal_records("--op", "delete")
                           if r["p"] == "gone.jpg"), 60, "the removal")
    wait_until(lambda: agent.journal_records("--failed"), 60, "a failure")
    agent.stop()
    return agent, f"{agent.state_dir}/journal"


@deadline(240)
@on("s3d")
def test_an_export_is_the_journal_in_every_format(ctx):
    agent, folder = lived_through(ctx)
    lines, path = second_reading(folder), ctx.path("out")
    assert [json.loads(line) for line in lines] == agent.journal_records() and len(lines) > 60
    assert all(any(name in line for line in lines) for name in (b"two\\nlines", b"\\\"cheese", b"zero"))
    compare(lines, folder, path)
    done = agent.run("journal", "export", "--format", "csv", "-o", path)  # by the configuration
    assert done.returncode == 0 and done.stdout == done.stderr == "", done
    with open(path, "rb") as file:
        assert file.read() == export(folder, "--format", "csv").stdout
    assert os.stat(path).st_mode & 0o7777 == 0o600
    folder, _, _ = made(ctx, "made", 300, 20000)  # records of every kind
    compare(second_reading(folder), folder, f"{path}-made")


def compare(lines, folder, path):
    """The journal in this folder, exported in every format, is these lines."""
    records = [json.loads(line) for line in lines]
    for words in ((), ("--format", "jsonl")):
        done = export(folder, *words)
        assert done.returncode == 0 and done.stderr == b"", done
        assert done.stdout.split(b"\n") == [*lines, b""]
    done = export(folder, "--format", "csv")
    assert done.returncode == 0 and done.stderr == b"" and done.stdout.endswith(b"\r\n"), done
    assert csv_records(done.stdout) == [tuple(None if value == "" else value for value in row_of(r))
                                        for r in records]
    done = export(folder, "--format", "sqlite", "-o", f"{path}.db")
    assert done.returncode == 0 and done.stdout == done.stderr == b"", done
    with database(f"{path}.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = db.execute("SELECT * FROM records ORDER BY q")
        assert [column[0] for column in found.description] == COLUMNS
        assert found.fetchall() == [row_of(r) for r in records]
        about = db.execute("SELECT journal, records, faults, last_q FROM about").fetchall()
        assert about == [(folder, len(records), 0, records[-1]["q"])], about
    assert leftovers(os.path.dirname(path)) == []


@deadline(240)
@on("s3d")
def test_the_views_of_the_database_say_what_the_program_says(ctx):
    agent, folder = lived_through(ctx)
    path = ctx.path("journal.db")
    assert export(folder, "--format", "sqlite", "-o", path).returncode == 0
    told = json.loads(agent.journal("stat", "--json").stdout)
    with sqlite3.connect(path) as db:
        days = db.execute("SELECT day, records, adds, edits, metadata, renames, removals, lists,"
                          " puts, bytes_put, failures FROM by_day ORDER BY day").fetchall()

        def count(day, op, state):
            return day["counts"].get(op, {}).get(state, 0)

        assert days == [
            (d["day"], d["records"], *(count(d, op, "intent") for op in
                                       ("add", "edit", "meta", "rename", "remove")),
             count(d, "lst", "done"), count(d, "put", "done"), d["bytes_put"],
             sum(states.get("failed", 0) for states in d["counts"].values()))
            for d in told["days"]], (days, told)
        causes = db.execute("SELECT why, failures, last FROM causes").fetchall()
        assert causes == [(f["why"], f["count"], f["last"]) for f in told["failures"]], causes
        failures = db.execute("SELECT count(*), max(path), max(http_status) FROM failures").fetchone()
        assert failures == (sum(f["count"] for f in told["failures"]), "refused.jpg", 403), failures
        times = sorted(ms for ms, in db.execute("SELECT ms FROM latency"))
        said = told["intent_to_done_ms"]
        assert len(times) == said["count"] > 15 and times[-1] == said["max"], (times, said)
        half = times[(len(times) + 1) // 2 - 1]
        assert half <= said["p50"] <= half + half / 16 + 1, (times, said)
        lists = db.execute("SELECT count(*), max(path), max(length(sha256_after)) FROM lists")
        assert lists.fetchone() == (told["counts"]["lst"]["done"], "train.lst", 64)
        for name in ("top.jpg", "animals/first.jpg", "cats/first.jpg", "cats/1.jpg", "cats",
                     "animals/2.jpg", 'zero,\n"0".jpg', "0.jpg", "gone.jpg", "nowhere.jpg"):
            db.execute("UPDATE life_of SET path = ?", (name,))
            life = db.execute("SELECT * FROM life").fetchall()
            assert life == [row_of(r) for r in shown(folder, name)], (name, life)
            assert life or name == "nowhere.jpg"
        plan = str(db.execute("EXPLAIN QUERY PLAN SELECT * FROM records WHERE p = 'x'").fetchall()
                   + db.execute("EXPLAIN QUERY PLAN SELECT * FROM records WHERE t > 1").fetchall()
                   + db.execute("EXPLAIN QUERY PLAN SELECT * FROM records WHERE o = 'x'").fetchall())
        assert all(f"records_{name}" in plan for name in ("path", "time", "op")), plan


@on("s3d")
def test_an_export_may_be_of_a_part(ctx):
    folder, _, _ = made(ctx, "made", 500, 20000)
    records = shown(folder)

    def exported(*words):
        done = export(folder, *words)
        assert done.returncode == 0, done
        return [json.loads(line) for line in done.stdout.splitlines()]

    since, until = (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(records[at]["t"] // 1000000))
                    + f".{records[at]['t'] % 1000000:06}Z" for at in (100, 300))
    assert exported("--since", since, "--until", until) == records[100:301]
    assert exported("--since", since) == records[100:]
    assert exported("--until", until, "--op", "put") == [
        r for r in records[:301] if r["o"] == "put"] != []
    assert exported("--failed") == [r for r in records if r["st"] == "failed"] != []
    assert exported("--since", "2999-01-01") == []
    path = ctx.path("part.db")
    assert export(folder, "--format", "sqlite", "-o", path, "--since", since, "--until",
                  until).returncode == 0
    with database(path) as db:
        assert db.execute("SELECT min(q), max(q), count(*) FROM records").fetchone() == (
            records[100]["q"], records[300]["q"], 201)
        assert db.execute("SELECT records, journal_records FROM about").fetchone() == (
            201, len(records))
    assert export(folder, "--format", "csv", "--since", "2999-01-01").stdout.count(b"\r\n") == 1


@on("s3d")
def test_what_is_damaged_is_told_and_not_exported(ctx):
    folder, names, _ = made(ctx, "made", 200, 5000)
    whole = shown(folder)
    path = f"{folder}/{names[2]}"
    with open(path, "rb") as file:
        data = file.read()
    offset, body, commit = journal_verifier.batches(data)[0][3]
    lost = {json.loads(line)["q"] for line in body.split(b"\n") if line.startswith(b'{"q":')}
    assert lost
    # A flipped bit is found by whoever reads it; what was edited and framed again, by its chain.
    edited = body.replace(b'"w":"images"', b'"w":"IMAGES"')
    end = data.index(b"\n", offset + len(body)) + 1
    for kind, bytes_now, gone in (
            ("crc", data[:offset + 30] + bytes([data[offset + 30] ^ 1]) + data[offset + 31:], lost),
            ("chain", data[:offset] + edited + framed(edited, bytes(32)) + data[end:], set())):
        write(path, bytes_now)
        rest = [r for r in shown(folder) if r["q"] not in gone]
        assert len(rest) == len(whole) - len(gone), (kind, len(rest))
        for words in ((), ("--format", "csv"), ("--format", "sqlite")):
            out = ctx.path(f"{kind}-{words[1] if words else 'jsonl'}")
            done = export(folder, *words, "-o", out)
            assert done.returncode == 1 and names[2].encode() in done.stderr, (kind, done)
            assert kind.encode() in done.stderr, (kind, done)
            if "sqlite" in words:
                with database(out) as db:
                    assert db.execute("SELECT * FROM records ORDER BY q").fetchall() == [
                        row_of(r) for r in rest], kind
                    assert db.execute("SELECT faults FROM about").fetchone()[0] > 0
            else:
                with open(out, "rb") as file:
                    got = file.read()
                assert (csv_records(got) == [row_of(r) for r in rest] if words else
                        [json.loads(line) for line in got.splitlines()] == rest), kind
    write(path, data)
    assert commit and export(folder).returncode == 0
    assert export(ctx.path("none")).returncode == 4


@on("s3d")
def test_a_file_that_is_there_stays_unless_forced(ctx):
    folder, _, _ = made(ctx, "made", 50, 5000)
    path = ctx.path("out")
    for form in ("jsonl", "csv", "sqlite"):
        write(path, b"precious")
        done = export(folder, "--format", form, "-o", path)
        assert done.returncode == 2 and b"--force" in done.stderr, done
        with open(path, "rb") as file:
            assert file.read() == b"precious"
        os.chmod(path, 0o644)
        done = export(folder, "--format", form, "-o", path, "--force")
        assert done.returncode == 0 and os.stat(path).st_mode & 0o777 == 0o600, done
        with open(path, "rb") as file:
            assert b"precious" not in file.read()
    for other in (ctx.folder("folder"), "/dev/null"):
        done = export(folder, "-o", other, "--force")
        assert done.returncode == 2 and b"no file" in done.stderr, done
    assert export(folder, "-o", ctx.path("no/such")).returncode == 4
    for words in (("--format", "xml"), ("--format", "sqlite"), ("--since", "soon"), ("more",),
                  ("--op", "x"), ("--format", "sqlite", "-o", "-"), ("--nonsense",)):
        assert export(folder, *words).returncode == 2, words
    assert export(folder, "--help").returncode == 0


def made_in_memory(ctx, records):
    """The folder of a larger journal, on a file system that nobody waits for. Mounts are private."""
    memory = ctx.folder("memory")
    mounts.mount("-t", "tmpfs", "tmpfs", memory)
    return made(ctx, "memory/made", records, 4 << 20)[0]


@on("s3d")
def test_a_full_disk_leaves_nothing_half_done(ctx):
    small = ctx.folder("small")
    mounts.private()
    folder = made_in_memory(ctx, 3000)
    mounts.mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", small)
    for form in ("jsonl", "csv", "sqlite"):
        done = export(folder, "--format", form, "-o", f"{small}/out")
        assert done.returncode == 4 and b"No space left" in done.stderr, done
        assert os.listdir(small) == [], form
        write(f"{small}/out", b"what was there")
        done = export(folder, "--format", form, "-o", f"{small}/out", "--force")
        assert done.returncode == 4 and os.listdir(small) == ["out"], done
        with open(f"{small}/out", "rb") as file:
            assert file.read() == b"what was there"
        os.unlink(f"{small}/out")


@on("s3d")
def test_whoever_does_not_take_the_output_is_told_of(ctx):
    mounts.private()
    folder = made_in_memory(ctx, 3000)
    for form in ("jsonl", "csv"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([lockstep_binary(), "journal", "export", "--dir", folder,
                                   "--format", form], stdout=full, stderr=subprocess.PIPE,
                                  timeout=60, check=False)
        assert done.returncode == 4 and b"No space left" in done.stderr, done
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([lockstep_binary(), "journal", "export", "--dir", folder,
                               "--format", form], stdout=writer, stderr=subprocess.PIPE,
                              timeout=60, check=False)
        os.close(writer)
        assert done.returncode == 4 and b"Broken pipe" in done.stderr, done


def ended_midway(folder, out, form):
    """Begin an export into the folder `out` and end it; was it ended before it was done? Nothing is
    left behind, or the whole file."""
    running = subprocess.Popen([lockstep_binary(), "journal", "export", "--dir", folder, "--format",
                                form, "-o", f"{out}/file"])
    wait_until(lambda: os.listdir(out), 30, "its temporary file", interval=0.001)
    running.send_signal(signal.SIGSTOP)
    running.terminate()
    running.send_signal(signal.SIGCONT)
    assert running.wait(30) in (-signal.SIGTERM, 0), running.returncode
    assert leftovers(out) == [], form
    if not os.listdir(out):
        return running.returncode == -signal.SIGTERM
    with open(f"{out}/file", "rb") as file:
        data = file.read()
    if form == "csv":
        assert data.count(b"\r\n") == len(second_reading(folder)) + 1
    os.unlink(f"{out}/file")
    return False


@on("s3d")
def test_an_export_that_is_ended_leaves_nothing(ctx):
    mounts.private()
    folder, out = made_in_memory(ctx, 15000), ctx.folder("out")
    for form in ("sqlite", "csv"):
        assert any(ended_midway(folder, out, form) for _ in range(20)), form


@on("s3d")
def test_a_journal_may_be_exported_while_it_is_written(ctx):
    images = ctx.folder("images")
    agent = ctx.agent(images=images).start()
    agent.wait_until_ready()
    folder, last = f"{agent.state_dir}/journal", []
    for i in range(20):
        write(f"{images}/{i}.jpg", b"%d" % i)
        done = export(folder)
        assert done.returncode == 0, done
        lines = done.stdout.splitlines()
        assert lines[:len(last)] == last
        last = lines
    agent.wait_in_step(30)
    agent.stop()
    assert second_reading(folder)[:len(last)] == last


def test_athena_reads_the_columns_of_the_export(ctx):
    with open(DOCS, encoding="utf-8") as file:
        statement = re.search(r"CREATE EXTERNAL TABLE \w+ \((.*?)\)\nPARTITIONED BY (.*?)\n```",
                              file.read(), re.DOTALL)
    columns = re.findall(r"`(\w+)` (\w+)", statement[1])
    assert [name for name, _ in columns] == COLUMNS, columns
    assert {name for name, kind in columns if kind in ("bigint", "int")} == NUMBERS, columns
    mapped = dict(re.findall(r"'mapping\.(\w+)' = '(\w+)'", statement[2]))
    assert mapped == {"p64": "P", "d64": "D"}, mapped
    folder, _, _ = made(ctx, "made", 200, 1 << 20)
    header = export(folder, "--format", "csv").stdout.split(b"\r\n", 1)[0].decode()
    assert [name for name, _ in columns] == header.split(",")
    keys = collections.Counter(key for record in shown(folder) for key in record)
    assert set(keys) <= {mapped.get(name, name) for name, _ in columns}, keys
    # The table of the segments as they are has the same columns, and what tells records apart.
    with open(DOCS, encoding="utf-8") as file:
        segments = re.search(r"CREATE EXTERNAL TABLE lockstep_segments \((.*?)\n\)", file.read(), re.DOTALL)
    assert re.findall(r"`(\w+)` (\w+)", segments[1]) == [("k", "string"), *columns]
    with open(f"{folder}/{next(n for n in os.listdir(folder) if n.endswith('.jsonl'))}", "rb") as file:
        lines = [json.loads(line) for line in file.read().splitlines()]
    assert [line for line in lines if "k" not in line] == shown(folder)
