"""The transfer engine through s3probe: what arrives, what is refused, what is tried again."""

import json
import os
import re
import shutil
import subprocess
import threading
import time

from harness import on
from harness import process

MIB = 1 << 20
SPECIAL = ("plain.png", "sp ace.png", "plus+plus.png", "per%cent%41.png", "quo'te.png",
           'dou"ble.png', "tilde~.png", "amp&<>.png", "comma,;=@:.png", "semi#?.png", "grüße/日本.png",
           "deep/er/st/ill.lst", "back\\slash.png", "[br]{ace}.png", "tab\there.png")


# --- helpers ---------------------------------------------------------------------------------------


def probe_binary():
    """$S3PROBE, or the one of the build."""
    return os.environ.get("S3PROBE",
                          os.path.join(process.build_dir(), "tests", "system", "s3probe"))


def is_sanitized():
    """s3probe was built with a sanitizer."""
    with open(probe_binary(), "rb") as file:
        data = file.read()
    return b"__asan_init" in data or b"__tsan_init" in data


class Probe:
    """One run of s3probe: outcomes by key, and what it said on stderr."""

    def __init__(self, text, stderr, status):
        self.lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        self.outcomes = {line["key"]: line for line in self.lines if "verdict" in line}
        self.stderr, self.status = stderr, status

    def verdicts(self):
        return {key: line["verdict"] for key, line in self.outcomes.items()}

    @property
    def only(self):
        assert len(self.lines) == 1, (self.lines, self.stderr)
        return self.lines[0]


def command(ctx, options, arguments, endpoint=None):
    return [probe_binary(), "-b", ctx.bucket, "-e", endpoint or ctx.server.endpoint,
            *(str(o) for o in options), *arguments]


def run(ctx, *arguments, options=(), endpoint=None, env=None, stdin=None):
    """Run s3probe to its end."""
    done = subprocess.run(command(ctx, options, arguments, endpoint), capture_output=True,
                          timeout=80, check=False, env=env or ctx.server.environment(),
                          input=stdin)
    errors = done.stderr.decode(errors="replace")
    assert done.returncode in (0, 1), (done.returncode, errors)
    return Probe(done.stdout.decode(), errors, done.returncode)


def run_behind(ctx, meddle, *arguments, options=(), env=None):
    """The same, but call meddle() when s3probe has looked at the files and not yet begun."""
    with subprocess.Popen(command(ctx, ("-s", 400, *options), arguments), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=env or ctx.server.environment()) as child:
        assert child.stdout.readline() == b"looked\n"
        meddle()
        out, errors = child.communicate(timeout=80)
    return Probe(out.decode(), errors.decode(errors="replace"), child.returncode)


def write(root, path, data):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as file:
        file.write(data)
    return full


def one_file(ctx, data=b"some bytes", name="a.png"):
    """A folder with one file."""
    root = ctx.folder("tree")
    write(root, name, data)
    return root


def put_one(ctx, options=(), **how):
    """PUT one small file to p/a.png; its outcome."""
    return run(ctx, "put", one_file(ctx), "p", "a.png", options=options, **how).only


def ops(ctx):
    """Operations and statuses in the order in which s3d saw them."""
    return [(line["op"], line["status"]) for line in ctx.server.requests()
            if line["op"] != "CreateBucket"]


# --- what arrives ----------------------------------------------------------------------------------


@on("s3d", "ceph", "swift")
def test_special_names_arrive(ctx):
    root = ctx.folder("tree")
    for name in SPECIAL:
        write(root, name, name.encode())
    os.chmod(os.path.join(root, SPECIAL[0]), 0o640)
    os.utime(os.path.join(root, SPECIAL[0]), ns=(1, 1700000000123456789))
    result = run(ctx, "put", root, "p", *SPECIAL)
    assert set(result.verdicts().values()) == {"done"}, result.lines
    ctx.client.assert_tree(root, "p/")
    head = ctx.client.signed.head("p/plain.png")
    assert head.headers["content-type"] == "image/png"
    assert result.outcomes["p/plain.png"]["etag"] == head.headers["etag"].strip('"')


@on("s3d", "ceph", "swift")
def test_sizes_at_the_borders(ctx):
    root = ctx.folder("tree")
    sizes = [0, 1, 63, 64, 65, 16383, 16384, 16385, 65535, 65536, 65537, 131071, 131072, 131073,
             MIB - 1, MIB, MIB + 1]
    for size in sizes:
        write(root, f"f{size}", os.urandom(size))
    result = run(ctx, "put", root, "p", *(f"f{size}" for size in sizes))
    assert set(result.verdicts().values()) == {"done"}, result.lines
    assert {line["size"] for line in result.lines} == set(sizes)
    ctx.client.assert_tree(root, "p/")


