"""lockstep init: the first configuration, by answers or by flags, tried before it is written."""

import os
import pty
import re
import select
import subprocess
import time

from harness import deadline, lockstep_binary, on, write
from harness.hostile import Hostile, xml_answer


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, words, environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(words[0], words, environment)
        self.text = ""
        self.seen = 0
        self.status = None

    def _more(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            piece = os.read(self.fd, 65536)
        except OSError:  # its end is closed
            return False
        self.text += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)

    def answer(self, question, text, seconds=40):
        """Wait until it asks this, then type."""
        end = time.monotonic() + seconds
        while question not in self.text[self.seen:]:
            if time.monotonic() > end or (not self._more(1) and self.ended()):
                raise AssertionError(f"no {question!r} in {self.text[self.seen:]!r}")
        self.seen = self.text.index(question, self.seen) + len(question)
        os.write(self.fd, text.encode() + b"\n")

    def ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status is not None

    def end(self, seconds=60):
        """Its exit status."""
        end = time.monotonic() + seconds
        while not self.ended() and time.monotonic() < end:
            self._more(0.2)
        while self._more(0):
            pass
        os.close(self.fd)
        return self.status


class Bed:
    """Two trees, a place for the configuration, and the bucket."""

    def __init__(self, ctx):
        self.ctx, self.server = ctx, ctx.server
        self.images, self.lists = ctx.folder("images"), ctx.folder("lists")
        write(f"{self.images}/a/1.jpg", b"1")
        write(f"{self.images}/a/2.jpg", b"22")
        self.conf = ctx.path("lockstep.conf")
        self.environment = {**os.environ, **ctx.server.environment()}
        self.where = ("--endpoint", ctx.server.endpoint, "--region", ctx.server.region,
                      "--state-dir", ctx.path("state"))

    def words(self, *words):
        return [lockstep_binary(), "init", "-c", self.conf, *self.where, *words]

    def run(self, *words):
        return subprocess.run(self.words(*words), capture_output=True, text=True, timeout=120,
                              env=self.environment, stdin=subprocess.DEVNULL, check=False)

    def told(self, *words):
        return self.run("--images", self.images, "--bucket", self.ctx.bucket, *words)

    def ops(self):
        return {r["op"] for r in self.server.requests()} - {"CreateBucket"}

    def check(self):
        return subprocess.run([lockstep_binary(), "config", "check", "-c", self.conf],
                              capture_output=True, text=True, env=self.environment, check=False)


@on("s3d")
def test_by_flags_it_tries_everything_leaves_nothing_and_writes(ctx):
    bed = Bed(ctx)
    done = bed.told("--lists", bed.lists)
    assert done.returncode == 0, done
    assert "NO" not in done.stdout and done.stdout.count("  ok   ") == 18, done.stdout
    assert {"ListObjectsV2", "PutObject", "HeadObject", "GetObject", "CopyObject", "DeleteObject",
            "CreateMultipartUpload", "AbortMultipartUpload", "ListMultipartUploads"} <= bed.ops()
    assert not ctx.client.keys("")
    assert ctx.client.aws_json("s3api", "list-multipart-uploads", "--bucket", ctx.bucket) \
        .get("Uploads", []) == []
    checked = bed.check()
    assert checked.returncode == 0 and f'path = "{bed.lists}"' in checked.stdout, checked
    text = open(bed.conf, encoding="utf-8").read()
    assert "# max_removals = 200;" in text and bed.images in text
    ran = subprocess.run([lockstep_binary(), "agent", "--once", "-c", bed.conf],
                         capture_output=True, text=True, env=bed.environment, check=False)
    assert ran.returncode == 0, ran
    assert set(ctx.client.keys("")) == {"images/a/1.jpg", "images/a/2.jpg"}


