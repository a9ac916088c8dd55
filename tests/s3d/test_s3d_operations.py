"""What s3d's operations do, beyond what well-behaved clients ask of them."""

import base64
import hashlib
import os
import random
import re
import socket
import threading
import urllib.parse

from harness import on
from harness.signed import quote
from test_s3d_signing import refused

KEYS = ("a//b", "/lead", "../x", "a/../b", ".", "..", "plus+", "per%25cent%", "quo'te\"", "sp ace",
        "trail/", "é/ü/漢", "&<>;=?#", "~!*()", "tab\tnew\nline", "k" * 1024, "é" * 512)


def md5_header(body):
    return {"content-md5": base64.b64encode(hashlib.md5(body).digest()).decode()}


def tag(body, name):
    """The texts of an element."""
    found = re.findall(rb"<" + name.encode() + rb">([^<]*)</", body)
    return [text.decode() for text in found]


# --- objects --------------------------------------------------------------------------------------

@on("s3d")
def test_any_key_is_a_key(ctx):
    client = ctx.client.signed
    for key in KEYS:
        client.put(key, key.encode())
    assert client.list() == {key: (len(key.encode()), hashlib.md5(key.encode()).hexdigest())
                             for key in KEYS}
    for key in KEYS:
        assert client.get(key).body == key.encode(), key
        client.delete(key)
        assert client.request("HEAD", key).status == 404, key
    assert client.list() == {}
    outside = [name for name in os.listdir(ctx.dir) if name not in ("s3d", "output")]
    assert outside == [], outside


@on("s3d")
def test_bad_keys_are_refused(ctx):
    client = ctx.client.signed
    refused(client.request("PUT", "k" * 1025, body=b"v"), 400, "KeyTooLongError")
    for path in ("/%ff", "/%zz", "/a%2", "/a%00b", "/sp|ace", "/a%c0%af"):
        target, headers = client.prepare("GET")
        refused(client.send("GET", target + path, headers), 400, "InvalidURI")


@on("s3d")
def test_headers_are_kept(ctx):
    client = ctx.client.signed
    sent = {"content-type": "image/png", "cache-control": "no-cache",
            "content-disposition": 'attachment; filename="a b"', "content-encoding": "gzip",
            "content-language": "de", "x-amz-meta-file-owner": "1000", "x-amz-meta-x": "a  b",
            "x-amz-storage-class": "STANDARD_IA"}
    client.put("k", b"v", sent)
    for answer in (client.get("k"), client.head("k")):
        got = {name: value for name, value in answer.headers.items() if name in sent}
        assert got == sent, got
    client.put("k", b"v")
    answer = client.head("k")
    assert answer.metadata == {} and answer.headers["content-type"] == "binary/octet-stream"
    assert "x-amz-storage-class" not in answer.headers


@on("s3d")
def test_what_is_not_known_is_refused(ctx):
    client = ctx.client.signed
    refused(client.request("PUT", "k", body=b"v", headers={"x-amz-object-lock-legal-hold": "ON"}),
            501, "NotImplemented")
    refused(client.request("GET", "k", query={"torrent": ""}), 501, "NotImplemented")
    refused(client.request("PUT", query={"policy": ""}), 501, "NotImplemented")
    refused(client.request("GET", query={"list-type": "3"}), 400, "InvalidArgument")
    refused(client.request("PATCH", "k"), 405, "MethodNotAllowed")
    metadata = {"x-amz-meta-a": "x" * 2048}
    refused(client.request("PUT", "k", body=b"v", headers=metadata), 400, "MetadataTooLarge")
    target, headers = client.prepare("PUT", "k")
    connection = socket.create_connection((client.host, client.port), timeout=5)
    lines = [f"PUT {target} HTTP/1.1"] + [f"{k}: {v}" for k, v in headers.items()]
    connection.sendall("\r\n".join(lines + ["", ""]).encode())
    assert connection.recv(4096).startswith(b"HTTP/1.1 411 ")
    connection.close()


