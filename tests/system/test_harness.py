"""The harness itself, with rclone in the place of the agent: it must see what is the same and what
is not."""

import os
import time

from harness import S3Error, TimedOut, on, samples, wait_until, write
from harness.client import expected_metadata


def upload(ctx, tree, prefix):
    """Bring a tree into the bucket by rclone."""
    ctx.client.rclone("copy", "--transfers", "8", tree, ctx.client.remote(prefix))


@on("s3d", "ceph")
def test_same_tree_is_seen_as_same(ctx):
    tree = ctx.folder("images")
    paths = samples.adwaita(tree, count=200)
    upload(ctx, tree, "images/")
    assert len(paths) == 200
    assert ctx.client.compare_tree(tree, "images/", metadata=False) == []
    assert ctx.client.list_differences(tree, "images/") == []
    assert ctx.client.rclone_check(tree, "images/") == []


@on("s3d", "ceph")
def test_one_flipped_byte_is_seen(ctx):
    tree = ctx.folder("images")
    path = samples.adwaita(tree, count=20)[7]
    upload(ctx, tree, "images/")
    full = os.path.join(tree, path)
    with open(full, "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    write(full, data)
    assert ctx.client.list_differences(tree, "images/") == [f"bytes differ: {path}"]
    found = ctx.client.compare_tree(tree, "images/", metadata=False)
    assert len(found) == 1 and found[0].startswith(f"bytes differ: {path}"), found
    assert ctx.client.rclone_check(tree, "images/") == [f"* {path}"]


@on("s3d", "ceph")
def test_missing_and_surplus_are_seen(ctx):
    tree = ctx.folder("images")
    paths = samples.adwaita(tree, count=20)
    upload(ctx, tree, "images/")
    os.unlink(os.path.join(tree, paths[3]))
    write(os.path.join(tree, "new.png"), b"new")
    expected = ["missing in S3: new.png", f"only in S3: {paths[3]}"]
    assert ctx.client.list_differences(tree, "images/") == expected
    assert ctx.client.compare_tree(tree, "images/", metadata=False) == expected


@on("s3d", "ceph")
def test_metadata_is_compared(ctx):
    tree = ctx.folder("images")
    full = os.path.join(tree, "a.png")
    write(full, b"bytes")
    os.chmod(full, 0o640)
    os.utime(full, ns=(1, 1700000000123456789))
    properties = expected_metadata(os.stat(full))
    assert properties["file-permissions"] == "0100640", properties
    assert properties["file-mtime"] == "1700000000123456789ns", properties
    headers = {"x-amz-meta-" + name: value for name, value in properties.items()}
    ctx.client.signed.put("images/a.png", b"bytes", headers)
    assert ctx.client.compare_tree(tree, "images/") == []
    os.chmod(full, 0o600)
    found = ctx.client.compare_tree(tree, "images/")
    assert found == ["file-permissions differs: a.png: 0100600 on disk, 0100640 in S3"], found
    head = ctx.client.aws_json("s3api", "head-object", "--bucket", ctx.bucket, "--key",
                               "images/a.png")
    assert head["Metadata"] == properties, head


@on("s3d", "ceph", "swift")
def test_special_keys_are_read(ctx):
    keys = ["a//b", "../x", "sp ace", "plus+", "per%cent", "quo'te\"", "é/ü", "&<>", "x" * 1024]
    for key in keys:
        ctx.client.signed.put(key, key.encode())
    assert ctx.client.keys() == {key: len(key.encode()) for key in keys}
    for key in keys:
        assert ctx.client.get(key)[0] == key.encode(), key
    listed = ctx.client.aws_json("s3api", "list-objects-v2", "--bucket", ctx.bucket)
    assert sorted(item["Key"] for item in listed["Contents"]) == sorted(keys)


@on("s3d")
def test_waiting_has_a_deadline(ctx):
    del ctx
    started = time.monotonic()
    try:
        wait_until(lambda: False, 0.3, "what never comes")
    except TimedOut as error:
        assert "what never comes" in str(error)
    else:
        raise AssertionError("wait_until returned")
    assert 0.3 <= time.monotonic() - started < 3


@on("s3d")
def test_log_and_faults_are_at_hand(ctx):
    ctx.client.signed.put("k", b"v")
    ctx.server.fault("error", op="GetObject", key="k", code="AccessDenied")
    try:
        ctx.client.get("k")
    except S3Error as error:
        assert (error.status, error.code) == (403, "AccessDenied"), error
    else:
        raise AssertionError("the fault did not strike")
    assert ctx.client.get("k")[0] == b"v"
    assert [fault["hits"] for fault in ctx.server.faults()] == [1]
    log = [(line["op"], line["status"]) for line in ctx.server.requests() if line["key"] == "k"]
    assert log == [("PutObject", 200), ("GetObject", 403), ("GetObject", 200)], log


@on("s3d")
def test_objects_outlive_the_server(ctx):
    ctx.client.signed.put("k", b"v", {"x-amz-meta-file-owner": "7"})
    ctx.server.restart()
    body, answer = ctx.client.get("k")
    assert (body, answer.metadata) == (b"v", {"file-owner": "7"})