@on("s3d")
def test_what_is_there_is_not_overwritten_and_what_is_wrong_is_said(ctx):
    bed = Bed(ctx)
    write(bed.conf, b"mine")
    refused = bed.told()
    assert refused.returncode == 2 and "--force" in refused.stderr, refused
    assert bed.ops() == set() and open(bed.conf, "rb").read() == b"mine"
    printed = bed.told("--print")
    assert printed.returncode == 0 and printed.stdout.startswith("# lockstep.conf"), printed
    assert bed.ops() == set() and open(bed.conf, "rb").read() == b"mine"
    assert bed.told("--force", "--no-check").returncode == 0
    assert bed.ops() == set() and bed.check().returncode == 0
    os.unlink(bed.conf)
    for words, said in (((), "--images and --bucket"), (("--images", bed.images), "--bucket"),
                        (("--nonsense",), "unknown option"), (("word",), "too many arguments"),
                        (("--images", bed.images + "/none", "--bucket", "b-b"), "images/none"),
                        (("--images", bed.images, "--bucket", "No Bucket"), "s3.bucket"),
                        (("--images", bed.images, "--lists", bed.images, "--bucket", "b-b"),
                         "path"),
                        (("--images", bed.images, "--bucket", "b-b", "--prefix", "/x"), "prefix")):
        done = bed.run(*words)
        assert done.returncode == 2 and said in done.stderr, (words, done)
        assert not os.path.exists(bed.conf)


