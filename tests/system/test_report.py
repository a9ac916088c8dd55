"""The journal as one page: its numbers are those of `journal stat`, its text is text, and a browser
shows it without a complaint."""

import html.parser
import json
import os
import re
import shutil
import subprocess

from harness import Skip, deadline, lockstep_binary, on, wait_until, write
from test_export import leftovers
from test_journal import made

EVIL = "<script>alert('1')</script> & \"quoted\""
BROWSER_S = 50


class Page(html.parser.HTMLParser):
    """What stands in a page: numbers by their names (and days), tables by their ids, tags."""

    def __init__(self, text):
        super().__init__()
        self.numbers, self.tables, self.tags, self.words = {}, {}, set(), {}
        self._day = self._table = self._name = self._id = None
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.add(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name in found), attrs
        if tag == "table":
            self._table = self.tables.setdefault(found["id"], [])
        elif tag == "tr" and self._table is not None:
            self._day = found.get("data-day")
            self._table.append([])
        elif tag == "td":
            self._table[-1].append("")
            self._in_cell = True
        if "data-n" in found:
            self._name = (self._day, found["data-n"])
            self.numbers.setdefault(self._name, []).append("")
        if "id" in found and tag == "span":
            self._id = found["id"]

    def handle_endtag(self, tag):
        if tag in ("td", "b", "span"):
            self._name = self._id = None
            self._in_cell = self._in_cell and tag != "td"
        elif tag == "table":
            self._table = self._day = None

    def handle_data(self, data):
        if self._name:
            self.numbers[self._name][-1] += data
        if self._id:
            self.words[self._id] = self.words.get(self._id, "") + data
        if self._in_cell:
            self._table[-1][-1] += data

    def number(self, name, day=None):
        return int(self.numbers[day, name][-1])


def report(folder, *words):
    return subprocess.run([lockstep_binary(), "journal", "report", "--html", "--dir", folder, *words],
                          capture_output=True, text=True, timeout=60, check=False)


def compare(page, told, records):
    """The numbers of a page and of `journal stat`."""
    def count(counts, op, state):
        return counts.get(op, {}).get(state, 0)

    for day in [*told["days"], {**told, "day": "all"}]:
        name, counts = day["day"], day["counts"]
        for op, column in (("add", "adds"), ("edit", "edits"), ("meta", "metadata"),
                           ("rename", "renames"), ("remove", "removals")):
            assert page.number(column, name) == count(counts, op, "intent"), (name, op)
        assert page.number("lists", name) == count(counts, "lst", "done")
        assert page.number("puts", name) == count(counts, "put", "done")
        assert page.number("bytes_put", name) == day["bytes_put"]
        assert page.number("failures", name) == sum(c.get("failed", 0) for c in counts.values())
    times = told["intent_to_done_ms"]
    assert {name: page.number(name) for name in times} == times
    assert page.number("records") == told["records"] and page.number("open") == told["open"]
    causes = [(int(row[0]), row[2]) for row in page.tables.get("causes", []) if row]
    assert causes == [(f["count"], f["why"].replace("\n", "\\x0a") or "(no reason told)")
                      for f in told["failures"]]
    assert page.number("rewrites") == count(told["counts"], "lst", "done")
    assert page.number("holds") == sum(r["o"] in ("hold", "release") for r in records)


