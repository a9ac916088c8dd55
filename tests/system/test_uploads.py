"""Uploads in parts: gone on with after a crash, aborted where they are no longer wanted, and renames
of objects that are larger than S3 copies at once."""

import os
import time

from harness import on, wait_until
from harness.relay import Relay
from harness.signed import quote

MIB = 1 << 20
PART = 5 * MIB
PARTS = 12
LARGE = {"part_size": "5M", "multipart_size": "5M"}
SMALL_COPIES = ("--max-copy-size", str(6 * MIB))


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def parts_of(signed, key, upload):
    """Numbers of the parts that S3 has of an upload."""
    body = signed.expect("GET", key, query={"uploadId": upload}).body.decode()
    return [int(piece.partition("<")[0]) for piece in body.split("<PartNumber>")[1:]]


def parts_at_rest(signed, key, upload, quiet_s):
    """The same, when none came for so long: what S3 was still reading of a dead agent is there."""
    last = {"at": time.monotonic(), "there": parts_of(signed, key, upload)}

    def quiet():
        there = parts_of(signed, key, upload)
        if there != last["there"]:
            last.update(at=time.monotonic(), there=there)
        return time.monotonic() - last["at"] >= quiet_s

    wait_until(quiet, 30, "no part to come any more")
    return last["there"]


def interrupt(ctx, images, key="images/large.rec", at_least=3):
    """An agent is killed in the middle of its upload: the agent, the upload's id, the parts that S3
    has of it."""
    signed, slowly = ctx.client.signed, {}
    if ctx.server.kind == "s3d":
        ctx.server.fault("delay", ms=300, op="UploadPart", count=0)
    else:
        slowly = {"limits": {"mbit": 80}}  # 6 s for all parts, whatever the server could take
    agent = ctx.agent(images=images, s3=LARGE, options=slowly).start()

    def begun():
        uploads = signed.uploads()
        return uploads and len(parts_of(signed, key, uploads[0][1])) >= at_least

    wait_until(begun, 30, "some parts")
    agent.kill9()
    if ctx.server.kind == "s3d":
        ctx.server.clear_faults()
    (name, upload), = signed.uploads()
    assert name == key
    there = parts_at_rest(signed, key, upload, 0.7 if ctx.server.kind == "s3d" else 2.5)
    assert at_least <= len(there) < PARTS, there
    return agent, upload, there


def seen(ctx, op, since=0):
    """The requests of this operation that s3d took after so many."""
    return [line for line in ctx.server.requests()[since:] if line["op"] == op]


def part_numbers(lines):
    return sorted(int(line["query"]["partNumber"]) for line in lines)


# --- after a crash ---------------------------------------------------------------------------------


@on("s3d", "ceph", "swift")
def test_what_was_sent_before_a_crash_is_not_sent_again(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(PARTS * PART - 4711))
    agent, upload, there = interrupt(ctx, images)
    since = len(ctx.server.requests()) if ctx.server.kind == "s3d" else 0
    agent.start().wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    assert ctx.client.signed.uploads() == []
    agent.wait_for_log(f"S3 had {len(there)} of its parts", 1)
    if ctx.server.kind == "s3d":
        sent = part_numbers(seen(ctx, "UploadPart", since))
        assert sent == sorted(set(range(1, PARTS + 1)) - set(there)), (there, sent)
        assert seen(ctx, "CreateMultipartUpload", since) == []
        assert [line["query"]["uploadId"]
                for line in seen(ctx, "CompleteMultipartUpload", since)] == [upload]
    agent.verify_journal()


@on("s3d", "ceph")
def test_a_part_that_is_wrong_at_the_server_is_sent_again(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(PARTS * PART))
    agent, upload, there = interrupt(ctx, images)
    body = b"x" * PART
    headers = {}
    if ctx.server.kind == "s3d":  # as checksums() of test_s3d_signing says, after half a minute
        headers = {"x-amz-checksum-crc64nvme": "UpX9kykq4BQ="}
    ctx.client.signed.expect("PUT", "images/large.rec", headers=headers, body=body,
                             query={"partNumber": str(there[1]), "uploadId": upload})
    since = len(ctx.server.requests()) if ctx.server.kind == "s3d" else 0
    agent.start().wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    agent.wait_for_log(f"S3 had {len(there) - 1} of its parts", 1)
    if ctx.server.kind == "s3d":
        sent = part_numbers(seen(ctx, "UploadPart", since))
        assert there[1] in sent and not set(there) - {there[1]} & set(sent), (there, sent)


