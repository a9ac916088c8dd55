"""Deeds at full speed against a model of tree, lists and bucket (row 32): batches of renames of files
and directories, removals, edits and rows, without a pause in between, so that the agent sees most of
it too late. After each batch all must be as the model says. A batch that fails is made shorter as
long as it still does; what is left is printed, and saved for LOCKSTEP_MODEL_REPLAY=FILE. With
LOCKSTEP_MODEL_HANDS=1 images come to names that others had, too, and exchange them: rows still go
wrong then, about once in a thousand deeds (README.md, known and open).

Rows are written with names alone that S3 had when the batch began: of an image that comes and goes
before anybody looked, rows are their writer's; no row's name changes hands in the same batch, for
nobody can tell whose it is then; and no image comes to the name of one that was removed a moment ago:
that is a replacement of its content (agent/DESIGN.md, limits). What rows by places in between become
is asked in test_hurry."""

import itertools
import json
import os
import random
import time

from harness import deadline, long_test, on, write
from harness.tree import files
from harness.seeds import seed

IMAGES = 60       # when a batch begins, at least
BATCH = 400       # deeds
SHRINK_S = 300    # at most
TRIES = 3         # of a shorter batch, which may fail by chance
REPLAY_TRIES = 20 # of one that was saved
LISTS = ("train.lst", "val.lst")
WEIGHTS = {"add": 14, "edit": 8, "touch": 5, "rename": 20, "remove": 10, "list": 14,
           "rename_directory": 3, "into_directory": 4, "pause": 4}
HANDS = {"reuse": 12, "swap": 6} # with LOCKSTEP_MODEL_HANDS: names change hands, too


def deeds(dice, count, numbers):
    """So many deeds: [kind, number, a, b]. Each can be done in any tree, so that a part of them can
    be, too."""
    weighed = WEIGHTS | HANDS if "LOCKSTEP_MODEL_HANDS" in os.environ else WEIGHTS
    kinds, weights = zip(*weighed.items())
    return [[kind, next(numbers), dice.randrange(1 << 30), dice.randrange(1 << 30)]
            for kind in dice.choices(kinds, weights, k=count)]


