"""A listing with pages asked for ahead is the serial one, wherever pages begin."""

import datetime
import random

from harness import on

from test_engine import run


def nasty_keys(count):
    """Keys whose order is easily got wrong, and enough others to need pages."""
    odd = ["a", "a-", "a/", "a/b", "a//b", "a0", "a/./b", "a/../b", "A", "~", " lead", "plus+", "per%25",
           "amp&<>\"'", "tab\there", "line\nfeed", "e\u0301", "\u00e9", "\ud7ff", "\ue000", "\uffef",
           "\U00010000", "\U0010ffff", "x" * 1000, "x" * 999 + "/", "x" * 1020]
    return sorted({f"n/{name}" for name in odd} | {f"n/d{i % 7}/{i:05}" for i in range(count)},
                  key=lambda key: key.encode())


def listed(ctx, prefix, ahead=None, places=(), options=()):
    """(keys, pages asked for) of a listing."""
    logged = getattr(ctx.server, "requests", list) # Ceph keeps no such log
    before = len(logged())
    if ahead is None:
        done = run(ctx, "list", prefix, options=options)
    else:
        done = run(ctx, "list-ahead", prefix, str(ahead), options=options,
                   stdin="".join(f"{place}\0" for place in places).encode())
    assert done.status == 0, done.stderr
    asked = [r for r in logged()[before:] if r["op"] == "ListObjectsV2"]
    return [line["key"] for line in done.lines], len(asked)


@on("s3d", "ceph", "swift")
def test_pages_ahead_give_the_serial_listing(ctx):
    page = 200 if ctx.server.kind == "swift" else 1000
    part = page // 10
    keys = nasty_keys(23 * part)
    ctx.client.signed.map(lambda key: ctx.client.signed.put(key, b"ab"), keys)
    for other in ("m", "n", "n0", "o/x"):
        ctx.client.signed.put(other, b"")
    dice = random.Random(4)
    assert listed(ctx, "n/")[0] == keys
    for ahead, places in (
            (16, keys[9 * part::9 * part]), # as it is meant
            (4, keys[::40]), # far too dense
            (2, keys[page::page]), # exactly where pages end
            (16, [keys[-1]]), (16, keys[:3]), # gaps of many pages
            (3, sorted(dice.sample(keys, 12), key=lambda k: k.encode())),
            (16, [f"n/d3/{i:05}x" for i in range(0, 4000, 300)]), # not there
            (5, list(reversed(keys[::5 * part]))), # told in the wrong order
            (1, keys[5::7 * part]), (16, ["n0/beyond", "zzz"]), (16, [])):
        assert listed(ctx, "n/", ahead, places)[0] == keys, (ahead, places[:5])
    assert listed(ctx, "none/", 4, ["none/a", "none/b"])[0] == []
    assert set(listed(ctx, "", 4, keys[::9 * part])[0]) == {*keys, "m", "n", "n0", "o/x"}


@on("s3d")
def test_pages_of_exactly_a_thousand(ctx):
    keys = [f"p/{i:05}" for i in range(2001)]
    ctx.client.signed.map(lambda key: ctx.client.signed.put(key, b""), keys[:2000])
    assert listed(ctx, "p/", 8, [keys[999], keys[1999]])[0] == keys[:2000]
    assert listed(ctx, "p/", 8, [keys[999]]) == (keys[:2000], 2)
    ctx.client.signed.put(keys[2000], b"")
    assert listed(ctx, "p/", 8, [keys[999], keys[1999]]) == (keys, 3)


@on("s3d")
def test_what_fails_in_the_middle_of_a_listing(ctx):
    """A page that does not come is asked for again; one that never comes is an error, not an end."""
    keys = [f"f/{i:05}" for i in range(3100)]
    ctx.client.signed.map(lambda key: ctx.client.signed.put(key, b""), keys)
    places = keys[900::900]
    for do, more in (("error", {"code": "InternalError"}), ("reset", {}), ("truncate", {}),
                     ("error", {"code": "SlowDown"}), ("error-200", {})):
        ctx.server.fault(do, op="ListObjectsV2", skip=2, count=5, **more)
        assert listed(ctx, "f/", 4, places)[0] == keys, do
        ctx.server.clear_faults()
    ctx.server.fault("error", op="ListObjectsV2", skip=2, count=0, code="AccessDenied")
    done = run(ctx, "list-ahead", "f/", "4", stdin="".join(f"{p}\0" for p in places).encode())
    assert done.status == 1 and "f/: listing" in done.stderr and "AccessDenied" in done.stderr, \
        done.stderr
    assert len(done.lines) < len(keys)
    ctx.server.clear_faults()
    ctx.server.fault("reset", op="ListObjectsV2", skip=2, count=0)
    done = run(ctx, "list-ahead", "f/", "4", stdin="".join(f"{p}\0" for p in places).encode(),
               options=("-a", 1))
    assert done.status == 1 and "f/: listing" in done.stderr, done.stderr


@on("s3d")
def test_pages_ahead_overlap(ctx):
    """Where each page takes its time, several are on their way at once."""
    keys = [f"t/{i:05}" for i in range(3000)]
    ctx.client.signed.map(lambda key: ctx.client.signed.put(key, b""), keys)
    ctx.server.fault("delay", op="ListObjectsV2", ms=1500, count=0)
    before = len(ctx.server.requests())
    assert listed(ctx, "t/", 16, keys[250::250])[0] == keys
    pages = [r for r in ctx.server.requests()[before:] if r["op"] == "ListObjectsV2"]
    ended = [datetime.datetime.fromisoformat(r["time"].replace("Z", "+00:00")).timestamp()
             for r in pages]
    begun = [end - r["us"] / 1e6 for end, r in zip(ended, pages)]
    assert len(pages) >= 9, pages
    assert max(ended) - min(begun) < 0.5 * sum(r["us"] for r in pages) / 1e6, (begun, ended)
