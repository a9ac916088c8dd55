"""What objects carry besides their bytes: by the rules of the configuration, and through every kind
of copy. Seen by the AWS CLI."""

import base64
import hashlib
import json
import os
import re

from harness import deadline, on, wait_until

MIB = 1 << 20
SMALL_COPIES = ("--max-copy-size", str(6 * MIB))
PARTS = {"part_size": "5M", "multipart_size": "5M"}
KMS_KEY = "arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012"
CONTEXT = base64.b64encode(b'{"team":"cells"}').decode()

RULE = {
    "match": ["*.png"], "mapping": "images", "content_type": "image/x-scan",
    "content_encoding": "identity", "content_disposition": "inline", "content_language": "de",
    "cache_control": "max-age=60", "metadata": {"Project": "cells"},
    "tags": ["cost:center=42", "stage=raw image"], "storage_class": "STANDARD_IA",
    "acl": "public-read",
    "encryption": {"kind": "kms", "key": KMS_KEY, "bucket_key": True,
                   "context": {"team": "cells"}},
}
CARRIED = {
    "ContentType": "image/x-scan", "ContentEncoding": "identity", "ContentDisposition": "inline",
    "ContentLanguage": "de", "CacheControl": "max-age=60", "project": "cells",
    "tags": {"cost:center": "42", "stage": "raw image"}, "StorageClass": "STANDARD_IA",
    "public": True, "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KMS_KEY,
    "BucketKeyEnabled": True,
}


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


NAMES = {
    "ContentType": "content-type", "ContentEncoding": "content-encoding",
    "ContentDisposition": "content-disposition", "ContentLanguage": "content-language",
    "CacheControl": "cache-control", "project": "x-amz-meta-project",
    "StorageClass": "x-amz-storage-class", "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "BucketKeyEnabled": "x-amz-server-side-encryption-bucket-key-enabled",
    "WebsiteRedirectLocation": "x-amz-website-redirect-location",
}


def carried(ctx, key, names=tuple(CARRIED)):
    """What the object carries, of these names, called as the AWS CLI calls them."""
    client = ctx.client.signed
    headers = client.head(key).headers
    found = {name: headers[NAMES[name]] for name in names if NAMES.get(name) in headers}
    if "BucketKeyEnabled" in found:
        found["BucketKeyEnabled"] = found["BucketKeyEnabled"] == "true"
    if "tags" in names:
        body = client.expect("GET", key, query={"tagging": ""}).body.decode()
        found["tags"] = dict(re.findall("<Key>([^<]*)</Key><Value>([^<]*)</Value>", body))
    if "public" in names:
        found["public"] = b"global/AllUsers" in client.expect("GET", key, query={"acl": ""}).body
    return found


def carried_by_cli(ctx, key, names=tuple(CARRIED), *options):
    """The same, as the AWS CLI sees it."""
    head = ctx.client.aws_json("s3api", "head-object", "--bucket", ctx.bucket, "--key", key,
                               *options)
    found = {name: head[name] for name in names if name in head}
    if "project" in names and "project" in head["Metadata"]:
        found["project"] = head["Metadata"]["project"]
    if "tags" in names:
        tags = ctx.client.aws_json("s3api", "get-object-tagging", "--bucket", ctx.bucket, "--key",
                                   key)["TagSet"]
        found["tags"] = {tag["Key"]: tag["Value"] for tag in tags}
    if "public" in names:
        acl = ctx.client.aws_json("s3api", "get-object-acl", "--bucket", ctx.bucket, "--key", key)
        found["public"] = any("AllUsers" in grant["Grantee"].get("URI", "")
                              for grant in acl["Grants"])
    return found


def assert_carried(ctx, key, expected=None, by=carried, options=()):
    expected = CARRIED if expected is None else expected
    found = by(ctx, key, tuple(expected), *options)
    assert found == expected, f"{key}: {json.dumps(found)}, not {json.dumps(expected)}"


def wait_settled(ctx, agent, images, timeout=60):
    """In step, by names and status: under keys of KMS or of customers an ETag is no MD5."""
    def settled():
        here = {os.path.relpath(os.path.join(folder, name), images)
                for folder, _, names in os.walk(images) for name in names}
        return (set(ctx.client.keys("images/")) == {f"images/{name}" for name in here}
                and agent.run("status").returncode == 0)

    wait_until(settled, timeout, lambda: f"step: {sorted(ctx.client.keys())} in S3; "
               + agent.run("status").stdout)


