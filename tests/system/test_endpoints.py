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
