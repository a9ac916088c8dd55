"""What objects carry at s3d: values that S3 refuses, what copies take over, keys of customers."""

import base64
import datetime
import hashlib

from harness import on
from test_s3d_signing import refused

KEY = "x-amz-server-side-encryption-customer-"
SOURCE_KEY = "x-amz-copy-source-server-side-encryption-customer-"


def customer(key, prefix=KEY, md5_of=None):
    md5 = hashlib.md5(md5_of or key).digest()
    return {prefix + "algorithm": "AES256", prefix + "key": base64.b64encode(key).decode(),
            prefix + "key-md5": base64.b64encode(md5).decode()}


def copy(client, source, key, headers=()):
    return client.request("PUT", key, headers={"x-amz-copy-source": f"/{client.bucket}/{source}",
                                               **dict(headers)})


@on("s3d")
def test_values_that_are_refused(ctx):
    client = ctx.client.signed
    cases = (
        ({"x-amz-storage-class": "COLD"}, 400, "InvalidStorageClass"),
        ({"x-amz-acl": "world"}, 400, "InvalidArgument"),
        ({"x-amz-tagging": "&".join(f"k{i}=v" for i in range(11))}, 400, "InvalidArgument"),
        ({"x-amz-tagging": "aws:x=1"}, 400, "InvalidArgument"),
        ({"x-amz-tagging": "k=" + "v" * 257}, 400, "InvalidArgument"),
        ({"x-amz-server-side-encryption": "rot13"}, 400, "InvalidArgument"),
        ({"x-amz-server-side-encryption-aws-kms-key-id": "alias/a"}, 400, "InvalidArgument"),
        ({"x-amz-server-side-encryption": "aws:kms",
          "x-amz-server-side-encryption-context": "no json"}, 400, "InvalidArgument"),
        ({"x-amz-server-side-encryption": "AES256", **customer(b"k" * 32)}, 400, "InvalidArgument"),
        (customer(b"k" * 31), 400, "InvalidArgument"),
        (customer(b"k" * 32, md5_of=b"other"), 400, "InvalidArgument"),
        ({"x-amz-expected-bucket-owner": "999999999999"}, 403, "AccessDenied"),
        ({"x-amz-request-payer": "nobody"}, 400, "InvalidArgument"),
    )
    for headers, status, code in cases:
        refused(client.request("PUT", "k", body=b"v", headers=headers), status, code)
    assert client.list() == {}


@on("s3d")
def test_what_a_copy_takes_over(ctx):
    client = ctx.client.signed
    sent = {"cache-control": "x", "x-amz-meta-a": "b", "x-amz-tagging": "a=b",
            "x-amz-storage-class": "STANDARD_IA", "x-amz-acl": "public-read",
            "x-amz-server-side-encryption": "aws:kms", "x-amz-website-redirect-location": "/x"}
    etag = client.put("k", b"v", sent).headers["etag"]
    assert hashlib.md5(b"v").hexdigest() not in etag
    assert copy(client, "k", "copy").status == 200
    head = client.head("copy").headers
    assert (head["cache-control"], head["x-amz-meta-a"], head["x-amz-tagging-count"]) == (
        "x", "b", "1")
    for name in ("x-amz-storage-class", "x-amz-server-side-encryption",
                 "x-amz-website-redirect-location", "x-amz-acl"):
        assert name not in head, name
    assert head["etag"] == f'"{hashlib.md5(b"v").hexdigest()}"'
    assert b"AllUsers" in client.expect("GET", "k", query={"acl": ""}).body
    assert b"AllUsers" not in client.expect("GET", "copy", query={"acl": ""}).body
    copy(client, "k", "other", {"x-amz-tagging-directive": "REPLACE", "x-amz-tagging": "c=d"})
    assert b"<Key>c</Key>" in client.expect("GET", "other", query={"tagging": ""}).body
    client.put("old", b"v", {"x-amz-storage-class": "GLACIER"})
    refused(copy(client, "old", "new"), 403, "InvalidObjectState")
    refused(client.request("GET", "old"), 403, "InvalidObjectState")
    assert client.head("old").headers["x-amz-storage-class"] == "GLACIER"


