"""lockstep manifest: it names what S3 has."""

import json
import os

from harness import on, read, samples, write


def keys_of(text, bucket):
    """The keys that a manifest file names."""
    head, *names = json.loads(text)
    assert set(head) == {"prefix"} and head["prefix"].startswith(f"s3://{bucket}/")
    return [head["prefix"][len(f"s3://{bucket}/"):] + name for name in names]


@on("s3d")
def test_every_object_is_there(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    names = samples.adwaita(images, count=60)
    os.rename(f"{images}/{names[0]}", f"{images}/\u00e9 \"+%20.png")
    names[0] = "\u00e9 \"+%20.png"
    write(f"{lists}/sub/x.lst", "".join(
        f"{n}\t{n % 3}.000000\t{name}\n" for n, name in enumerate(names[:50])).encode())
    agent = ctx.agent(images=images, lists=lists)
    agent.start()
    agent.wait_in_step(30)
    done = agent.run("manifest", f"{lists}/sub/x.lst")
    assert done.returncode == 0, done
    keys = keys_of(done.stdout, ctx.bucket)
    assert keys == ["images/" + name for name in names[:50]]
    assert set(keys) <= set(ctx.client.keys("images/"))
    out = ctx.path("x.manifest")
    done = agent.run("manifest", "--augmented", "-o", out, f"{lists}/sub/x.lst")
    assert done.returncode == 0 and "50 images" in done.stdout, done
    lines = [json.loads(line) for line in read(out).decode().splitlines()]
    assert lines == [{"source-ref": f"s3://{ctx.bucket}/images/{name}", "class": str(n % 3)}
                     for n, name in enumerate(names[:50])]


@on("s3d")
def test_what_is_not_in_s3_is_not_named(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    agent = ctx.agent(images=images, lists=lists)
    path = f"{lists}/x.lst"
    out = ctx.path("out")
    write(out, b"old")
    for rows, why in ((b"0\t0\ta.png\n1\t0\tb/.a.png.swp\n", "x.lst:2: the configuration excludes"),
                      (b"", "names no image"), (b"0\t0\t../a\n", "below the repository"),
                      (b"\n0 0 a.png\n", "x.lst:2"), (b"0\t0\t\xff.png\n", "UTF-8")):
        write(path, rows)
        done = agent.run("manifest", "-o", out, path)
        assert done.returncode == 2 and why in done.stderr, (rows, done)
    write(path, b"0\t1\t2\ta.png\n")
    done = agent.run("manifest", "--augmented", path)
    assert done.returncode == 2 and "no class" in done.stderr and not done.stdout, done
    write(ctx.path("else.lst"), b"0\t0\ta.png\n")
    done = agent.run("manifest", ctx.path("else.lst"))
    assert done.returncode == 2 and "no lists mapping" in done.stderr, done
    done = agent.run("manifest", "--prefix", "s3://other/p/", ctx.path("else.lst"))
    assert done.returncode == 0, done
    assert json.loads(done.stdout) == [{"prefix": "s3://other/p/"}, "a.png"]
    for words in ((), ("--attribute", "source-ref", path), ("--prefix", "other/p/", path),
                  (path, path)):
        assert agent.run("manifest", *words).returncode == 2, words
    assert read(out) == b"old"
