"""TLS and proxies: what arrives, and whom the agent does not talk to."""

import base64
import os
import socket
import ssl

from harness import on
from harness.proxy import Proxy
from harness.tls import Certificate, OldServer
from harness.tree import write


def tree(ctx, name="images"):
    """Bodies of all ways: none, with the headers, by pieces, in parts."""
    images = ctx.folder(name)
    for size in (0, 100, 65000, 70000, 6 << 20):
        write(os.path.join(images, f"{size}.png"), os.urandom(size))
    return images


def secure(ctx, name="tls", **certificate):
    """An s3d that speaks TLS, with the test's bucket; and its certificate."""
    made = Certificate(ctx.folder(name + "-cert"), **certificate)
    return ctx.s3d(name, "--bucket", ctx.bucket, certificate=made), made


def agent_of(ctx, server, images, name="agent", environment=None, **s3):
    """An agent of that server; it trusts what the system trusts unless s3 has a ca_file."""
    return ctx.agent(images=images, name=name, environment=environment,
                     s3={"endpoint": server.endpoint, "multipart_size": 5 << 20, **s3})


def check_arrived(ctx, server, images):
    """Every byte of the tree is in the bucket."""
    there = server.signed(ctx.bucket)
    for name in os.listdir(images):
        with open(os.path.join(images, name), "rb") as file:
            assert there.get("images/" + name).body == file.read(), name


def check_refused(ctx, server, agent, *words):
    """Nothing arrives; status and words say why."""
    done = agent.once(check=False)
    assert done.returncode == 4, done
    for word in words:
        assert word in done.stderr, (word, done.stderr)
    if server is not None:
        assert server.signed(ctx.bucket).list() == {}