@on("s3d")
def test_keys_of_customers(ctx):
    client = ctx.client.signed
    key, other = b"k" * 32, b"o" * 32
    client.put("k", b"v", customer(key))
    client.put("plain", b"v")
    assert client.request("HEAD", "k").status == 400
    assert client.request("HEAD", "k", headers=customer(other)).status == 403
    assert client.request("HEAD", "plain", headers=customer(key)).status == 400
    refused(client.request("GET", "k"), 400, "InvalidRequest")
    answer = client.expect("GET", "k", headers=customer(key))
    assert answer.body == b"v" and KEY + "key-md5" in answer.headers
    assert KEY + "key" not in answer.headers
    refused(copy(client, "k", "c"), 400, "InvalidRequest")
    assert copy(client, "k", "c", customer(key, SOURCE_KEY)).status == 200
    assert client.get("c").body == b"v"
    assert copy(client, "k", "d", {**customer(key, SOURCE_KEY), **customer(other)}).status == 200
    assert client.expect("GET", "d", headers=customer(other)).body == b"v"
    upload = client.expect("POST", "m", query={"uploads": ""}, headers=customer(key)).body.decode()
    upload = upload.partition("<UploadId>")[2].partition("<")[0]
    query = {"uploadId": upload, "partNumber": "1"}
    refused(client.request("PUT", "m", query=query, body=b"v"), 400, "InvalidRequest")
    refused(client.request("PUT", "m", query=query, body=b"v", headers=customer(other)), 403,
            "AccessDenied")
    etag = client.expect("PUT", "m", query=query, body=b"v", headers=customer(key)).headers["etag"]
    done = (f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
            "</CompleteMultipartUpload>").encode()
    refused(client.request("POST", "m", query={"uploadId": upload}, body=done), 400,
            "InvalidRequest")
    client.expect("POST", "m", query={"uploadId": upload}, body=done, headers=customer(key))
    assert client.expect("GET", "m", headers=customer(key)).body == b"v"
    with open(ctx.server.log_path, encoding="utf-8") as log:
        assert base64.b64encode(key).decode() not in log.read()


def locked(days, mode="COMPLIANCE", checked=True, body=b"v"):
    """Headers that keep an object for so many days, its bytes secured by an MD5."""
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    return {"x-amz-object-lock-mode": mode,
            "x-amz-object-lock-retain-until-date": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **({"content-md5": md5} if checked else {})}


@on("s3d", options=("--object-lock",))
def test_locks_need_a_checksum_and_keep_a_version(ctx):
    client = ctx.client.signed
    refused(client.request("PUT", "k", body=b"v", headers=locked(1, checked=False)), 400,
            "InvalidRequest")
    for headers in (locked(-1), locked(1, mode="FOREVER"),
                    {"x-amz-object-lock-mode": "COMPLIANCE", "content-md5": "x"},
                    {k: v for k, v in locked(1).items() if not k.endswith("mode")}):
        assert client.request("PUT", "k", body=b"v", headers=headers).status == 400, headers
    assert client.list() == {}
    version = client.put("k", b"v", locked(1)).headers["x-amz-version-id"]
    head = client.head("k").headers
    assert head["x-amz-object-lock-mode"] == "COMPLIANCE", head
    refused(client.request("DELETE", "k", query={"versionId": version}), 403, "AccessDenied")
    assert client.delete("k").status == 204  # a marker
    assert client.request("GET", "k", query={"versionId": version}).body == b"v"
    free = client.put("k", b"w").headers["x-amz-version-id"]
    assert "x-amz-object-lock-mode" not in client.head("k").headers
    assert client.request("DELETE", "k", query={"versionId": free}).status == 204


@on("s3d")
def test_a_bucket_without_locks_refuses_them(ctx):
    refused(ctx.client.signed.request("PUT", "k", body=b"v", headers=locked(1)), 400,
            "InvalidRequest")
    assert ctx.client.signed.list() == {}
