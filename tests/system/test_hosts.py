"""The journals of several hosts, read as one: three agents with host names of their own keep three trees
in one bucket."""

import csv
import io
import json
import os
import shutil
import subprocess

from harness import Skip, lockstep_binary, on, write

HOSTS = ("alpha", "beta", "gamma")
NAMED = 'echo "$0" > /proc/sys/kernel/hostname && exec "$@"'


def journal(question, folders, *words, status=0):
    """What `lockstep journal` says of these folders, with no configuration."""
    dirs = [word for folder in folders for word in ("--dir", folder)]
    done = subprocess.run([lockstep_binary(), "journal", *question.split(), *dirs, *words],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done
    return done


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


class Three:
    """Three hosts, whose agents have ended, and their journals."""

    def __init__(self, ctx):
        if os.geteuid() != 0:
            raise Skip("only root can give an agent another host name")
        self.trees, self.agents, self.folders = {}, {}, {}
        for host in HOSTS:
            tree = self.trees[host] = ctx.folder(host, "images")
            write(f"{tree}/cats/1.jpg", host.encode())
            write(f"{tree}/{host}.jpg", b"x" * 100)
            agent = self.agents[host] = ctx.agent(tree, name=f"{host}/agent", repository={
                "prefix": f"{host}/", "max_removals": 100})
            agent.mappings = [(tree, f"{host}/")]
            self.folders[host] = f"{agent.state_dir}/journal"
        for host in HOSTS:
            self.agents[host].start(wrap=("unshare", "--uts", "sh", "-c", NAMED, host))
        for host in HOSTS:
            self.agents[host].wait_in_step(30)
        os.rename(f"{self.trees['beta']}/cats/1.jpg", f"{self.trees['beta']}/cats/first.jpg")
        self.agents["beta"].wait_in_step(30)
        os.unlink(f"{self.trees['alpha']}/alpha.jpg")
        write(f"{self.trees['gamma']}/late.jpg", b"late")
        for host in HOSTS:
            self.agents[host].wait_in_step(30)
        for host in HOSTS:
            assert self.agents[host].stop() == 0

    def records(self, *hosts):
        """What each journal has by itself, in the order that all should have together."""
        rows = []
        for host in hosts or HOSTS:
            rows += [(r["t"], host, r["q"], r)
                     for r in lines(journal("show", [self.folders[host]], "--json"))]
        return [{"host": host, **r} for _, host, _, r in sorted(rows, key=lambda row: row[:3])]


def without_identity(rows):
    return [{key: value for key, value in row.items() if key != "j"} for row in rows]


@on("s3d")
def test_the_journals_of_three_hosts(ctx):
    """Show, export, stat, report, verify, at and diff, each of all and of each."""
    three = Three(ctx)
    folders = list(three.folders.values())
    shown_together(three, folders)
    exported_together(ctx, three, folders)
    counted_together(ctx, three, folders)
    checked_together(ctx, three, folders)
    replayed_apart(ctx, three, folders)


def shown_together(three, folders):
    expected = three.records()
    found = lines(journal("show", folders, "--json"))
    assert without_identity(found) == expected
    assert len({row["j"] for row in found}) == 3 and len({r["host"] for r in found}) == 3
    assert found == lines(journal("show", folders[::-1], "--json"))
    text = journal("show", folders).stdout.splitlines()
    assert [line.split()[1:3] for line in text] == [[r["host"], str(r["q"])] for r in expected]
    found = lines(journal("show", folders, "--json", "--host", "beta", "--host", "gamma"))
    assert without_identity(found) == three.records("beta", "gamma")
    # An image is followed under its names in its own journal: beta's has another one.
    life = without_identity(lines(journal("show cats/first.jpg", folders, "--json")))
    assert {r["host"] for r in life} == {"beta"} and life[0]["p"] == "cats/1.jpg", life
    assert life == without_identity(lines(journal("show cats/first.jpg", folders, "--json",
                                                  "--no-index")))
    adds = lines(journal("show cats/1.jpg", folders, "--json", "--op", "add"))
    assert [r["host"] for r in adds if r["st"] == "intent"] == \
        [r["host"] for r in expected if r["o"] == "add" and r["st"] == "intent"
         and r.get("p") == "cats/1.jpg"], adds


def exported_together(ctx, three, folders):
    expected = three.records()
    assert without_identity(lines(journal("export", folders))) == expected
    rows = list(csv.DictReader(io.StringIO(journal("export --format csv", folders).stdout)))
    assert [(r["host"], int(r["q"]), r["o"]) for r in rows] == \
        [(r["host"], r["q"], r["o"]) for r in expected]
    done = journal("export --format sqlite", folders, "-o", ctx.path("no.db"), status=2)
    assert "of one journal" in done.stderr and not os.path.exists(ctx.path("no.db"))


def counted_together(ctx, three, folders):
    told = lines(journal("stat", folders, "--json"))[0]
    assert [h["host"] for h in told["hosts"]] == list(HOSTS)
    for host in told["hosts"]:
        alone = lines(journal("stat", [three.folders[host["host"]]], "--json"))[0]
        assert {k: v for k, v in host.items() if k not in ("host", "j")} == alone, host
    assert told["records"] == sum(h["records"] for h in told["hosts"]) == len(three.records())
    assert told["bytes_put"] == sum(h["bytes_put"] for h in told["hosts"])
    assert told["intent_to_done_ms"]["count"] == \
        sum(h["intent_to_done_ms"]["count"] for h in told["hosts"])
    text = journal("stat", folders).stdout
    assert "host alpha\n" in text and "\nall 3 hosts\n" in text, text
    page = ctx.path("page.html")
    journal("report --html", folders, "-o", page)
    with open(page, encoding="utf-8") as file:
        text = file.read()
    assert text.count('id="verdict">good') == 3 and "Host by host" in text
    for host in told["hosts"]:
        assert f"<td><bdi>{host['host']}</bdi></td><td><bdi>{host['j']}</bdi></td>" in text, text
        assert f'data-n="host_records">{host["records"]}<' in text.replace("<i></i>", ""), text


def checked_together(ctx, three, folders):
    text = journal("verify", folders).stdout
    assert text.count("\ngood: ") + text.startswith("good: ") == 3, text
    damaged = ctx.path("damaged")
    shutil.copytree(three.folders["beta"], damaged)
    segment = next(name for name in os.listdir(damaged) if name.endswith(".jsonl"))
    with open(f"{damaged}/{segment}", "r+b") as file:
        data = file.read()
        file.seek(data.index(b'"o":"add"') + 5)
        file.write(b"d")
        file.seek(data.index(b'"o":"add"') + 6)
        file.write(b"b")
    mixed = [three.folders["alpha"], damaged, three.folders["gamma"]]
    text = journal("verify", mixed, status=1).stdout
    assert text.count("NOT GOOD") == 1 and text.count("\ngood: ") == 2, text
    assert text.index("host beta") < text.index("NOT GOOD") < text.index("host gamma"), text
    done = journal("show", mixed, "--json", status=1)
    assert "beta: 0" in done.stderr and {r["host"] for r in lines(done)} >= {"alpha", "gamma"}
    # What makes no sense is refused, with what would.
    done = journal("verify", [damaged, three.folders["beta"]], status=2)
    assert "which is in" in done.stderr and "once" in done.stderr, done.stderr
    for words, reason in ((("--host", "delta"), "alpha, beta, gamma"),
                          (("--dir", "s3://bucket/journal"), "aws s3 cp")):
        done = journal("show", folders, *words, status=2)
        assert reason in done.stderr, done.stderr
    assert "one journal" in journal("follow", folders, status=2).stderr
    assert "by itself" in journal("verify", folders, "--anchor", "x", status=2).stderr


def replayed_apart(ctx, three, folders):
    rows = lines(journal("at 0s", folders, "--json"))
    listed = ctx.client.aws_json("s3api", "list-objects-v2", "--bucket", ctx.bucket)["Contents"]
    assert sorted((f"{r['host']}/{r['p']}", r["e"]) for r in rows) == \
        sorted((item["Key"], item["ETag"].strip('"')) for item in listed), rows
    text = journal("at 0s", folders).stdout
    assert all(f"{r['host']} images:{r['p']}\n" in text for r in rows), text
    changed = journal("diff 2020-01-01 0s", folders).stdout.splitlines()
    assert sorted(line.split() for line in changed) == \
        sorted(["added", r["host"], f"images:{r['p']}"] for r in rows), changed
    # As one tree, the last word on a path counts, whoever's it is.
    last = {}
    for r in three.records():
        if r["st"] == "done" and r["o"] in ("put", "copy", "delete"):
            last[r["p"]] = r
    one = lines(journal("at 0s --one-tree", folders, "--json"))
    assert {r["p"]: r["e"] for r in one} == \
        {p: r["e"] for p, r in last.items() if r["o"] != "delete"}, one


@on("s3d")
def test_two_journals_of_one_host(ctx):
    """They are told apart by what they are, in whatever order they are given."""
    folders = []
    for name in ("first", "second"):
        tree = ctx.folder(name, "images")
        write(f"{tree}/{name}.jpg", name.encode())
        agent = ctx.agent(tree, name=f"{name}/agent", repository={"prefix": f"{name}/"})
        agent.once()
        folders.append(f"{agent.state_dir}/journal")
    told = lines(journal("stat", folders, "--json"))[0]["hosts"]
    assert told[0]["host"] == told[1]["host"] == os.uname().nodename
    assert told[0]["j"] < told[1]["j"], told
    text = journal("show", folders).stdout
    for host in told:
        name = f"{host['host']}/{host['j'][:8]}"
        assert f" {name} " in text, (name, text)
        only = lines(journal("show", folders, "--json", "--host", name))
        assert {r["j"] for r in only} == {host["j"]} and len(only) == host["records"], only
    assert journal("show", folders[::-1]).stdout == text
