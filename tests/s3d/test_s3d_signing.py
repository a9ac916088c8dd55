"""s3d refuses what is not signed, not whole, or not what it claims to be."""

import base64
import binascii
import datetime
import hashlib
import hmac
import http.client
import os
import re
import struct
import time

from harness import S3d, on, wait_until
from harness.aws_endpoints import Keys

EMPTY = hashlib.sha256(b"").hexdigest()


# --- checksums of S3, bit by bit: slow, and nobody's but this test's ------------------------------

def reflected_crc(data, polynomial, bits):
    mask = (1 << bits) - 1
    crc = mask
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (polynomial if crc & 1 else 0)
    return crc ^ mask


def checksums(data):
    values = {
        "crc32": struct.pack(">I", binascii.crc32(data)),
        "crc32c": struct.pack(">I", reflected_crc(data, 0x82F63B78, 32)),
        "crc64nvme": struct.pack(">Q", reflected_crc(data, 0x9A6C9329AC4BC9B5, 64)),
        "sha1": hashlib.sha1(data).digest(),
        "sha256": hashlib.sha256(data).digest(),
    }
    return {name: base64.b64encode(value).decode() for name, value in values.items()}


def exists(ctx, key):
    return ctx.client.signed.request("HEAD", key).status == 200


def refused(answer, status, code):
    assert (answer.status, answer.code) == (status, code), (answer.status, answer.body)


# --- the published examples -----------------------------------------------------------------------

EXAMPLE_SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"


def example_server(ctx):
    """s3d in May 2013, with the credentials of S3's documentation."""
    then = datetime.datetime(2013, 5, 24, tzinfo=datetime.timezone.utc).timestamp()
    server = S3d(ctx.path("example"), "--bucket", "examplebucket", "--domain", "s3.amazonaws.com",
                 "--clock-offset", str(int(then - time.time())))
    server.access_key = "AKIAIOSFODNN7EXAMPLE"
    server.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    return server.start()


def send_example(server, method, target, signed, signature, headers, body=b"",
                 host="examplebucket.s3.amazonaws.com"):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    connection.request(method, target, body=body or None, headers={
        "Host": host, "x-amz-date": "20130524T000000Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={EXAMPLE_SCOPE},SignedHeaders={signed},"
                         f"Signature={signature}", **headers})
    reply = connection.getresponse()
    data = reply.read()
    connection.close()
    return reply.status, data


def presigned_example(server):
    query = ("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + EXAMPLE_SCOPE.replace("/", "%2F")
             + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
             "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    connection.request("GET", "/test.txt?" + query,
                       headers={"Host": "examplebucket.s3.amazonaws.com"})
    reply = connection.getresponse()
    data = reply.read()
    connection.close()
    return reply.status, data


