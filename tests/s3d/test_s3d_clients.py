"""s3d as the AWS CLI, rclone and curl see it."""

import os
import subprocess

from harness import on, process, samples, write
from harness.client import Client


def read(path):
    with open(path, "rb") as file:
        return file.read()


def aws_s3(ctx, *arguments):
    return ctx.client.aws("s3", *arguments, "--only-show-errors")


@on("s3d")
def test_aws_cli_up_and_down(ctx):
    small, big = ctx.path("small.png"), ctx.path("big")
    write(small, b"small")
    write(big, os.urandom(20 << 20)) # three parts of 8 MiB and less
    url = f"s3://{ctx.bucket}/"
    aws_s3(ctx, "cp", small, url + "a//b +%é'.png", "--metadata", "file-owner=7",
           "--cache-control", "no-cache")
    aws_s3(ctx, "cp", big, url + "big")
    aws_s3(ctx, "mv", url + "big", url + "moved big")
    aws_s3(ctx, "cp", url + "moved big", ctx.path("back"))
    assert read(big) == read(ctx.path("back"))
    assert ctx.client.keys() == {"a//b +%é'.png": 5, "moved big": 20 << 20}
    head = ctx.client.aws_json("s3api", "head-object", "--bucket", ctx.bucket, "--key",
                               "a//b +%é'.png")
    assert head["Metadata"] == {"file-owner": "7"} and head["ContentType"] == "image/png"
    assert head["CacheControl"] == "no-cache"
    assert "-" in ctx.client.signed.head("moved big").headers["etag"]
    aws_s3(ctx, "rm", "--recursive", url)
    assert ctx.client.keys() == {} and ctx.client.signed.uploads() == []


@on("s3d")
def test_aws_cli_sync_and_batch_delete(ctx):
    tree = ctx.folder("tree")
    paths = samples.adwaita(tree, count=60)
    aws_s3(ctx, "sync", tree, f"s3://{ctx.bucket}/t")
    assert ctx.client.compare_tree(tree, "t/", metadata=False) == []
    os.unlink(os.path.join(tree, paths[0]))
    write(os.path.join(tree, paths[1]), b"changed")
    aws_s3(ctx, "sync", "--delete", tree, f"s3://{ctx.bucket}/t")
    assert ctx.client.compare_tree(tree, "t/", metadata=False) == []
    objects = ",".join("{Key='t/%s'}" % path for path in paths[1:4])
    done = ctx.client.aws_json("s3api", "delete-objects", "--bucket", ctx.bucket, "--delete",
                               f"Objects=[{objects}]")
    assert sorted(d["Key"] for d in done["Deleted"]) == sorted("t/" + p for p in paths[1:4])
    assert len(ctx.client.keys()) == 56


@on("s3d")
def test_aws_cli_checksums(ctx):
    source = ctx.path("file")
    write(source, b"some bytes")
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        put = ctx.client.aws_json("s3api", "put-object", "--bucket", ctx.bucket, "--key", "k",
                                  "--body", source, "--checksum-algorithm", algorithm)
        got = ctx.client.aws_json("s3api", "get-object-attributes", "--bucket", ctx.bucket, "--key",
                                  "k", "--object-attributes", "Checksum", "ObjectSize", "ETag")
        assert got["Checksum"]["Checksum" + algorithm] == put["Checksum" + algorithm], (put, got)
        assert got["ObjectSize"] == 10 and f'"{got["ETag"]}"' == put["ETag"]
    done = ctx.client.aws("s3api", "put-object", "--bucket", ctx.bucket, "--key", "wrong",
                          "--body", source, "--content-md5", "AAAAAAAAAAAAAAAAAAAAAA==",
                          check=False)
    assert done.returncode != 0 and "BadDigest" in done.stderr, done
    done = ctx.client.aws("s3api", "put-object", "--bucket", ctx.bucket, "--key", "wrong",
                          "--body", source, "--checksum-sha256", "A" * 43 + "=", check=False)
    assert done.returncode != 0 and "BadDigest" in done.stderr, done
    assert list(ctx.client.keys()) == ["k"]