@on("s3d", "ceph")
def test_a_file_that_changed_since_goes_anew(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(PARTS * PART))
    agent, upload, _ = interrupt(ctx, images)
    with open(f"{images}/large.rec", "r+b") as file:
        file.write(b"other")
    since = len(ctx.server.requests()) if ctx.server.kind == "s3d" else 0
    agent.start().wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    assert ctx.client.signed.uploads() == []
    if ctx.server.kind == "s3d":
        ours = [line for line in ctx.server.requests()[since:]
                if line["op"].endswith("MultipartUpload")]
        assert [line["op"] for line in ours] == ["AbortMultipartUpload", "CreateMultipartUpload",
                                                 "CompleteMultipartUpload"], ours
        assert ours[0]["query"]["uploadId"] == upload != ours[2]["query"]["uploadId"], ours
        assert part_numbers(seen(ctx, "UploadPart", since)) == list(range(1, PARTS + 1))


@on("s3d")
def test_a_complete_whose_answer_a_crash_took(ctx):
    """The object is there and the agent does not know: it finds out without sending anything."""
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(3 * PART))
    ctx.server.fault("stall", ms=8000, op="CompleteMultipartUpload", count=0)
    agent = ctx.agent(images=images, s3=LARGE).start()
    wait_until(lambda: "images/large.rec" in ctx.client.keys("images/"), 30, "the object")
    agent.kill9()
    ctx.server.clear_faults()
    since = len(ctx.server.requests())
    agent.start().wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    assert seen(ctx, "UploadPart", since) == [] == seen(ctx, "CreateMultipartUpload", since)
    assert seen(ctx, "CompleteMultipartUpload", since) == []
    assert len(seen(ctx, "ListParts", since)) == 1


@on("s3d")
def test_an_upload_that_the_server_forgot_goes_anew(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(PARTS * PART))
    agent, upload, _ = interrupt(ctx, images)
    ctx.client.signed.expect("DELETE", "images/large.rec", query={"uploadId": upload})
    agent.start().wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    assert ctx.client.signed.uploads() == []


@on("s3d")
def test_an_outage_in_the_middle_costs_no_part_twice(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(PARTS * PART))
    ctx.server.fault("error", code="InternalError", op="UploadPart", skip=6, count=12)
    agent = ctx.agent(images=images, s3=LARGE).start()
    agent.wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    good = [line for line in seen(ctx, "UploadPart") if line["status"] == 200]
    assert part_numbers(good) == list(range(1, PARTS + 1))
    assert len(seen(ctx, "CreateMultipartUpload")) == 1
    assert seen(ctx, "AbortMultipartUpload") == []


# --- what nobody goes on with ----------------------------------------------------------------------


@on("s3d", "ceph", "swift")
def test_an_orphan_goes_and_a_strangers_upload_stays(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(PARTS * PART))
    signed = ctx.client.signed
    agent, _, _ = interrupt(ctx, images)
    signed.expect("POST", "images/large.rec", query={"uploads": ""})
    signed.expect("POST", "images/other.rec", query={"uploads": ""})
    os.unlink(f"{images}/large.rec")
    write(f"{images}/a.jpg", b"a")
    agent.start().wait_in_step(60)
    wait_until(lambda: len(signed.uploads()) == 2, 20, "the orphan's end")
    assert sorted(key for key, _ in signed.uploads()) == ["images/large.rec", "images/other.rec"]
    agent.wait_for_log("an upload in parts that nothing came of was aborted", 5)
    ctx.client.assert_tree(images, "images/")
    agent.stop()
    agent.start().wait_in_step(30)
    assert len(signed.uploads()) == 2


