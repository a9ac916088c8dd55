"""`agent --once` on real images: they land as they are, once."""

from harness import deadline, on, samples


@on("s3d", "ceph", "swift")
@deadline(300)
def test_real_images_and_lists_land_as_they_are(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    some = 300 if ctx.server.kind == "swift" else None  # of all: it is slow
    paths = samples.adwaita(images, count=some)
    samples.write_lists(lists, paths)
    agent = ctx.agent(images=images, lists=lists)
    agent.once()
    assert len(paths) >= (some or 4696), len(paths)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    assert ctx.client.rclone_check(images, "images/") == []
    agent.verify_journal()


@on("s3d")
def test_a_second_run_makes_no_call(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    samples.write_lists(lists, samples.adwaita(images, count=300))
    agent = ctx.agent(images=images, lists=lists)
    agent.once()
    before = len(ctx.server.requests())
    assert agent.once().returncode == 0
    assert len(ctx.server.requests()) == before
