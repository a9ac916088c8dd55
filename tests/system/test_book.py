"""The examples of README.md and docs/: every fenced block says what it is; commands are run, line by
line as they stand, on a host of the test's own, and configurations are checked."""

import glob
import os
import re
import shutil
import subprocess

from harness import Skip, deadline, lockstep_binary, mounts, on, read, write
from harness.host import Host

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONF = "/etc/lockstep/lockstep.conf"
PUBLIC = "example.com/images+0a1b2c3d+AQ..."  # how the book writes the public half of a key
LANGUAGES = {"sh", "conf", "ini", "sql", "text", "yaml"}

# Blocks that are not run here, by their names, and why.
BLOCKS_ELSEWHERE = {
    name: "test_package.py runs it on a host with packages (--long)"
    for name in ("install", "first start", "upgrade", "removal")}
# Lines that are not run here, by how they begin, and why.
LINES_NOT_RUN = {
    "./dev run": "test_demo.py runs the demonstration",
    "./dev test": "this is part of it",
    "autoreconf -i &&": "what is tested was built so; ./dev test --long has make distcheck",
    "journalctl": "no journald is there; test_events.py reads what it is told",
    "lockstep journal follow": "it does not end by itself; test_journal.py has it",
}
# Lines that may end with another status than 0, by how they begin, and why.
MAY_END_WITH = {
    "lockstep status": ((1, 3), "no agent is running there: not in step; or removals are held"),
    "lockstep journal diff": ((1,), "1: there are differences"),
    "lockstep verify --against-journal": ((1,), "1: other blocks have changed what S3 has"),
}
# What stands in the book for what only the host knows.
RECORD = "4711"


def documents():
    """(path, text) of README.md and docs/*.md."""
    for path in [f"{TOP}/README.md"] + sorted(glob.glob(f"{TOP}/docs/*.md")):
        with open(path, encoding="utf-8") as file:
            yield os.path.relpath(path, TOP), file.read()


def blocks():
    """(path, language, name, text) of each fenced block."""
    for path, text in documents():
        fences = re.findall(r"^```", text, re.M)
        assert len(fences) % 2 == 0, f"{path}: a block has no end"
        for words, body in re.findall(r"^```(.*)\n((?:.*\n)*?)```$", text, re.M):
            language, _, name = words.partition(" ")
            yield path, language, name, body


def beginning(table, line):
    return next((value for begin, value in table.items() if line.startswith(begin)), None)


class Book:
    """A host with trees, a server, and a signed journal of a run."""

    def __init__(self, ctx):
        self.ctx, self.host = ctx, Host(ctx.folder("book"))
        self.environment = {name: value for name, value in ctx.server.environment().items()
                            if name.startswith("AWS_")}
        self.host.take(lockstep_binary(), "/usr/bin/lockstep")
        for path in ("/etc/lockstep", "/var/lib/lockstep", "/srv/book/kept", "/audit", "/mnt"):
            os.makedirs(self.host.path(path), exist_ok=True)
        # Not on the overlay, whose files lie on two devices.
        mounts.mount("-t", "tmpfs", "-o", "mode=755", "trees", self.host.path("/mnt"))
        ctx.server.create_bucket("training-data")
        ctx.server.create_bucket("audit-bucket")

    def run(self, line, check=True):
        return self.host.run("sh", "-c", f"cd /srv/book && {line}", check=check,
                             **self.environment)

    def line_of(self, path, begin):
        """The line of a document that begins so."""
        with open(f"{TOP}/{path}", encoding="utf-8") as file:
            return next(line for line in file.read().splitlines() if line.startswith(begin))

    def prepare(self):
        """A key as the book makes it, a first run, images that are held, and an auditor's copy."""
        made = self.run(self.line_of("docs/journal.md", "lockstep journal key new"))
        key = re.search(r"example\.com/images\+[0-9a-f]{8}\+\S+", made.stdout).group(0)
        for name in [f"cats/{i:04}.jpg" for i in range(1, 9)] + ["2019/a.jpg", "drafts/b.jpg"]:
            write(self.host.path(f"/mnt/efs/images/{name}"), name.encode())
        write(self.host.path("/mnt/efs/lists/train.lst"), b"0\t1\tcats/0001.jpg\n")
        write(self.host.path(CONF), self.base().encode())
        self.ctx.server.fault("error", op="PutObject", key="images/cats/0002.jpg",
                              code="AccessDenied")  # once: something failed
        self.run("lockstep agent --once")
        os.unlink(self.host.path("/mnt/efs/images/cats/0008.jpg"))
        self.run("lockstep agent --once")
        for name in ("2019", "drafts", "cats"):
            shutil.rmtree(self.host.path(f"/mnt/efs/images/{name}"))
        assert self.run("lockstep agent --once", check=False).returncode == 3
        self.run("cp -a /var/lib/lockstep/journal /audit/copy")
        self.run("cp /audit/copy/checkpoint kept/checkpoint-2026-01")
        self.run("cp -a /audit/copy /audit/alpha && cp /mnt/efs/lists/train.lst .")
        self.run("zstd -q /audit/copy/00000000000000000001.jsonl --output-dir-flat .")  # as if closed
        write(self.host.path("/srv/book/audit.conf"), self.base().encode())
        self.second_host()
        records = self.run("lockstep journal show --json --op put").stdout
        return key, re.search(r'"q":(\d+)', records).group(1)

    def second_host(self):
        """The journal of a host with another name, tree and bucket."""
        for name in ("images/1.jpg", "lists/1.lst"):
            write(self.host.path(f"/mnt/beta/{name}"), name.encode())
        text = self.base().replace("/mnt/efs", "/mnt/beta").replace("training-data", "audit-bucket")
        write(self.host.path("/srv/book/beta.conf"),
              ('state_dir = "/var/lib/beta";\n' + text.replace("journal:", "# ", 1)).encode())
        self.run("unshare --uts sh -c 'echo beta > /proc/sys/kernel/hostname &&"
                 " lockstep agent --once -c beta.conf' && cp -a /var/lib/beta/journal /audit/beta")

    def base(self):
        """The least that works of the README, for this server, with a key."""
        text = next(body for path, language, _, body in blocks()
                    if path == "README.md" and language == "conf")
        return (text.replace('region = "us-east-1"', f'endpoint = "{self.ctx.server.endpoint}"; '
                             f'region = "{self.ctx.server.region}"; addressing = "path"') +
                'journal: { key = "/etc/lockstep/journal.key"; };\n')


