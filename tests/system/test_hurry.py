"""People change their minds before S3 has followed: no row is lost, nothing spins, nothing sticks."""

import os
import random
import shutil
import signal
import time

from harness import bindfs, deadline, on, wait_until, write


def running(ctx, names, list_count=1, **options):
    """An agent in step on these images; every list names all of them, labelled by their names."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for name in names:
        write(f"{images}/{name}", name.encode() * 50)
    for number in range(list_count):
        with open(f"{lists}/l{number}.lst", "w", encoding="utf-8") as file:
            file.writelines(f"{i}\tLABEL-{name}\t{name}\n" for i, name in enumerate(names))
    agent = ctx.agent(images=images, lists=lists, **options)
    agent.start()
    agent.wait_in_step(60)
    return agent, images, lists


def rows(lists):
    with open(f"{lists}/l0.lst", encoding="utf-8") as file:
        return file.read()


def deny(ctx):
    ctx.server.fault("error", op="*", code="AccessDenied", count=0)


@on("s3d")
def test_more_lists_than_the_index_has_readers(ctx):
    agent, _, _ = running(ctx, ["a/1.jpg", "a/2.jpg"], list_count=150)
    assert len(ctx.client.keys("lists/")) == 150
    agent.verify_journal()


@on("s3d")
def test_renamed_and_back_while_s3_refuses(ctx):
    agent, images, lists = running(ctx, ["d/a.jpg", "d/x.jpg", "d/y.jpg"])
    before = rows(lists)
    deny(ctx)
    os.rename(f"{images}/d/a.jpg", f"{images}/d/b.jpg")
    wait_until(lambda: "\td/b.jpg" in rows(lists), 5, lambda: rows(lists))
    os.rename(f"{images}/d/b.jpg", f"{images}/d/a.jpg")
    wait_until(lambda: rows(lists) == before, 10, lambda: rows(lists))
    ctx.server.clear_faults()
    agent.wait_in_step(30)
    assert rows(lists) == before
    ctx.client.assert_tree(images, "images/")


@on("s3d")
def test_renamed_twice_while_s3_refuses(ctx):
    agent, images, lists = running(ctx, ["d/a.jpg"] + [f"d/x{i}.jpg" for i in range(20)])
    deny(ctx)
    os.rename(f"{images}/d/a.jpg", f"{images}/d/b.jpg")
    wait_until(lambda: "\td/b.jpg" in rows(lists), 5, lambda: rows(lists))
    os.rename(f"{images}/d/b.jpg", f"{images}/d/c.jpg")
    wait_until(lambda: "LABEL-d/a.jpg\td/c.jpg" in rows(lists), 10, lambda: rows(lists))
    ctx.server.clear_faults()
    agent.wait_in_step(30)
    assert "LABEL-d/a.jpg\td/c.jpg" in rows(lists), rows(lists)
    ctx.client.assert_tree(images, "images/")


@on("s3d")
def test_a_row_names_a_place_where_the_image_was_between_two_renames(ctx):
    agent, images, lists = running(ctx, ["d/a.jpg", "d/b.jpg", "e/y.jpg"])
    agent.process.send_signal(signal.SIGSTOP) # all that follows is read at once
    os.rename(f"{images}/d/a.jpg", f"{images}/e/z.jpg")
    os.rename(f"{images}/d/b.jpg", f"{images}/d/c.jpg")
    write(f"{lists}/l0.lst", rows(lists).replace("\td/a.jpg", "\te/z.jpg")
          .replace("\td/b.jpg", "\td/c.jpg").encode())
    os.rename(f"{images}/e", f"{images}/f")
    os.rename(f"{images}/d/c.jpg", f"{images}/d/g.jpg")
    agent.process.send_signal(signal.SIGCONT)
    agent.wait_in_step(30)
    assert [row.split("\t", 1)[1] for row in rows(lists).splitlines()] == \
        ["LABEL-d/a.jpg\tf/z.jpg", "LABEL-d/b.jpg\td/g.jpg", "LABEL-e/y.jpg\tf/y.jpg"], rows(lists)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_a_row_names_a_place_in_between_and_other_images_are_at_the_old_ones(ctx):
    agent, images, lists = running(ctx, [f"d/{name}{i}.jpg" for name in "abcd" for i in range(4)])

    def rename(old, new):
        os.rename(f"{images}/d/{old}.jpg", f"{images}/d/{new}.jpg")

    def row(i, name):
        with open(f"{lists}/l0.lst", "ab", buffering=0) as file:
            file.write(f"1\tROW{i}\td/{name}.jpg\n".encode())

    for i in range(4):
        if i < 2:
            agent.process.send_signal(signal.SIGSTOP) # all that follows is read at once
        rename(f"a{i}", f"n{i}")
        rename(f"b{i}", f"a{i}")
        row(i, f"n{i}")
        time.sleep(i % 2 * 0.02)
        rename(f"n{i}", f"p{i}")
        rename(f"p{i}", f"q{i}")
        rename(f"c{i}", f"r{i}")
        rename(f"d{i}", f"s{i}")
        row(i + 10, f"r{i}")
        rename(f"s{i}", f"t{i}")
        rename(f"r{i}", f"d{i}") # where another was, which is two names further by now
        agent.process.send_signal(signal.SIGCONT)
        time.sleep(0.5)
    agent.wait_in_step(30)
    found = sorted(row.split("\t")[1:] for row in rows(lists).splitlines())
    assert found == sorted(row for i in range(4) for row in (
        [f"ROW{i}", f"d/q{i}.jpg"], [f"ROW{i + 10}", f"d/d{i}.jpg"],
        [f"LABEL-d/a{i}.jpg", f"d/q{i}.jpg"], [f"LABEL-d/b{i}.jpg", f"d/a{i}.jpg"],
        [f"LABEL-d/c{i}.jpg", f"d/d{i}.jpg"], [f"LABEL-d/d{i}.jpg", f"d/t{i}.jpg"])), found
    ctx.client.assert_tree(images, "images/")


def went_and_removed(images, i, step):
    """Renamed, in one of five ways, and removed: by which names it may have been listed. step() is
    called before the removal."""
    def at(name):
        return f"{images}/{name}"

    if i % 5 == 0: # a file
        os.rename(at(f"d/a{i}.jpg"), at(f"d/b{i}.jpg"))
        names = [f"d/b{i}.jpg"]
    elif i % 5 == 1: # twice
        os.rename(at(f"d/a{i}.jpg"), at(f"d/b{i}.jpg"))
        os.rename(at(f"d/b{i}.jpg"), at(f"d/c{i}.jpg"))
        names = [f"d/b{i}.jpg", f"d/c{i}.jpg"]
    elif i % 5 == 2: # into a directory, and with it
        os.rename(at(f"d/a{i}.jpg"), at(f"e{i}/y.jpg"))
        os.rename(at(f"e{i}"), at(f"f{i}"))
        names = [f"f{i}/y.jpg"]
    else: # with its directory
        os.rename(at(f"e{i}"), at(f"f{i}"))
        names = [f"f{i}/x.jpg"]
    step(names)
    if i % 5 == 3: # together with that
        shutil.rmtree(at(f"f{i}"))
    else:
        os.unlink(at(names[-1]))


@on("s3d")
def test_a_row_names_a_place_where_the_image_was_removed_before_anybody_looked(ctx):
    agent, images, lists = running(ctx, [f"d/a{i}.jpg" for i in range(15)] + ["d/keep.jpg"] +
                                   [f"e{i}/x.jpg" for i in range(15)])

    def listed(names):
        with open(f"{lists}/l0.lst", "ab", buffering=0) as file:
            for name in names:
                file.write(f"100\tROW\t{name}\n".encode())

    agent.process.send_signal(signal.SIGSTOP) # all that follows is read at once
    for i in range(5):
        went_and_removed(images, i, listed)
    agent.process.send_signal(signal.SIGCONT)
    for i in range(5, 15):
        went_and_removed(images, i, lambda names: (listed(names), time.sleep(i % 3 * 0.02)))
    agent.wait_in_step(30)
    found = {row.split("\t")[2] for row in rows(lists).splitlines()}
    assert found == {key.removeprefix("images/") for key in ctx.client.keys("images/")}, found
    assert "ROW" not in rows(lists)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_a_place_is_given_up_that_an_image_passed_where_nothing_tells_of_births(ctx):
    """It was seen there, but never came to S3 by that name, and went on since: rows by that place and
    by those behind it are its own."""
    bindfs.need()
    tree, _ = bindfs.mount(ctx.folder("fuse"), ctx.path("bindfs.log"))
    images, lists = f"{tree}/images", f"{tree}/lists"
    write(f"{images}/c/other.jpg", b"other")
    write(f"{images}/a/a.jpg", b"image")
    write(f"{images}/a/p.jpg", b"passes")
    write(f"{lists}/l0.lst", b"1\tA\ta/a.jpg\n")
    agent = ctx.agent(images=images, lists=lists, repository={"rescan": "2s"}).start()
    agent.wait_in_step(30)

    def follows(name):
        wait_until(lambda: f"\t{name}\n" in rows(lists), 20, lambda: rows(lists), interval=0.005)

    agent.process.send_signal(signal.SIGSTOP) # no event tells what comes to the new directory
    os.mkdir(f"{images}/new")
    os.rename(f"{images}/a/a.jpg", f"{images}/new/b.jpg")
    os.rename(f"{images}/a/p.jpg", f"{images}/new/p.jpg")
    with open(f"{lists}/l0.lst", "ab", buffering=0) as file:
        file.write(b"2\tP\tnew/p.jpg\n")
    agent.process.send_signal(signal.SIGCONT)
    time.sleep(0.3) # a listing finds them
    os.rename(f"{images}/new/p.jpg", f"{images}/c/p.jpg")
    os.rename(f"{images}/new/b.jpg", f"{images}/c/c.jpg")
    follows("c/c.jpg")
    before = rows(lists)
    os.rename(f"{images}/c/c.jpg", f"{images}/c/d.jpg")
    follows("c/d.jpg")
    write(f"{lists}/l0.lst", before.encode()) # by who had read it before
    agent.wait_in_step(60)
    assert rows(lists) == "1\tA\tc/d.jpg\n2\tP\tc/p.jpg\n", rows(lists)
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_an_image_is_removed_where_it_came_to_by_two_renames_before_its_row_followed(ctx):
    """Another came to the place in between, and is not taken for it."""
    agent, images, lists = running(ctx, ["d/a.jpg", "d/other.jpg"])
    aside = lists + ".aside"
    os.rename(lists, aside) # rows cannot follow meanwhile
    wait_until(lambda: "cannot be reached" in agent.log(), 10, "that to be seen")
    os.rename(f"{images}/d/a.jpg", f"{images}/d/b.jpg")
    wait_until(lambda: "images/d/b.jpg" in ctx.client.keys("images/"), 10, "the first copy")
    os.rename(f"{images}/d/b.jpg", f"{images}/d/c.jpg")
    wait_until(lambda: "images/d/c.jpg" in ctx.client.keys("images/"), 10, "the second copy")
    os.rename(f"{images}/d/other.jpg", f"{images}/d/b.jpg")
    time.sleep(1) # it lands
    os.unlink(f"{images}/d/c.jpg")
    time.sleep(1) # that is seen
    os.rename(aside, lists)
    agent.wait_in_step(30)
    assert [row.split("\t", 1)[1] for row in rows(lists).splitlines()] == \
        ["LABEL-d/other.jpg\td/b.jpg"], rows(lists)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_an_image_is_removed_where_it_went_while_it_was_copied_to_a_place_in_between(ctx):
    """By then the index has it under another name than when it was found."""
    agent, images, lists = running(ctx, ["d/a.jpg", "d/keep.jpg"])
    aside = lists + ".aside"
    copy = ctx.server.fault("delay", op="CopyObject", count=0, ms=3000)
    os.rename(f"{images}/d/a.jpg", f"{images}/d/b.jpg")
    wait_until(lambda: [f for f in ctx.server.faults() if f["id"] == copy and f["hits"]], 15,
               "a copy under way")
    os.rename(f"{images}/d/b.jpg", f"{images}/d/c.jpg")
    time.sleep(1) # it is seen there
    with open(f"{lists}/l0.lst", "a", encoding="utf-8") as file:
        file.writelines(f"{i}\tROW\td/{name}.jpg\n" for i, name in enumerate("bce"))
    os.rename(lists, aside) # rows cannot follow meanwhile
    os.rename(f"{images}/d/c.jpg", f"{images}/d/e.jpg")
    os.unlink(f"{images}/d/e.jpg")
    wait_until(lambda: "images/d/b.jpg" in ctx.client.keys("images/"), 10, "the copy")
    time.sleep(0.5) # it is heard of
    os.rename(aside, lists)
    agent.wait_in_step(30)
    assert rows(lists) == "1\tLABEL-d/keep.jpg\td/keep.jpg\n", rows(lists)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_the_row_of_an_image_stays_when_a_new_file_is_renamed_over_it(ctx):
    """As many tools save: the new content is the image's, whatever it was called before."""
    names = ["d/a.jpg", "d/b.jpg", "d/c.jpg"]
    agent, images, lists = running(ctx, names)
    before = rows(lists)
    agent.process.send_signal(signal.SIGSTOP) # all that follows is read at once
    for name in names[:2]:
        write(f"{images}/{name}.new.jpg", b"other " * 50)
        os.rename(f"{images}/{name}.new.jpg", f"{images}/{name}")
    agent.process.send_signal(signal.SIGCONT)
    write(f"{images}/d/c.new.jpg", b"other " * 50)
    time.sleep(0.3) # it is seen, but does not rest yet
    os.rename(f"{images}/d/c.new.jpg", f"{images}/d/c.jpg")
    time.sleep(1)
    agent.wait_in_step(30)
    assert rows(lists) == before
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_an_image_gets_a_new_content_by_a_new_file_and_another_name(ctx):
    """A tool writes a new file and renames it over the image, which is renamed, too, before or
    after that: its label stays, however fast that goes."""
    pauses = (0, 0.06, 0.3)
    names = [f"d{p}/{i}.jpg" for p in range(len(pauses)) for i in range(8)]
    agent, images, lists = running(ctx, names + ["e/x.jpg"])
    for p, pause in enumerate(pauses):
        olds, news, lasts = ([f"{images}/{form.format(p, i)}" for i in range(8)]
                             for form in ("d{}/{}.jpg", "e/{}-{}.jpg", "d{}/last{}.jpg"))
        agent.process.send_signal(signal.SIGSTOP) # the new file is never seen under its first name
        for i, (old, new, last) in enumerate(zip(olds, news, lasts)):
            if i % 2:
                os.rename(old, last)
            write(new, b"new %d" % i)
            os.rename(new, last if i % 2 else old)
        agent.process.send_signal(signal.SIGCONT)
        time.sleep(pause)
        for old, last in zip(olds[::2], lasts[::2]):
            os.rename(old, last)
        agent.wait_in_step(30)
        lost = [i for i in range(8) if f"LABEL-d{p}/{i}.jpg\td{p}/last{i}.jpg" not in rows(lists)]
        assert not lost, (pause, lost, rows(lists))
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_an_image_comes_to_the_place_of_a_removed_one_whose_object_is_still_there(ctx):
    """Its rows have left, so nothing was overwritten: the row that follows is the image's own."""
    names = ["d/a.jpg", "d/b.jpg", "d/c.jpg"]
    agent, images, lists = running(ctx, names)
    for op in ("DeleteObject", "DeleteObjects"):
        ctx.server.fault("error", op=op, code="AccessDenied", count=0)
    os.unlink(f"{images}/d/a.jpg")
    wait_until(lambda: "d/a.jpg" not in rows(lists), 15, lambda: rows(lists))
    wait_until(lambda: agent.journal_records("--op", "delete"), 15, "a try to delete it")
    os.rename(f"{images}/d/b.jpg", f"{images}/d/a.jpg")
    time.sleep(1)
    ctx.server.clear_faults()
    agent.wait_in_step(30)
    assert rows(lists) == "1\tLABEL-d/b.jpg\td/a.jpg\n2\tLABEL-d/c.jpg\td/c.jpg\n", rows(lists)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_a_directory_comes_back_while_its_objects_are_on_their_way_out(ctx):
    """No event tells of the files in it, and the index still has them."""
    names = [f"d/{i}.jpg" for i in range(20)] + [f"e/{i}.jpg" for i in range(30)]
    agent, images, lists = running(ctx, names)
    aside = ctx.path("aside")
    ctx.server.fault("delay", op="DeleteObjects", ms=2000, count=0)
    os.rename(f"{images}/d", aside)
    wait_until(lambda: len(agent.journal_records("--op", "remove")) >= 20, 30, "the removals")
    wait_until(lambda: "d/0.jpg" not in rows(lists), 30, "the rows to leave")
    time.sleep(1)  # the lists are live, the deletion is under way
    os.rename(aside, f"{images}/d")
    ctx.server.clear_faults()
    agent.wait_in_step(30)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_a_new_image_comes_to_the_place_of_an_old_one_whose_directory_is_renamed(ctx):
    """S3 never had the new image, which rows name already: it is not the old one under another
    name, whose rows would stay where nothing is."""
    agent, images, lists = running(ctx, ["d/a.jpg", "d/x.jpg", "e/y.jpg"])
    deny(ctx)
    write(f"{images}/e/new.jpg", b"new" * 50)
    wait_until(lambda: [r for r in agent.journal_records("--op", "put") if r["st"] == "failed"],
               20, "the new image to be refused")
    with open(f"{lists}/l0.lst", "a", encoding="utf-8") as file:
        file.write("3\tLABEL-new\te/new.jpg\n")
    agent.process.send_signal(signal.SIGSTOP) # all that follows is read at once
    os.rename(f"{images}/d", f"{images}/f")
    os.rename(f"{images}/e/new.jpg", f"{images}/f/a.jpg")
    agent.process.send_signal(signal.SIGCONT)
    time.sleep(1) # it is looked at while S3 has nothing of it
    ctx.server.clear_faults()
    agent.wait_in_step(30)
    found = [row.split("\t", 1)[1] for row in rows(lists).splitlines()]
    assert [row for row in found if "LABEL-d/a.jpg" not in row] == \
        ["LABEL-d/x.jpg\tf/x.jpg", "LABEL-e/y.jpg\te/y.jpg", "LABEL-new\tf/a.jpg"], found
    assert "LABEL-d/a.jpg\td/a.jpg" not in found, "a row names what is gone"
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_its_directory_is_renamed_after_a_copy_whose_answer_was_lost(ctx):
    agent, images, lists = running(ctx, ["d/a.jpg", "e/x.jpg", "e/y.jpg"])
    copy = ctx.server.fault("lost-reply", op="CopyObject", count=0)
    os.rename(f"{images}/d/a.jpg", f"{images}/e/b.jpg")
    wait_until(lambda: [r for r in agent.journal_records("--op", "copy") if r["st"] == "failed"],
               20, f"the copy to fail, by fault {copy}")
    os.rename(f"{images}/e", f"{images}/f")
    ctx.server.clear_faults()
    agent.wait_in_step(30)
    assert [row.split("\t", 1)[1] for row in rows(lists).splitlines()] == \
        ["LABEL-d/a.jpg\tf/b.jpg", "LABEL-e/x.jpg\tf/x.jpg", "LABEL-e/y.jpg\tf/y.jpg"], rows(lists)
    ctx.client.assert_tree(images, "images/")


