"""Real tools as writers: what they leave behind in between is never published, and in the end the
bucket is the tree."""

import os
import shutil
import subprocess
import zipfile

from harness import Skip, on, samples, wait_until

GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.net", "-c", "init.defaultBranch=main",
       "-c", "gc.auto=0", "-c", "core.fsync=none")


def run(*command, **options):
    """The tool must be there and must do it."""
    if shutil.which(command[0]) is None:
        raise Skip(f"{command[0]} is not installed")
    subprocess.run(command, check=True, capture_output=True, **options)


def running(ctx, count=40, **repository):
    """An agent in step on some images and their lists, and further images elsewhere."""
    images, lists, source = ctx.folder("images"), ctx.folder("lists"), ctx.folder("source")
    paths = samples.adwaita(images, count=count)
    samples.write_lists(lists, paths)
    samples.adwaita(source, count=120, seed=5)
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 10000, **repository})
    agent.start()
    agent.wait_in_step(30)
    return agent, images, lists, source


def follow(ctx, agent, images, lists):
    """The bucket comes to what the disk has, byte for byte."""
    agent.wait_in_step(20)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


def published(ctx):
    """Every key that was ever written."""
    return {r["key"] for r in ctx.server.requests()
            if r["op"] in ("PutObject", "CopyObject", "CompleteMultipartUpload")}


def only_real_names(ctx, *trees):
    """Nothing was published but what is on disk now."""
    there = {prefix + os.path.relpath(os.path.join(base, name), tree)
             for tree, prefix in trees for base, _, names in os.walk(tree) for name in names}
    assert published(ctx) <= there, sorted(published(ctx) - there)[:10]


@on("s3d")
def test_cp_tar_and_unzip(ctx):
    agent, images, lists, source = running(ctx)
    run("tar", "cf", f"{source}.tar", "-C", source, ".")
    with zipfile.ZipFile(f"{source}.zip", "w") as file:
        for base, _, names in os.walk(source):
            for name in names:
                full = os.path.join(base, name)
                file.write(full, os.path.relpath(full, source))
    run("cp", "-r", source, f"{images}/cp")
    os.makedirs(f"{images}/tar")
    run("tar", "xf", f"{source}.tar", "-C", f"{images}/tar")
    run("unzip", "-q", f"{source}.zip", "-d", f"{images}/zip")
    follow(ctx, agent, images, lists)
    only_real_names(ctx, (images, "images/"), (lists, "lists/"))
    run("unzip", "-qo", f"{source}.zip", "-d", f"{images}/tar") # over what is there
    shutil.rmtree(f"{images}/cp")
    follow(ctx, agent, images, lists)
    agent.verify_journal()


@on("s3d")
def test_rsync_with_and_without_inplace(ctx):
    agent, images, lists, source = running(ctx)
    run("rsync", "-a", f"{source}/", f"{images}/rsync/")
    run("rsync", "-a", "--inplace", f"{source}/", f"{images}/inplace/")
    follow(ctx, agent, images, lists)
    only_real_names(ctx, (images, "images/"), (lists, "lists/"))
    for base, _, names in os.walk(source):
        for name in names[::3]:
            with open(os.path.join(base, name), "ab") as file:
                file.write(os.urandom(300))
    with open(f"{source}/more.png", "wb") as file:
        file.write(b"more")
    run("rsync", "-a", "--delete", f"{source}/", f"{images}/rsync/")
    run("rsync", "-a", "--inplace", "--no-whole-file", "--delete", f"{source}/",
        f"{images}/inplace/")
    follow(ctx, agent, images, lists)
    agent.verify_journal()


@on("s3d")
def test_a_deep_tree_is_made_and_removed(ctx):
    agent, images, lists, _ = running(ctx, 20)
    for i in range(50):
        os.makedirs(f"{images}/deep/{i}/b/c")
        for path in (f"{i}/b/c/x.jpg", f"{i}/y.jpg"):
            with open(f"{images}/deep/{path}", "wb") as file:
                file.write(b"x" * 1000)
    follow(ctx, agent, images, lists)
    run("rm", "-rf", f"{images}/deep")
    follow(ctx, agent, images, lists)