def follow(book, path, body, key, record):
    """Run a block: its lines in one shell, so that they share what they set."""
    lines = [line for line in body.splitlines() if not beginning(LINES_NOT_RUN, line)]
    lines = [line for line in lines if not line.startswith("lockstep journal key new")]  # is run
    script = []
    for line in lines:
        line = line.replace(PUBLIC, key).replace(RECORD, record)
        # A server of ours in place of Amazon's; where there is a configuration it names it.
        server = book.ctx.server.endpoint
        line = line.replace("aws s3 ", f"aws --endpoint-url {server} s3 ")
        if line.startswith("lockstep init"):
            line += f" --endpoint {server}"
        script += [line, 'echo "@@ $?"']
    done = book.run("\n".join(script), check=False)
    ends = [int(n) for n in re.findall(r"^@@ (\d+)$", done.stdout, re.M)]
    assert len(ends) == len(lines), f"{path}: {done.stdout[-3000:]}"
    for line, end in zip(lines, ends):
        may_be = (beginning(MAY_END_WITH, line) or ((), ""))[0]
        assert end == 0 or end in may_be, f"{path}: {line} ended with {end}: {done.stdout[-3000:]}"
    return len(lines)


def check_configuration(book, path, group, body):
    """A whole file, or a part that goes with the least that works: in a group of it, or beside."""
    text = body
    if group:
        text = re.sub(rf"^({group} .*?)( }} \);)$", rf"\1 {body.strip()}\2", book.base(), flags=re.M)
        assert text != book.base(), group
    elif "s3:" not in body:
        text = book.base().replace("journal:", "# ", 1) + body
    write(book.host.path("/srv/book/example.conf"), text.encode())
    done = book.run("lockstep config check -c example.conf", check=False)
    assert done.returncode == 0, f"{path}: {done.stdout}\n{text}"


@on("s3d")
def test_every_block_says_what_it_is(ctx):
    del ctx
    seen, used = 0, set()
    for path, language, name, body in blocks():
        assert language in LANGUAGES, f"{path}: a block is {language!r}: {body[:80]!r}"
        seen += 1
        used |= {name} if language == "sh" and name else set()
        used |= {begin for line in body.splitlines() for begin in (*LINES_NOT_RUN, *MAY_END_WITH)
                 if line.startswith(begin)}
    assert seen > 15
    stale = (set(BLOCKS_ELSEWHERE) | set(LINES_NOT_RUN) | set(MAY_END_WITH)) - used
    assert not stale, f"nothing of the book is called so any more: {stale}"


def named_tests():
    """(what docs/security.md names, whether it is there)."""
    with open(f"{TOP}/docs/security.md", encoding="utf-8") as file:
        rows = [line for line in file if line.startswith("|")]
    functions = {f"{os.path.basename(path)[5:-3]}.{name}"
                 for path in glob.glob(f"{TOP}/tests/*/test_*.py")
                 for name in re.findall(r"^def test_(\w+)\(", read(path).decode(), re.M)}
    for name in re.findall(r"`([^`]+)`", "".join(row.rsplit("|", 2)[1] for row in rows)):
        if name.startswith("tests/"):
            yield name, os.path.exists(f"{TOP}/{name}")
        elif name.endswith("*"):
            yield name, any(f.startswith(name[:-1]) for f in functions)
        else:
            yield name, name in functions


@on("s3d")
def test_what_security_promises_names_tests_that_are_there(ctx):
    del ctx
    named = dict(named_tests())
    assert len(named) > 40, named
    assert all(named.values()), [name for name, there in named.items() if not there]


@on("s3d")
def test_manual_pages_have_no_warnings_and_are_named(ctx):
    del ctx
    pages = sorted(glob.glob(f"{TOP}/packaging/man/*.[1-8]"))
    if shutil.which("man") is None:
        raise Skip("man is not installed")
    for page in pages:
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-P", "cat", page],
                              capture_output=True, text=True, check=False,
                              env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0 and not done.stderr, f"{page}: {done.stderr}"
    made = read(f"{TOP}/packaging/local.mk").decode().split()
    missing = [page for page in pages if os.path.relpath(page, TOP) not in made]
    assert not missing, f"not installed: {missing}"


def examples_of(page):
    """The commands of a manual page's examples."""
    text = read(f"{TOP}/packaging/man/{page}").decode()
    for line in re.findall(r"^\$ (.+)$", text, re.M):
        yield line.replace("\\-", "-").replace("\\(dq", '"').replace("\\(aq", "'")


@on("s3d")
@deadline(180)
def test_the_examples_run_as_they_stand(ctx):
    book = Book(ctx)
    key, record = book.prepare()
    run = 0
    for path, language, name, body in blocks():
        if language == "sh" and name not in BLOCKS_ELSEWHERE:
            run += follow(book, path, body, key, record)
        elif language == "conf":
            check_configuration(book, path, name, body)
    assert run > 20, run
    for line in examples_of("lockstep-journal.5"):
        done = book.run(line)
        assert done.stdout.strip(), line