@on("s3d")
def test_an_image_that_s3_never_had_is_renamed(ctx):
    """By itself, then with its directory, twice, and edited on the way, while S3 refuses it all."""
    agent, images, lists = running(ctx, ["d/a.jpg", "e/x.jpg"])
    deny(ctx)
    write(f"{images}/e/new.jpg", b"new")
    with open(f"{lists}/l0.lst", "a", encoding="utf-8") as file:
        file.write("7\tLABEL-new\te/new.jpg\n8\tLABEL-other\te/other.jpg\n")
    write(f"{images}/e/other.jpg", b"other")
    wait_until(lambda: {f"images/e/{n}.jpg" for n in ("new", "other")} <=
               {p["key"] for p in agent.status()[0].get("problems", [])}, 20, "both refused")

    def expect(new, other, x):
        wait_until(lambda: [row.split("\t", 1)[1] for row in rows(lists).splitlines()] ==
                   ["LABEL-d/a.jpg\td/a.jpg", f"LABEL-e/x.jpg\t{x}", f"LABEL-new\t{new}",
                    f"LABEL-other\t{other}"], 20, lambda: rows(lists))

    os.rename(f"{images}/e/new.jpg", f"{images}/e/newer.jpg")
    expect("e/newer.jpg", "e/other.jpg", "e/x.jpg")
    os.rename(f"{images}/e", f"{images}/f")
    expect("f/newer.jpg", "f/other.jpg", "f/x.jpg")
    write(f"{images}/f/newer.jpg", b"edited")
    os.rename(f"{images}/f", f"{images}/g")
    os.rename(f"{images}/g", f"{images}/h")
    expect("h/newer.jpg", "h/other.jpg", "h/x.jpg")
    os.rename(f"{images}/h/other.jpg", f"{images}/d/other.jpg")
    expect("h/newer.jpg", "d/other.jpg", "h/x.jpg")
    ctx.server.clear_faults()
    agent.wait_in_step(40)
    expect("h/newer.jpg", "d/other.jpg", "h/x.jpg")
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    agent.verify_journal()


