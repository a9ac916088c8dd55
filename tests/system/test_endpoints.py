"""Where requests go: access points, another region, hosts that are refused."""

import os

from harness import on
from harness.tree import write

POINT = "ap-images-123456789012"
ARN = "arn:aws:s3:us-east-1:123456789012:accesspoint/ap-images"


@on("s3d", options=("--domain", "points.localhost"))
def test_an_access_point_takes_all_and_copies(ctx):
    """The ARN's name goes before the host's, and copies name their source by the ARN."""
    server = ctx.server
    server.create_bucket(POINT)
    images = ctx.folder("images")
    write(os.path.join(images, "a/one.png"), b"1" * 1000)
    write(os.path.join(images, "big.bin"), os.urandom(6 << 20))
    agent = ctx.agent(images=images, s3={
        "bucket": ARN, "addressing": "auto", "multipart_size": 5 << 20,
        "endpoint": f"http://points.localhost:{server.port}"})
    agent.once()
    os.rename(os.path.join(images, "a/one.png"), os.path.join(images, "a/two.png"))
    os.rename(os.path.join(images, "big.bin"), os.path.join(images, "large.bin"))
    agent.once()
    point = server.signed(POINT)
    for path in ("a/two.png", "large.bin"):
        with open(os.path.join(images, path), "rb") as file:
            assert point.expect("GET", "images/" + path).body == file.read(), path
    copies = [r for r in server.requests() if r["op"] == "CopyObject"]
    assert len(copies) >= 2 and all(r["status"] == 200 for r in copies), copies
    for copy in copies:
        source = copy["headers"]["x-amz-copy-source"]
        assert source.startswith("arn%3Aaws%3As3%3Aus-east-1%3A123456789012%3Aaccesspoint/ap-images/"
                                 "object/images/"), source


@on("s3d")
def test_what_has_no_host_is_refused_in_words(ctx):
    """Environment and profile may ask for what the configuration excludes."""
    images = ctx.folder("images")
    agent = ctx.agent(images=images, environment={"AWS_USE_FIPS_ENDPOINT": "true"})
    done = agent.once(check=False)
    assert done.returncode == 4, done
    assert "a FIPS endpoint and an endpoint of one's own" in done.stderr, done.stderr
    agent = ctx.agent(images=images, name="other", s3={"fips": True})
    done = agent.once(check=False)
    assert done.returncode == 2, done
    assert "s3.fips: only Amazon's own endpoints have a FIPS form" in done.stderr, done.stderr


@on("s3d")
def test_a_wrong_region_is_learnt_and_told(ctx):
    """By a 400 that names it: once, for the rest of the run and for all; the log says it once."""
    far = ctx.s3d("far", "--region", "eu-central-1", "--bucket", ctx.bucket)
    images = ctx.folder("images")
    for i in range(40):
        write(os.path.join(images, f"{i}.png"), b"%d" % i)
    agent = ctx.agent(images=images, s3={"endpoint": far.endpoint, "region": "us-west-2",
                                         "in_flight": 8})
    agent.once()
    requests = far.requests()
    refused = [r for r in requests if r["status"] == 400]
    assert 1 <= len(refused) <= 8 and len(requests) - len(refused) < 60, len(refused)
    assert agent.log().count("is in the region eu-central-1, not in us-west-2") == 1, agent.log()
    agent.verify_journal()


@on("s3d")
def test_a_permanent_redirect_takes_region_and_host(ctx):
    """301 that names another region and where that is."""
    far = ctx.s3d("far", "--region", "eu-central-1", "--bucket", ctx.bucket)
    ctx.server.fault("redirect", count=0, op="PutObject", code="PermanentRedirect", status=301,
                     region="eu-central-1", location=far.endpoint)
    images = ctx.folder("images")
    write(os.path.join(images, "one.png"), b"one")
    ctx.agent(images=images).once()
    assert [r["status"] for r in ctx.server.requests() if r["op"] == "PutObject"] == [301]
    assert [(r["status"], r["key"]) for r in far.requests() if r["op"] == "PutObject"] == \
        [(200, "images/one.png")]


@on("s3d")
def test_a_temporary_redirect_is_followed_by_each_request(ctx):
    """307 to another port: that request goes there, the next is asked here again."""
    other = ctx.s3d("other", "--bucket", ctx.bucket)
    ctx.server.fault("redirect", count=0, op="PutObject", location=other.endpoint)
    images = ctx.folder("images")
    for i in range(10):
        write(os.path.join(images, f"{i}.png"), b"%d" % i)
    ctx.agent(images=images).once()
    assert len([r for r in ctx.server.requests() if r["status"] == 307]) == 10
    there = other.signed(ctx.bucket)
    assert [there.expect("GET", f"images/{i}.png").body for i in range(10)] == \
        [b"%d" % i for i in range(10)]
    assert ctx.client.keys() == {}


@on("s3d")
def test_a_redirect_to_a_stranger_is_not_followed(ctx):
    ctx.server.fault("redirect", count=0, op="PutObject", location="http://127.0.0.2:9")
    images = ctx.folder("images")
    write(os.path.join(images, "one.png"))
    agent = ctx.agent(images=images)
    done = agent.once(check=False)
    assert done.returncode == 1, done
    assert "TemporaryRedirect" in done.stderr, done.stderr
    puts = [r for r in agent.journal_records() if r["o"] == "put"]
    assert puts and all((r["rc"], r["at"]) == (307, 1) for r in puts), puts
