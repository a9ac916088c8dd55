"""Objects that may only go if they are still the ones that are meant, through s3probe."""

from harness import on
from test_engine import run

HELD = ("--delete-conditions", "held")
BARE = ("--delete-conditions", "bare")
IGNORED = ("--delete-conditions", "ignored")
REFUSED = ("--delete-conditions", "refused")


def put(ctx, *keys):
    """Objects with their keys as content; key -> ETag."""
    return {key: ctx.client.signed.put(key, key.encode()).headers["etag"].strip('"')
            for key in keys}


def pairs(etags):
    """The arguments of delete-if."""
    return [word for pair in etags.items() for word in pair]


def requests(ctx, *operations):
    return sum(r["op"] in operations for r in ctx.server.requests())


def check_many(ctx, count):
    """Of `count` objects some are others by now, some are gone: only the ones that are meant go."""
    keys = [f"k/{i:04} &<>" for i in range(count)]
    etags = put(ctx, *keys)
    others = {keys[0], keys[count // 2], keys[-1]}
    for key in others:
        ctx.client.signed.put(key, b"somebody else's")
    ctx.client.signed.expect("DELETE", keys[3])
    seen = ctx.client.signed.head(keys[0]).headers["etag"].strip('"')
    outcome = run(ctx, "delete-if", *pairs(etags)).only
    for item in outcome["items"]:
        if item["key"] in others:
            assert not item["done"] and item["conflict"] and item["seen"] == seen, item
            assert item["code"] == "PreconditionFailed", item
        else:
            assert item["done"] and not item["conflict"], item
    assert set(ctx.client.keys()) == others
    return outcome


@on("s3d", options=HELD)
def test_many_where_conditions_are_held(ctx):
    before = requests(ctx, "HeadObject")
    check_many(ctx, 40)
    # the first is another already, the second serves to learn; then one request, and what it refused
    assert requests(ctx, "DeleteObjects") == 2
    assert requests(ctx, "HeadObject") - before <= 1 + 2 + 3


@on("s3d", options=HELD)
def test_a_thousand_cost_two_requests_and_a_look(ctx):
    etags = {}
    keys = [f"k/{i:04}" for i in range(1000)]
    for key, answer in zip(keys, ctx.client.signed.map(
            lambda key: ctx.client.signed.put(key, b"x"), keys)):
        etags[key] = answer.headers["etag"].strip('"')
    outcome = run(ctx, "delete-if", *pairs(etags)).only
    assert all(item["done"] for item in outcome["items"]), outcome
    assert ctx.client.keys() == {}
    assert requests(ctx, "DeleteObjects") == 2 and requests(ctx, "HeadObject") == 1


@on("s3d", options=BARE)
def test_many_where_conditions_are_held_in_another_form(ctx):
    check_many(ctx, 40)


@on("s3d", options=IGNORED)
def test_many_where_conditions_are_ignored(ctx):
    check_many(ctx, 40)
    assert requests(ctx, "DeleteObjects") == 2


@on("s3d", options=REFUSED)
def test_many_where_conditions_are_refused(ctx):
    check_many(ctx, 40)


@on("ceph")
def test_many_on_another_server(ctx):
    check_many(ctx, 40)


def check_one(ctx):
    etags = put(ctx, "a", "b")
    ctx.client.signed.put("b", b"somebody else's")
    assert run(ctx, "delete", "a", etags["a"]).only["verdict"] == "done"
    other = run(ctx, "delete", "b", etags["b"]).only
    seen = ctx.client.signed.head("b").headers["etag"].strip('"')
    assert (other["verdict"], other["etag"]) == ("conflict", seen), other
    assert run(ctx, "delete", "nothing", etags["a"]).only["verdict"] == "done"
    assert list(ctx.client.keys()) == ["b"]


@on("s3d", options=HELD)
def test_one_where_conditions_are_held(ctx):
    check_one(ctx)


@on("s3d", options=BARE)
def test_one_where_conditions_are_held_in_another_form(ctx):
    check_one(ctx)


@on("s3d", options=IGNORED)
def test_one_where_conditions_are_ignored(ctx):
    check_one(ctx)


@on("s3d", options=REFUSED)
def test_one_where_conditions_are_refused(ctx):
    check_one(ctx)


@on("ceph")
def test_one_on_another_server(ctx):
    check_one(ctx)


@on("s3d")
def test_a_reply_that_is_lost_is_no_conflict(ctx):
    etags = put(ctx, "a", "b", "c")
    ctx.server.fault("lost-reply", op="DeleteObjects", skip=1)
    outcome = run(ctx, "delete-if", *pairs(etags)).only
    assert all(item["done"] for item in outcome["items"]), outcome
    assert ctx.client.keys() == {}


@on("s3d")
def test_what_cannot_be_looked_at_stays(ctx):
    etags = put(ctx, "a", "b", "c")
    ctx.server.fault("error", op="HeadObject", code="AccessDenied", count=0)
    outcome = run(ctx, "delete-if", *pairs(etags)).only
    assert not any(item["done"] for item in outcome["items"]), outcome
    assert outcome["verdict"] == "denied" and len(ctx.client.keys()) == 3, outcome