@on("s3d")
def test_an_image_that_s3_never_had_moves_before_anybody_looked(ctx):
    """All within one settle time; no pass over the lists comes between, for others are renamed."""
    agent, images, lists = running(ctx, ["d/a.jpg", "e/x.jpg"])
    deny(ctx)
    with open(f"{lists}/l0.lst", "a", encoding="utf-8") as file:
        file.write("7\tLABEL-new\te/new.jpg\n")
    write(f"{images}/e/new.jpg", b"new")
    wait_until(lambda: "images/e/new.jpg" in {p["key"] for p in
                                              agent.status()[0].get("problems", [])}, 20, "refused")
    os.rename(f"{images}/e/new.jpg", f"{images}/e/newer.jpg")
    write(f"{images}/e/newer.jpg", b"edited")
    os.rename(f"{images}/e", f"{images}/f")
    for i in range(20):
        write(f"{images}/d/t{i}.jpg", b"t")
        os.rename(f"{images}/d/t{i}.jpg", f"{images}/d/u{i}.jpg")
        time.sleep(0.1)
    ctx.server.clear_faults()
    agent.wait_in_step(40)
    assert [row.split("\t", 1)[1] for row in rows(lists).splitlines()] == \
        ["LABEL-d/a.jpg\td/a.jpg", "LABEL-e/x.jpg\tf/x.jpg", "LABEL-new\tf/newer.jpg"], rows(lists)
    ctx.client.assert_tree(images, "images/")