def requests(ctx, since, *ops):
    """The requests of these kinds, without the look at what is about to be deleted."""
    lines = [line for line in ctx.server.requests()[since:] if not line["op"].startswith("List")]
    looks = [here["n"] for here, after in zip(lines, lines[1:])
             if here["op"] == "HeadObject" and after["op"].startswith("DeleteObject")]
    return [line for line in lines if line["op"] in ops and line["n"] not in looks]


def ops_on(ctx, since, key):
    """The operations on one object, in order."""
    return [line["op"] for line in ctx.server.requests()[since:] if line["key"] == key]


@deadline(300)
@on("s3d")
def test_every_attribute_through_every_change(ctx):
    images = ctx.folder("images")
    write(f"{images}/a.png", b"small")
    write(f"{images}/d/b.png", b"also small")
    write(f"{images}/other.txt", b"no rule")
    agent = ctx.agent(images=images, options={"objects": [RULE]}).start()
    wait_settled(ctx, agent, images)
    assert_carried(ctx, "images/a.png")
    put, = [line for line in requests(ctx, 0, "PutObject") if line["key"] == "images/a.png"]
    assert put["headers"]["x-amz-server-side-encryption-context"] == CONTEXT, put
    plain = carried(ctx, "images/other.txt")
    assert plain == {"ContentType": "text/plain", "tags": {}, "public": False}, plain
    # A META keeps everything, also what others added.
    ctx.client.signed.put("images/other.txt", b"no rule", {
        "content-type": "text/x-theirs", "x-amz-storage-class": "GLACIER_IR",
        "x-amz-tagging": "theirs=1", "cache-control": "theirs", "x-amz-meta-project": "theirs",
        "x-amz-website-redirect-location": "/elsewhere"})
    for name in ("a.png", "other.txt"):
        os.chmod(f"{images}/{name}", 0o600)
        os.utime(f"{images}/{name}", ns=(1, 1_500_000_000_000_000_007))
    wait_settled(ctx, agent, images)
    wait_until(lambda: ctx.client.signed.head("images/a.png").metadata["file-mtime"]
               == "1500000000000000007ns", 30, "the new time")
    ctx.client.assert_tree(images, "images/")
    assert_carried(ctx, "images/a.png")
    theirs = {"ContentType": "text/x-theirs", "StorageClass": "GLACIER_IR", "CacheControl": "theirs",
              "WebsiteRedirectLocation": "/elsewhere", "tags": {"theirs": "1"}, "project": "theirs"}
    assert_carried(ctx, "images/other.txt", theirs)
    meta = [line for line in requests(ctx, 0, "CopyObject") if line["key"] == "images/a.png"]
    assert all(line["headers"]["x-amz-server-side-encryption-context"] == CONTEXT for line in meta)
    # Renames of what we put: one request each, and no question.
    since = len(ctx.server.requests())
    os.rename(f"{images}/a.png", f"{images}/c.png")
    os.rename(f"{images}/d", f"{images}/e")
    wait_settled(ctx, agent, images)
    assert ops_on(ctx, since, "images/c.png") == ["CopyObject"]
    assert ops_on(ctx, since, "images/e/b.png") == ["CopyObject"]
    assert requests(ctx, since, "HeadObject", "PutObject") == []
    assert_carried(ctx, "images/c.png")
    assert_carried(ctx, "images/e/b.png", by=carried_by_cli)
    ctx.client.assert_tree(images, "images/")
    agent.verify_journal()


@deadline(300)
@on("s3d", options=SMALL_COPIES)
def test_in_parts_and_beyond_what_is_copied_at_once(ctx):
    images = ctx.folder("images")
    write(f"{images}/large.png", os.urandom(13 * MIB))
    agent = ctx.agent(images=images, options={"objects": [RULE]}, s3=PARTS).start()
    wait_settled(ctx, agent, images)
    assert_carried(ctx, "images/large.png")
    os.chmod(f"{images}/large.png", 0o640)
    wait_until(lambda: ctx.client.signed.head("images/large.png").metadata["file-permissions"]
               == "0100640", 60, "the new mode")
    wait_settled(ctx, agent, images)
    assert_carried(ctx, "images/large.png")
    os.makedirs(f"{images}/to")
    os.rename(f"{images}/large.png", f"{images}/to/there.png")
    wait_settled(ctx, agent, images)
    assert_carried(ctx, "images/to/there.png")
    assert len(requests(ctx, 0, "UploadPartCopy")) == 6, "two copies of three parts"
    assert requests(ctx, 0, "PutObject") == []
    assert ctx.client.signed.uploads() == []
    ctx.client.assert_tree(images, "images/")