DENIED = (
    ("ListObjectsV2", "s3:ListBucket"), ("PutObject", "s3:PutObject"),
    ("HeadObject", "s3:GetObject"), ("GetObject", "s3:GetObject"),
    ("CopyObject", "s3:GetObjectTagging"),
    ("CreateMultipartUpload", "s3:PutObject"),
    ("AbortMultipartUpload", "s3:AbortMultipartUpload"),
    ("ListMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("DeleteObject", "s3:DeleteObject"))


@on("s3d")
@deadline(120)
def test_each_denied_action_is_named_and_nothing_is_written(ctx):
    bed = Bed(ctx)
    for op, action in DENIED:
        ctx.server.fault("error", op=op, code="AccessDenied", count=0)
        done = bed.told()
        ctx.server.clear_faults()
        refused = [line for line in done.stdout.splitlines() if line.startswith("  NO   ")]
        assert done.returncode == 1 and len(refused) == 1, (op, done)
        told = "HTTP status 403" if op == "HeadObject" else "AccessDenied"  # a HEAD has no body
        assert action in refused[0] and f": {told}; allow it" in refused[0], (op, refused)
        assert not os.path.exists(bed.conf), op
        left = re.findall(r"could not be deleted: (\S+)", done.stdout)
        assert bool(left) == (op == "DeleteObject"), (op, done.stdout)
        assert sorted(ctx.client.keys("")) == sorted(left), (op, left)
        for key in left:
            ctx.client.signed.delete(key)
        for key in ctx.client.keys(""):
            ctx.client.signed.delete(key)


def told_of_versions(bed):
    """What it says once, and that it writes all the same."""
    done = bed.told("--lists", bed.lists)
    assert done.returncode == 0 and os.path.exists(bed.conf), done
    told = re.findall(rf"^versioning of s3://{bed.ctx.bucket}\n  (.*)$", done.stdout, re.M)
    assert len(told) == 1, done
    os.unlink(bed.conf)
    return told[0]


@on("s3d")
def test_what_a_bucket_without_versions_means_is_said_and_no_permission_is_needed(ctx):
    bed = Bed(ctx)
    told = told_of_versions(bed)
    assert told.startswith("off: ") and "gone for good" in told and 'deletes = "trash"' in told, told
    ctx.server.fault("error", op="GetBucketVersioning", code="AccessDenied", count=0)
    told = told_of_versions(bed)
    assert told.startswith("not known (s3:GetBucketVersioning: AccessDenied)"), told


@on("s3d", options=("--versioning",))
def test_that_a_bucket_keeps_versions_is_said(ctx):
    told = told_of_versions(Bed(ctx))
    assert told.startswith("on: ") and "can be had back" in told, told


REFUSED = xml_answer(b"403 Forbidden", b"<Error><Code>AccessDenied</Code><Message>User: "
                     b"arn:aws:iam::111122223333:user/x is not authorized to perform: "
                     b"kms:GenerateDataKey on resource: y</Message></Error>")


@on("s3d")
def test_the_action_that_s3_names_is_the_one_that_is_told(ctx):
    bed = Bed(ctx)
    with Hostile(REFUSED) as server:
        done = bed.told("--endpoint", server.url)
    assert done.returncode == 1 and not os.path.exists(bed.conf), done
    assert "  NO   kms:GenerateDataKey (uploads): AccessDenied; " in done.stdout, done.stdout


@on("s3d")
def test_a_bucket_that_is_not_there_and_a_server_that_is_not(ctx):
    bed = Bed(ctx)
    done = bed.run("--images", bed.images, "--bucket", "no-such-bucket-here")
    assert done.returncode == 4 and "NoSuchBucket" in done.stdout, done
    assert done.stdout.count("not tried") == 8 and not os.path.exists(bed.conf), done.stdout


@on("s3d")
def test_on_a_terminal_it_asks_and_offers_a_plan_first(ctx):
    bed = Bed(ctx)
    terminal = Terminal(bed.words(), bed.environment)
    terminal.answer("Which directory has the images?", bed.images + "/none")
    terminal.answer("Which directory has the images?", bed.images)  # again, with what was wrong
    terminal.answer("the .lst files (empty: none)?", "")
    terminal.answer("Which bucket do they go to?", ctx.bucket)
    terminal.answer("Try the permissions on the bucket? [Y/n]", "")
    terminal.answer("Show what the first run would do? [y/N]", "y")
    terminal.answer("Write it? [Y/n]", "")
    status = terminal.end()
    assert status == 0, terminal.text
    assert "2 files to put, 3 bytes" in terminal.text, terminal.text
    plan, written = terminal.text.index("files to put"), terminal.text.index("written:")
    assert plan < written and terminal.text.count("  ok   ") == 9
    assert bed.check().returncode == 0
    assert not ctx.client.keys("")


@on("s3d")
def test_on_a_terminal_it_asks_whether_to_replace_what_is_there(ctx):
    bed = Bed(ctx)
    write(bed.conf, b"mine")
    words = bed.words("--images", bed.images, "--bucket", ctx.bucket)
    terminal = Terminal(words, bed.environment)
    terminal.answer("Propose one that replaces it? [y/N]", "")
    assert terminal.end() == 2 and "--force" in terminal.text, terminal.text
    assert bed.ops() == set() and open(bed.conf, "rb").read() == b"mine"
    terminal = Terminal(words, bed.environment)
    terminal.answer("Propose one that replaces it? [y/N]", "y")
    terminal.answer("Try the permissions on the bucket? [Y/n]", "n")
    terminal.answer("Show what the first run would do? [y/N]", "")
    terminal.answer("Write it, in place of what is there? [Y/n]", "")
    assert terminal.end() == 0 and bed.check().returncode == 0, terminal.text


@on("s3d")
def test_on_a_terminal_no_is_no(ctx):
    bed = Bed(ctx)
    ctx.server.fault("error", op="DeleteObject", code="AccessDenied", count=0)
    words = bed.words("--images", bed.images, "--bucket", ctx.bucket)
    terminal = Terminal(words, bed.environment)
    terminal.answer("Try the permissions on the bucket? [Y/n]", "y")
    terminal.answer("Write it all the same? [y/N]", "")
    assert terminal.end() == 1 and not os.path.exists(bed.conf), terminal.text
    terminal = Terminal(words, bed.environment)
    terminal.answer("Try the permissions on the bucket? [Y/n]", "n")
    terminal.answer("Show what the first run would do? [y/N]", "")
    terminal.answer("Write it? [Y/n]", "no")
    assert terminal.end() == 1 and not os.path.exists(bed.conf), terminal.text
    terminal = Terminal(bed.words(), bed.environment)
    terminal.answer("Which directory has the images?", "\x04")  # the input ends
    assert terminal.end() == 2 and not os.path.exists(bed.conf), terminal.text