@on("s3d")
def test_checksum_is_stored_and_told(ctx):
    put = put_one(ctx)
    head = run(ctx, "head", "p/a.png").only
    assert put["crc"] == head["crc"] != "", (put, head)
    assert (head["size"], head["etag"]) == (10, put["etag"])


@on("s3d", "ceph", "swift")
def test_longest_key(ctx):
    root = ctx.folder("tree")
    parts = ["d" * 250] * 4
    path = "/".join(parts + ["e" * (1024 - 2 - 4 * 251)])
    write(root, path, b"long")
    write(root, path + "x", b"too long")
    assert len("p/" + path) == 1024
    result = run(ctx, "put", root, "p", path, path + "x")
    assert result.verdicts() == {"p/" + path: "done", f"p/{path}x": "refused"}, result.lines
    assert result.outcomes[f"p/{path}x"]["attempts"] == 0
    assert ctx.client.get("p/" + path)[0] == b"long"


@on("s3d")
def test_names_that_are_no_keys(ctx):
    root = ctx.folder("tree")
    for name in (b"\xff\xfe.png", b"bell\x07.png"):
        with open(os.path.join(os.fsencode(root), name), "wb") as file:
            file.write(b"x")
    result = run(ctx, "put", root, "p", "-", stdin=b"\xff\xfe.png\0bell\x07.png\0")
    assert [line["verdict"] for line in result.lines] == ["refused", "refused"], result.lines
    assert ops(ctx) == []


