"""Uploads in parts on s3d."""

import base64
import hashlib

from harness import on
from harness.signed import quote
from test_s3d_operations import tag
from test_s3d_signing import checksums, refused

SMALL = ("--min-part-size", "1000", "--max-copy-size", "5000")
FULL = {"x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "FULL_OBJECT"}


class Upload:
    """One upload and the parts that it was given."""

    def __init__(self, client, key, headers=None):
        self.client, self.key, self.parts = client, key, {}
        answer = client.expect("POST", key, query={"uploads": ""}, headers=headers)
        self.id = tag(answer.body, "UploadId")[0]

    def request(self, method, query=None, **rest):
        return self.client.request(method, self.key, query={"uploadId": self.id, **(query or {})},
                                   **rest)

    def put(self, number, body, headers=None):
        answer = self.request("PUT", {"partNumber": str(number)}, body=body, headers=headers)
        if answer.status == 200:
            self.parts[number] = (answer.headers["etag"], body)
        return answer

    def complete(self, numbers=None, headers=None, etags=None, extra=""):
        body = "<CompleteMultipartUpload>"
        for number in numbers or sorted(self.parts):
            etag = (etags or {}).get(number) or self.parts[number][0]
            body += (f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>"
                     f"{extra.format(number)}</Part>")
        return self.request("POST", body=(body + "</CompleteMultipartUpload>").encode(),
                            headers=headers)

    def whole(self):
        return b"".join(self.parts[number][1] for number in sorted(self.parts))


@on("s3d", options=SMALL)
def test_parts_become_an_object(ctx):
    client = ctx.client.signed
    up = Upload(client, "a +%/k", {"content-type": "image/png", "x-amz-meta-a": "1"})
    for number, size in ((3, 10), (1, 1000), (2, 2000)):
        assert up.put(number, bytes([number]) * size).status == 200
    assert client.list() == {}
    assert client.uploads() == [("a +%/k", up.id)]
    assert tag(up.request("GET").body, "PartNumber") == ["1", "2", "3"]
    answer = up.complete()
    assert answer.status == 200, answer.body
    md5s = b"".join(hashlib.md5(body).digest() for _, (_, body) in sorted(up.parts.items()))
    etag = hashlib.md5(md5s).hexdigest() + "-3"
    assert tag(answer.body, "ETag") == [f"&quot;{etag}&quot;"]
    got = client.expect("GET", "a +%/k", headers={"x-amz-checksum-mode": "ENABLED"})
    assert got.body == up.whole() and got.headers["content-type"] == "image/png"
    assert got.metadata == {"a": "1"} and got.headers["etag"] == f'"{etag}"'
    assert got.headers["x-amz-checksum-crc64nvme"] == checksums(up.whole())["crc64nvme"]
    assert client.uploads() == []
    refused(up.complete(), 404, "NoSuchUpload")


@on("s3d", options=SMALL)
def test_wrong_lists_are_refused(ctx):
    client = ctx.client.signed
    up = Upload(client, "k")
    up.put(1, b"a" * 1000)
    up.put(2, b"b" * 999)
    up.put(3, b"c" * 1000)
    refused(up.complete([3, 1]), 400, "InvalidPartOrder")
    refused(up.complete([1, 1]), 400, "InvalidPartOrder")
    refused(up.complete([1, 4], etags={4: '"0"'}), 400, "InvalidPart")
    refused(up.complete([1], etags={1: '"0"'}), 400, "InvalidPart")
    refused(up.complete([1, 2, 3]), 400, "EntityTooSmall")
    refused(up.request("POST", body=b"<CompleteMultipartUpload></CompleteMultipartUpload>"),
            400, "MalformedXML")
    refused(up.request("POST", body=b"nonsense"), 400, "MalformedXML")
    assert client.list() == {}
    assert up.complete([1, 2]).status == 200
    assert client.get("k").body == b"a" * 1000 + b"b" * 999


@on("s3d", options=SMALL)
def test_a_part_can_be_sent_again(ctx):
    client = ctx.client.signed
    up = Upload(client, "k")
    up.put(1, b"a" * 1000)
    old = up.parts[1][0]
    up.put(1, b"b" * 1000)
    refused(up.complete(etags={1: old}), 400, "InvalidPart")
    assert up.complete().status == 200
    assert client.get("k").body == b"b" * 1000


@on("s3d", options=SMALL)
def test_abort_removes_the_parts(ctx):
    client = ctx.client.signed
    up = Upload(client, "k")
    up.put(1, b"a" * 1000)
    assert up.request("DELETE").status == 204
    refused(up.request("DELETE"), 404, "NoSuchUpload")
    refused(up.put(2, b"b"), 404, "NoSuchUpload")
    refused(up.complete(), 404, "NoSuchUpload")
    refused(up.request("GET"), 404, "NoSuchUpload")
    assert client.uploads() == [] and client.list() == {}


@on("s3d", options=SMALL)
def test_the_whole_has_a_checksum(ctx):
    client = ctx.client.signed
    up = Upload(client, "k", FULL)
    bodies = (b"a" * 1500, b"b" * 1000, b"c" * 7)
    refused(up.put(1, bodies[0]), 400, "InvalidRequest")
    wrong = {"x-amz-checksum-crc64nvme": checksums(b"else")["crc64nvme"]}
    refused(up.put(1, bodies[0], wrong), 400, "BadDigest")
    refused(up.put(1, bodies[0], {"x-amz-checksum-crc32": checksums(bodies[0])["crc32"]}),
            400, "InvalidRequest")
    for number, body in enumerate(bodies, 1):
        answer = up.put(number, body, {"x-amz-checksum-crc64nvme": checksums(body)["crc64nvme"]})
        assert answer.status == 200, answer.body
    right = checksums(up.whole())["crc64nvme"]
    refused(up.complete(headers={"x-amz-checksum-crc64nvme": checksums(b"x")["crc64nvme"]}),
            400, "BadDigest")
    refused(up.complete(headers={"x-amz-mp-object-size": "2506"}), 400, "InvalidRequest")
    refused(up.complete(headers={"x-amz-checksum-type": "COMPOSITE"}), 400, "InvalidRequest")
    bad = f"<ChecksumCRC64NVME>{right}</ChecksumCRC64NVME>"
    refused(up.complete(extra=bad), 400, "InvalidPart")
    assert client.list() == {}
    answer = up.complete(headers={"x-amz-checksum-crc64nvme": right,
                                  "x-amz-checksum-type": "FULL_OBJECT",
                                  "x-amz-mp-object-size": "2507"})
    assert answer.status == 200, answer.body
    assert tag(answer.body, "ChecksumCRC64NVME") == [right]
    assert client.get("k").body == up.whole()


@on("s3d", options=SMALL)
def test_a_composite_checksum(ctx):
    client = ctx.client.signed
    up = Upload(client, "k", {"x-amz-checksum-algorithm": "CRC32C"})
    values = []
    for number, body in ((1, b"a" * 1500), (2, b"b")):
        values.append(checksums(body)["crc32c"])
        up.put(number, body, {"x-amz-checksum-crc32c": values[-1]})
    refused(up.complete(), 400, "InvalidRequest")
    body = "<CompleteMultipartUpload>"
    for number, value in enumerate(values, 1):
        body += (f"<Part><PartNumber>{number}</PartNumber><ETag>{up.parts[number][0]}</ETag>"
                 f"<ChecksumCRC32C>{value}</ChecksumCRC32C></Part>")
    answer = up.request("POST", body=(body + "</CompleteMultipartUpload>").encode())
    assert answer.status == 200, answer.body
    expected = checksums(b"".join(base64.b64decode(value) for value in values))["crc32c"] + "-2"
    assert tag(answer.body, "ChecksumCRC32C") == [expected]


@on("s3d", options=SMALL)
def test_conditions_of_completion(ctx):
    client = ctx.client.signed
    client.put("k", b"old")
    up = Upload(client, "k")
    up.put(1, b"new")
    refused(up.complete(headers={"if-none-match": "*"}), 412, "PreconditionFailed")
    assert client.get("k").body == b"old"
    client.delete("k")
    assert up.complete(headers={"if-none-match": "*"}).status == 200
    assert client.get("k").body == b"new"


@on("s3d", options=SMALL)
def test_copies_in_parts(ctx):
    client = ctx.client.signed
    data = bytes(range(256)) * 32
    etag = client.put("big source", data).headers["etag"]
    where = {"x-amz-copy-source": f"{ctx.bucket}/{quote('big source')}"}
    refused(client.request("PUT", "copy", headers=where), 400, "InvalidRequest")
    up = Upload(client, "copy")

    def copy(number, first, last, **more):
        headers = {**where, "x-amz-copy-source-range": f"bytes={first}-{last}",
                   **{name.replace("_", "-"): value for name, value in more.items()}}
        answer = up.request("PUT", {"partNumber": str(number)}, headers=headers)
        if answer.status == 200:
            text = tag(answer.body, "ETag")[0].replace("&quot;", '"')
            up.parts[number] = (text, data[first:last + 1])
        return answer

    assert copy(1, 0, 4999, x_amz_copy_source_if_match=etag).status == 200
    assert copy(2, 5000, 8191).status == 200
    refused(copy(3, 0, 5000), 400, "InvalidRequest")
    refused(copy(3, 8000, 8192), 416, "InvalidRange")
    refused(copy(3, 0, 1, x_amz_copy_source_if_match='"0"'), 412, "PreconditionFailed")
    assert up.complete().status == 200
    assert client.get("copy").body == data


@on("s3d", options=SMALL)
def test_parts_are_listed_in_pages(ctx):
    client = ctx.client.signed
    up = Upload(client, "k")
    for number in (5, 1, 9, 10000):
        assert up.put(number, b"x").status == 200
    for number in ("0", "10001", "x"):
        refused(up.request("PUT", {"partNumber": number}, body=b"x"), 400, "InvalidArgument")
    answer = up.request("GET", {"max-parts": "3"})
    assert tag(answer.body, "PartNumber") == ["1", "5", "9"]
    assert tag(answer.body, "IsTruncated") == ["true"]
    marker = tag(answer.body, "NextPartNumberMarker")[0]
    answer = up.request("GET", {"part-number-marker": marker})
    assert tag(answer.body, "PartNumber") == ["10000"]
    assert tag(answer.body, "IsTruncated") == ["false"]


@on("s3d")
def test_uploads_are_listed_in_pages(ctx):
    client = ctx.client.signed
    ids = {key: Upload(client, key).id for key in ("a", "b/1", "b/2", "c")}
    second = Upload(client, "a").id
    everything = [("a", ids["a"]), ("a", second), ("b/1", ids["b/1"]), ("b/2", ids["b/2"]),
                  ("c", ids["c"])]
    assert client.uploads() == everything
    found, query = [], {"uploads": "", "max-uploads": "2"}
    while True:
        body = client.expect("GET", query=query).body
        found += zip(tag(body, "Key"), tag(body, "UploadId"))
        if tag(body, "IsTruncated") != ["true"]:
            break
        query.update({"key-marker": tag(body, "NextKeyMarker")[0],
                      "upload-id-marker": tag(body, "NextUploadIdMarker")[0]})
    assert found == everything
    body = client.expect("GET", query={"uploads": "", "prefix": "b/"}).body
    assert tag(body, "Key") == ["b/1", "b/2"]