def key_file(ctx, name, key):
    path = ctx.path(name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(key)
    return path


@deadline(300)
@on("s3d", options=SMALL_COPIES)
def test_a_key_of_the_customer(ctx):
    """SSE-C: put, in parts, metadata, renames; the key is in no log and no file of ours."""
    images = ctx.folder("images")
    key = bytes(range(7, 39))
    text = base64.b64encode(key).decode()
    rules = [{"encryption": {"kind": "customer", "key_file": key_file(ctx, "key", key)}}]
    write(f"{images}/a.png", b"secret")
    write(f"{images}/large.rec", os.urandom(13 * MIB))
    agent = ctx.agent(images=images, options={"objects": rules, "log_level": "debug"}, s3=PARTS)
    agent.start().wait_until_ready()
    with_key = {"x-amz-server-side-encryption-customer-algorithm": "AES256",
                "x-amz-server-side-encryption-customer-key": text,
                "x-amz-server-side-encryption-customer-key-md5":
                    base64.b64encode(hashlib.md5(key).digest()).decode()}
    wait_settled(ctx, agent, images)
    for name in ("a.png", "large.rec"):
        os.chmod(f"{images}/{name}", 0o600)
    wait_until(lambda: sorted(r["op"] for r in requests(ctx, 0, "CopyObject",
                                                        "CompleteMultipartUpload")
                              if r["status"] == 200) ==
               ["CompleteMultipartUpload", "CompleteMultipartUpload", "CopyObject"], 60,
               "the new modes")
    wait_settled(ctx, agent, images)
    os.rename(f"{images}/a.png", f"{images}/b.png")
    os.rename(f"{images}/large.rec", f"{images}/larger.rec")
    wait_settled(ctx, agent, images)
    assert len(requests(ctx, 0, "PutObject")) == 1 and len(requests(ctx, 0, "UploadPart")) == 3
    for name in ("b.png", "larger.rec"):
        answer = ctx.client.signed.expect("GET", f"images/{name}", headers=with_key)
        assert answer.headers["x-amz-server-side-encryption-customer-algorithm"] == "AES256"
        assert answer.metadata["file-permissions"] == "0100600", name
        with open(f"{images}/{name}", "rb") as here:
            assert answer.body == here.read(), name
    assert ctx.client.signed.request("HEAD", "images/b.png").status == 400
    done = agent.run("verify", "--deep")
    assert done.returncode == 0, done.stdout + done.stderr
    # Another key: what is under the old one can only be put anew.
    agent.stop()
    assert text not in agent.log() and "customer-key:" not in agent.log()
    rules[0]["encryption"]["key_file"] = key_file(ctx, "other", base64.b64encode(key[::-1]) + b"\n")
    agent = ctx.agent(images=images, options={"objects": rules}, s3=PARTS)
    agent.start().wait_for_log("rules of what objects carry are others than in the last run")
    since = len(ctx.server.requests())
    os.rename(f"{images}/b.png", f"{images}/c.png")
    wait_settled(ctx, agent, images)
    assert ops_on(ctx, since, "images/c.png") == ["PutObject"]
    for folder, _, files in os.walk(agent.state_dir):
        for name in files:
            if name == "control.sock":
                continue
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            assert key not in content and text.encode() not in content, name
    agent.verify_journal()


@on("s3d")
def test_a_rename_to_where_other_rules_hold(ctx):
    images = ctx.folder("images")
    rules = [{"cache_control": "no-store", "metadata": {"stage": "any"}},
             {"match": ["raw/**"], "storage_class": "STANDARD_IA", "tags": {"stage": "raw"},
              "metadata": {"stage": "raw"}},
             {"match": ["done/**"], "storage_class": "GLACIER_IR", "tags": {"stage": "done"},
              "metadata": {"stage": "done"}, "cache_control": "max-age=1"}]
    write(f"{images}/raw/a.png", b"image")
    write(f"{images}/raw/b.dat", b"image as well")
    os.makedirs(f"{images}/done")
    agent = ctx.agent(images=images, options={"objects": rules}).start()
    agent.wait_in_step()
    names = ("StorageClass", "CacheControl", "tags", "ContentType")
    assert carried(ctx, "images/raw/a.png", names) == {
        "StorageClass": "STANDARD_IA", "CacheControl": "no-store", "tags": {"stage": "raw"},
        "ContentType": "image/png"}
    since = len(ctx.server.requests())
    os.rename(f"{images}/raw/a.png", f"{images}/done/a.png")
    os.rename(f"{images}/raw/b.dat", f"{images}/raw/b.png")
    wait_until(lambda: set(ctx.client.keys()) == {"images/done/a.png", "images/raw/b.png"}, 30,
               "the new names")
    agent.wait_in_step()
    assert carried(ctx, "images/done/a.png", names) == {
        "StorageClass": "GLACIER_IR", "CacheControl": "max-age=1", "tags": {"stage": "done"},
        "ContentType": "image/png"}
    assert ctx.client.signed.head("images/done/a.png").metadata["stage"] == "done"
    assert carried(ctx, "images/raw/b.png", names) == {
        "StorageClass": "STANDARD_IA", "CacheControl": "no-store", "tags": {"stage": "raw"},
        "ContentType": "image/png"}
    assert requests(ctx, since, "PutObject") == []
    ctx.client.assert_tree(images, "images/")
    # And back again: by now it is known what they carry.
    since = len(ctx.server.requests())
    os.rename(f"{images}/done/a.png", f"{images}/done/c.png")
    wait_until(lambda: set(ctx.client.keys()) == {"images/done/c.png", "images/raw/b.png"}, 30,
               "the new name")
    assert ops_on(ctx, since, "images/done/c.png") == ["CopyObject"]
    assert requests(ctx, since, "HeadObject") == []


@on("s3d")
def test_objects_of_other_rules_keep_what_they_have(ctx):
    """A change of the rules rewrites nothing, and a rename asks what the object has."""
    images = ctx.folder("images")
    for name in ("a.png", "b.png", "c.png"):
        write(f"{images}/{name}", name.encode())
    rule = {"storage_class": "STANDARD_IA", "metadata": {"project": "cells"}}
    agent = ctx.agent(images=images, options={"objects": [rule]}).start()
    agent.wait_in_step()
    agent.stop()
    since = len(ctx.server.requests())
    agent = ctx.agent(images=images, options={"objects": [
        {**rule, "storage_class": "GLACIER_IR"}]})
    agent.start().wait_in_step()
    assert "rules of what objects carry are others than in the last run" in agent.log()
    os.rename(f"{images}/a.png", f"{images}/d.png")
    write(f"{images}/b.png", b"new content")
    wait_until(lambda: set(ctx.client.keys()) == {"images/b.png", "images/c.png", "images/d.png"},
               30, "the new name")
    agent.wait_in_step()
    assert len(requests(ctx, since, "HeadObject")) == 1
    assert [line["key"] for line in requests(ctx, since, "PutObject")] == ["images/b.png"]
    for name, storage_class in (("b", "GLACIER_IR"), ("c", "STANDARD_IA"), ("d", "STANDARD_IA")):
        assert_carried(ctx, f"images/{name}.png",
                       {"StorageClass": storage_class, "project": "cells"})
    # Each rename asks where others are at work.
    agent.stop()
    since = len(ctx.server.requests())
    agent = ctx.agent(images=images, options={"objects": [{**rule, "storage_class": "GLACIER_IR"}]},
                      s3={"foreign_attributes": True})
    agent.start().wait_in_step()
    assert "than in the last run" not in agent.log().rpartition("step")[2]
    os.rename(f"{images}/b.png", f"{images}/e.png")
    wait_until(lambda: "images/e.png" in ctx.client.keys(), 30, "the new name")
    agent.wait_in_step()
    assert len(requests(ctx, since, "HeadObject")) == 1
    assert_carried(ctx, "images/e.png", {"StorageClass": "GLACIER_IR", "project": "cells"})


@on("s3d")
def test_adopted_objects_keep_what_they_have(ctx):
    images = ctx.folder("images")
    write(f"{images}/a.png", b"put by others")
    theirs = {"ContentType": "image/x-theirs", "StorageClass": "GLACIER_IR", "tags": {"theirs": "1"},
              "WebsiteRedirectLocation": "/elsewhere", "project": "theirs"}
    ctx.client.signed.put("images/a.png", b"put by others", {
        "content-type": "image/x-theirs", "x-amz-storage-class": "GLACIER_IR",
        "x-amz-tagging": "theirs=1", "x-amz-meta-project": "theirs",
        "x-amz-website-redirect-location": "/elsewhere"})
    since = len(ctx.server.requests())
    agent = ctx.agent(images=images)
    done = agent.run("adopt")
    assert "a.png" not in done.stdout, done.stdout + done.stderr
    agent.start().wait_in_step()
    os.rename(f"{images}/a.png", f"{images}/b.png")
    wait_settled(ctx, agent, images)
    assert requests(ctx, since, "PutObject") == []
    assert_carried(ctx, "images/b.png", theirs)
    ctx.client.assert_tree(images, "images/", metadata=False)


@on("s3d")
def test_what_lies_in_an_archive_is_put_anew(ctx):
    images = ctx.folder("images")
    for name in ("a.png", "b.png"):
        write(f"{images}/{name}", name.encode())
    agent = ctx.agent(images=images, options={"objects": [{"storage_class": "DEEP_ARCHIVE"}]})
    agent.start().wait_until_ready()
    wait_settled(ctx, agent, images)
    since = len(ctx.server.requests())
    os.rename(f"{images}/a.png", f"{images}/c.png")
    os.chmod(f"{images}/b.png", 0o600)
    wait_until(lambda: len(requests(ctx, since, "PutObject")) == 2, 30, "two more")
    wait_settled(ctx, agent, images)
    assert sorted(line["key"] for line in requests(ctx, since, "PutObject")) == [
        "images/b.png", "images/c.png"]


@on("s3d")
def test_the_owner_of_the_bucket_and_who_pays(ctx):
    images = ctx.folder("images")
    write(f"{images}/a.png", b"image")
    s3 = {"expected_bucket_owner": "111122223333", "requester_pays": True}
    agent = ctx.agent(images=images, s3=s3).start()
    agent.wait_in_step()
    os.rename(f"{images}/a.png", f"{images}/b.png")
    wait_until(lambda: list(ctx.client.keys()) == ["images/b.png"], 30, "the new name")
    agent.wait_in_step()
    ours = requests(ctx, 0, "PutObject", "CopyObject", "DeleteObject")
    assert [line["op"] for line in ours] == ["PutObject", "CopyObject", "DeleteObject",
                                        "DeleteObject"], ours  # one tells of conditions
    for line in ours:
        assert line["headers"]["x-amz-expected-bucket-owner"] == "111122223333", line
        assert line["headers"]["x-amz-request-payer"] == "requester", line
    assert ours[1]["headers"]["x-amz-source-expected-bucket-owner"] == "111122223333"
    agent.stop()
    write(f"{images}/c.png", b"image")
    agent = ctx.agent(images=images, s3={"expected_bucket_owner": "999999999999"}).start()
    agent.wait_for_log("AccessDenied")
    assert list(ctx.client.keys()) == ["images/b.png"]


@deadline(300)
@on("ceph")
def test_attributes_on_a_server_of_others(ctx):
    images = ctx.folder("images")
    rule = {key: RULE[key] for key in ("content_type", "content_disposition", "content_language",
                                       "cache_control", "metadata", "tags", "acl")}
    expected = {key: CARRIED[key] for key in ("ContentType", "ContentDisposition", "ContentLanguage",
                                              "CacheControl", "project", "tags", "public")}
    write(f"{images}/a.png", b"small")
    write(f"{images}/large.png", os.urandom(6 * MIB))
    agent = ctx.agent(images=images, options={"objects": [rule]}, s3=PARTS).start()
    agent.wait_in_step(60)
    without_tags = {key: value for key, value in expected.items() if key != "tags"}
    for name in ("a", "large"):
        if name == "large":
            expected = without_tags  # Ceph 16 takes no tags for uploads in parts
        assert_carried(ctx, f"images/{name}.png", expected)
        os.rename(f"{images}/{name}.png", f"{images}/{name}-1.png")
        wait_until(lambda: f"images/{name}.png" not in ctx.client.keys(), 60, "the new name")
        agent.wait_in_step(60)
        assert_carried(ctx, f"images/{name}-1.png", expected)
        name += "-1"
        os.chmod(f"{images}/{name}.png", 0o600)
        wait_until(lambda: ctx.client.signed.head(f"images/{name}.png")
                   .metadata["file-permissions"] == "0100600", 60, "the new mode")
        agent.wait_in_step(60)
        assert_carried(ctx, f"images/{name}.png", without_tags)  # Ceph 16 drops tags by REPLACE
    ctx.client.assert_tree(images, "images/")
