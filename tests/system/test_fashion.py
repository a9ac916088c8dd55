"""The whole way of who trains with Fashion-MNIST: labelled images, lists made of them, the agent, a
class that gets another name, and all that a training job is given, held against the data set."""

import os
import random

from harness import deadline, fashion, long_test, on, read, write
from harness.list_readers import everyone
from test_channels import accepted, channels
from test_lst_check import lst
from test_manifest import keys_of
from test_pack import packed, run as pack

OLD, NEW = "Sneaker", "Running shoe"
PARTS = ("train", "val")


def listed(lists):
    """What all readers find in both lists: part -> rows."""
    return {part: everyone(read(f"{lists}/fashion_{part}.lst")) for part in PARTS}


def assert_made(rows, names):
    """Each image once, labelled as im2rec does, four fifths of each class to train with."""
    order = sorted(fashion.CLASSES)
    both = rows["train"] + rows["val"]
    assert sorted(path for _, _, path in both) == sorted(names)
    assert all(labels == [float(order.index(path.split("/")[0]))] for _, labels, path in both)
    for folder in order:
        count = {part: sum(path.startswith(f"{folder}/") for _, _, path in rows[part])
                 for part in PARTS}
        assert abs(count["val"] - sum(count.values()) / 5) <= 1, (folder, count)


def assert_job(agent, ctx, lists, rows):
    """What a job is told is what the service takes, and names what S3 has."""
    words = [word for part, name in zip(PARTS, ("train", "validation"))
             for word in ("--list", f"{name}={lists}/fashion_{part}.lst")]
    printed = accepted(agent.run("channels", *words))
    assert printed["HyperParameters"]["num_classes"] == "10"
    assert printed["HyperParameters"]["num_training_samples"] == str(len(rows["train"]))
    there = set(ctx.client.keys())
    for name in ("train_lst", "validation_lst"):
        key = channels(printed)[name][2]["S3Uri"].removeprefix(f"s3://{ctx.bucket}/")
        assert [k for k in there if k.startswith(key)] == [key]
    for part in PARTS:
        done = agent.run("manifest", f"{lists}/fashion_{part}.lst")
        assert done.returncode == 0, done.stderr
        keys = keys_of(done.stdout, ctx.bucket)
        assert keys == ["images/" + path for _, _, path in rows[part]] and set(keys) <= there


def assert_packed(ctx, images, lists, rows, pixels):
    """The records are the rows, with the pixels of the data set."""
    for part in PARTS:
        rec = f"{ctx.folder('packed')}/{part}.rec"
        status, _, err = pack("--root", images, "-o", rec, f"{lists}/fashion_{part}.lst")
        assert (status, err) == (0, "")
        records = packed(rec)
        assert [(number, list(labels)) for number, labels, _ in records] == \
            [row[:2] for row in rows[part]]
        for (_, _, path), (_, _, data) in zip(rows[part], records):
            folder, name = path.split("/")
            assert fashion.grey_of(data) == pixels[f"{OLD if folder == NEW else folder}/{name}"]


def whole_way(ctx, pixels, count, patience):
    names = sorted(random.Random(1).sample(sorted(pixels), count))
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for name in names:
        write(f"{images}/{name}", fashion.png(pixels[name]))
    status, _, err = lst("make", "--root", images, "--class-map", ctx.path("classes"), "--split",
                         "80,20", "--shuffle", f"{lists}/fashion")
    assert (status, err) == (0, "")
    assert_made(listed(lists), names)
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(patience)
    before = {part: read(f"{lists}/fashion_{part}.lst") for part in PARTS}
    mark = len(ctx.server.requests())
    os.rename(f"{images}/{OLD}", f"{images}/{NEW}")
    agent.wait_in_step(patience)
    for part in PARTS:
        assert read(f"{lists}/fashion_{part}.lst") == before[part].replace(
            f"\t{OLD}/".encode(), f"\t{NEW}/".encode()), f"other rows of {part} than the class's"
    assert not [r for r in ctx.server.requests(mark)
                if r["op"] == "PutObject" and r["key"].startswith("images/")]
    ctx.client.assert_tree(lists, "lists/")
    rows = listed(lists)
    paths = [f"{lists}/fashion_{part}.lst" for part in PARTS]
    status, out, err = lst("check", "--root", images, "--classes", "10", "--image-shape", "1,28,28",
                           *paths)
    assert (status, err) == (0, "") and f"{count} images looked at: 0 errors" in out, (out, err)
    assert_job(agent, ctx, lists, rows)
    assert_packed(ctx, images, lists, rows, pixels)
    agent.verify_journal()


@on("s3d")
def test_three_thousand_images(ctx):
    whole_way(ctx, fashion.pixels(("test",)), 3000, 60)


@long_test
@deadline(900)
@on("s3d")
def test_all_images(ctx):
    whole_way(ctx, fashion.pixels(), 70_000, 300)