@on("s3d", "ceph", "swift")
def test_files_in_parts(ctx):
    root = ctx.folder("tree")
    sizes = [6 * MIB - 1, 6 * MIB, 6 * MIB + 1, 10 * MIB, 23 * MIB + 4711]
    for size in sizes:
        write(root, f"f{size}.rec", os.urandom(size))
    result = run(ctx, "put", root, "p", *(f"f{size}.rec" for size in sizes),
                 options=("-m", 6 * MIB, "-p", 5 * MIB))
    assert set(result.verdicts().values()) == {"done"}, result.lines
    ctx.client.assert_tree(root, "p/")
    for size in sizes:
        outcome = result.outcomes[f"p/f{size}.rec"]
        parts = outcome["etag"].partition("-")[2]
        assert parts == ("" if size < 6 * MIB else str(-(-size // (5 * MIB)))), outcome
        if ctx.server.kind == "s3d":
            assert run(ctx, "head", f"p/f{size}.rec").only["crc"] == outcome["crc"], outcome
    assert ctx.client.signed.uploads() == []


CHUNKED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
NO_CHUNKS = "it does not take parts that are signed in chunks"


def in_chunks(ctx):
    """Of each UploadPart that s3d answered, in order: was it signed in chunks?"""
    return [line["headers"]["x-amz-content-sha256"] == CHUNKED
            for line in ctx.server.requests() if line["op"] == "UploadPart"]


@on("s3d", "ceph", "swift")
def test_parts_are_signed_in_chunks_where_the_server_takes_them(ctx):
    root = ctx.folder("tree")
    names = ["f0.rec", "f1.rec", "f2.rec"]
    for name, rest in zip(names, (16 * 32768, 17 * 32768 + 1, 1)):  # 32 KiB are a chunk
        write(root, name, os.urandom(50 * MIB + rest))
    in_turn = ("-w", 1, "-f", 1) if ctx.server.kind == "s3d" else ()
    result = run(ctx, "put", root, "p", *names, options=("-m", 6 * MIB, "-p", 5 * MIB, *in_turn))
    assert set(result.verdicts().values()) == {"done"}, result.lines
    ctx.client.assert_tree(root, "p/")
    assert ctx.client.signed.uploads() == []
    assert (NO_CHUNKS in result.stderr) == (ctx.server.kind != "s3d"), result.stderr
    if ctx.server.kind == "s3d":  # four of each file are ready before the first one is answered
        kinds = in_chunks(ctx)
        assert len(kinds) == 33 and kinds[0] and kinds.count(False) < 3 * 4, kinds
        for name in names:
            assert run(ctx, "head", f"p/{name}").only["crc"] == result.outcomes[f"p/{name}"]["crc"]


def put_where_chunks_meet(ctx, fault):
    """Bring a file of 13 parts, one request at a time, where this strikes those in chunks."""
    root = one_file(ctx, os.urandom(64 * MIB), "f.rec")
    before = len(in_chunks(ctx))
    ctx.server.fault(op="UploadPart", payload="STREAMING-*", **fault)
    result = run(ctx, "put", root, "p", "f.rec", options=("-m", MIB, "-p", 5 * MIB, "-w", 1, "-f", 1))
    ctx.server.clear_faults()
    if result.only["verdict"] == "done":
        ctx.client.assert_tree(root, "p/")
    return result, in_chunks(ctx)[before:]


@on("s3d")
def test_servers_that_do_not_take_parts_in_chunks(ctx):
    for fault, attempts in (({"do": "unframed"}, 1), ({"do": "no-checksum"}, 1),
                            ({"do": "error", "code": "NotImplemented"}, 1),
                            ({"do": "error", "code": "InvalidArgument"}, 1),
                            ({"do": "error", "code": "XAmzContentSHA256Mismatch"}, 2)):
        result, kinds = put_where_chunks_meet(ctx, {"count": 0, **fault})
        assert result.only["verdict"] == "done", (fault, result.lines)
        assert NO_CHUNKS in result.stderr, (fault, result.stderr)
        assert kinds == [True] * attempts + [False] * 13, (fault, kinds)


@on("s3d")
def test_a_server_that_stops_to_take_parts_in_chunks(ctx):
    """Another machine behind the same name, say. The object is right all the same."""
    result, kinds = put_where_chunks_meet(ctx, {"do": "unframed", "count": 0, "skip": 3})
    assert result.only["verdict"] == "done", result.lines
    assert NO_CHUNKS in result.stderr, result.stderr
    assert kinds.count(False) >= 13 - 3 and kinds[0], kinds


@on("s3d")
def test_silence_is_not_held_against_parts_in_chunks_at_once(ctx):
    result, kinds = put_where_chunks_meet(ctx, {"do": "error", "code": "InternalError", "count": 3})
    assert result.only["verdict"] == "done", result.lines
    assert NO_CHUNKS not in result.stderr, result.stderr
    assert kinds[:3] == [True] * 3 and kinds[-1], kinds


@on("s3d")
def test_silence_that_only_parts_in_chunks_meet(ctx):
    for fault in {"do": "error", "code": "InternalError"}, {"do": "reset"}:
        result, kinds = put_where_chunks_meet(ctx, {"count": 0, **fault})
        assert result.only["verdict"] == "done", result.lines
        assert NO_CHUNKS in result.stderr, result.stderr
        assert kinds.count(False) == 13 and not kinds[-1], kinds


@on("s3d")
def test_parts_in_chunks_are_tried_again(ctx):
    for fault in ({"do": "error", "code": "InternalError"}, {"do": "error-applied"}, {"do": "reset"},
                  {"do": "reset-after-body"}, {"do": "lost-reply"}, {"do": "truncate"},
                  {"do": "stall", "ms": 300}, {"do": "delay", "ms": 300}):
        result, kinds = put_where_chunks_meet(ctx, {"count": 2, "skip": 2, **fault})
        assert result.only["verdict"] == "done", (fault, result.lines)
        assert NO_CHUNKS not in result.stderr, (fault, result.stderr)
        assert kinds[-1], (fault, kinds)


@on("s3d")
def test_a_busy_server_says_nothing_of_parts_in_chunks(ctx):
    result, _ = put_where_chunks_meet(ctx, {"do": "error", "code": "SlowDown", "count": 3})
    assert result.only["verdict"] == "busy", result.lines
    assert NO_CHUNKS not in result.stderr, result.stderr


@on("s3d")
def test_what_becomes_of_a_part_is_not_held_against_the_server(ctx):
    root = one_file(ctx, os.urandom(32 * MIB), "f.rec")
    ctx.server.fault("error", op="UploadPart", code="AccessDenied", count=0)
    result = run(ctx, "put", root, "p", "f.rec", options=("-m", MIB, "-p", 5 * MIB, "-w", 1))
    assert (result.only["verdict"], result.only["s3_code"]) == ("denied", "AccessDenied"), \
        result.lines
    assert NO_CHUNKS not in result.stderr, result.stderr
    assert ctx.client.signed.uploads() == []


@on("s3d", options=("--versioning",))
def test_version_is_told(ctx):
    first, second = put_one(ctx), put_one(ctx)
    assert first["version"] and second["version"] and first["version"] != second["version"]


# --- files that move -------------------------------------------------------------------------------


@on("s3d")
def test_file_that_changed_is_not_sent(ctx):
    root = ctx.folder("tree")
    names = ["same", "grown", "rewritten", "gone", "replaced", "link", "folder", "fifo"]
    for name in names:
        write(root, name, b"0123456789")

    def meddle():
        full = {name: os.path.join(root, name) for name in names}
        with open(full["grown"], "ab") as file:
            file.write(b"more")
        with open(full["rewritten"], "r+b") as file:
            file.write(b"9876543210")
        write(root, "new", b"0123456789")
        os.rename(os.path.join(root, "new"), full["replaced"])
        for name in ("gone", "link", "folder", "fifo"):
            os.unlink(full[name])
        os.symlink("same", full["link"])
        os.mkdir(full["folder"])
        os.mkfifo(full["fifo"])

    result = run_behind(ctx, meddle, "put", root, "p", *names)
    verdicts = {key[2:]: verdict for key, verdict in result.verdicts().items()}
    assert verdicts == {"same": "done", "grown": "changed", "rewritten": "changed",
                        "gone": "absent", "replaced": "changed", "link": "changed",
                        "folder": "changed", "fifo": "changed"}, result.lines
    assert list(ctx.client.keys()) == ["p/same"]


def check_meddled(ctx, meddle_with, *options):
    """A large file with which somebody meddles while it is sent is not sent. What is told of it."""
    root = ctx.folder("tree")
    full = write(root, "f.rec", os.urandom(64 * MIB))
    ctx.server.fault("delay", op="UploadPart", count=0, ms=300)
    done, since = threading.Event(), len(ctx.server.requests())

    def meddle():
        while not any(line["op"] == "UploadPart" for line in ctx.server.requests(since)):
            if done.wait(0.01):
                return
        with open(full, "r+b") as file:
            meddle_with(file)

    thread = threading.Thread(target=meddle)
    thread.start()
    result = run(ctx, "put", root, "p", "f.rec", options=("-p", 5 * MIB, *options))
    done.set()
    thread.join()
    assert result.only["verdict"] == "changed", result.lines
    assert ctx.client.keys() == {} and ctx.client.signed.uploads() == []
    return result.only["message"]


@on("s3d")
def test_large_file_that_changes_while_it_is_sent(ctx):
    check_meddled(ctx, lambda file: file.write(b"changed"))


@on("s3d")
def test_large_file_that_is_cut_off_while_it_is_sent(ctx):
    for options in (), ("-f", 1):  # read as a whole, or, one after the other, in chunks, too
        message = check_meddled(ctx, lambda file: file.truncate(6 * MIB), *options)
        assert message == "it ended early", message
        shutil.rmtree(ctx.folder("tree"))


@on("s3d")
def test_a_large_file_that_is_cut_off_stops_only_itself(ctx):
    root = ctx.folder("tree")
    names = [f"f{i}.rec" for i in range(4)]
    for name in names:
        write(root, name, os.urandom(48 * MIB))
    with subprocess.Popen(command(ctx, ("-p", 5 * MIB, "-w", 1, "-f", 4), ("put", root, "p", *names)),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=ctx.server.environment()) as probe:
        while len(in_chunks(ctx)) < 8 and probe.poll() is None:
            time.sleep(0.002)
        os.truncate(os.path.join(root, names[1]), 20 * MIB)
        said, complaints = probe.communicate(timeout=60)
    result = Probe(said, complaints, probe.returncode)
    verdicts = result.verdicts()
    assert verdicts.pop(f"p/{names[1]}") == "changed", result.lines
    assert set(verdicts.values()) == {"done"}, result.lines
    os.remove(os.path.join(root, names[1]))
    ctx.client.assert_tree(root, "p/")
    assert ctx.client.signed.uploads() == []


@on("s3d")
def test_symlink_on_the_way_is_not_followed(ctx):
    root, outside = ctx.folder("tree"), ctx.folder("outside")
    write(root, "d/f", b"inside")
    write(outside, "f", b"inside")

    def meddle():
        shutil.rmtree(os.path.join(root, "d"))
        os.symlink(outside, os.path.join(root, "d"))

    assert run_behind(ctx, meddle, "put", root, "p", "d/f").only["verdict"] == "changed"
    assert ctx.client.keys() == {}


@on("s3d")
def test_unreadable_file(ctx):
    if os.geteuid() == 0:
        return  # root reads everything
    root = one_file(ctx)
    os.chmod(os.path.join(root, "a.png"), 0)
    outcome = run(ctx, "put", root, "p", "a.png").only
    assert (outcome["verdict"], outcome["code"]) == ("unreadable", -13), outcome


# --- faults ----------------------------------------------------------------------------------------


def expect(ctx, verdict, attempts, op="PutObject", options=(), **fault):
    """Arm, PUT one file, compare the outcome."""
    ctx.server.fault(op=op, **fault)
    outcome = put_one(ctx, options)
    assert (outcome["verdict"], outcome["attempts"]) == (verdict, attempts), outcome
    ctx.server.clear_faults()
    return outcome


@on("s3d")
def test_errors_are_tried_again(ctx):
    expect(ctx, "done", 2, do="error", code="SlowDown")
    expect(ctx, "done", 3, do="error", code="InternalError", count=2)
    expect(ctx, "done", 2, do="error", code="RequestTimeout")
    expect(ctx, "done", 2, do="error-applied", code="InternalError")
    expect(ctx, "done", 2, do="reset")
    expect(ctx, "done", 2, do="reset-after-body")
    expect(ctx, "done", 2, do="lost-reply")
    assert ctx.client.get("p/a.png")[0] == b"some bytes"


@on("s3d")
def test_attempts_are_used_up(ctx):
    busy = expect(ctx, "busy", 3, do="error", code="SlowDown", count=0)
    assert (busy["s3_code"], busy["status"]) == ("SlowDown", 503), busy
    unreached = expect(ctx, "unreached", 2, options=("-a", 2), do="error", code="InternalError",
                       count=0)
    assert unreached["status"] == 500, unreached
    lost = expect(ctx, "unreached", 3, do="reset", count=0)
    assert lost["status"] == 0 and lost["s3_code"] != "", lost


@on("s3d")
def test_refusals_are_final(ctx):
    denied = expect(ctx, "denied", 1, do="error", code="AccessDenied", count=0)
    assert denied["s3_code"] == "AccessDenied" and denied["message"] != "", denied
    expect(ctx, "refused", 1, do="error", code="InvalidRequest", count=0)


@on("s3d")
def test_silence_is_cut_off(ctx):
    started = time.monotonic()
    outcome = expect(ctx, "done", 2, options=("-t", 500), do="delay", ms=5000)
    assert outcome["ms"] < 3000 and time.monotonic() - started < 4, outcome


@on("s3d")
def test_slow_but_steady_is_not_cut_off(ctx):
    """An answer that drips for longer than the time-out, with progress all the time."""
    put_one(ctx)
    ctx.server.fault("drip", op="CopyObject", ms=10)
    outcome = run(ctx, "copy", "p/a.png", "p/b.png", options=("-t", 500)).only
    assert (outcome["verdict"], outcome["attempts"]) == ("done", 1), outcome
    assert outcome["ms"] > 500, outcome


@on("s3d")
def test_nobody_listens(ctx):
    port = process.free_port()
    outcome = put_one(ctx, endpoint=f"http://127.0.0.1:{port}")
    assert (outcome["verdict"], outcome["attempts"]) == ("unreached", 3), outcome
    assert "connect" in outcome["s3_code"].lower(), outcome


@on("s3d", "ceph", "swift")
def test_wrong_secret_and_no_bucket(ctx):
    env = ctx.server.environment()
    env["AWS_SECRET_ACCESS_KEY"] = "wrong"
    secret = put_one(ctx, env=env)
    assert (secret["verdict"], secret["attempts"]) == ("denied", 1), secret
    assert "wrong" not in json.dumps(secret)
    bucket = put_one(ctx, options=("-b", "no-such-bucket"))
    assert (bucket["verdict"], bucket["s3_code"]) == ("refused", "NoSuchBucket"), bucket


@on("s3d")
def test_parts_are_tried_again(ctx):
    root = one_file(ctx, os.urandom(12 * MIB), "f.rec")
    options = ("-m", MIB, "-p", 5 * MIB, "-t", 1000)
    for op, fault in (("CreateMultipartUpload", {"do": "error", "code": "InternalError"}),
                      ("UploadPart", {"do": "error", "code": "SlowDown", "count": 2}),
                      ("UploadPart", {"do": "reset"}),
                      ("UploadPart", {"do": "lost-reply"}),
                      ("UploadPart", {"do": "delay", "ms": 3000}),
                      ("CompleteMultipartUpload", {"do": "error-200"}),
                      ("CompleteMultipartUpload", {"do": "truncate"}),
                      ("CompleteMultipartUpload", {"do": "lost-reply"})):
        ctx.server.fault(op=op, **fault)
        outcome = run(ctx, "put", root, "p", "f.rec", options=options).only
        # 5 calls; a request is sent again where a kept connection dies before any answer
        assert outcome["verdict"] == "done" and outcome["attempts"] >= 5, (op, fault, outcome)
        assert outcome["etag"].endswith("-3"), (op, fault, outcome)
        ctx.client.assert_tree(root, "p/")
        assert [f["hits"] for f in ctx.server.faults()] == [fault.get("count", 1)], (op, fault)
        ctx.server.clear_faults()
        ctx.client.signed.delete("p/f.rec")


@on("s3d")
def test_failed_upload_in_parts_is_aborted(ctx):
    root = one_file(ctx, os.urandom(12 * MIB), "f.rec")
    for op in ("UploadPart", "CompleteMultipartUpload"):
        ctx.server.fault("error", op=op, code="AccessDenied", count=0)
        outcome = run(ctx, "put", root, "p", "f.rec", options=("-m", MIB, "-p", 5 * MIB)).only
        assert (outcome["verdict"], outcome["s3_code"]) == ("denied", "AccessDenied"), outcome
        assert ctx.client.keys() == {} and ctx.client.signed.uploads() == []
        ctx.server.clear_faults()


@on("s3d")
def test_region_is_learnt_and_remembered(ctx):
    server = ctx.s3d("far", "--region", "eu-central-1", "--bucket", ctx.bucket)
    root = ctx.folder("tree")
    for i in range(5):
        write(root, f"f{i}", b"x")
    result = run(ctx, "put", root, "p", *(f"f{i}" for i in range(5)),
                 options=("-r", "us-west-2", "-w", 1, "-f", 1), endpoint=server.endpoint)
    attempts = [line["attempts"] for line in result.lines]
    assert set(result.verdicts().values()) == {"done"}, result.lines
    assert attempts == [2, 1, 1, 1, 1], result.lines


@on("s3d")
def test_region_is_learnt_by_all_that_is_in_flight(ctx):
    """Whoever was signed for the old region when another has learnt the new one goes once more."""
    server = ctx.s3d("far", "--region", "eu-central-1", "--bucket", ctx.bucket)
    server.fault("delay", op="*", count=0, percent=50, ms=150)
    root = ctx.folder("tree")
    names = [f"f{i}" for i in range(60)]
    for name in names:
        write(root, name, b"x")
    result = run(ctx, "put", root, "p", *names, options=("-r", "us-west-2", "-w", 2, "-f", 16),
                 endpoint=server.endpoint)
    assert set(result.verdicts().values()) == {"done"}, result.lines
    refused = [r for r in server.requests() if r["status"] == 400]
    assert 1 <= len(refused) <= 32, len(refused)


@on("s3d")
def test_clock_is_learnt(ctx):
    server = ctx.s3d("late", "--clock-offset", "3600", "--bucket", ctx.bucket)
    root = ctx.folder("tree")
    for i in range(4):
        write(root, f"f{i}", b"x")
    result = run(ctx, "put", root, "p", *(f"f{i}" for i in range(4)), options=("-w", 1, "-f", 1),
                 endpoint=server.endpoint)
    assert set(result.verdicts().values()) == {"done"}, result.lines
    assert [line["attempts"] for line in result.lines] == [2, 1, 1, 1], result.lines


@on("s3d")
def test_expired_token_is_renewed(ctx):
    server = ctx.s3d("token", "--session-token", "fresh", "--bucket", ctx.bucket)
    root = one_file(ctx)
    file = ctx.path("credentials")

    def write_keys(token):
        with open(file + ".new", "w", encoding="utf-8") as out:
            out.write(f"[default]\naws_access_key_id = {server.access_key}\n"
                      f"aws_secret_access_key = {server.secret_key}\n"
                      f"aws_session_token = {token}\n")
        os.rename(file + ".new", file)

    env = {**server.environment(), "AWS_SHARED_CREDENTIALS_FILE": file}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        env.pop(name)
    write_keys("stale")
    options = ("-e", server.endpoint)
    stale = run(ctx, "put", root, "p", "a.png", options=options, env=env).only
    assert (stale["verdict"], stale["s3_code"], stale["attempts"]) == ("denied", "ExpiredToken", 2)
    fresh = run_behind(ctx, lambda: write_keys("fresh"), "put", root, "p", "a.png",
                       options=options, env=env).only
    assert (fresh["verdict"], fresh["attempts"]) == ("done", 2), fresh


# --- COPY and META ---------------------------------------------------------------------------------


@on("s3d", "ceph", "swift")
def test_copy_between_special_keys(ctx):
    keys = ["a//b", "../x", "sp ace", "plus+", "per%cent", "quo'te\"", "é/ü", "&<>?#", "x" * 1024]
    for i, key in enumerate(keys):
        etag = ctx.client.signed.put(key, key.encode(), {"x-amz-meta-color": "red"})
        etag = etag.headers["etag"].strip('"')
        to = keys[i - 1][:1000] + " copied"
        outcome = run(ctx, "copy", key, to, etag).only
        assert outcome["verdict"] == "done" and outcome["etag"] == etag, (key, outcome)
        body, answer = ctx.client.get(to)
        assert body == key.encode() and answer.metadata == {"color": "red"}, (key, to)


@on("s3d", "ceph", "swift")
def test_copy_of_another_source_is_a_conflict(ctx):
    etag = ctx.client.signed.put("a", b"one").headers["etag"].strip('"')
    ctx.client.signed.put("a", b"two")
    outcome = run(ctx, "copy", "a", "b", etag).only
    assert (outcome["verdict"], outcome["etag"]) == ("conflict", ""), outcome
    if ctx.server.kind == "s3d":
        assert list(ctx.client.keys()) == ["a"]
    assert run(ctx, "copy", "a", "c").only["verdict"] == "done"
    absent = run(ctx, "copy", "nothing", "b", etag).only
    assert (absent["verdict"], absent["s3_code"]) == ("absent", "NoSuchKey"), absent


@on("s3d")
def test_copy_with_an_error_inside_a_200(ctx):
    etag = ctx.client.signed.put("a", b"one").headers["etag"].strip('"')
    for fault in ("error-200", "truncate", "lost-reply"):
        ctx.server.fault(fault, op="CopyObject")
        outcome = run(ctx, "copy", "a", "b", etag).only
        assert (outcome["verdict"], outcome["attempts"]) == ("done", 2), (fault, outcome)
        assert outcome["etag"] == etag, (fault, outcome)
        ctx.server.clear_faults()
    ctx.server.fault("error-200", op="CopyObject", count=0)
    outcome = run(ctx, "copy", "a", "b", etag).only
    assert (outcome["verdict"], outcome["s3_code"]) == ("unreached", "InternalError"), outcome


@on("s3d")
def test_copy_that_is_too_large(ctx):
    server = ctx.s3d("small", "--max-copy-size", "100", "--bucket", ctx.bucket)
    server.signed(ctx.bucket).put("a", b"x" * 101)
    outcome = run(ctx, "copy", "a", "b", endpoint=server.endpoint).only
    assert (outcome["verdict"], outcome["attempts"]) == ("refused", 1), outcome


@on("s3d", "ceph", "swift")
def test_meta_changes_only_posix(ctx):
    kept = {"content-type": "image/x-odd", "cache-control": "max-age=60",
            "content-disposition": "attachment; filename=\"a b.png\"",
            "content-encoding": "identity", "content-language": "de",
            "x-amz-meta-color": "dark red", "x-amz-meta-empty-ish": "-"}
    stale = {"x-amz-meta-file-mtime": "1ns", "x-amz-meta-file-owner": "1",
             "x-amz-meta-file-group": "1", "x-amz-meta-file-permissions": "0100600"}
    key = "d/sp ace+ü.png"
    before = ctx.client.signed.put(key, b"bytes", {**kept, **stale}).headers["etag"].strip('"')
    outcome = run(ctx, "meta", key, "100644", "1000", "1001", "1700000000123456789").only
    assert (outcome["verdict"], outcome["etag"]) == ("done", before), outcome
    body, answer = ctx.client.get(key)
    assert body == b"bytes"
    for name, value in kept.items():
        assert answer.headers.get(name) == value, (name, answer.headers)
    assert answer.metadata["file-permissions"] == "0100644"
    assert answer.metadata["file-owner"] == "1000" and answer.metadata["file-group"] == "1001"
    assert answer.metadata["file-mtime"] == "1700000000123456789ns"
    absent = run(ctx, "meta", "nothing", "100644", "0", "0", "0").only
    assert absent["verdict"] == "absent", absent


@on("s3d", "ceph", "swift")
def test_meta_of_an_object_in_parts(ctx):
    root = one_file(ctx, os.urandom(12 * MIB), "f.rec")
    run(ctx, "put", root, "p", "f.rec", options=("-m", MIB, "-p", 5 * MIB))
    outcome = run(ctx, "meta", "p/f.rec", "100600", "5", "6", "7").only
    assert outcome["verdict"] == "done" and outcome["etag"] != "", outcome
    ctx.client.assert_tree(root, "p/", metadata=False)
    head = run(ctx, "head", "p/f.rec").only
    assert head["etag"] == outcome["etag"] and head["size"] == 12 * MIB, head


# --- DELETE, HEAD, listing -------------------------------------------------------------------------


@on("s3d", "ceph", "swift")
def test_delete_and_head(ctx):
    put_one(ctx)
    assert run(ctx, "delete", "p/a.png").only["verdict"] == "done"
    assert ctx.client.keys() == {}
    assert run(ctx, "delete", "p/a.png").only["verdict"] == "done"
    assert run(ctx, "head", "p/a.png").only["verdict"] == "absent"


@on("s3d", "ceph", "swift")
def test_delete_a_thousand(ctx):
    count = 100 if ctx.server.kind == "swift" else 1000  # it is slow
    keys = [f"k/{i:04} &<>+%é\r'\"" for i in range(count)]
    ctx.client.signed.map(lambda key: ctx.client.signed.put(key, b""), keys[::2])
    ctx.client.signed.put("stays", b"")
    outcome = run(ctx, "delete-many", *keys).only
    assert outcome["verdict"] == "done", outcome
    assert all(item["done"] for item in outcome["items"]) and len(outcome["items"]) == count
    assert list(ctx.client.keys()) == ["stays"]


@on("s3d")
def test_delete_many_at_its_limits(ctx):
    assert run(ctx, "delete-many").only["verdict"] == "done"
    many = run(ctx, "delete-many", *(f"k{i}" for i in range(1001))).only
    assert (many["verdict"], many["attempts"]) == ("refused", 0), many
    ctx.server.fault("truncate", op="DeleteObjects")
    cut = run(ctx, "delete-many", "a", "b").only
    assert (cut["verdict"], cut["attempts"]) == ("done", 2), cut


@on("s3d", "ceph")
def test_listing_in_pages(ctx):
    keys = sorted((f"l/{i:04} +%é&" for i in range(2100)), key=lambda k: k.encode())
    ctx.client.signed.map(lambda key: ctx.client.signed.put(key, b"ab"), keys)
    ctx.client.signed.put("other", b"")
    listed = run(ctx, "list", "l/").lines
    assert [line["key"] for line in listed] == keys
    assert {line["size"] for line in listed} == {2}
    assert abs(listed[0]["modified_us"] / 1e6 - time.time()) < 300
    assert run(ctx, "list", "nothing/").lines == []


@on("s3d")
def test_listing_that_fails(ctx):
    ctx.server.fault("error", op="ListObjectsV2", code="AccessDenied", count=0)
    result = run(ctx, "list", "")
    assert result.status == 1 and "AccessDenied" in result.stderr, result.stderr


# --- limits and ends -------------------------------------------------------------------------------


@on("s3d")
def test_memory_stays_within_its_budget(ctx):
    root = ctx.folder("tree")
    names = [f"f{i}" for i in range(24)]
    for name in names:
        write(root, name, os.urandom(4 * MIB))
    result = run(ctx, "put", root, "p", *names, options=("-M", 12 * MIB, "-w", 1))
    assert set(result.verdicts().values()) == {"done"}, result.lines
    ctx.client.assert_tree(root, "p/")
    peak_kib = int(re.search(r"peak RSS (\d+)", result.stderr).group(1))
    if not is_sanitized():  # a sanitizer keeps what is freed
        assert peak_kib < 60 * 1024, result.stderr
    parts = run(ctx, "put", root, "q", *names[:4],
                options=("-M", MIB, "-w", 1, "-m", MIB, "-p", 5 * MIB))
    assert set(parts.verdicts().values()) == {"done"}, parts.lines


@on("s3d")
def test_parts_that_are_larger_than_what_is_always_in_memory(ctx):
    root = ctx.folder("tree")
    for name in ("a", "b"):
        write(root, name, os.urandom(MIB) * 45)
    result = run(ctx, "put", root, "p", "a", "b", options=("-w", 1, "-p", 20 * MIB))
    assert set(result.verdicts().values()) == {"done"}, result.lines
    ctx.client.assert_tree(root, "p/")


@on("s3d")
def test_many_at_once(ctx):
    root = ctx.folder("tree")
    names = [f"d{i % 7}/f{i}" for i in range(600)]
    for name in names:
        write(root, name, os.urandom(1000 + len(name)))
    ctx.server.fault("error", op="PutObject", code="InternalError", count=0, percent=3)
    result = run(ctx, "put", root, "p", *names, options=("-w", 3, "-f", 48, "-a", 8))
    assert set(result.verdicts().values()) == {"done"}, result.lines
    ctx.client.assert_tree(root, "p/")


@on("s3d")
def test_end_with_transfers_inside(ctx):
    root = ctx.folder("tree")
    names = [f"f{i}" for i in range(60)]
    for name in names:
        write(root, name, os.urandom(70000))
    write(root, "large.rec", os.urandom(20 * MIB))
    ctx.server.fault("delay", op="*", count=0, ms=4000)
    started = time.monotonic()
    result = run(ctx, "put", root, "p", *names, "large.rec",
                 options=("-k", 300, "-f", 16, "-M", MIB))
    assert result.lines == [] and time.monotonic() - started < 3, result.lines


@on("s3d")
def test_dead_connections_are_noticed(ctx):
    """A server that closes idle connections while the engine keeps them."""
    server = ctx.s3d("idle", "--idle", "1", "--bucket", ctx.bucket)
    root = ctx.folder("tree")
    for i in range(3):
        write(root, f"f{i}", b"x" * 70000)
    result = run(ctx, "put", root, "p", "f0", "f1", "f2", options=("-w", 1, "-f", 1, "-i", 2000),
                 endpoint=server.endpoint)
    assert set(result.verdicts().values()) == {"done"}, result.lines
    assert [line["attempts"] for line in result.lines] == [1, 1, 1], result.lines


# --- what is said of it ----------------------------------------------------------------------------


@on("s3d")
def test_describe(ctx):
    done = subprocess.run(command(ctx, (), ("describe",)), capture_output=True, text=True,
                          check=True, env=ctx.server.environment())
    assert done.stdout.strip() == (f"{ctx.server.endpoint} (bucket {ctx.bucket}, region "
                                   f"{ctx.server.region}, path style)"), done.stdout
    assert ctx.server.secret_key not in done.stdout + done.stderr


@on("s3d")
def test_no_credentials(ctx):
    env = ctx.server.environment()
    env.pop("AWS_ACCESS_KEY_ID")
    env.pop("AWS_SECRET_ACCESS_KEY")
    done = subprocess.run(command(ctx, (), ("head", "x")), capture_output=True, text=True,
                          check=False, env=env)
    assert done.returncode == 2 and "AWS_ACCESS_KEY_ID" in done.stderr, done.stderr
    assert ops(ctx) == []
