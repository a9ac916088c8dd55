"""A list whose file system has no room for its new content."""

import os

import images
from harness import deadline, on, read, wait_until, write

ROWS = 4000  # more than a page or two, so that the new content wants room of its own


@on("s3d")
@deadline(120)
def test_a_list_without_room_stays_as_it_is_and_follows_later(ctx):
    tree, lists = ctx.folder("images"), ctx.folder("lists")
    for name in ("a.jpg", "b.jpg"):
        write(f"{tree}/{name}", name.encode())
    small = images.disk(ctx, "tmpfs", "small", 1, at=lists)
    old = b"".join(b"%d\t1\t%s.jpg\n" % (i, b"ab"[i % 2:][:1]) for i in range(ROWS))
    write(f"{lists}/train.lst", old)
    agent = ctx.agent(images=tree, lists=lists).start()
    agent.wait_in_step(30)
    filler = small.fill()
    os.rename(f"{tree}/a.jpg", f"{tree}/c.jpg")

    def told():
        return any(p["key"] == "lists/train.lst" and "No space left" in p["why"]
                   for p in agent.status()[0].get("problems", []))

    wait_until(told, 20, lambda: f"no room is told: {agent.status()}")
    assert read(f"{lists}/train.lst") == old
    assert sorted(os.listdir(lists)) == ["filler", "train.lst"], os.listdir(lists)
    assert ctx.client.get("lists/train.lst")[0] == old
    assert "images/a.jpg" in ctx.client.keys()  # the list still names it
    write(f"{tree}/d.jpg", b"others go on")
    wait_until(lambda: "images/d.jpg" in ctx.client.keys(), 10, "an addition")
    os.unlink(filler)
    agent.wait_in_step(60)
    want = old.replace(b"\ta.jpg\n", b"\tc.jpg\n")
    assert read(f"{lists}/train.lst") == want
    assert os.listdir(lists) == ["train.lst"], os.listdir(lists)
    assert ctx.client.get("lists/train.lst")[0] == want
    assert "images/a.jpg" not in ctx.client.keys()
    agent.verify_journal()
    assert agent.stop() == 0