def lived_through(ctx):
    """An agent that has ended, after deeds with evil names, a hold and failures."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    evil = EVIL.replace("/", "|")
    for name in (evil, "a.jpg", "b.jpg", *(f"many/{i}.jpg" for i in range(30))):
        write(f"{images}/{name}", name.encode())
    write(f"{lists}/{evil}.lst", b"0\t0\ta.jpg\n1\t0\tb.jpg\n")
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 5}).start()
    agent.wait_in_step(60)
    ctx.server.fault("error", op="PutObject", key="images/refused.jpg", code="AccessDenied",
                     status=403, count=0)
    write(f"{images}/refused.jpg", b"nobody wants it")
    os.rename(f"{images}/a.jpg", f"{images}/first.jpg")
    wait_until(lambda: any(r["st"] == "done" for r in agent.journal_records("--op", "lst")), 60,
               "the list")
    shutil.rmtree(f"{images}/many")
    wait_until(lambda: agent.journal_records("--op", "hold"), 60, "a hold")
    wait_until(lambda: agent.journal_records("--failed"), 60, "a failure")
    agent.stop()
    return agent, f"{agent.state_dir}/journal", evil


@deadline(240)
@on("s3d")
def test_the_report_has_the_numbers_of_stat(ctx):
    agent, folder, evil = lived_through(ctx)
    told = json.loads(agent.journal("stat", "--json").stdout)
    done = agent.run("journal", "report", "--html")
    assert done.returncode == 0 and done.stderr == "", done
    page = Page(done.stdout)
    records = agent.journal_records()
    compare(page, told, records)
    assert page.words["verdict"] == "good" and page.number("verified") == len(records)
    assert any(f"{evil}.lst" in row for row in page.tables["lists"]), page.tables["lists"]
    assert any("held" in row for row in page.tables["guard"]), page.tables["guard"]
    assert "script" not in page.tags and "link" not in page.tags and "img" not in page.tags
    assert not re.search(r"url\(|@import|https?:", done.stdout), "it asks for something else"
    made_folder, _, _ = made(ctx, "made", 500, 20000)
    records = [json.loads(line) for line in subprocess.run(
        [lockstep_binary(), "journal", "show", "--json", "--dir", made_folder],
        capture_output=True, check=True, timeout=60).stdout.splitlines()]
    for words in ((), ("--until", f"@{records[200]['t'] / 1e6:.6f}"), ("--since", "2999-01-01")):
        told = json.loads(subprocess.run(
            [lockstep_binary(), "journal", "stat", "--json", "--dir", made_folder, *words],
            capture_output=True, check=True, timeout=60).stdout)
        compare(Page(report(made_folder, *words).stdout), told, records[:told["records"]])


@on("s3d")
def test_a_report_of_a_damaged_journal_says_so(ctx):
    folder, names, _ = made(ctx, "made", 100, 5000)
    path = ctx.path("report.html")
    with open(f"{folder}/{names[1]}", "r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    done = report(folder, "-o", path)
    assert done.returncode == 1 and done.stdout == "", done
    with open(path, encoding="utf-8") as file:
        page = Page(file.read())
    assert page.words["verdict"] == "NOT GOOD" and page.number("faults") > 0
    assert any(names[1] in row for row in page.tables["faults"]), page.tables["faults"]
    assert report(folder, "-o", path).returncode == 2
    assert report(folder, "-o", path, "--force").returncode == 1
    assert report(folder, "-o", ctx.path("no/such")).returncode == 4
    assert report(ctx.path("none")).returncode == 4
    with open("/dev/full", "wb") as full:
        assert subprocess.run([lockstep_binary(), "journal", "report", "--html", "--dir", folder],
                              stdout=full, stderr=subprocess.DEVNULL, timeout=60,
                              check=False).returncode == 4
    assert leftovers(os.path.dirname(path)) == []
    for words in (("--nonsense",), ("--since", "soon"), ("more",)):
        assert report(folder, *words).returncode == 2, words


@deadline(300)
@on("s3d")
def test_a_browser_shows_the_report_without_a_complaint(ctx):
    browser = shutil.which("chromium")
    if not browser:
        raise Skip("not installed: chromium; nobody has seen the report in a browser")
    agent, folder, evil = lived_through(ctx)
    path = ctx.path("report.html")
    assert report(folder, "-o", path).returncode == 0

    def shown(*words):
        """What the browser makes of it: (standard output, what it logs)."""
        try:
            done = subprocess.run(
                [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 f"--user-data-dir={ctx.path('browser')}", "--enable-logging=stderr", *words,
                 f"file://{path}"], capture_output=True, text=True, timeout=BROWSER_S * 2,
                env={**os.environ, "HOME": ctx.folder("home")}, check=False)
        except subprocess.TimeoutExpired:
            raise Skip("the browser does not come to an end on this machine") from None
        if done.returncode:
            raise Skip(f"the browser cannot run here: {done.stderr[-300:]}")
        return done.stdout, done.stderr

    dom, log = shown("--dump-dom")
    assert "CONSOLE" not in log, log
    page = Page(dom)
    compare(page, json.loads(agent.journal("stat", "--json").stdout), agent.journal_records())
    assert any(f"{evil}.lst" in row for row in page.tables["lists"]) and "script" not in page.tags
    write(path, b"<script>console.error('planted')</script>")
    assert "CONSOLE" in shown("--dump-dom")[1], "a complaint would not be seen"