@on("s3d")
def test_ranges(ctx):
    client = ctx.client.signed
    data = bytes(range(100))
    client.put("k", data)
    client.put("empty", b"")
    cases = {"0-0": data[:1], "0-9": data[:10], "90-": data[90:], "-5": data[95:],
             "50-1000": data[50:], "-1000": data, "99-99": data[99:]}
    for text, expected in cases.items():
        answer = client.request("GET", "k", headers={"range": "bytes=" + text})
        assert (answer.status, answer.body) == (206, expected), text
        start = data.index(expected[:1])
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(expected) - 1}/100"
    for text in ("100-", "100-200", "-0"):
        refused(client.request("GET", "k", headers={"range": "bytes=" + text}), 416, "InvalidRange")
    refused(client.request("GET", "empty", headers={"range": "bytes=0-"}), 416, "InvalidRange")
    for text in ("bytes=", "bytes=-", "bytes=5-1", "bytes=0-1,3-4", "items=0-1", "bytes=a-b"):
        answer = client.request("GET", "k", headers={"range": text})
        assert (answer.status, answer.body) == (200, data), text
    head = client.request("HEAD", "k", headers={"range": "bytes=0-9"})
    assert (head.status, head.headers["content-length"]) == (206, "10")


@on("s3d")
def test_conditions(ctx):
    client = ctx.client.signed
    etag = client.put("k", b"1").headers["etag"]
    refused(client.request("PUT", "k", body=b"2", headers={"if-none-match": "*"}),
            412, "PreconditionFailed")
    refused(client.request("PUT", "k", body=b"2", headers={"if-match": '"0"'}),
            412, "PreconditionFailed")
    refused(client.request("PUT", "new", body=b"2", headers={"if-match": etag}), 404, "NoSuchKey")
    assert client.get("k").body == b"1"
    for condition, status in (({"if-none-match": etag}, 304), ({"if-match": '"0"'}, 412),
                              ({"if-match": etag}, 200), ({"if-none-match": '"0"'}, 200),
                              ({"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304),
                              ({"if-unmodified-since": "Fri, 01 Jan 2010 00:00:00 GMT"}, 412)):
        assert client.request("GET", "k", headers=condition).status == status, condition
    refused(client.request("DELETE", "k", headers={"if-match": '"0"'}), 412, "PreconditionFailed")
    assert client.request("PUT", "k", body=b"2", headers={"if-match": etag}).status == 200
    etag = client.head("k").headers["etag"]
    assert client.request("DELETE", "k", headers={"if-match": etag}).status == 204
    assert client.request("PUT", "k", body=b"3", headers={"if-none-match": "*"}).status == 200


@on("s3d")
def test_one_of_many_creates(ctx):
    client = ctx.client.signed
    big = [bytes([i]) * 2_000_000 for i in range(12)]
    answers = client.map(lambda body: client.request("PUT", "k", body=body,
                                                     headers={"if-none-match": "*"}), big, 12)
    assert sorted(a.status for a in answers) == [200] + [412] * 11
    winner = next(i for i, a in enumerate(answers) if a.status == 200)
    assert client.get("k").body == big[winner]


@on("s3d")
def test_a_torn_upload_leaves_nothing(ctx):
    client = ctx.client.signed
    target, headers = client.prepare("PUT", "k", payload="UNSIGNED-PAYLOAD")
    lines = [f"PUT {target} HTTP/1.1"] + [f"{k}: {v}" for k, v in headers.items()]
    connection = socket.create_connection((client.host, client.port), timeout=5)
    connection.sendall("\r\n".join(lines + ["content-length: 3000000", "", ""]).encode())
    connection.sendall(b"x" * 2_000_000)
    connection.close()
    assert client.list() == {}


@on("s3d")
def test_copies(ctx):
    client = ctx.client.signed
    source = "special +%'é&?"
    etag = client.put(source, b"bytes", {"content-type": "image/png", "x-amz-meta-a": "1",
                                         "x-amz-tagging": "t=1&u=a%20b"}).headers["etag"]
    where = f"/{ctx.bucket}/{quote(source, '/')}"

    def copy(key, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.request("PUT", key, headers={"x-amz-copy-source": where, **named})

    assert tag(copy("copied").body, "ETag") == [f"&quot;{etag[1:-1]}&quot;"]
    got = client.get("copied")
    assert (got.body, got.metadata, got.headers["content-type"]) == (b"bytes", {"a": "1"},
                                                                     "image/png")
    assert tag(client.request("GET", "copied", query={"tagging": ""}).body, "Value") == ["1", "a b"]
    assert copy("replaced", x_amz_metadata_directive="REPLACE", x_amz_meta_b="2").status == 200
    got = client.get("replaced")
    assert (got.body, got.metadata) == (b"bytes", {"b": "2"})
    assert got.headers["content-type"] == "binary/octet-stream"
    assert copy("ok", x_amz_copy_source_if_match=etag).status == 200
    refused(copy("no", x_amz_copy_source_if_match='"0"'), 412, "PreconditionFailed")
    refused(copy("no", x_amz_copy_source_if_none_match=etag), 412, "PreconditionFailed")
    refused(copy(source), 400, "InvalidRequest")
    assert copy(source, x_amz_metadata_directive="REPLACE").status == 200
    where = f"/{ctx.bucket}/missing"
    refused(copy("no"), 404, "NoSuchKey")
    where = "/missing-bucket/k"
    refused(copy("no"), 404, "NoSuchBucket")
    where = "nonsense"
    refused(copy("no"), 400, "InvalidArgument")
    assert "no" not in client.list()


# --- listings -------------------------------------------------------------------------------------

def expected_page(keys, prefix, delimiter, after):
    """The entries of a whole listing as S3's guide describes it: keys and rolled-up prefixes."""
    entries = []
    for key in sorted(keys, key=lambda k: k.encode()):
        if not key.startswith(prefix) or key.encode() <= after.encode():
            continue
        rest = key[len(prefix):]
        entry = key
        if delimiter and delimiter in rest:
            entry = prefix + rest[:rest.index(delimiter) + len(delimiter)]
        if entry != after and entry not in entries:
            entries.append(entry)
    return entries


def listed(client, version, prefix, delimiter, after, size):
    """The same from the server, page by page."""
    entries, token, pages = [], None, 0
    while True:
        query = {"prefix": prefix, "max-keys": str(size), "encoding-type": "url"}
        if delimiter:
            query["delimiter"] = delimiter
        if version == 2:
            query["list-type"] = "2"
            if token:
                query["continuation-token"] = token
            elif after:
                query["start-after"] = after
        elif token or after:
            query["marker"] = token or after
        body = client.expect("GET", query=query).body
        page = [urllib.parse.unquote(k) for k in tag(body, "Key")]
        page += [urllib.parse.unquote(text.decode()) for text in
                 re.findall(rb"<CommonPrefixes><Prefix>([^<]*)", body)]
        assert len(page) <= size
        if version == 2:
            assert tag(body, "KeyCount") == [str(len(page))]
        entries += page
        pages += 1
        if tag(body, "IsTruncated") != ["true"]:
            return sorted(entries, key=lambda k: k.encode()), pages
        last = sorted(page, key=lambda k: k.encode())[-1]
        token = tag(body, "NextContinuationToken")[0] if version == 2 else last


@on("s3d")
def test_listings_agree_with_a_model(ctx):
    client = ctx.client.signed
    dice = random.Random(7)
    parts = ("a", "b", "a-b", "é", "A", "a+b", "%41", "z/", "/")
    keys = {"".join(dice.choice(parts) + dice.choice(("/", "", "//")) for _ in range(4))
            for _ in range(150)}
    client.map(lambda key: client.put(key, b""), keys)
    assert set(client.list()) == keys
    for _ in range(120):
        key = dice.choice(sorted(keys))
        prefix = key[:dice.randrange(4)]
        delimiter = dice.choice(("", "/", "//", "b"))
        after = dice.choice(("", "a", "a/", dice.choice(sorted(keys))))
        version, size = dice.choice((1, 2)), dice.choice((1, 3, 1000))
        got, pages = listed(client, version, prefix, delimiter, after, size)
        expected = expected_page(keys, prefix, delimiter, after)
        what = (version, prefix, delimiter, after, size)
        assert got == expected, (what, got, expected)
        assert pages == max(1, -(-len(expected) // size)), (what, pages)


@on("s3d")
def test_pages_end_at_1000(ctx):
    client = ctx.client.signed
    client.map(lambda i: client.put(f"k{i:04}", b""), range(1203))
    body = client.expect("GET", query={"list-type": "2", "max-keys": "5000"}).body
    assert len(tag(body, "Key")) == 1000 and tag(body, "IsTruncated") == ["true"]
    assert len(client.list()) == 1203
    body = client.expect("GET", query={"list-type": "2", "max-keys": "0"}).body
    assert tag(body, "Key") == [] and tag(body, "IsTruncated") == ["false"]
    refused(client.request("GET", query={"list-type": "2", "max-keys": "-1"}),
            400, "InvalidArgument")


# --- many removals --------------------------------------------------------------------------------

def delete_many(client, keys, headers=None, quiet=False):
    body = "<Delete>" + ("<Quiet>true</Quiet>" if quiet else "")
    for key in keys:
        body += f"<Object><Key>{key}</Key></Object>"
    body = (body + "</Delete>").encode()
    return client.request("POST", query={"delete": ""}, body=body,
                          headers=md5_header(body) if headers is None else headers)


@on("s3d")
def test_deleting_many(ctx):
    client = ctx.client.signed
    client.map(lambda i: client.put(f"k{i}", b""), range(12))
    answer = delete_many(client, ["k0", "k1", "missing"])
    assert tag(answer.body, "Key") == ["k0", "k1", "missing"], answer.body
    assert tag(delete_many(client, ["k2"], quiet=True).body, "Key") == []
    assert len(client.list()) == 9
    refused(delete_many(client, ["k3"], headers={}), 400, "InvalidRequest")
    refused(delete_many(client, ["k3"], headers=md5_header(b"else")), 400, "BadDigest")
    refused(delete_many(client, [f"x{i}" for i in range(1001)]), 400, "MalformedXML")
    refused(delete_many(client, []), 400, "MalformedXML")
    assert delete_many(client, [f"k{i}" for i in range(1000)]).status == 200
    assert client.list() == {}
    for body in (b"<Delete><Object><Key>k</Key></Object>", b"<Other/>", b"", b"<Delete><Object/>"
                 b"</Delete>", b'<!DOCTYPE d [<!ENTITY e "k">]><Delete><Object><Key>&e;</Key>'
                 b"</Object></Delete>"):
        answer = client.request("POST", query={"delete": ""}, body=body, headers=md5_header(body))
        refused(answer, 400, "MalformedXML")


# --- buckets --------------------------------------------------------------------------------------

@on("s3d")
def test_buckets(ctx):
    client = ctx.server.signed("another-bucket")
    refused(client.request("GET", query={"list-type": "2"}), 404, "NoSuchBucket")
    refused(client.request("PUT", "k", body=b"v"), 404, "NoSuchBucket")
    assert client.request("PUT").status == 200
    refused(client.request("PUT"), 409, "BucketAlreadyOwnedByYou")
    assert client.request("HEAD").headers["x-amz-bucket-region"] == "us-east-1"
    assert b"<LocationConstraint" in client.request("GET", query={"location": ""}).body
    client.put("k", b"v")
    refused(client.request("DELETE"), 409, "BucketNotEmpty")
    client.delete("k")
    assert client.request("DELETE").status == 204
    assert client.request("HEAD").status == 404
    refused(ctx.server.signed("UPPER").request("PUT"), 400, "InvalidBucketName")


# --- versions -------------------------------------------------------------------------------------

@on("s3d", options=("--versioning",))
def test_versions(ctx):
    client = ctx.client.signed
    first = client.put("k", b"1").headers["x-amz-version-id"]
    second = client.put("k", b"2").headers["x-amz-version-id"]
    gone = client.delete("k").headers
    assert gone["x-amz-delete-marker"] == "true" and first != second
    refused(client.request("GET", "k"), 404, "NoSuchKey")
    assert client.list() == {}

    def check():
        assert client.request("GET", "k", query={"versionId": first}).body == b"1"
        assert client.request("GET", "k", query={"versionId": second}).body == b"2"
        body = client.expect("GET", query={"versions": ""}).body
        assert tag(body, "VersionId") == [gone["x-amz-version-id"], second, first]
        assert tag(body, "IsLatest") == ["true", "false", "false"]

    check()
    ctx.server.restart()
    check()
    client.expect("DELETE", "k", query={"versionId": gone["x-amz-version-id"]})
    assert client.get("k").body == b"2"
    client.expect("DELETE", "k", query={"versionId": second})
    assert client.get("k").body == b"1"
    refused(client.request("GET", "k", query={"versionId": second}), 404, "NoSuchVersion")
    where = f"{ctx.bucket}/k?versionId={first}"
    client.put("k", b"3")
    assert client.request("PUT", "c", headers={"x-amz-copy-source": where}).status == 200
    assert client.get("c").body == b"1"


# --- what outlives the process --------------------------------------------------------------------

def stored_files(ctx):
    root = ctx.path("s3d", "objects", ctx.bucket)
    return [os.path.join(base, name) for base, _, names in os.walk(root) for name in names]


@on("s3d")
def test_a_crash_loses_nothing_that_was_answered(ctx):
    client = ctx.client.signed
    for i in range(50):
        client.put(f"k{i % 40}", str(i).encode() * 100, {"x-amz-meta-i": str(i)})
    client.put("big", b"x" * 3_000_000)
    before = client.list()
    ctx.server.kill9()
    ctx.server.start(ctx.server.port)
    client.close()
    assert client.list() == before
    assert client.get("k3").metadata == {"i": "43"}
    assert len(stored_files(ctx)) == 41


@on("s3d")
def test_a_torn_file_is_no_object(ctx):
    client = ctx.client.signed
    client.put("whole", b"w" * 1000)
    client.put("torn", b"t" * 1000)
    ctx.server.stop()
    torn = [f for f in stored_files(ctx) if open(f, "rb").read(1) == b"t"]
    assert len(torn) == 1
    os.truncate(torn[0], os.path.getsize(torn[0]) - 5)
    ctx.server.start(ctx.server.port)
    client.close()
    assert list(client.list()) == ["whole"]


@on("s3d")
def test_many_writers_of_one_key(ctx):
    client = ctx.client.signed
    bodies = [bytes([i]) * (1000 + i * 100_000) for i in range(16)]
    stop = threading.Event()
    bad = []

    def read():
        mine = ctx.server.signed(ctx.bucket)
        while not stop.is_set():
            answer = mine.request("GET", "k")
            if answer.status == 200 and answer.body not in bodies:
                bad.append(len(answer.body))

    reader = threading.Thread(target=read)
    reader.start()
    client.map(lambda body: client.put("k", body), bodies * 3, 8)
    stop.set()
    reader.join()
    assert not bad
    assert client.get("k").body in bodies
    assert len(stored_files(ctx)) == 1