@on("s3d")
def test_aws_cli_with_a_wrong_secret(ctx):
    ctx.client.signed.put("k", b"v")
    other = Client(ctx.server, ctx.bucket)
    right, ctx.server.secret_key = ctx.server.secret_key, "wrong"
    try:
        done = other.aws("s3api", "get-object", "--bucket", ctx.bucket, "--key", "k",
                         ctx.path("out"), check=False)
    finally:
        ctx.server.secret_key = right
    assert done.returncode != 0 and "SignatureDoesNotMatch" in done.stderr, done


@on("s3d", options=("--versioning",))
def test_aws_cli_versions(ctx):
    for body in (b"1", b"22"):
        ctx.client.signed.put("k", body)
    ctx.client.signed.delete("k")
    listed = ctx.client.aws_json("s3api", "list-object-versions", "--bucket", ctx.bucket)
    assert [v["Size"] for v in listed["Versions"]] == [2, 1]
    assert listed["DeleteMarkers"][0]["IsLatest"] is True
    assert ctx.client.aws_json("s3api", "get-bucket-versioning", "--bucket",
                               ctx.bucket) == {"Status": "Enabled"}


@on("s3d")
def test_rclone_sync_check_move(ctx):
    tree = ctx.folder("tree")
    paths = samples.adwaita(tree, count=100)
    with open(os.path.join(tree, "sp ace +é.bin"), "wb") as file:
        file.write(os.urandom(11 << 20))
    remote = ctx.client.remote("t")
    ctx.client.rclone("sync", "--s3-upload-cutoff", "5M", tree, remote)
    assert ctx.client.rclone_check(tree, "t") == []
    assert "-" in ctx.client.signed.head("t/sp ace +é.bin").headers["etag"]
    ctx.client.rclone("moveto", f"{remote}/{paths[0]}", f"{remote}/renamed é.png")
    os.rename(os.path.join(tree, paths[0]), os.path.join(tree, "renamed é.png"))
    assert ctx.client.rclone_check(tree, "t") == []
    ops = {line["op"] for line in ctx.server.requests()}
    assert {"CopyObject", "CompleteMultipartUpload", "UploadPart"} <= ops, ops
    ctx.client.rclone("delete", remote)
    assert ctx.client.keys() == {}


@on("s3d")
def test_rclone_survives_faults(ctx):
    tree = ctx.folder("tree")
    samples.adwaita(tree, count=40)
    for action in ("error", "reset", "lost-reply"):
        ctx.server.fault(action, op="PutObject", count=3)
    ctx.client.rclone("copy", tree, ctx.client.remote("t"))
    assert [f["hits"] for f in ctx.server.faults()] == [3, 3, 3]
    assert ctx.client.rclone_check(tree, "t") == []


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "--max-time", "20", "-w", "%{http_code}", *arguments],
                          capture_output=True, timeout=30, check=False,
                          env=process.clean_environment())
    assert done.returncode == 0, done.stderr
    return int(done.stdout[-3:]), done.stdout[:-3]


@on("s3d")
def test_curl_with_presigned_addresses(ctx):
    ctx.client.signed.put("sp ace/k", b"bytes")
    url = ctx.client.aws("s3", "presign", f"s3://{ctx.bucket}/sp ace/k", "--expires-in",
                         "60").strip()
    assert curl(url) == (200, b"bytes")
    assert curl("--range", "1-2", url) == (206, b"yt")
    assert curl("-I", url)[0] == 403 # it was signed for GET
    assert curl(url[:-1] + ("0" if url[-1] != "0" else "1"))[0] == 403
    assert curl(url.split("?")[0])[0] == 403


@on("s3d")
def test_curl_uploads_what_was_signed(ctx):
    body = ctx.path("body")
    write(body, os.urandom(2_000_000))
    client = ctx.client.signed
    target, headers = client.prepare("PUT", "k", body=read(body))
    arguments = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    url = f"http://{client.host}:{client.port}{target}"
    assert curl("-T", body, *arguments, url) == (200, b"") # with Expect: 100-continue
    assert client.get("k").body == read(body)
    status, text = curl("-T", body, "-H", "Transfer-Encoding: chunked", *arguments, url)
    assert status == 411 and b"MissingContentLength" in text
    write(body, b"other")
    status, text = curl("-T", body, *arguments, url)
    assert status == 400 and b"XAmzContentSHA256Mismatch" in text
