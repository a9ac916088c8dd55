"""Other hosts' changes, which no event tells of: on a FUSE pass-through mount, and with --long on a
real NFSv4.1 client. What is done there stands in remote.py."""

import remote
from harness import Skip, bindfs, deadline, on


def on_fuse(ctx, scenario):
    """One scenario on a FUSE mount of the test's own."""
    problem = bindfs.missing()
    if problem:
        raise Skip(problem)
    here, there = bindfs.mount(ctx.folder("fuse"), ctx.path("bindfs.log"))
    scenario(remote.Bed(ctx, here, there, slack_s=bindfs.CACHED_S + 10))


@on("s3d")
def test_fuse_adds(ctx):
    on_fuse(ctx, remote.adds)


@on("s3d")
def test_fuse_edits(ctx):
    on_fuse(ctx, remote.edits)


@on("s3d")
@deadline(180)
def test_fuse_edits_of_what_was_just_read(ctx):
    on_fuse(ctx, remote.edits_of_what_was_just_read)


@on("s3d")
def test_fuse_deletes(ctx):
    on_fuse(ctx, remote.deletes)


@on("s3d")
def test_fuse_renames_of_files_are_renames(ctx):
    on_fuse(ctx, remote.renames_of_files)


@on("s3d")
def test_fuse_renames_of_directories_are_renames(ctx):
    on_fuse(ctx, remote.renames_of_directories)


@on("s3d")
def test_fuse_directories_that_go(ctx):
    on_fuse(ctx, remote.directories_that_go)


@on("s3d")
def test_fuse_lists_edited_there(ctx):
    on_fuse(ctx, remote.lists_edited_there)


@on("s3d")
@deadline(240)
def test_invariant_5_fuse_lists_edited_in_the_moment(ctx):
    on_fuse(ctx, remote.lists_edited_in_the_moment)


@on("s3d")
def test_invariant_2_fuse_slow_writers(ctx):
    on_fuse(ctx, remote.slow_writers)