@on("s3d")
def test_a_file_that_went_while_it_was_sent_leaves_nothing(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(PARTS * PART))
    ctx.server.fault("delay", ms=200, op="UploadPart", count=0)
    agent = ctx.agent(images=images, s3=LARGE).start()
    wait_until(ctx.client.signed.uploads, 30, "an upload")
    with open(f"{images}/large.rec", "ab") as file:
        file.write(b"more")
    os.unlink(f"{images}/large.rec")
    agent.wait_in_step(60)
    assert ctx.client.signed.uploads() == [] and ctx.client.keys("images/") == {}


# --- what was begun without an answer --------------------------------------------------------------


def begin_elsewhere(ctx, *keys):
    """Uploads of other people, from a time before: they stay. Who they are."""
    for key in keys:
        ctx.client.signed.expect("POST", key, query={"uploads": ""})
    time.sleep(4)  # times are told in seconds, and clocks may differ by one
    return sorted(ctx.client.signed.uploads())


def only_these(ctx, uploads):
    wait_until(lambda: sorted(ctx.client.signed.uploads()) == uploads, 40,
               lambda: f"the strays' end: {sorted(ctx.client.signed.uploads())}, not {uploads}")


@on("s3d")
def test_a_beginning_whose_answer_was_lost_leaves_nothing(ctx):
    """The second attempt goes on as if nothing had been; the first one's upload is found by its key
    and its time."""
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(3 * PART))
    others = begin_elsewhere(ctx, "images/large.rec", "images/large.rec2", "images/other.rec")
    for fault in ({"do": "lost-reply"}, {"do": "error-applied", "code": "InternalError"}):
        ctx.server.fault(op="CreateMultipartUpload", **fault)
    agent = ctx.agent(images=images, s3=LARGE).start()
    agent.wait_in_step(60)
    assert len(seen(ctx, "CreateMultipartUpload")) == 3 + 3
    only_these(ctx, others)
    ctx.client.assert_tree(images, "images/")
    agent.wait_for_log("images/large.rec: uploads in parts that were begun without an answer, and "
                       "aborted: 2", 5)
    agent.verify_journal()


@on("s3d")
def test_a_lost_beginning_of_a_file_that_went_leaves_nothing(ctx):
    """No attempt has an answer, and there is no second transfer."""
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(3 * PART))
    ctx.server.fault("lost-reply", op="CreateMultipartUpload", count=0)
    agent = ctx.agent(images=images, s3=LARGE).start()
    wait_until(lambda: len(ctx.client.signed.uploads()) >= 3, 30, "three uploads")
    os.unlink(f"{images}/large.rec")
    ctx.server.clear_faults()
    agent.wait_in_step(60)
    only_these(ctx, [])
    assert ctx.client.keys("images/") == {}


@on("s3d")
def test_a_beginning_that_a_crash_overtook_leaves_nothing(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(3 * PART))
    others = begin_elsewhere(ctx, "images/large.rec")
    ctx.server.fault("stall", ms=60000, op="CreateMultipartUpload", count=0)
    agent = ctx.agent(images=images, s3=LARGE).start()
    wait_until(lambda: len(ctx.client.signed.uploads()) == 2, 30, "the upload")
    agent.kill9()
    ctx.server.clear_faults()
    agent.start().wait_in_step(60)
    only_these(ctx, others)
    ctx.client.assert_tree(images, "images/")
    agent.verify_journal()


@on("s3d")
def test_a_lost_beginning_is_remembered_over_a_crash(ctx):
    """Nothing is open any more when the agent dies; S3 does not tell before that."""
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(3 * PART))
    ctx.server.fault("lost-reply", op="CreateMultipartUpload")
    ctx.server.fault("error", op="ListMultipartUploads", code="InternalError", count=0,
                     key="images/*")
    ctx.server.fault("error", op="AbortMultipartUpload", code="InternalError", count=0)
    agent = ctx.agent(images=images, s3=LARGE).start()
    agent.wait_in_step(60)
    agent.kill9()
    ctx.server.clear_faults()
    assert len(ctx.client.signed.uploads()) == 1
    agent.start().wait_in_step(60)
    only_these(ctx, [])