@on("s3d")
def test_renamed_on_while_it_is_copied_and_no_event_tells(ctx):
    agent, images, lists = running(ctx, ["d/a.jpg"] + [f"d/x{i}.jpg" for i in range(20)],
                                   repository={"watch": "scan", "rescan": "1s"})
    copy = ctx.server.fault("delay", op="CopyObject", count=0, ms=8000)
    os.rename(f"{images}/d/a.jpg", f"{images}/d/b.jpg")
    wait_until(lambda: [f for f in ctx.server.faults() if f["id"] == copy and f["hits"]], 15,
               "a copy under way")
    os.rename(f"{images}/d/b.jpg", f"{images}/d/c.jpg")
    time.sleep(6) # scans pass by
    ctx.server.clear_faults()
    agent.wait_in_step(40)
    assert "LABEL-d/a.jpg\td/c.jpg" in rows(lists), rows(lists)
    ctx.client.assert_tree(images, "images/")


@on("s3d")
def test_renamed_and_back_across_a_crash_while_s3_refuses(ctx):
    agent, images, lists = running(ctx, ["d/a.jpg", "d/x.jpg", "d/y.jpg"])
    before = rows(lists)
    deny(ctx)
    os.rename(f"{images}/d/a.jpg", f"{images}/d/b.jpg")
    wait_until(lambda: "\td/b.jpg" in rows(lists), 5, lambda: rows(lists))
    agent.kill9()
    os.rename(f"{images}/d/b.jpg", f"{images}/d/a.jpg")
    ctx.server.clear_faults()
    agent.start()
    agent.wait_in_step(30)
    assert rows(lists) == before, rows(lists)
    ctx.client.assert_tree(images, "images/")