@on("s3d")
def test_all_arrives_over_tls_with_unsigned_payloads(ctx):
    server, made = secure(ctx)
    images = tree(ctx)
    agent = agent_of(ctx, server, images, ca_file=made.cert)
    agent.once()
    check_arrived(ctx, server, images)
    puts = [r for r in server.requests() if r["op"] in ("PutObject", "UploadPart") and r["in"] > 0]
    assert len(puts) >= 4, puts
    for put in puts:
        assert put["headers"]["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD", put
        assert put["headers"]["x-amz-checksum-crc64nvme"], put
    agent.verify_journal()


@on("s3d")
def test_payloads_are_signed_where_the_configuration_says(ctx):
    """Over TLS, as some buckets' policies ask for, or not at all: the checksum is there anyway."""
    for tls, signing in ((True, "always"), (False, "never"), (False, "auto")):
        name = f"{signing}-{tls}"
        if tls:
            server, made = secure(ctx, name)
            trust = {"ca_file": made.cert}
        else:
            server, trust = ctx.s3d(name, "--bucket", ctx.bucket), {}
        images = tree(ctx, name + "-images")
        agent = agent_of(ctx, server, images, name + "-agent", payload_signing=signing, **trust)
        agent.once()
        check_arrived(ctx, server, images)
        puts = [r for r in server.requests()
                if r["op"] in ("PutObject", "UploadPart") and r["in"] > 0]
        assert len(puts) >= 4, puts
        for put in puts:
            sha256 = put["headers"]["x-amz-content-sha256"]
            assert (sha256 == "UNSIGNED-PAYLOAD") == (signing == "never"), (name, put)
            chunked = sha256 == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"  # then it is behind it
            assert chunked or put["headers"]["x-amz-checksum-crc64nvme"], put


@on("s3d")
def test_an_unknown_certificate_is_refused(ctx):
    server, _ = secure(ctx)
    images = ctx.folder("images")
    write(os.path.join(images, "one.png"))
    check_refused(ctx, server, agent_of(ctx, server, images), "certificate")


@on("s3d")
def test_a_certificate_of_another_host_is_refused(ctx):
    server, made = secure(ctx, names="DNS:other.example")
    images = ctx.folder("images")
    write(os.path.join(images, "one.png"))
    check_refused(ctx, server, agent_of(ctx, server, images, ca_file=made.cert),
                  "certificate", "127.0.0.1")


@on("s3d")
def test_an_expired_certificate_is_refused(ctx):
    server, made = secure(ctx, end="20210101000000Z")
    images = ctx.folder("images")
    write(os.path.join(images, "one.png"))
    check_refused(ctx, server, agent_of(ctx, server, images, ca_file=made.cert),
                  "certificate has expired")


@on("s3d")
def test_old_tls_is_refused(ctx):
    """TLS 1.1 is not spoken; that it could be, is seen by a client that does."""
    made = Certificate(ctx.folder("old-cert"))
    old = OldServer(made)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(made.cert)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", old.port)) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as client:
            assert client.version() == "TLSv1.1"
    images = ctx.folder("images")
    write(os.path.join(images, "one.png"))
    agent = ctx.agent(images=images, s3={"endpoint": f"https://127.0.0.1:{old.port}",
                                         "ca_file": made.cert})
    check_refused(ctx, None, agent, "unreached", "protocol version")
    assert len(old.handshakes) > 1 and old.handshakes.count("TLSv1.1") == 1, old.handshakes
    old.close()


@on("s3d")
def test_a_proxy_of_the_environment_is_used(ctx):
    """HTTPS_PROXY; and what NO_PROXY names is reached without it."""
    server, made = secure(ctx)
    images = tree(ctx)
    proxy = Proxy()
    agent_of(ctx, server, images, ca_file=made.cert, environment={"HTTPS_PROXY": proxy.url}).once()
    check_arrived(ctx, server, images)
    assert set(proxy.asked) == {f"CONNECT 127.0.0.1:{server.port}"}, proxy.asked
    connected, before = len(proxy.asked), len(server.requests())
    agent_of(ctx, server, images, name="direct", ca_file=made.cert, environment={
        "HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.1,localhost"}).once()
    agent_of(ctx, server, images, name="none", ca_file=made.cert, proxy="none", environment={
        "HTTPS_PROXY": proxy.url}).once()
    assert len(server.requests()) >= before + 2 * len(os.listdir(images))
    assert len(proxy.asked) == connected, proxy.asked
    proxy.close()


@on("s3d")
def test_a_proxy_of_the_configuration_goes_first(ctx):
    server, made = secure(ctx)
    images = tree(ctx)
    proxy, other = Proxy(), Proxy("403 Forbidden")
    agent_of(ctx, server, images, ca_file=made.cert, proxy=proxy.url,
             environment={"HTTPS_PROXY": other.url}).once()
    check_arrived(ctx, server, images)
    assert proxy.asked and not other.asked
    proxy.close()
    other.close()


@on("s3d")
def test_a_proxy_that_refuses_is_named(ctx):
    server, made = secure(ctx)
    images = ctx.folder("images")
    write(os.path.join(images, "one.png"))
    proxy = Proxy("403 Forbidden")
    agent = agent_of(ctx, server, images, ca_file=made.cert, proxy=proxy.url)
    check_refused(ctx, server, agent, "the proxy does not connect us (HTTP 403)")
    proxy.close()


@on("s3d")
def test_a_proxy_without_tls_reads_the_requests(ctx):
    """It gets the whole URL of each and its login; what NO_PROXY names is reached without it."""
    images = tree(ctx)
    proxy, other = Proxy(), Proxy("403 Forbidden")
    login = {"http_proxy": proxy.url.replace("//", "//fox:a%40b@"), "HTTPS_PROXY": other.url}
    agent_of(ctx, ctx.server, images, environment=login).once()
    check_arrived(ctx, ctx.server, images)
    assert {asked.split(" ")[1] for asked in proxy.asked} == {f"127.0.0.1:{ctx.server.port}"}
    assert len(proxy.asked) >= len(os.listdir(images)), proxy.asked
    assert set(proxy.logins) == {"Basic " + base64.b64encode(b"fox:a@b").decode()}, proxy.logins
    asked = len(proxy.asked)
    agent_of(ctx, ctx.server, images, name="direct", environment={
        "http_proxy": proxy.url, "no_proxy": "10.0.0.0/8,127.0.0.0/8"}).once()
    assert len(proxy.asked) == asked and not other.asked, proxy.asked
    proxy.close()
    other.close()