@on("s3d")
def test_published_examples_are_accepted(ctx):
    server = example_server(ctx)
    try:
        status, _ = send_example(
            server, "PUT", "/test%24file.text",
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            {"Date": "Fri, 24 May 2013 00:00:00 GMT",
             "x-amz-storage-class": "REDUCED_REDUNDANCY",
             "x-amz-content-sha256":
                 "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
            b"Welcome to Amazon S3.")
        assert status == 200
        get = ("host;range;x-amz-content-sha256;x-amz-date",
               "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
               {"Range": "bytes=0-9", "x-amz-content-sha256": EMPTY})
        status, body = send_example(server, "GET", "/test.txt", *get)
        assert (status, b"NoSuchKey" in body) == (404, True), body
        status, body = send_example(
            server, "GET", "/?max-keys=2&prefix=J", "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            {"x-amz-content-sha256": EMPTY})
        assert (status, b"<MaxKeys>2</MaxKeys>" in body) == (200, True), body
        status, body = presigned_example(server)
        assert (status, b"NoSuchKey" in body) == (404, True), body
        status, body = send_example(server, "GET", "/test.txx", *get)
        assert (status, b"SignatureDoesNotMatch" in body) == (403, True), body
    finally:
        server.stop()


@on("s3d")
def test_published_chunks_are_accepted(ctx):
    server = example_server(ctx)
    signatures = ("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                  "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                  "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")
    body = b"".join(b"%x;chunk-signature=%s\r\n%s\r\n" % (n, signature.encode(), b"a" * n)
                    for n, signature in zip((65536, 1024, 0), signatures))

    def put(data):
        return send_example(
            server, "PUT", "/examplebucket/chunkObject.txt",
            "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
            "x-amz-decoded-content-length;x-amz-storage-class",
            "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
            {"Content-Encoding": "aws-chunked", "Content-Length": "66824",
             "x-amz-decoded-content-length": "66560", "x-amz-storage-class": "REDUCED_REDUNDANCY",
             "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, data,
            "s3.amazonaws.com")

    try:
        status, text = put(body.replace(b"aaaa", b"aaab", 1))
        assert (status, b"SignatureDoesNotMatch" in text) == (403, True), text
        client, date = server.signed("examplebucket"), "20130524T000000Z"
        assert client.request("GET", "chunkObject.txt", date=date).status == 404
        status, text = put(body)
        assert status == 200, text
        assert client.request("GET", "chunkObject.txt", date=date).body == b"a" * 66560
    finally:
        server.stop()


# --- signatures -----------------------------------------------------------------------------------

@on("s3d")
def test_a_wrong_signature_is_refused(ctx):
    client = ctx.client.signed
    target, headers = client.prepare("PUT", "k", body=b"v")
    last = headers["authorization"][-1]
    headers["authorization"] = headers["authorization"][:-1] + ("0" if last != "0" else "1")
    refused(client.send("PUT", target, headers, b"v"), 403, "SignatureDoesNotMatch")
    assert not exists(ctx, "k")


@on("s3d")
def test_wrong_credentials_are_refused(ctx):
    client = ctx.client.signed
    client.secret_key += "x"
    refused(client.request("PUT", "k", body=b"v"), 403, "SignatureDoesNotMatch")
    client.access_key = "SOMEBODYELSE"
    refused(client.request("PUT", "k", body=b"v"), 403, "InvalidAccessKeyId")
    refused(client.send("GET", f"/{ctx.bucket}/k", {}), 403, "AccessDenied")


@on("s3d")
def test_a_wrong_region_is_named(ctx):
    client = ctx.client.signed
    client.region = "eu-west-1"
    answer = client.request("PUT", "k", body=b"v")
    refused(answer, 400, "AuthorizationHeaderMalformed")
    assert b"<Region>us-east-1</Region>" in answer.body


@on("s3d")
def test_clocks_may_differ_by_15_minutes(ctx):
    def at(minutes):
        now = datetime.datetime.now(datetime.timezone.utc)
        date = now + datetime.timedelta(minutes=minutes)
        return ctx.client.signed.request("GET", query={"list-type": "2"},
                                         date=date.strftime("%Y%m%dT%H%M%SZ"))

    for minutes in (14, -14):
        assert at(minutes).status == 200
    for minutes in (16, -16):
        answer = at(minutes)
        refused(answer, 403, "RequestTimeTooSkewed")
        assert re.search(rb"<ServerTime>20..-..-..T..:..:..", answer.body), answer.body


@on("s3d")
def test_every_amz_header_must_be_signed(ctx):
    client = ctx.client.signed
    meta = {"x-amz-meta-a": "1"}
    refused(client.request("PUT", "k", headers=meta, body=b"v", unsigned=("x-amz-meta-a",)),
            403, "AccessDenied")
    refused(client.request("PUT", "k", body=b"v", unsigned=("host",)), 403, "AccessDenied")
    target, headers = client.prepare("PUT", "k", headers=meta, body=b"v")
    refused(client.send("PUT", target, {**headers, "x-amz-meta-a": "2"}, b"v"),
            403, "SignatureDoesNotMatch")
    assert client.request("PUT", "k", headers=meta, body=b"v").status == 200


@on("s3d")
def test_a_tampered_payload_is_refused(ctx):
    client = ctx.client.signed
    target, headers = client.prepare("PUT", "k", body=b"value")
    refused(client.send("PUT", target, headers, b"valuf"), 400, "XAmzContentSHA256Mismatch")
    assert not exists(ctx, "k")
    big = os.urandom(3 << 20) # beyond what is kept in memory
    target, headers = client.prepare("PUT", "big", body=big)
    refused(client.send("PUT", target, headers, big[:-1] + bytes([big[-1] ^ 1])), 400,
            "XAmzContentSHA256Mismatch")
    assert not exists(ctx, "big")
    assert client.request("PUT", "k", body=b"v", payload="UNSIGNED-PAYLOAD").status == 200
    refused(client.request("PUT", "k", body=b"v", payload="nonsense"), 400, "InvalidArgument")


@on("s3d")
def test_a_session_token_is_held_to(ctx):
    server = ctx.s3d("token", "--session-token", "tok/en=", "--bucket", "bucket")
    client = server.signed("bucket")
    refused(client.request("PUT", "k", body=b"v"), 403, "InvalidAccessKeyId")
    wrong, right = ({"x-amz-security-token": token} for token in ("old", "tok/en="))
    refused(client.request("PUT", "k", body=b"v", headers=wrong), 400, "ExpiredToken")
    assert client.request("PUT", "k", body=b"v", headers=right).status == 200


@on("s3d")
def test_keys_that_were_handed_out_are_held_to_their_time_and_token(ctx):
    client = ctx.server.signed(ctx.bucket)
    client.access_key, client.secret_key = "ASIATEMPORARY", "another/secret"

    def put(token):
        headers = {"x-amz-security-token": token} if token else {}
        return client.request("PUT", "k", body=b"v", headers=headers)

    refused(put("tok"), 403, "InvalidAccessKeyId")
    soon = int(time.time()) + 2
    ctx.server.hand_out(Keys("ASIATEMPORARY", "another/secret", "tok", soon))
    assert put("tok").status == 200
    refused(put(None), 403, "InvalidAccessKeyId")
    refused(put("tak"), 400, "InvalidToken")
    client.secret_key = "a wrong one"
    refused(put("tok"), 403, "SignatureDoesNotMatch")
    client.secret_key = "another/secret"
    wait_until(lambda: time.time() >= soon, 5, lambda: "expired")
    refused(put("tok"), 400, "ExpiredToken")
    ctx.server.hand_out(Keys("ASIATEMPORARY", "another/secret", "new", soon + 60))
    assert put("new").status == 200
    refused(put("tok"), 400, "InvalidToken")
    assert ctx.client.signed.request("PUT", "k", body=b"v").status == 200 # the first ones, too


@on("s3d")
def test_a_refusal_comes_before_the_body_where_asked(ctx):
    client = ctx.client.signed
    client.secret_key = "wrong"
    target, headers = client.prepare("PUT", "k", payload="UNSIGNED-PAYLOAD")
    connection = http.client.HTTPConnection(client.host, client.port, timeout=5)
    connection.putrequest("PUT", target, skip_host=True, skip_accept_encoding=True)
    for name, value in {**headers, "expect": "100-continue", "content-length": "1000"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()


# --- checksums ------------------------------------------------------------------------------------

@on("s3d")
def test_right_checksums_are_kept(ctx):
    client = ctx.client.signed
    assert checksums(b"123456789")["crc64nvme"] == "rosUhgp5mIg="
    data = bytes(range(256)) * 5
    for name, value in checksums(data).items():
        header = {"x-amz-checksum-" + name: value,
                  "x-amz-sdk-checksum-algorithm": name.upper()}
        client.put("k-" + name, data, header)
        plain = client.head("k-" + name).headers
        told = client.expect("HEAD", "k-" + name, headers={"x-amz-checksum-mode": "ENABLED"}).headers
        assert told["x-amz-checksum-" + name] == value
        assert told["x-amz-checksum-type"] == "FULL_OBJECT"
        assert "x-amz-checksum-" + name not in plain
    client.put("plain", data)
    told = client.expect("HEAD", "plain", headers={"x-amz-checksum-mode": "ENABLED"}).headers
    assert told["x-amz-checksum-crc64nvme"] == checksums(data)["crc64nvme"]
    assert told["etag"] == f'"{hashlib.md5(data).hexdigest()}"'


@on("s3d")
def test_wrong_checksums_are_refused(ctx):
    client = ctx.client.signed
    for name, value in checksums(b"other bytes").items():
        answer = client.request("PUT", "k", body=b"bytes", headers={"x-amz-checksum-" + name: value})
        refused(answer, 400, "BadDigest")
        assert not exists(ctx, "k"), name
        answer = client.request("PUT", "k", body=b"bytes",
                                headers={"x-amz-checksum-" + name: value[:-4]})
        refused(answer, 400, "InvalidRequest")
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    refused(client.request("PUT", "k", body=b"bytes", headers={"content-md5": wrong}),
            400, "BadDigest")
    refused(client.request("PUT", "k", body=b"bytes", headers={"content-md5": "abc"}),
            400, "InvalidDigest")
    assert not exists(ctx, "k")


@on("s3d")
def test_a_wrong_checksum_keeps_the_old_object(ctx):
    client = ctx.client.signed
    client.put("k", b"old")
    wrong = {"x-amz-checksum-crc64nvme": checksums(b"x")["crc64nvme"]}
    refused(client.request("PUT", "k", body=b"new", headers=wrong), 400, "BadDigest")
    assert client.get("k").body == b"old"


@on("s3d")
def test_checksum_headers_must_make_sense(ctx):
    client = ctx.client.signed
    both = {"x-amz-checksum-" + name: checksums(b"v")[name] for name in ("crc32", "sha256")}
    refused(client.request("PUT", "k", body=b"v", headers=both), 400, "InvalidRequest")
    alone = {"x-amz-sdk-checksum-algorithm": "CRC32"}
    refused(client.request("PUT", "k", body=b"v", headers=alone), 400, "InvalidRequest")
    assert not exists(ctx, "k")


# --- aws-chunked ----------------------------------------------------------------------------------

class Chunks:
    """A body framed and signed chunk by chunk."""

    def __init__(self, client, key, kind, trailer=None, decoded=None):
        self.client, self.trailer = client, trailer
        self.date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        self.signed = "UNSIGNED" not in kind
        self.headers = {"content-encoding": "aws-chunked,gzip"}
        if decoded is not None:
            self.headers["x-amz-decoded-content-length"] = str(decoded)
        if trailer:
            self.headers["x-amz-trailer"] = trailer[0]
        self.target, self.full = client.prepare("PUT", key, headers=self.headers, date=self.date,
                                                payload=kind)
        self.previous = self.full["authorization"].rsplit("=", 1)[1]
        self.scope = f"{self.date[:8]}/{client.region}/s3/aws4_request"

    def link(self, kind, *hashes):
        text = "\n".join([f"AWS4-HMAC-SHA256-{kind}", self.date, self.scope, self.previous,
                          *hashes])
        key = self.client.signing_key(self.date[:8])
        self.previous = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return self.previous

    def frame(self, *pieces):
        body = b""
        for piece in (*pieces, b""):
            body += b"%x" % len(piece)
            if self.signed:
                signature = self.link("PAYLOAD", EMPTY, hashlib.sha256(piece).hexdigest())
                body += b";chunk-signature=" + signature.encode()
            body += b"\r\n" + (piece + b"\r\n" if piece else b"")
        if self.trailer:
            line = f"{self.trailer[0]}:{self.trailer[1]}"
            body += line.encode() + b"\r\n"
            if self.signed:
                digest = hashlib.sha256(line.encode() + b"\n").hexdigest()
                body += b"x-amz-trailer-signature:" + self.link("TRAILER", digest).encode() + b"\r\n"
        return body + b"\r\n"

    def send(self, body):
        return self.client.send("PUT", self.target,
                                {**self.full, "content-length": str(len(body))}, body)


SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
KINDS = (SIGNED, SIGNED + "-TRAILER", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")


@on("s3d")
def test_chunked_bodies_are_decoded(ctx):
    pieces = (b"a" * 70000, b"b" * 8192, b"c")
    whole = b"".join(pieces)
    for kind in KINDS:
        trailer = None if kind == SIGNED else ("x-amz-checksum-sha256", checksums(b"")["sha256"])
        if trailer:
            trailer = (trailer[0], base64.b64encode(hashlib.sha256(whole).digest()).decode())
        chunks = Chunks(ctx.client.signed, "k", kind, trailer, len(whole))
        answer = chunks.send(chunks.frame(*pieces))
        assert answer.status == 200, answer.body
        got = ctx.client.signed.get("k")
        assert got.body == whole
        assert got.headers["content-encoding"] == "gzip"
        ctx.client.signed.delete("k")


@on("s3d")
def test_wrong_chunks_are_refused(ctx):
    client = ctx.client.signed
    for kind in KINDS[:2]:
        trailer = None if kind == SIGNED else ("x-amz-checksum-crc32", checksums(b"abcdef")["crc32"])
        chunks = Chunks(client, "k", kind, trailer, 6)
        body = chunks.frame(b"abc", b"def").replace(b"def", b"deg")
        refused(chunks.send(body), 403, "SignatureDoesNotMatch")
        chunks = Chunks(client, "k", kind, trailer, 6)
        refused(chunks.send(chunks.frame(b"abc", b"def")[:-40]), 400, "IncompleteBody")
        chunks = Chunks(client, "k", kind, trailer, 7)
        refused(chunks.send(chunks.frame(b"abc", b"def")), 400, "IncompleteBody")
        chunks = Chunks(client, "k", kind, trailer)
        refused(chunks.send(chunks.frame(b"abc", b"def")), 411, "MissingContentLength")
    for kind in KINDS[1:]:
        chunks = Chunks(client, "k", kind, ("x-amz-checksum-crc32", checksums(b"x")["crc32"]), 6)
        refused(chunks.send(chunks.frame(b"abc", b"def")), 400, "BadDigest")
    chunks = Chunks(client, "k", KINDS[1], ("x-amz-checksum-crc32", checksums(b"abcdef")["crc32"]), 6)
    body = chunks.frame(b"abc", b"def")
    place = body.index(b"trailer-signature:") + 20
    other = b"0" if body[place:place + 1] != b"0" else b"1"
    refused(chunks.send(body[:place] + other + body[place + 1:]), 403, "SignatureDoesNotMatch")
    assert not exists(ctx, "k")