def labels(lists):
    """path -> label of each row."""
    return {row.split("\t")[2]: row.split("\t")[1] for row in rows(lists).splitlines()}


@on("s3d")
def test_a_chain_of_renames_moves_each_row_once(ctx):
    agent, images, lists = running(ctx, ["d/1.jpg", "d/2.jpg", "d/3.jpg", "d/x.jpg"])
    for i in (3, 2, 1):
        os.rename(f"{images}/d/{i}.jpg", f"{images}/d/{i + 1}.jpg")
    agent.wait_in_step(30)
    for i in (1, 2, 3):
        assert f"LABEL-d/{i}.jpg\td/{i + 1}.jpg" in rows(lists), rows(lists)
    ctx.client.assert_tree(images, "images/")


def shuffle(images, names, spare, pause_s, rng):
    """Rename so that the images change names at random: chains and rings, by way of a spare name."""
    def rename(old, new):
        print(f"{time.time():.3f} {old} -> {new}")
        os.rename(f"{images}/{old}", f"{images}/{new}")

    names = list(names)
    free = spare
    while names:
        ring = [names.pop(rng.randrange(len(names))) for _ in range(min(len(names), rng.randint(1, 4)))]
        rename(ring[0], free)
        for hole, name in zip(ring, ring[1:]):
            rename(name, hole)
            time.sleep(rng.random() * pause_s)
        if rng.random() < 0.7:
            rename(free, ring[-1])
        else:
            free = ring[-1]