@on("s3d")
def test_git_checkout_between_branches(ctx):
    """The images follow the branch; what git keeps for itself is no image."""
    agent, images, lists, source = running(ctx, 30)

    def git(*words):
        run(*GIT, *words, cwd=images)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "two")
    shutil.copytree(source, f"{images}/two")
    with open(f"{images}/two/both.png", "wb") as file:
        file.write(b"of two")
    git("add", ".")
    git("commit", "-qm", "two")
    git("checkout", "-q", "main")
    os.makedirs(f"{images}/two", exist_ok=True)
    with open(f"{images}/two/both.png", "wb") as file:
        file.write(b"of main, and longer")
    git("add", ".")
    git("commit", "-qm", "more")
    for branch in ("two", "main", "two", "main"):
        git("checkout", "-q", branch)
    git("repack", "-qad") # hundreds of loose objects go: no matter for the guard
    git("prune-packed")
    agent.wait_in_step(20)
    assert not [key for key in published(ctx) if "/.git/" in key]
    shutil.move(f"{images}/.git", ctx.path("git"))
    follow(ctx, agent, images, lists)


@on("s3d")
def test_sed_on_lists(ctx):
    agent, images, lists, _ = running(ctx)
    run("sed", "-i", r"s/^\([0-9]*\)\t[0-9.]*/\1\t7.000000/", f"{lists}/train.lst",
        f"{lists}/val.lst")
    follow(ctx, agent, images, lists)
    run("sed", "-i.bak~", "1d", f"{lists}/train.lst")
    agent.wait_in_step(20)
    assert ctx.client.get("lists/train.lst")[0].count(b"\t7.000000\t") > 10
    assert {k for k in published(ctx) if k.startswith("lists/")} == \
        {"lists/train.lst", "lists/val.lst"}


@on("s3d")
def test_vim_on_a_list(ctx):
    """Swap file, backup and the probe that vim makes (4913) come and go beside the list."""
    agent, images, lists, _ = running(ctx)
    for options in ("set backup writebackup backupcopy=no swapfile",
                    "set backup writebackup backupcopy=yes swapfile"):
        run("vim.tiny", "-u", "NONE", "-es", "-c", options, "-c", r"%s/\t\d\+\./\t3./", "-c", "wq",
            f"{lists}/train.lst")
        agent.wait_in_step(20)
        assert b"\t3." in ctx.client.get("lists/train.lst")[0]
    editor = subprocess.Popen(["vim.tiny", "-u", "NONE", "-es", f"{lists}/val.lst"],
                              stdin=subprocess.PIPE) # it stays open, with its swap file
    try:
        editor.stdin.write(b"set swapfile\n1delete\npreserve\n")
        editor.stdin.flush()
        wait_until(lambda: [n for n in os.listdir(lists) if ".sw" in n], 20, "a swap file")
        agent.wait_in_step(20)
        editor.stdin.write(b"write\nquit\n")
        editor.stdin.close()
        editor.wait(20)
    finally:
        editor.kill()
        editor.wait()
    agent.wait_in_step(20)
    ctx.client.assert_tree(images, "images/")
    assert {k for k in published(ctx) if k.startswith("lists/")} == \
        {"lists/train.lst", "lists/val.lst"}


@on("s3d")
def test_mv_from_another_file_system(ctx):
    agent, images, lists, _ = running(ctx)
    elsewhere = f"/dev/shm/lockstep-test-{os.getpid()}"
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(images).st_dev:
        raise Skip("/dev/shm is no other file system")
    try:
        samples.adwaita(elsewhere, count=60, seed=3)
        run("mv", elsewhere, f"{images}/moved")
        follow(ctx, agent, images, lists)
        run("mv", f"{images}/moved", elsewhere)
        follow(ctx, agent, images, lists)
    finally:
        shutil.rmtree(elsewhere, ignore_errors=True)


@on("s3d")
def test_aws_s3_sync_downwards(ctx):
    """From another bucket into the tree: aws writes name.XXXXXXXX, then renames it, which a busy host
    may hold up for longer than the tests' files settle."""
    agent, images, lists, source = running(ctx, 20, settle_ms=2000)
    other = ctx.bucket + "-source"
    ctx.server.create_bucket(other)
    ctx.client.aws("s3", "sync", "--quiet", source, f"s3://{other}/")
    ctx.client.aws("s3", "sync", "--quiet", f"s3://{other}/", f"{images}/sync/")
    follow(ctx, agent, images, lists)
    only_there = {k for k in published(ctx) if k.startswith("images/")}
    there = {"images/" + os.path.relpath(os.path.join(b, n), images)
             for b, _, names in os.walk(images) for n in names}
    assert only_there <= there, sorted(only_there - there)[:5]