@on("s3d")
def test_an_orphan_that_could_not_be_aborted_goes_soon(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(PARTS * PART))
    ctx.server.fault("error", op="UploadPart", code="InternalError", skip=3, count=0)
    ctx.server.fault("error", op="AbortMultipartUpload", code="InternalError", count=6)
    agent = ctx.agent(images=images, s3=LARGE).start()
    wait_until(lambda: sum(line["status"] == 500 for line in seen(ctx, "UploadPart")) >= 6, 40,
               "parts that fail")
    os.unlink(f"{images}/large.rec")
    ctx.server.clear_faults()
    ctx.server.fault("error", op="AbortMultipartUpload", code="InternalError", count=6)
    agent.wait_in_step(60)
    only_these(ctx, [])


@on("ceph", "swift")
def test_a_lost_beginning_at_another_server(ctx):
    """Its answer comes as far as a relay in between."""
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(3 * PART))
    others = begin_elsewhere(ctx, "images/large.rec", "images/large.rec2")
    relay = Relay(ctx.server.endpoint, lambda head: head.startswith(b"POST ") and b"uploads=" in head)
    relay.count = 2
    agent = ctx.agent(images=images, s3={**LARGE, "endpoint": relay.url}).start()
    agent.wait_in_step(60)
    assert relay.lost == 2
    only_these(ctx, others)
    ctx.client.assert_tree(images, "images/")
    agent.stop()
    relay.close()


# --- renames of large objects ----------------------------------------------------------------------


@on("s3d", options=SMALL_COPIES)
def test_a_large_object_is_renamed_by_parts(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(41 * MIB + 1))
    os.chmod(f"{images}/large.rec", 0o640)
    agent = ctx.agent(images=images, s3=LARGE).start()
    agent.wait_in_step(60)
    since = len(ctx.server.requests())
    os.rename(f"{images}/large.rec", f"{images}/renamed +ü.rec")
    agent.wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    assert seen(ctx, "UploadPart", since) == [] == seen(ctx, "PutObject", since)
    copies = seen(ctx, "UploadPartCopy", since)
    assert part_numbers(copies) == list(range(1, 10))
    assert all(line["status"] == 200 for line in copies)
    assert ctx.client.signed.uploads() == []
    agent.verify_journal()


def put_with_everything(ctx, server, size, tags="color=dark%20red&kind=a%26b"):
    """An object with metadata, in the bucket; its headers as they must stay."""
    kept = {"content-type": "image/x-odd", "cache-control": "max-age=60",
            "content-language": "de", "x-amz-meta-color": "dark red",
            "x-amz-meta-file-permissions": "0100600", "x-amz-meta-file-mtime": "1ns"}
    data = os.urandom(size)
    etag = server.signed(ctx.bucket).put("d/sp ace+ü.rec", data,
                                         {**kept, "x-amz-tagging": tags}).headers["etag"]
    return data, etag.strip('"'), kept


def tags_of(signed, key):
    return signed.expect("GET", key, query={"tagging": ""}).body