def shuffled(ctx, down):
    """Every row follows its image, however the images exchange their names."""
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    names = [f"{d}/{i}.jpg" for d in "ab" for i in range(6)]
    agent, images, lists = running(ctx, names)
    for round_ in range(12):
        there = {name for name in labels(lists)}
        spare = next(n for n in names + ["a/spare.jpg"] if n not in there)
        if down:
            agent.stop()
        shuffle(images, sorted(there), spare, (0, 0.02, 0.2)[round_ % 3] if not down else 0, rng)
        if down:
            agent.start()
        agent.wait_in_step(30)
        print("round", round_, "is through")
        for path, label in labels(lists).items():
            with open(f"{images}/{path}", "rb") as file:
                assert file.read() == label[len("LABEL-"):].encode() * 50, (round_, path, label)
        assert len(labels(lists)) == len(names), (round_, labels(lists))
    ctx.client.assert_tree(images, "images/")


@on("s3d")
@deadline(120)
def test_images_that_exchange_their_names_keep_their_labels(ctx):
    shuffled(ctx, down=False)


@on("s3d")
@deadline(120)
def test_images_that_exchanged_their_names_while_it_was_down_keep_their_labels(ctx):
    shuffled(ctx, down=True)


@on("s3d")
def test_a_swap_exchanges_the_rows(ctx):
    agent, images, lists = running(ctx, ["d/a.jpg", "d/b.jpg", "d/x.jpg"])
    os.rename(f"{images}/d/a.jpg", f"{images}/d/t.jpg")
    os.rename(f"{images}/d/b.jpg", f"{images}/d/a.jpg")
    os.rename(f"{images}/d/t.jpg", f"{images}/d/b.jpg")
    agent.wait_in_step(30)
    assert "LABEL-d/a.jpg\td/b.jpg" in rows(lists), rows(lists)
    assert "LABEL-d/b.jpg\td/a.jpg" in rows(lists), rows(lists)
    ctx.client.assert_tree(images, "images/")


def back_before_its_row_went(images, lists, names):
    """The first of the images goes and comes back among removals of the others, which keep the batch
    open. False where the machine was too slow for that: the row was gone when the image was back."""
    os.unlink(f"{images}/{names[0]}")
    for name in names[1:11]:
        os.unlink(f"{images}/{name}")
        time.sleep(0.05)
    write(f"{images}/{names[0]}", names[0].encode() * 50)
    in_time = names[0] in labels(lists)
    for name in names[11:]:
        os.unlink(f"{images}/{name}")
        time.sleep(0.05)
    return in_time


@on("s3d")
def test_an_image_that_is_back_before_its_rows_went_keeps_them(ctx):
    names = [f"d/{i:03}.jpg" for i in range(120)]
    agent, images, lists = running(ctx, names)
    kept = next((names[i] for i in range(0, 100, 20)
                 if back_before_its_row_went(images, lists, names[i:i + 20])), None)
    assert kept, "the rows were always gone before"
    agent.wait_in_step(30)
    assert labels(lists).get(kept) == f"LABEL-{kept}", rows(lists)
    ctx.client.assert_tree(images, "images/")


@on("s3d")
def test_an_accident_that_is_mended_at_once_leaves_no_hold(ctx):
    agent, images, _ = running(ctx, [f"d/{i:03}.jpg" for i in range(400)])
    for i in range(300):
        os.unlink(f"{images}/d/{i:03}.jpg")
    time.sleep(0.31) # settled and found gone by now, about to be held
    for i in range(300):
        write(f"{images}/d/{i:03}.jpg", b"new" * 50)
        time.sleep(0.001)
    agent.wait_in_step(30)
    assert agent.status()[0]["held"] == 0
    ctx.client.assert_tree(images, "images/")


