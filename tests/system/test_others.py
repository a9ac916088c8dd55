"""What other servers than Amazon's do otherwise, told to s3d: the engine learns it and goes on."""

import os

from harness import on
from harness.strays import Strays
from test_engine import MIB, ops, run, write


@on("s3d")
def test_copy_where_the_condition_is_compared_otherwise(ctx):
    """As by Swift, of objects in parts: the source is looked at, then copied all the same."""
    etag = ctx.client.signed.put("a", b"one").headers["etag"].strip('"')
    ctx.server.fault("error", op="CopyObject", code="PreconditionFailed", count=2)
    outcome = run(ctx, "copy", "a", "b", etag).only
    assert (outcome["verdict"], outcome["etag"]) == ("done", etag), outcome
    assert ops(ctx)[1:] == [("CopyObject", 412), ("CopyObject", 412), ("HeadObject", 200),
                            ("CopyObject", 200)], ops(ctx)
    assert "x-amz-copy-source-if-match" not in ctx.server.requests()[-1]["headers"]
    before = len(ops(ctx))
    outcome = run(ctx, "copy", "a", "c", "0" * 32).only  # it is another indeed
    assert (outcome["verdict"], outcome["etag"]) == ("conflict", ""), outcome
    assert ops(ctx)[before:] == [("CopyObject", 412)] * 2 + [("HeadObject", 200)], ops(ctx)


@on("s3d")
def test_parts_whose_checksums_are_not_taken(ctx):
    """As by Swift, which holds the document against a schema: it goes once more without them."""
    root = ctx.folder("tree")
    for name in ("a.rec", "b.rec"):
        write(root, name, os.urandom(6 * MIB))
    ctx.server.fault("error", op="CompleteMultipartUpload", code="MalformedXML", count=1)
    result = run(ctx, "put", root, "p", "a.rec", "b.rec", options=("-m", MIB, "-p", 5 * MIB))
    assert set(result.verdicts().values()) == {"done"}, result.lines
    assert ctx.client.signed.uploads() == []
    ctx.client.assert_tree(root, "p/")
    assert "does not take the checksums of parts" in result.stderr, result.stderr


@on("s3d")
def test_an_answer_to_head_that_a_body_seems_to_follow(ctx):
    """Swift ends a body that is not there: it would be taken for the next answer's beginning."""
    server = Strays()
    outcome = run(ctx, "delete-if", *(word for i in range(20) for word in (f"k{i}", "0" * 32)),
                  endpoint=server.url).only
    server.close()
    assert all(item["done"] for item in outcome["items"]), outcome
    assert (outcome["attempts"], server.asked) == (20, 20), (outcome, server.asked)