class World:
    """A tree with its lists, and what must be there."""

    def __init__(self, images, lists):
        self.images, self.lists = images, lists
        self.paths, self.rows, self.used = {}, {name: [] for name in LISTS}, []
        self.begin()

    def at(self, path):
        full = f"{self.images}/{path}"
        os.makedirs(os.path.dirname(full), exist_ok=True)
        return full

    def move(self, image, path):
        os.rename(self.at(self.paths[image]), self.at(path))
        self.leave(self.paths[image])
        self.paths[image] = path

    def leave(self, path):
        self.used.append(path)
        self.left.add(path)

    # --- the beginning of a batch --------------------------------------------------------------

    def start(self, names, rows):
        """Images by these names, and these rows of them: {list: [(label, name)]}."""
        self.paths = dict(enumerate(names))
        image = {name: number for number, name in self.paths.items()}
        self.rows = {name: [(label, image[path]) for label, path in rows[name]] for name in LISTS}
        for number, path in self.paths.items():
            write(self.at(path), f"{number} {path}".encode())
        for name in LISTS:
            write(f"{self.lists}/{name}", "".join(
                f"0\t{label}\t{path}\n" for label, path in rows[name]).encode())

    def snapshot(self):
        """What start() takes."""
        return (sorted(self.paths.values()),
                {name: self.expected(name) for name in LISTS})

    def begin(self):
        """What is there is old: rows may be written of it, and it may be removed."""
        self.old = dict(self.paths)
        self.left = set()    # names that something had
        self.named = set()   # names in rows that were written
        self.removed = set() # names of what was removed

    def fill(self, numbers):
        """There are enough images."""
        while len(self.paths) < IMAGES:
            number = next(numbers)
            self.paths[number] = f"c{number % 5}/s{number}.jpg"
            write(self.at(self.paths[number]), str(number).encode())
        self.used = self.used[-50:]

    # --- deeds ---------------------------------------------------------------------------------

    def pick(self, a, old=False):
        among = sorted(i for i in self.paths if i in self.old) if old else sorted(self.paths)
        return among[a % len(among)] if among else None

    def do(self, kind, number, a, b):
        image = self.pick(a, old=kind in ("remove", "list"))
        if kind == "add":
            self.paths[number] = f"c{b % 5}/n{number}.jpg"
            write(self.at(self.paths[number]), f"new {number}".encode())
        elif kind == "pause":
            time.sleep(a % 300 / 1000)
        elif image is None:
            return
        elif kind == "edit":
            write(self.at(self.paths[image]), b"edited %d " % number * (b % 50))
        elif kind == "touch":
            os.chmod(self.at(self.paths[image]), (0o600, 0o640, 0o644)[b % 3])
        elif kind == "rename":
            self.move(image, f"c{b % 5}/n{number}.jpg")
        elif kind == "reuse":
            self.reuse(image, b)
        elif kind == "swap":
            self.swap(image, self.pick(b), number)
        elif kind == "remove":
            os.unlink(self.at(self.paths[image]))
            self.removed.add(self.paths[image])
            self.leave(self.paths.pop(image))
            for rows in self.rows.values():
                rows[:] = [row for row in rows if row[1] != image]
        elif kind == "list":
            self.list(image, LISTS[b % 2], number)
        elif kind == "into_directory":
            self.move(image, f"e{number}/{os.path.basename(self.paths[image])}")
        else:
            self.rename_directory(os.path.dirname(self.paths[image]), f"d{number}")

    def list(self, image, name, number):
        path = self.paths[image]
        if path in self.left or path != self.old[image]:
            return
        with open(f"{self.lists}/{name}", "ab", buffering=0) as file:
            file.write(f"{number}\t{number}\t{path}\n".encode())
        self.rows[name].append((str(number), image))
        self.named.add(path)

    def reuse(self, image, b):
        """To a name that something else had before."""
        free = [p for p in dict.fromkeys(self.used)
                if p not in self.named | self.removed and not os.path.lexists(f"{self.images}/{p}")]
        if free:
            self.move(image, free[b % len(free)])

    def swap(self, one, two, number):
        mine, other = self.paths[one], self.paths[two]
        if one == two or {mine, other} & self.named:
            return
        self.move(one, f"c0/swap{number}.jpg")
        self.move(two, mine)
        self.move(one, other)

    def rename_directory(self, old, new):
        os.rename(f"{self.images}/{old}", f"{self.images}/{new}")
        for image, path in self.paths.items():
            if path.startswith(old + "/"):
                self.leave(path)
                self.paths[image] = new + path[len(old):]

    # --- what must be there --------------------------------------------------------------------

    def expected(self, name):
        return [(label, self.paths[image]) for label, image in self.rows[name]]

    def found(self, name):
        with open(f"{self.lists}/{name}", encoding="utf-8") as file:
            return [tuple(line.rstrip("\n").split("\t")[1:]) for line in file]

    def wrong(self):
        """Of lists and tree, in words; empty: all is as it must be."""
        for name in LISTS:
            found, expected = self.found(name), self.expected(name)
            if found != expected:
                return (f"{name}: without {sorted(set(expected) - set(found))[:4]}, has "
                        f"{sorted(set(found) - set(expected))[:4]}")
        if sorted(files(self.images)) != sorted(self.paths.values()):
            return "the tree is not the model's"
        return ""