@on("s3d")
@deadline(120)
def test_renamed_again_while_the_copy_is_under_way(ctx):
    agent, images, lists = running(ctx, ["d/a.jpg"] + [f"d/x{i}.jpg" for i in range(60)])
    os.rename(f"{images}/d/a.jpg", f"{images}/d/b.jpg")
    for i in range(30): # the batch stays open meanwhile
        os.unlink(f"{images}/d/x{i}.jpg")
        time.sleep(0.1)
        if i == 12:
            ctx.server.fault("delay", op="CopyObject", ms=4000, count=0)
            os.rename(f"{images}/d/b.jpg", f"{images}/d/c.jpg")
    agent.wait_in_step(40)
    assert "LABEL-d/a.jpg\td/c.jpg" in rows(lists), rows(lists)


@on("s3d")
def test_a_request_that_is_refused_is_not_repeated_without_a_pause(ctx):
    agent, images, _ = running(ctx, ["d/a.jpg"])
    ctx.server.fault("error", op="PutObject", key="images/d/p.jpg", code="BucketNotEmpty", count=0)
    write(f"{images}/d/p.jpg", b"p")
    wait_until(lambda: agent.status()[0]["problem_count"] == 1, 10, lambda: str(agent.status()))
    time.sleep(2)
    tries = sum(r["op"] == "PutObject" and r["key"].endswith("p.jpg")
                for r in ctx.server.requests())
    assert 1 <= tries < 10, tries


@on("s3d")
def test_a_directory_leaves_while_its_files_are_on_their_way(ctx):
    """Not in the index yet, so no sweep of the index finds them: they must not stay in S3."""
    agent, images, _ = running(ctx, ["a/1.jpg"])
    ctx.server.fault("delay", op="PutObject", ms=2000, count=0)
    for number in range(20):
        write(f"{images}/new/deep/{number}.jpg", b"n" * 500)
    wait_until(lambda: agent.status()[0]["in_flight"] == 20, 10, lambda: str(agent.status()))
    os.rename(f"{images}/new", ctx.path("away"))
    agent.wait_in_step(20)
    assert ctx.client.keys("images/") == {"images/a/1.jpg": len(b"a/1.jpg") * 50}


@on("s3d")
def test_a_directory_leaves_while_its_files_are_copied(ctx):
    """The same of files that were renamed: a copy within S3 reads no file."""
    names = ["stays.jpg"] + [f"a/{number}.jpg" for number in range(20)]
    agent, images, lists = running(ctx, names)
    ctx.server.fault("delay", op="CopyObject", ms=2000, count=0)
    os.rename(f"{images}/a", f"{images}/b")
    wait_until(lambda: agent.status()[0]["in_flight"] == 20, 10, lambda: str(agent.status()))
    os.rename(f"{images}/b", ctx.path("away"))
    agent.wait_in_step(30)
    assert list(ctx.client.keys("images/")) == ["images/stays.jpg"]
    assert rows(lists) == "0\tLABEL-stays.jpg\tstays.jpg\n", rows(lists)


