"""The cruelties of s3d strike as they were told to, and only so."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from harness import S3d, on, process, s3d_binary
from test_s3d_operations import tag
from test_s3d_signing import refused


def lost(call):
    """The connection must go without an answer."""
    try:
        answer = call()
    except (ConnectionError, http.client.HTTPException):
        return
    raise AssertionError(f"there was an answer: {answer.status} {answer.body}")


def seconds(call):
    started = time.monotonic()
    answer = call()
    return answer, time.monotonic() - started


@on("s3d")
def test_errors(ctx):
    client, server = ctx.client.signed, ctx.server
    for code, status in (("SlowDown", 503), ("InternalError", 500), ("RequestTimeout", 400),
                         ("ExpiredToken", 400), ("AccessDenied", 403)):
        server.fault("error", op="PutObject", code=code)
        refused(client.request("PUT", "k", body=b"v"), status, code)
        assert client.request("HEAD", "k").status == 404
    server.fault("error", code="ExpiredToken", status=403)
    refused(client.request("PUT", "k", body=b"v"), 403, "ExpiredToken")
    assert client.request("PUT", "k", body=b"v").status == 200
    server.fault("error-applied", code="InternalError")
    refused(client.request("PUT", "k", body=b"w"), 500, "InternalError")
    assert client.get("k").body == b"w"


@on("s3d")
def test_resets(ctx):
    client, server = ctx.client.signed, ctx.server
    client.put("k", b"old")
    for action in ("reset", "reset-after-body"):
        server.fault(action, op="PutObject")
        lost(lambda: client.request("PUT", "k", body=b"v" * 100_000))
        assert client.get("k").body == b"old"
    server.fault("lost-reply", op="PutObject")
    lost(lambda: client.request("PUT", "k", body=b"new"))
    assert client.get("k").body == b"new"
    server.fault("lost-reply", op="DeleteObject")
    lost(lambda: client.request("DELETE", "k"))
    assert client.request("GET", "k").status == 404
    log = [(line["op"], line["status"], line["fault"]) for line in server.requests()
           if line["fault"]]
    assert log == [("PutObject", 0, "reset"), ("PutObject", 0, "reset-after-body"),
                   ("PutObject", 0, "lost-reply"), ("DeleteObject", 0, "lost-reply")], log


@on("s3d")
def test_a_reset_is_a_reset(ctx):
    ctx.server.fault("reset", op="GetObject")
    client = ctx.client.signed
    target, headers = client.prepare("GET", "k")
    connection = socket.create_connection((client.host, client.port), timeout=5)
    lines = [f"GET {target} HTTP/1.1"] + [f"{k}: {v}" for k, v in headers.items()]
    connection.sendall("\r\n".join(lines + ["", ""]).encode())
    try:
        data = connection.recv(100)
        raise AssertionError(f"no reset but {data!r}")
    except ConnectionResetError:
        pass
    finally:
        connection.close()


@on("s3d")
def test_stall_and_delay(ctx):
    client, server = ctx.client.signed, ctx.server
    other = server.signed(ctx.bucket)
    server.fault("stall", op="PutObject", ms=400)
    answer, took = seconds(lambda: client.request("PUT", "k", body=b"1"))
    assert answer.status == 200 and took >= 0.4, took
    server.fault("delay", op="PutObject", ms=700)
    target, headers = client.prepare("PUT", "k", body=b"2")
    connection = http.client.HTTPConnection(client.host, client.port, timeout=10)
    connection.request("PUT", target, body=b"2", headers=headers)
    answer, took = seconds(lambda: other.get("k"))
    assert answer.body == b"1" and took < 0.5, took # others are not held up, nothing is applied yet
    assert connection.getresponse().status == 200
    connection.close()
    assert client.get("k").body == b"2"


@on("s3d")
def test_many_stall_at_once(ctx):
    client = ctx.client.signed
    ctx.server.fault("stall", op="PutObject", ms=300, count=0)
    answers, took = seconds(lambda: client.map(lambda i: client.put(f"k{i}", b"v"), range(40), 40))
    assert len(answers) == 40 and 0.3 <= took < 5, took


@on("s3d")
def test_truncated_and_dripping_replies(ctx):
    client, server = ctx.client.signed, ctx.server
    client.put("k", b"0123456789")
    server.fault("truncate", op="GetObject")
    try:
        answer = client.request("GET", "k")
        raise AssertionError(f"a whole answer: {answer.body}")
    except http.client.IncompleteRead as error:
        assert error.partial == b"01234", error.partial
    client.close()
    server.fault("drip", op="GetObject", ms=30)
    answer, took = seconds(lambda: client.get("k"))
    assert answer.body == b"0123456789" and took >= 0.3, took
    server.fault("truncate", op="ListObjectsV2")
    try:
        client.list()
        raise AssertionError("a whole listing")
    except http.client.IncompleteRead:
        client.close()
    assert list(client.list()) == ["k"]


@on("s3d")
def test_an_error_under_status_200(ctx):
    client, server = ctx.client.signed, ctx.server
    client.put("k", b"v")
    server.fault("error-200", op="CopyObject", code="SlowDown")
    copy = {"x-amz-copy-source": f"{ctx.bucket}/k"}
    answer = client.request("PUT", "c", headers=copy)
    assert answer.status == 200 and tag(answer.body, "Code") == ["SlowDown"]
    assert answer.body.startswith(b"<?xml") and b"\n   \n" in answer.body
    assert list(client.list()) == ["k"]
    assert b"<CopyObjectResult" in client.request("PUT", "c", headers=copy).body


@on("s3d")
def test_a_wrong_etag(ctx):
    client, server = ctx.client.signed, ctx.server
    server.fault("wrong-etag", op="PutObject")
    told = client.put("k", b"v").headers["etag"]
    real = client.head("k").headers["etag"]
    assert told == '"' + "0" * 32 + '"' and told != real
    server.fault("wrong-etag", op="CopyObject")
    answer = client.request("PUT", "c", headers={"x-amz-copy-source": f"{ctx.bucket}/k"})
    assert tag(answer.body, "ETag") == ["&quot;" + "0" * 32 + "&quot;"]


@on("s3d")
def test_no_checksum(ctx):
    client, server = ctx.client.signed, ctx.server
    client.put("k", b"v")
    ask = {"x-amz-checksum-mode": "ENABLED"}
    assert "x-amz-checksum-crc64nvme" in client.request("HEAD", "k", headers=ask).headers
    server.fault("no-checksum", op="HeadObject")
    answer = client.request("HEAD", "k", headers=ask)
    assert answer.status == 200 and "etag" in answer.headers
    assert not [name for name in answer.headers if "checksum" in name], answer.headers


@on("s3d", options=("--seed", "3"))
def test_which_requests_are_struck(ctx):
    client, server = ctx.client.signed, ctx.server

    def statuses(*keys):
        return [client.request("PUT", key, body=b"").status for key in keys]

    server.fault("error", op="Put*", key="images/*", count=2, skip=1)
    assert statuses("lists/a", "images/a", "images/x/b", "other", "images/c", "images/d") == [
        200, 200, 503, 200, 503, 200]
    assert [(f["hits"], f["armed"]) for f in server.faults()] == [(2, False)]
    server.clear_faults()
    assert server.faults() == []
    endless = server.fault("error", count=0, op="PutObject")
    assert statuses("a", "b", "c") == [503] * 3
    server._control("DELETE", id=endless)
    assert statuses("a") == [200]
    server.fault("error", count=0, percent=30)
    struck = statuses(*(f"k{i}" for i in range(300))).count(503)
    assert 50 < struck < 140, struck


@on("s3d")
def test_faults_strike_the_authorized_only(ctx):
    client = ctx.client.signed
    ctx.server.fault("error")
    client.secret_key, right = "wrong", client.secret_key
    refused(client.request("PUT", "k", body=b"v"), 403, "SignatureDoesNotMatch")
    client.secret_key = right
    refused(client.request("PUT", "k", body=b"v"), 503, "SlowDown")


@on("s3d")
def test_faults_are_armed_by_json_too(ctx):
    def post(body, query=""):
        request = urllib.request.Request(f"{ctx.server.endpoint}/-/fault{query}", method="POST",
                                         data=body)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as r:
                return r.status, r.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    status, text = post(json.dumps({"do": "error", "op": "PutObject", "count": 1}).encode())
    assert status == 200 and json.loads(text)["id"] == 1, text
    refused(ctx.client.signed.request("PUT", "k", body=b"v"), 503, "SlowDown")
    for body, query in ((b"{", ""), (b'{"do":"nonsense"}', ""), (b"", "?do=error&colour=red"),
                        (b"", ""), (b"", "?do=error&percent=101"), (b"", "?do=error&code=Nope"),
                        (b"", "?do=stall&ms=-1")):
        status, text = post(body, query)
        assert status == 400 and text.strip(), (body, query, status)
    assert len(ctx.server.faults()) == 1


# --- the program itself ---------------------------------------------------------------------------

def run(*arguments, env=None):
    return subprocess.run([s3d_binary(), *arguments], capture_output=True, text=True, timeout=10,
                          env=env or process.clean_environment(), check=False)


@on("s3d")
def test_the_command_line(ctx):
    done = run("--help")
    assert done.returncode == 0 and "POST /-/fault" in done.stdout and not done.stderr
    root = ctx.path("root")
    keys = ("--access-key", "a", "--secret-key", "b")
    for arguments in ((), ("--root", root), ("--root", root, *keys, "extra"), ("--nonsense",),
                      ("--root", root, *keys, "--port", "65536"), (*keys,),
                      ("--root", root, *keys, "--bucket", "UP")):
        done = run(*arguments)
        assert done.returncode == 2 and done.stderr.startswith("s3d: "), (arguments, done)
        assert not os.path.exists(root)
    done = run("--root", "/proc/nowhere", *keys)
    assert done.returncode == 1 and "--root /proc/nowhere" in done.stderr, done
    done = run("--root", root, *keys, "--port", str(ctx.server.port))
    assert done.returncode == 1 and "cannot listen" in done.stderr, done


@on("s3d")
def test_sigterm_ends_it_whatever_is_under_way(ctx):
    server = S3d(ctx.path("own"), "--bucket", "bucket").start()
    client = server.signed("bucket")
    server.fault("stall", ms=60000, count=0)
    target, headers = client.prepare("PUT", "k", body=b"v")
    connection = http.client.HTTPConnection(client.host, client.port, timeout=10)
    connection.request("PUT", target, body=b"v", headers=headers)
    while not [line for line in server.faults() if line["hits"]]:
        time.sleep(0.01)
    status, took = seconds(server.stop)
    assert status == 0 and took < 5, (status, took)
    connection.close()
    server.start()
    server.process.send_signal(signal.SIGINT)
    assert server.stop() == 0


@on("s3d")
def test_it_listens_on_loopback_only(ctx):
    with open("/proc/net/tcp", encoding="ascii") as file:
        listening = [line.split()[1] for line in file if f":{ctx.server.port:04X} " in line
                     and line.split()[3] == "0A"]
    assert listening == [f"0100007F:{ctx.server.port:04X}"], listening


@on("s3d")
def test_the_log_tells_the_order(ctx):
    client = ctx.client.signed
    client.put("k", b"12345", {"content-type": "image/png", "x-amz-meta-a": 'q"uote'})
    client.request("PUT", "c", headers={"x-amz-copy-source": f"{ctx.bucket}/k"})
    client.get("c")
    client.delete("k")
    lines = [line for line in ctx.server.requests() if line["key"]]
    assert [(line["op"], line["key"], line["status"], line["in"], line["out"]) for line in lines
            if line["op"] != "CopyObject"] == [
                ("PutObject", "k", 200, 5, 0), ("GetObject", "c", 200, 0, 5),
                ("DeleteObject", "k", 204, 0, 0)]
    assert lines[0]["headers"]["content-type"] == "image/png"
    assert lines[0]["headers"]["x-amz-meta-a"] == 'q"uote'
    assert lines[1]["headers"]["x-amz-copy-source"] == f"{ctx.bucket}/k"
    assert [line["n"] for line in lines] == sorted(line["n"] for line in lines)
    assert "Authorization" not in str(lines) and ctx.server.secret_key not in str(lines)
