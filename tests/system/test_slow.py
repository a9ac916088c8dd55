"""Connections go to all addresses of the name. Requests that stand out are asked again; a server that is slow is waited for."""

import os
import time

from harness import S3d, mounts, on, process
from harness.tree import write
from test_engine import run


def files(ctx, count):
    root = ctx.folder("tree")
    names = [f"{i}" for i in range(count)]
    for name in names:
        write(os.path.join(root, name), b"x" * 3000)
    return root, names


@on("s3d")
def test_requests_that_stall_are_asked_again(ctx):
    """One in twenty would not be answered for a minute; waiting takes 30 s."""
    root, names = files(ctx, 300)
    ctx.server.fault("stall", op="PutObject", percent=5, count=20, ms=60000)
    begun = time.monotonic()
    result = run(ctx, "put", root, "p", *names, options=("-f", 32))
    took = time.monotonic() - begun
    assert set(result.verdicts().values()) == {"done"}, result.lines
    assert max(line["attempts"] for line in result.lines) == 1, result.lines
    stalled = sum(fault["hits"] for fault in ctx.server.faults())
    assert stalled >= 5, stalled
    assert took < 25, took
    ctx.client.assert_tree(root, "p/")


@on("s3d")
def test_a_slow_server_is_not_asked_twice(ctx):
    root, names = files(ctx, 80)
    ctx.server.fault("delay", op="PutObject", count=0, ms=2600)
    result = run(ctx, "put", root, "p", *names, options=("-f", 40))
    assert set(result.verdicts().values()) == {"done"}, result.lines
    assert len([r for r in ctx.server.requests() if r["op"] == "PutObject"]) == len(names)


class Many:
    """Several s3d, each on an address and all on one port, under one name that only this test knows."""

    name = "s3.many.test"

    def __init__(self, ctx, addresses, silent=()):
        mounts.private()
        hosts = ctx.path("hosts")
        with open(hosts, "w", encoding="ascii") as file:
            file.write("127.0.0.1 localhost\n")
            file.writelines(f"{a} {self.name}\n" for a in [*addresses, *silent])
        mounts.mount("--bind", hosts, "/etc/hosts")
        self.port = process.free_port()
        self.servers = [S3d(ctx.path(a), "--address", a, "--bucket", ctx.bucket) for a in addresses]
        for server, address in zip(self.servers, addresses):
            server.host = address
            server.start(self.port)

    @property
    def endpoint(self):
        return f"http://{self.name}:{self.port}"

    def puts(self):
        """What each of them was given."""
        return [{r["key"] for r in s.requests() if r["op"] == "PutObject" and r["status"] == 200}
                for s in self.servers]

    def stop(self):
        assert [server.stop() for server in self.servers] == [0] * len(self.servers)


def put_to_all(ctx, many, *options):
    """Enough, and slow enough, for several connections. The seconds that it took."""
    root, names = files(ctx, 200)
    for server in many.servers:
        server.fault("delay", op="PutObject", count=0, ms=20)
    begun = time.monotonic()
    result = run(ctx, "put", root, "p", *names, options=options, endpoint=many.endpoint)
    took = time.monotonic() - begun
    assert set(result.verdicts().values()) == {"done"}, result.lines
    assert max(line["attempts"] for line in result.lines) == 1, result.lines
    assert set().union(*many.puts()) == {f"p/{name}" for name in names}
    return took


@on("s3d")
def test_connections_go_to_all_addresses(ctx):
    many = Many(ctx, ["127.0.0.1", "127.0.0.2", "127.0.0.3"])
    put_to_all(ctx, many, "-f", 24)
    assert all(len(puts) >= 20 for puts in many.puts()), [len(puts) for puts in many.puts()]
    many.stop()


@on("s3d")
def test_a_dead_address_is_passed_over(ctx):
    many = Many(ctx, ["127.0.0.1", "127.0.0.3"], silent=["127.0.0.2"])
    took = put_to_all(ctx, many, "-f", 24)
    assert all(len(puts) >= 20 for puts in many.puts()), [len(puts) for puts in many.puts()]
    assert took < 20, took
    many.stop()