class Bed:
    """An agent on a world that begins with these names and rows."""

    count = itertools.count()

    def __init__(self, ctx, names, rows):
        n = next(self.count)
        self.ctx = ctx
        self.world = World(ctx.folder(f"images{n}"), ctx.folder(f"lists{n}"))
        self.world.start(names, rows)
        self.agent = ctx.agent(
            images=self.world.images, lists=self.world.lists, name=f"agent{n}", repository={
                "prefix": f"images{n}/", "max_removals": 10**6, "max_removal_percent": 100},
            list_={"prefix": f"lists{n}/"})
        self.agent.mappings = [(self.world.images, f"images{n}/"), (self.world.lists, f"lists{n}/")]
        self.agent.start()
        wrong = self.wrong()
        assert not wrong, f"at the start: {wrong}"

    def wrong(self):
        """Of the world and of S3."""
        self.agent.wait_in_step(60)
        found = self.world.wrong()
        for mapping in self.agent.mappings if not found else ():
            differences = self.ctx.client.compare_tree(*mapping)
            found = found or (f"{mapping[1]}: {differences[:3]}" if differences else "")
        return found

    def play(self, batch):
        """What is wrong after these deeds."""
        self.world.begin()
        for deed in batch:
            self.world.do(*deed)
        return self.wrong()


def again(ctx, start, batch, tries=TRIES):
    """The batch from that start, a few times: what is wrong, if it ever is."""
    wrong = ""
    while tries and not wrong:
        tries -= 1
        bed = Bed(ctx, *start)
        wrong = bed.play(batch)
        bed.agent.stop()
    return wrong


def shrink(ctx, start, batch):
    """A part of the batch that still fails, as short as can be found (ddmin: Zeller 2002), and what
    is wrong then."""
    end, parts, wrong = time.monotonic() + SHRINK_S, 2, ""
    while len(batch) > 1 and time.monotonic() < end:
        size = -(-len(batch) // parts)
        for at in range(0, len(batch), size):
            rest = batch[:at] + batch[at + size:]
            told = again(ctx, start, rest) if time.monotonic() < end else ""
            if told:
                batch, parts, wrong = rest, max(parts - 1, 2), told
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(batch))
    return batch, wrong


def save(ctx, start, batch):
    path = ctx.path("model.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"start": start, "batch": batch}, file)
    return path


def replay(ctx, path):
    with open(path, encoding="utf-8") as file:
        told = json.load(file)
    wrong = again(ctx, told["start"], told["batch"], REPLAY_TRIES)
    assert not wrong, wrong


def model(ctx, count, part=0):
    """So many deeds; other ones for each part."""
    if "LOCKSTEP_MODEL_REPLAY" in os.environ:
        replay(ctx, os.environ["LOCKSTEP_MODEL_REPLAY"])
        return
    dice, numbers = random.Random(seed() + part), itertools.count(IMAGES)
    bed = Bed(ctx, [f"c{i % 5}/{i}.jpg" for i in range(IMAGES)], {name: [] for name in LISTS})
    for done in range(0, count, BATCH):
        bed.world.fill(numbers)
        bed.agent.wait_in_step(60)
        start, batch = bed.world.snapshot(), deeds(dice, BATCH, numbers)
        wrong = bed.play(batch)
        if wrong:
            print(f"after {done} deeds: {wrong}")
            bed.agent.stop()
            batch, told = shrink(ctx, start, batch)
            raise AssertionError(f"{wrong}; {len(batch)} deeds are enough ({told or 'not again'}), "
                                 f"saved as {save(ctx, start, batch)}: {batch[:40]}")
    bed.agent.verify_journal()


@deadline(600)
@on("s3d")
def test_twelve_hundred_deeds(ctx):
    model(ctx, 1_200)


def part_of_a_million(part):
    """A quarter, with an agent and a tree of its own: each waits most of the time, so four at once
    take as long as one."""
    @long_test
    @deadline(2 * 3600)
    @on("s3d")
    def test(ctx):
        model(ctx, 250_000, part)
    return test


test_a_million_deeds_1 = part_of_a_million(1)
test_a_million_deeds_2 = part_of_a_million(2)
test_a_million_deeds_3 = part_of_a_million(3)
test_a_million_deeds_4 = part_of_a_million(4)
