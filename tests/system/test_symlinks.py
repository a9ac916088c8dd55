"""Symbolic links as objects of their own: path -> target, permissions 0120777. Never followed."""

import os
import random
import shutil

from harness import deadline, on, wait_until

STORE = {"symlinks": "store"}


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def tree(images, links=True):
    """path -> (bytes, the POSIX properties) of all that is to be stored."""
    found = {}
    for folder, folders, names in os.walk(images):
        for name in names + [n for n in folders if os.path.islink(os.path.join(folder, n))]:
            full = os.path.join(folder, name)
            if os.path.islink(full):
                if not links:
                    continue
                body = os.readlink(full).encode()
            else:
                with open(full, "rb") as file:
                    body = file.read()
            st = os.lstat(full)
            found[os.path.relpath(full, images)] = (
                body, f"0{st.st_mode:o}", str(st.st_uid), f"{st.st_mtime_ns}ns")
    return found


def bucket(ctx):
    found = {}
    for key in ctx.client.keys("images/"):
        answer = ctx.client.signed.get(key)
        found[key[len("images/"):]] = (answer.body, *(
            answer.metadata.get(f"file-{name}") for name in ("permissions", "owner", "mtime")))
    return found


def wait_same(ctx, agent, images, links=True, timeout=60):
    """Until S3 has what the tree has, and status says so."""
    def same():
        return (agent.run("status").returncode == 0
                and set(ctx.client.keys("images/")) == {f"images/{p}" for p in tree(images, links)}
                and bucket(ctx) == tree(images, links))

    def what():
        here, there = tree(images, links), bucket(ctx)
        return str([(path, here.get(path), there.get(path)) for path in sorted({*here, *there})
                    if here.get(path) != there.get(path)][:5]) + agent.run("status").stdout

    wait_until(same, timeout, what)


def bed(ctx, **options):
    """An agent in step on a small tree with links of every kind."""
    images = ctx.folder("images")
    outside = ctx.folder("outside")
    write(f"{outside}/secret.png", b"not ours")
    write(f"{images}/a.png", b"an image")
    write(f"{images}/d/b.png", b"another")
    os.symlink("a.png", f"{images}/to-file.png")
    os.symlink("d", f"{images}/to-folder")
    os.symlink(f"{outside}/secret.png", f"{images}/d/out.png")
    os.symlink(outside, f"{images}/d/out-folder")
    os.symlink("nowhere/at/all", f"{images}/dangling")
    os.symlink("loop", f"{images}/loop")
    os.symlink("x" * 200 + "/" + "é" * 100, f"{images}/long")
    agent = ctx.agent(images=images, **options).start()
    wait_same(ctx, agent, images, "repository" in options)
    return agent, images


@on("s3d", "ceph", "swift")
def test_links_are_objects(ctx):
    agent, images = bed(ctx, repository=STORE)
    assert ctx.client.get("images/d/out.png")[0] == os.fsencode(ctx.path("outside/secret.png"))
    answer = ctx.client.signed.head("images/to-folder")
    assert answer.metadata["file-permissions"] == "0120777"
    # Another target, other links, in place and by rename; names that change hands.
    os.symlink("d/b.png", f"{images}/new")
    os.rename(f"{images}/new", f"{images}/to-file.png")
    os.unlink(f"{images}/dangling")
    os.symlink("to/../somewhere", f"{images}/dangling")
    os.rename(f"{images}/loop", f"{images}/d/loop")
    os.unlink(f"{images}/long")
    os.utime(f"{images}/to-folder", ns=(1, 1_500_000_000_000_000_007), follow_symlinks=False)
    wait_same(ctx, agent, images)
    os.rename(f"{images}/d", f"{images}/e")
    wait_same(ctx, agent, images)
    assert ctx.client.signed.request("HEAD", "images/d/out.png").status == 404
    agent.verify_journal()
    agent.stop()
    done = agent.run("verify")
    assert done.returncode == 0, done.stdout
    os.unlink(f"{images}/e/loop")
    os.symlink("another", f"{images}/e/loop")
    done = agent.run("verify")
    assert done.returncode == 1 and "e/loop" in done.stdout, done.stdout


@on("s3d")
def test_a_renamed_link_is_copied(ctx):
    agent, images = bed(ctx, repository=STORE)
    since = len(ctx.server.requests())
    os.rename(f"{images}/to-file.png", f"{images}/renamed.png")
    os.rename(f"{images}/d", f"{images}/e")
    wait_same(ctx, agent, images)
    ops = {line["op"] for line in ctx.server.requests()[since:] if line["method"] == "PUT"}
    assert ops == {"CopyObject"}, ops


@on("s3d")
def test_links_files_and_folders_swap_places(ctx):
    agent, images = bed(ctx, repository=STORE)
    os.unlink(f"{images}/to-file.png")
    write(f"{images}/to-file.png", b"a.png") # the very bytes that the link was
    os.unlink(f"{images}/a.png")
    os.symlink("to-file.png", f"{images}/a.png")
    os.unlink(f"{images}/to-folder")
    write(f"{images}/to-folder/inside.png", b"in a real folder")
    shutil.rmtree(f"{images}/d")
    os.symlink("to-folder", f"{images}/d")
    wait_same(ctx, agent, images)
    os.unlink(f"{images}/d")
    write(f"{images}/d/b.png", b"a folder again")
    os.unlink(f"{images}/a.png")
    os.makedirs(f"{images}/a.png")
    os.symlink("../d/b.png", f"{images}/a.png/x.png")
    wait_same(ctx, agent, images)
    agent.verify_journal()