def nothing_absent_is_named(ctx, agent, seconds):
    """For so long, the list in S3 names no object that is not there."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        keys = ctx.client.keys("images/")
        listed = ctx.client.get("lists/l0.lst")[0].decode().splitlines()
        absent = [row for row in listed if "images/" + row.split("\t")[2] not in keys]
        assert not absent, (absent, agent.log())
        time.sleep(0.1)


@on("s3d")
def test_invariant_4_a_list_waits_for_an_image_that_went_on_before_it_landed(ctx):
    agent, images, lists = running(ctx, ["d/a.jpg", "d/x.jpg"], repository={"settle_ms": 3000})
    for op in ("CopyObject", "PutObject"):
        ctx.server.fault("error", op=op, key="images/*", code="InternalError", status=500, count=0)
    os.rename(f"{images}/d/a.jpg", f"{images}/d/b.jpg")
    wait_until(lambda: "\td/b.jpg" in rows(lists), 20, lambda: rows(lists))
    os.rename(f"{images}/d/b.jpg", f"{images}/d/c.jpg")
    nothing_absent_is_named(ctx, agent, 7)  # it is looked at after 3 s; the list is checked every 2 s
    ctx.server.clear_faults()
    agent.wait_in_step(30)
    assert rows(lists).endswith("d/x.jpg\n") and "LABEL-d/a.jpg\td/c.jpg" in rows(lists)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_invariant_4_a_list_waits_for_an_image_that_left_while_it_was_on_its_way(ctx):
    agent, images, lists = running(ctx, ["d/a.jpg", "d/x.jpg"])
    copy = ctx.server.fault("delay", op="CopyObject", count=0, ms=6000)
    os.rename(f"{images}/d/a.jpg", f"{images}/d/b.jpg")
    wait_until(lambda: [f for f in ctx.server.faults() if f["id"] == copy and f["hits"]], 15,
               "a copy under way")
    with open(f"{lists}/l0.lst", "a", encoding="utf-8") as file:
        file.write("7\tLABEL-again\td/b.jpg\n")
    os.rename(f"{images}/d/b.jpg", f"{images}/d/c.jpg")
    nothing_absent_is_named(ctx, agent, 8)
    ctx.server.clear_faults()
    agent.wait_in_step(40)
    assert "LABEL-again\td/c.jpg" in rows(lists) and "LABEL-d/a.jpg\td/c.jpg" in rows(lists)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
def test_a_listed_image_over_one_that_is_not(ctx):
    """Its row follows, in each list that has no other for the place; where there is one, that stays,
    as after a tool that saves by another name. However fast somebody goes on."""
    names = [f"{d}/{i}.jpg" for i in range(6) for d in ("mine", "theirs")]
    agent, images, lists = running(ctx, names, list_count=2)
    both = rows(lists)
    write(f"{lists}/l0.lst",
          "".join(line for line in both.splitlines(True) if "mine" in line).encode())
    agent.wait_in_step(30)
    for i in range(6):
        os.rename(f"{images}/mine/{i}.jpg", f"{images}/theirs/{i}.jpg")
        if i % 3 == 1:
            agent.wait_in_step(30)
        if i % 3:
            os.rename(f"{images}/theirs/{i}.jpg", f"{images}/theirs/{i}.png")
    agent.wait_in_step(30)
    found = [line.split("\t")[1:] for line in rows(lists).splitlines()]
    assert found == [[f"LABEL-mine/{i}.jpg", f"theirs/{i}.{'png' if i % 3 else 'jpg'}"]
                     for i in range(6)], found
    with open(f"{lists}/l1.lst", encoding="utf-8") as file:
        others = [line.rstrip("\n").split("\t")[1:] for line in file]
    assert len(others) == 6 and [path for _, path in others] == [path for _, path in found], others
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    agent.verify_journal()


@on("s3d")
def test_rows_by_a_place_that_nobody_looked_at(ctx):
    """While S3 takes nothing, new images' directory is renamed twice, and they are listed in between:
    the rows go on with them."""
    agent, images, lists = running(ctx, [f"d/{i}.jpg" for i in range(20)])
    deny(ctx)
    for i in range(5):
        write(f"{images}/d/new{i}.jpg", b"new %d" % i)
    time.sleep(0.5)
    os.rename(f"{images}/d", f"{images}/e")
    with open(f"{lists}/l0.lst", "a", encoding="utf-8") as file:
        file.writelines(f"{90 + i}\tNEW{i}\te/new{i}.jpg\n" for i in range(5))
    os.rename(f"{images}/e", f"{images}/f")
    time.sleep(2)
    ctx.server.clear_faults()
    agent.wait_in_step(60)
    found = [line.split("\t")[1:] for line in rows(lists).splitlines()]
    assert found == [[f"LABEL-d/{i}.jpg", f"f/{i}.jpg"] for i in range(20)] + \
        [[f"NEW{i}", f"f/new{i}.jpg"] for i in range(5)], found
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")


@on("s3d")
@deadline(150)
def test_no_row_is_double_after_an_image_over_another_while_s3_refuses(ctx):
    """As when S3 takes all: where both are listed the row of the place stays, and the other goes;
    where the place has none the other follows. However fast somebody goes on, or back."""
    names = [f"{d}/{i}.jpg" for i in range(12) for d in ("mine", "theirs")]
    agent, images, lists = running(ctx, names, list_count=3)
    with open(f"{lists}/l0.lst", encoding="utf-8") as file:
        lines = file.read().splitlines(True)
    for number, part in ((1, "mine"), (2, "theirs")):
        write(f"{lists}/l{number}.lst", "".join(line for line in lines if part in line).encode())
    agent.wait_in_step(30)
    deny(ctx)
    lasts = []
    for i in range(12):
        last = f"theirs/{i}.jpg"
        os.rename(f"{images}/mine/{i}.jpg", f"{images}/{last}")
        if i % 4 > 1:
            time.sleep(0.8) # the lists may follow before it goes on
        if i % 2:
            new = f"mine/{i}.jpg" if i < 6 else f"theirs/{i}.png"
            os.rename(f"{images}/{last}", f"{images}/{new}")
            last = new
        lasts.append(last)
    time.sleep(2)
    ctx.server.clear_faults()
    agent.wait_in_step(60)
    for number in range(3):
        with open(f"{lists}/l{number}.lst", encoding="utf-8") as file:
            found = [line.rstrip("\n").split("\t")[2] for line in file]
        assert len(set(found)) == len(found), (number, sorted(found))
        assert set(found) <= set(lasts), (number, sorted(set(found) - set(lasts)))
        if number < 2:
            assert sorted(found) == sorted(lasts), (number, sorted(set(lasts) - set(found)))
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    agent.verify_journal()
