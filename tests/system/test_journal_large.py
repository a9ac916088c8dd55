"""Every journal command on one large journal, signed, that the bench makes: what it must say follows from the
journal's size by arithmetic. How long each takes and how much memory it has at the most is printed."""

import json
import os
import re
import sqlite3
import subprocess
import sys

from harness import Agent, deadline, lockstep_binary, long_test, on, write
from harness.agent import is_sanitized
from harness.made_journal import SHOWN, MadeJournal, bench_program, etag_of, path_of, size_of
from harness.process import measure
from harness.replayed_bucket import ReplayedBucket
from test_report import Page, compare

HERE = os.path.dirname(os.path.abspath(__file__))
LARGE = int(os.environ.get("LOCKSTEP_LARGE_RECORDS", "10000000"))
SMALL, SMALL_SEGMENT = 30000, 100000
USUAL_SEGMENTS = 1000000  # records from which on segments have their usual size
PYTHON_MOST = {True: 1000000, False: SMALL // 10}  # records that the verifier in Python, which is slow, is given
CHECKPOINT_LINES = 5
PATIENCE_S = 3000  # of one command
BOUNDED_KIB = 96 << 10  # of what has no more in memory for a larger journal
OBJECT_BYTES, REST_KIB = 400, 64 << 10  # of what has all objects in memory


class Session:
    """Commands on journals, and what each cost."""

    def __init__(self, ctx, long):
        self.ctx, self.long, self.rows = ctx, long, []
        self.measured, self.over = not is_sanitized(), []

    def took(self, name, done):
        self.rows.append((name, done.seconds, done.processor, done.peak))

    def run(self, name, words, status=0, output=None, env=None, most=BOUNDED_KIB):
        """What a program says; with `output`, what it prints is in that file instead. `most` is the memory that
        it may have, in KiB; None: it is as it is."""
        done = measure(words, env, PATIENCE_S, output)
        self.took(name, done)
        assert done.status == status, (name, done.status, done.said[-3000:])
        if most and self.measured and done.peak > most:
            self.over.append(f"{name}: {done.peak >> 10} MiB, not {most >> 10}")
        return done.said

    def ask(self, name, *words, journals=(), **how):
        """The same of `lockstep journal` on these journals."""
        dirs = [word for journal in journals for word in ("--dir", journal.folder)]
        return self.run(name, [lockstep_binary(), "journal", *words, *dirs], **how)

    def lines(self, name, *words, **how):
        """How many lines the answer has that begin with each word, for answers that are long."""
        path = self.ctx.path("answer")
        said = self.ask(name, *words, output=path, **how)
        assert said == "", said
        counts = {}
        with open(path, "rb") as file:
            for line in file:
                first = line.split(b" ", 1)[0].decode()
                if first and not first.isdigit():
                    counts[first] = counts.get(first, 0) + 1
                else:
                    counts["line"] = counts.get("line", 0) + 1
        os.unlink(path)
        return counts

    def table(self):
        print(f"{'':48} seconds   of processors   MiB at the most")
        for name, seconds, processor, peak in self.rows:
            print(f"{name:45} {seconds:10.3f} {processor:15.3f} {peak / 1024:17.1f}")
        sys.stdout.flush()


def new_key(s, name):
    """The file of a new key; its public half is beside it."""
    path = s.ctx.path(f"{name}.key")
    public = s.ask("key new", "key", "new", path, "--name", f"{name}.example").strip()
    assert s.ask("key show", "key", "show", path).strip() == public
    write(f"{path}.public", f"{public}\n".encode())
    return path


def made(s, records, host):
    """A journal of about so many records, signed by a key of its own, with closed segments."""
    segment_bytes = SMALL_SEGMENT if records < USUAL_SEGMENTS else 0
    journal = MadeJournal(s.ctx.path(host), records // 3 * 3, host, new_key(s, host), segment_bytes)
    done = journal.make(PATIENCE_S)
    s.took(f"the bench makes {host}", done)
    return journal


def records_of(text):
    return [json.loads(line) for line in text.splitlines()]


# --- one journal ---------------------------------------------------------------------------------


def verify(s, journal, when, *more):
    """It is good, and signed to its end; the number of checkpoints."""
    said = s.ask(f"verify --key{when}", "verify", "--key", f"{journal.key}.public", *more, journals=[journal])
    found = re.match(r"good: (\d+) segments, (\d+) batches, (\d+) records \(1 to (\d+)\), (\d+) bytes; 0 faults",
                     said)
    assert found and int(found[3]) == int(found[4]) == journal.records, said
    lines = journal.records + int(found[1])  # with the segments' headers
    signed = re.search(r"signed: (\d+) of (\d+) lines, by (\d+) checkpoints", said)
    assert signed and int(signed[1]) == int(signed[2]) == lines, (lines, said)
    assert len(more) == 0 or "and 1 that were kept" in said, said
    return int(signed[3])


def ask_verify(s, journal):
    assert verify(s, journal, "") >= len(journal.names(".jsonl"))
    anchor = s.ctx.path("anchor")
    first = read_lines(f"{journal.folder}/{journal.names('.checkpoints')[0]}")
    write(anchor, b"".join(first[:CHECKPOINT_LINES]))
    verify(s, journal, " --anchor", "--anchor", anchor)
    foreign = f"{new_key(s, 'foreign')}.public"
    said = s.ask("verify with a foreign key", "verify", "--key", foreign, journals=[journal], status=1)
    assert "FAULT" in said, said[-2000:]
    return anchor


def read_lines(path):
    with open(path, "rb") as file:
        return file.read().splitlines(keepends=True)


def other_verifier(s, journal):
    """The one in Python says so too; how long that takes is in the table."""
    with open(f"{journal.key}.public", encoding="ascii") as file:
        public = file.read().strip()
    said = s.run(f"the verifier in Python ({journal.records} records)",
                 [sys.executable, "-B", f"{HERE}/journal_verifier.py", journal.folder, "--key", public], most=None)
    assert str(journal.records) in said, said


def lives(journal):
    """Whose life is asked for: the numbers of its records."""
    plain, renamed = journal.images // 3, journal.renamed
    first, last = journal.first_number(plain), journal.first_number(renamed)
    return {path_of(plain): [first, first + 1, first + 2],
            SHOWN: [last, last + 1, last + 2, *range(journal.odd, journal.odd + 4)],
            path_of(renamed): [last, last + 1, last + 2, *range(journal.odd, journal.odd + 4)],
            "nowhere/nothing.jpg": []}


def ask_lives(s, journal, when):
    for path, numbers in lives(journal).items():
        what = {SHOWN: "a renamed image", path_of(journal.renamed): "its first name",
                "nowhere/nothing.jpg": "nothing"}.get(path, "an image")
        said = s.ask(f"show PATH{when}: {what}", "show", path, "--json", journals=[journal])
        assert [record["q"] for record in records_of(said)] == numbers, (path, said)
        if path in (path_of(journal.images // 3), SHOWN):
            text = s.ask(f"show PATH{when}: {what}, as text", "show", path, journals=[journal])
            assert text.count("\n") == len(numbers) and f"images: {path}" in text, text


def ask_show(s, journal):
    said = s.ask("show PATH --no-index", "show", SHOWN, "--json", "--no-index", journals=[journal])
    assert [record["q"] for record in records_of(said)] == lives(journal)[SHOWN], said
    chosen = s.ctx.path("chosen.lst")
    write(chosen, f"0\t1\t{SHOWN}\n1\t0\t{path_of(7)}\n".encode())
    said = s.ask("show --list", "show", "--list", chosen, "--json", journals=[journal])
    first = journal.first_number(7)
    assert [record["q"] for record in records_of(said)] == [
        first, first + 1, first + 2, journal.odd, journal.odd + 1, journal.odd + 3], said
    said = records_of(s.ask("show --op", "show", "--op", "rename", "--json", journals=[journal]))
    assert [(record["q"], record["st"]) for record in said] == [
        (journal.odd, "intent"), (journal.odd + 3, "done")], said
    said = records_of(s.ask("show --failed", "show", "--failed", "--json", journals=[journal]))
    assert [(record["q"], record["rc"], record["p"]) for record in said] == [
        (journal.odd + 5, 503, path_of(journal.refused))], said
    since, until = between(journal), between(journal) + 5
    said = records_of(s.ask("show --since --until", "show", "--json", "--since", f"@{since}", "--until",
                            f"@{until}", journals=[journal]))
    assert [record["q"] for record in said] == list(
        range(journal.last_before(since) + 1, journal.last_before(until) + 1)), said
    ask_follow(s, journal)


def ask_follow(s, journal):
    """What comes from a time on, to the journal's end, where it waits."""
    since = journal.time_us(journal.records) // 1000000 - 1
    words = [lockstep_binary(), "journal", "follow", "--json", "--dir", journal.folder, "--since", f"@{since}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as following:
        due = range(journal.last_before(since) + 1, journal.records + 1)
        assert [json.loads(following.stdout.readline())["q"] for _ in due] == list(due)
        assert following.poll() is None
        following.kill()
    assert len(due) > 10, due


def between(journal):
    """A whole second between an image and its renaming."""
    return journal.time_us(journal.records * 5 // 8) // 1000000


def ask_past(s, journal):
    then, objects = between(journal), journal.objects
    most = REST_KIB + journal.images * OBJECT_BYTES // 1024
    due = journal.objects_before(then)
    assert s.lines("at TIME", "at", f"@{then}", journals=[journal], most=most) == {"line": due}
    assert s.lines("at the end", "at", "0s", journals=[journal], most=most) == {"line": len(objects)}
    said = records_of(s.ask("at TIME PATH --json", "at", f"@{then}", path_of(5), "--json", journals=[journal],
                            most=most))
    assert [(o["p"], o["s"], o["e"], o["q"]) for o in said] == [
        (path_of(5), size_of(5), etag_of(5), journal.first_number(5) + 1)], said
    # What was renamed was there at the first time, and is one more name at the second.
    assert s.lines("diff TIME TIME", "diff", f"@{then}", "0s", journals=[journal], most=2 * most) == {
        "added": len(objects) - due + 1, "removed": 1}


def told_of(journal):
    """What `journal stat` has to say."""
    puts = journal.images - len(journal.passed_over)
    images = (i for i in range(journal.images) if i not in journal.passed_over)
    return {"records": journal.records, "bytes_put": sum(size_of(i) for i in images), "open": 0,
            "counts": {"add": {"intent": puts, "done": puts}, "put": {"done": puts, "failed": 1},
                       "rename": {"intent": 1, "done": 1}, "copy": {"done": 1}, "delete": {"done": 1},
                       "idle": {"note": 1}, "key": {"note": 1}}}


def ask_stat(s, journal, when=""):
    told = json.loads(s.ask(f"stat --json{when}", "stat", "--json", journals=[journal]))
    due = told_of(journal)
    assert {name: told[name] for name in due} == due, (told, due)
    assert sum(day["records"] for day in told["days"]) == journal.records, told
    assert told["failures"][0]["why"].startswith("SlowDown") and told["failures"][0]["count"] == 1, told
    return told


def ask_report(s, journals, name):
    page = s.ctx.path("report.html")
    s.ask(name, "report", "--html", "-o", page, journals=journals)
    with open(page, encoding="utf-8") as file:
        text = file.read()
    os.unlink(page)
    assert text.rstrip().endswith("</html>"), text[-200:]
    return text


def count_rows(path):
    """(records, puts that were done, bytes put, lives of SHOWN by the view) of an exported database."""
    with sqlite3.connect(path) as base:
        found = base.execute("SELECT count(*), sum(o = 'put' AND st = 'done') FROM records").fetchone()
        size, failures = base.execute("SELECT sum(bytes_put), sum(failures) FROM by_day").fetchone()
        numbers = [row[0] for row in base.execute("SELECT q FROM records WHERE p = ? OR d = ? ORDER BY q",
                                                  (SHOWN, SHOWN))]
    base.close()
    return *found, size, failures, numbers


def ask_export(s, journal):
    path, due = s.ctx.path("export"), told_of(journal)
    for form, head in (("jsonl", 0), ("csv", 1)):
        s.ask(f"export --format {form}", "export", "--format", form, "-o", path, journals=[journal])
        with open(path, "rb") as file:
            assert sum(1 for _ in file) == journal.records + head, form
        os.unlink(path)
    s.ask("export --format sqlite", "export", "--format", "sqlite", "-o", path, journals=[journal])
    numbers = [journal.odd, journal.odd + 1, journal.odd + 3]
    assert count_rows(path) == (journal.records, due["counts"]["put"]["done"], due["bytes_put"], 1, numbers)
    os.unlink(path)


def ask_proofs(s, journal, when=""):
    """Of records from the first to the last, for who has the public key alone."""
    proof, public = s.ctx.path("proof"), f"{journal.key}.public"
    for number in (1, 2, journal.records // 2, journal.odd + 5, journal.records):
        write(proof, s.ask(f"prove{when}", "prove", str(number), journals=[journal]).encode())
        said = s.ask(f"verify-proof{when}", "verify-proof", "--key", public, proof)
        assert json.loads(said)["q"] == number, said
    lines = read_lines(proof)
    for place, line in ((1, lines[1]), (2, lines[2]), (3, lines[3]), (-1, lines[-1])):
        # the record, its number, a hash, the signature
        at = len(line) // 2 if place != 2 else len("index ")
        changed = line[:at] + (b"A" if line[at:at + 1] != b"A" else b"B") + line[at + 1:]
        write(proof, b"".join(changed if other is line else other for other in lines))
        done = measure([lockstep_binary(), "journal", "verify-proof", "--key", public, proof])
        assert done.status in (1, 2) and "{" not in done.said, (place, done)


def ask_index(s, journal):
    closed = len(journal.names(".jsonl")) - 1
    said = s.ask("index", "index", journals=[journal])
    assert said == f"{closed} indexes made, 0 were there, 0 segments have none\n", said


def compress(s, journal):
    """Compressed, it says the same."""
    names = journal.names(".jsonl")
    raw, closed = journal.plain_bytes(), len(names) - 1
    before = ask_stat(s, journal)
    said = s.ask("compress", "compress", journals=[journal])
    assert said == f"{closed} segments compressed, 0 were, 0 stay as they are\n", said
    packed = [f"{journal.folder}/{name}" for name in journal.names(".zst")]
    records = int(names[-1][:20]) - 1
    size = sum(os.path.getsize(path) for path in packed)
    indexes = sum(os.path.getsize(f"{journal.folder}/{name}") for name in journal.names(".idx"))
    print(f"{journal.records} records, {raw / journal.records:.1f} bytes each; "
          f"{size / records:.1f} in closed segments, and {indexes / records:.1f} of indexes")
    assert len(packed) == closed and size / records <= 50, (size, records)
    assert ask_stat(s, journal, ", compressed") == before


# --- several -------------------------------------------------------------------------------------


def ask_several(s, journals):
    keys = [word for journal in journals for word in ("--key", f"{journal.key}.public")]
    said = s.ask("two: verify", "verify", *keys, journals=journals)
    assert said.count("good: ") == 2 and "FAULT" not in said, said
    assert [f"{j.records} records" in said and f"host {j.host}," in said for j in journals] == [True, True], said
    said = records_of(s.ask("two: show PATH", "show", SHOWN, "--json", journals=journals))
    for journal in journals:
        assert [r["q"] for r in said if r["host"] == journal.host] == lives(journal)[SHOWN], said
    assert [r["t"] for r in said] == sorted(r["t"] for r in said), said
    text = s.ask("two: show --failed", "show", "--failed", journals=journals)
    assert [j.host in text for j in journals] == [True, True] and text.count("\n") == 2, text
    told = json.loads(s.ask("two: stat", "stat", "--json", journals=journals))
    assert told["records"] == sum(journal.records for journal in journals), told
    page = ask_report(s, journals, "two: report")
    assert [journal.host in page for journal in journals] == [True, True]


# --- the bucket ----------------------------------------------------------------------------------


def against(s, name, auditor, journal, status, *words):
    """(differences by key, sum) of `verify --against-journal --json`."""
    said = s.run(name, [lockstep_binary(), "verify", "-c", auditor.conf, "--against-journal", "--json", "--dir",
                        journal.folder, *words], status, env=auditor.environment)
    found = records_of(said)
    assert found[-1]["records"] == journal.records and found[-1]["differences"] == len(found) - 1, said[-2000:]
    return {line["key"]: line for line in found[:-1]}, found[-1]


def ask_against(s, journal):
    bucket = ReplayedBucket(journal.objects)
    auditor = Agent(s.ctx.folder("auditor"), s.ctx.server, s.ctx.client, "/nonexistent/images",
                    s3={"endpoint": bucket.url})
    found, total = against(s, "verify --against-journal", auditor, journal, 0)
    assert found == {} and total["objects"] == len(journal.objects), total
    assert total["keys"] == len(journal.objects) + 1 and total["asked"] == 0, total
    if not s.long:
        found, total = against(s, "verify --against-journal --deep", auditor, journal, 0, "--deep")
        assert found == {} and total["asked"] == bucket.heads == len(journal.objects), total
    spoil(s, bucket, auditor, journal)
    bucket.close()


def spoil(s, bucket, auditor, journal):
    """One object less, one more, one other than it was: each is named, with its record."""
    images = [journal.images // 5, journal.images // 7]
    missing, changed = (path_of(image) for image in images)
    stranger = f"{path_of(journal.images // 2)}.copy"
    bucket.missing.add(missing)
    bucket.extra[stranger] = (5, '"0123456789abcdef0123456789abcdef"')
    bucket.changed[changed] = "f" * 32
    found, total = against(s, "the same, of a changed bucket", auditor, journal, 1)
    assert {key: line["difference"] for key, line in found.items()} == {
        f"images/{missing}": "missing", f"images/{changed}": "differs", f"images/{stranger}": "extra"}, found
    assert [found[f"images/{path}"]["record"] for path in (missing, changed)] == [
        journal.first_number(image) + 1 for image in images], found
    assert "f" * 32 in found[f"images/{changed}"]["cause"], found
    assert total["missing"] == total["extra"] == total["differs"] == 1, total


def everything(s, records, second):
    journal = made(s, records, "first")
    anchor = ask_verify(s, journal)
    ask_index(s, journal)
    ask_lives(s, journal, "")
    ask_show(s, journal)
    ask_past(s, journal)
    ask_proofs(s, journal)
    compare(Page(ask_report(s, [journal], "report --html")), ask_stat(s, journal), [])
    ask_export(s, journal)
    ask_against(s, journal)
    other = made(s, second, "second")
    ask_several(s, [journal, other])
    for one in (journal, other):
        if one.of_images <= PYTHON_MOST[s.long]:
            other_verifier(s, one)
    compress(s, journal)
    verify(s, journal, ", compressed", "--anchor", anchor)
    ask_proofs(s, journal, ", compressed")
    ask_lives(s, journal, ", compressed")
    ask_several(s, [journal, other])


def session(ctx, long, *sizes):
    s = Session(ctx, long)
    try:
        everything(s, *sizes)
    finally:
        s.table()
    assert s.over == [], s.over


@on("s3d")
@deadline(300)
def test_every_command_on_thirty_thousand_records(ctx):
    session(ctx, False, SMALL, SMALL // 10)


@on("s3d")
@long_test
@deadline(6 * 3600)
def test_every_command_on_ten_million_records(ctx):
    session(ctx, True, LARGE, LARGE // 10)


@on("s3d")
def test_the_bench_says_how_a_journal_is_made(ctx):
    bench, folder = bench_program(), ctx.path("made")
    for words in (["make"], ["make", "300"], ["make", "99", folder], ["make", "x", folder],
                  ["make", "300", folder, "host", "key", "0"], ["many"], ["300", folder, "more"]):
        done = measure([bench, *words])
        assert done.status == 2 and "usage: bench_journal" in done.said, done
        assert not os.path.exists(folder)
    assert measure([bench, "make", "300", folder]).status == 0
    before = os.listdir(folder)
    done = measure([bench, "make", "300", folder])
    assert done.status == 1 and "there is a journal already" in done.said, done
    assert os.listdir(folder) == before