@on("s3d")
def test_links_are_skipped_unless_told(ctx):
    agent, images = bed(ctx)
    assert set(ctx.client.keys()) == {"images/a.png", "images/d/b.png"}
    os.symlink("a.png", f"{images}/more.png")
    os.unlink(f"{images}/a.png")
    os.symlink("d/b.png", f"{images}/a.png")
    wait_same(ctx, agent, images, links=False)
    agent.stop()
    # What happened while no agent ran, and another setting.
    agent = ctx.agent(images=images, repository=STORE).start()
    wait_same(ctx, agent, images)
    agent.stop()
    os.symlink("made-meanwhile", f"{images}/meanwhile")
    os.unlink(f"{images}/loop")
    agent.start()
    wait_same(ctx, agent, images)
    agent.stop()
    agent = ctx.agent(images=images).start()
    wait_same(ctx, agent, images, links=False)


@on("s3d")
def test_a_target_that_is_too_long_stops_only_itself(ctx):
    agent, images = bed(ctx, repository=STORE)
    os.symlink("x/" * 2040, f"{images}/fits")      # 4,080 bytes
    wait_same(ctx, agent, images)
    os.symlink("x/" * 2040 + "y", f"{images}/too-long")
    write(f"{images}/after.png", b"goes on")
    wait_until(lambda: "images/after.png" in ctx.client.keys(), 30, "the rest")
    wait_until(lambda: "4,080 bytes" in agent.run("status").stdout, 30,
               lambda: agent.run("status").stdout)
    assert "images/too-long" not in ctx.client.keys()
    os.unlink(f"{images}/too-long")
    wait_same(ctx, agent, images)


@on("s3d")
def test_rows_that_name_links_follow_them(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    write(f"{images}/a.png", b"an image")
    os.symlink("a.png", f"{images}/link.png")
    with open(f"{lists}/l.lst", "w", encoding="utf-8") as file:
        file.write("0\t1\ta.png\n1\t2\tlink.png\n")
    agent = ctx.agent(images=images, lists=lists, repository=STORE).start()
    wait_until(lambda: "lists/l.lst" in ctx.client.keys(), 30, lambda: agent.run("status").stdout)
    os.rename(f"{images}/link.png", f"{images}/moved.png")

    def rewritten():
        with open(f"{lists}/l.lst", encoding="utf-8") as file:
            return file.read() == "0\t1\ta.png\n1\t2\tmoved.png\n"

    wait_until(rewritten, 30, "the list")
    wait_until(lambda: set(ctx.client.keys()) == {"images/a.png", "images/moved.png",
                                                  "lists/l.lst"}, 30, "the bucket")
    assert ctx.client.get("lists/l.lst")[0] == b"0\t1\ta.png\n1\t2\tmoved.png\n"


@deadline(300)
@on("s3d")
def test_a_storm_of_links(ctx):
    """Random deeds on links, files and folders of the same few names; the end must be the same."""
    agent, images = bed(ctx, repository={**STORE, "max_removal_percent": 100})
    random.seed(4)
    names = [f"{folder}{name}" for folder in ("", "p/", "p/q/") for name in "abcd"]

    def clear(path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)

    for _ in range(400):
        path, other = (os.path.join(images, name) for name in random.sample(names, 2))
        deed = random.random()
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if deed < 0.35:
                clear(path)
                os.symlink(random.choice(names), path)
            elif deed < 0.5:
                clear(path)
                write(path, random.choice(names).encode())
            elif deed < 0.8:
                os.makedirs(os.path.dirname(other), exist_ok=True)
                os.rename(path, other)
            elif deed < 0.9:
                clear(path)
            else:
                os.utime(path, ns=(1, random.randrange(10**18)), follow_symlinks=False)
        except OSError: # not there, not empty, into itself
            pass
    wait_same(ctx, agent, images, timeout=120)
    agent.verify_journal()
    agent.stop()
    assert agent.run("verify").returncode == 0


@on("s3d")
def test_adopt_knows_links(ctx):
    """Without an index, what is in S3 already is taken over, links too."""
    agent, images = bed(ctx, repository=STORE)
    agent.stop()
    shutil.rmtree(agent.state_dir)
    since = len(ctx.server.requests())
    done = agent.run("adopt")
    assert done.returncode == 0, done.stdout + done.stderr
    agent.start()
    wait_same(ctx, agent, images)
    assert [line for line in ctx.server.requests()[since:] if line["op"] == "PutObject"] == []
    os.rename(f"{images}/to-folder", f"{images}/renamed")
    wait_same(ctx, agent, images)
    assert bucket(ctx)["renamed"][:2] == (b"d", "0120777")