@on("s3d", options=SMALL_COPIES)
def test_a_crash_in_a_large_rename_leaves_nothing(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.rec", os.urandom(41 * MIB))
    agent = ctx.agent(images=images, s3=LARGE).start()
    agent.wait_in_step(60)
    ctx.server.fault("delay", ms=4000, op="UploadPartCopy", count=0)
    os.rename(f"{images}/large.rec", f"{images}/renamed.rec")
    wait_until(ctx.client.signed.uploads, 30, "an upload")
    time.sleep(0.3)
    agent.kill9()
    ctx.server.clear_faults()
    agent.start().wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    assert ctx.client.signed.uploads() == []


@on("s3d", options=SMALL_COPIES)
def test_a_copy_by_parts_keeps_what_a_copy_keeps(ctx):
    from test_engine import run
    signed = ctx.client.signed
    data, etag, kept = put_with_everything(ctx, ctx.server, 23 * MIB + 5)
    outcome = run(ctx, "copy", "d/sp ace+ü.rec", "new", etag,
                  options=("-p", PART, "-S", len(data))).only
    assert outcome["verdict"] == "done" and outcome["etag"].endswith("-5"), outcome
    body, answer = ctx.client.get("new")
    assert body == data
    for name, value in kept.items():
        assert answer.headers.get(name) == value, (name, answer.headers)
    assert tags_of(signed, "new") == tags_of(signed, "d/sp ace+ü.rec")
    source = signed.request("HEAD", "d/sp ace+ü.rec",
                            headers={"x-amz-checksum-mode": "ENABLED"}).headers
    copy = signed.request("HEAD", "new", headers={"x-amz-checksum-mode": "ENABLED"}).headers
    assert source["x-amz-checksum-crc64nvme"] == copy["x-amz-checksum-crc64nvme"]
    conditions = {line["headers"]["x-amz-copy-source-if-match"]
                  for line in seen(ctx, "UploadPartCopy")}
    assert conditions == {f'"{etag}"'}, conditions
    assert signed.uploads() == []


@on("s3d", options=SMALL_COPIES)
def test_metadata_of_a_large_object_changes_by_parts(ctx):
    from test_engine import run
    data, _, kept = put_with_everything(ctx, ctx.server, 23 * MIB)
    outcome = run(ctx, "meta", "d/sp ace+ü.rec", "100644", "1", "2", "3",
                  options=("-p", PART)).only
    assert outcome["verdict"] == "done" and outcome["etag"].endswith("-5"), outcome
    body, answer = ctx.client.get("d/sp ace+ü.rec")
    assert body == data
    for name, value in kept.items():
        if "file-" not in name:
            assert answer.headers.get(name) == value, (name, answer.headers)
    assert answer.metadata["file-permissions"] == "0100644"
    assert answer.metadata["file-mtime"] == "3ns"


@on("s3d", options=SMALL_COPIES)
def test_a_copy_by_parts_of_something_else_is_a_conflict(ctx):
    from test_engine import run
    data, _, _ = put_with_everything(ctx, ctx.server, 23 * MIB)
    options = ("-p", PART, "-S", len(data))
    outcome = run(ctx, "copy", "d/sp ace+ü.rec", "new", "0" * 32, options=options).only
    assert outcome["verdict"] == "conflict", outcome
    outcome = run(ctx, "copy", "nothing", "new", options=options).only
    assert outcome["verdict"] == "absent", outcome
    ctx.server.fault("error", op="UploadPartCopy", code="AccessDenied", skip=2, count=0)
    outcome = run(ctx, "copy", "d/sp ace+ü.rec", "new", options=options).only
    assert outcome["verdict"] == "denied", outcome
    assert ctx.client.signed.uploads() == [] and list(ctx.client.keys()) == ["d/sp ace+ü.rec"]
    for fault in ({"do": "error-200"}, {"do": "truncate"}, {"do": "lost-reply"}):
        ctx.server.clear_faults()
        ctx.server.fault(op="UploadPartCopy", **fault)
        outcome = run(ctx, "copy", "d/sp ace+ü.rec", "new", options=options).only
        assert outcome["verdict"] == "done", (fault, outcome)
        assert ctx.client.get("new")[0] == data


@on("ceph")
def test_a_copy_by_parts_on_another_server(ctx):
    """Made to go in parts by what is told of its size."""
    from test_engine import run
    data = os.urandom(23 * MIB)
    etag = ctx.client.signed.put("d/a b.rec", data, {"x-amz-meta-color": "red"}).headers["etag"]
    outcome = run(ctx, "copy", "d/a b.rec", "new", etag.strip('"'),
                  options=("-p", PART, "-S", 6 << 30)).only
    assert outcome["verdict"] == "done" and outcome["etag"].endswith("-5"), outcome
    body, answer = ctx.client.get("new")
    assert body == data and answer.metadata["color"] == "red"
    assert ctx.client.signed.uploads() == []
    assert quote("d/a b.rec") == "d%2Fa%20b.rec"
