"""People and programs at work on a repository and its lists, and what must be left of it.

One thread changes images and lists at random, from a seed; it knows which image is where and which
row is whose, so in the end `expected_rows` says what each list must hold. Images that somebody made
a moment ago are left alone for a while: of one that comes and goes before the agent has looked, the
rows are their writer's (agent/DESIGN.md, limits)."""

import itertools
import json
import os
import random
import threading
import time

from .tree import write

YOUNG_S = 4.0     # an image of this age may be removed, or listed
LARGE_BYTES = 7 << 20


class Workload(threading.Thread):
    """start(), finish(): then `images`, `expected_rows(list)` and `deeds` are final."""

    def __init__(self, images, lists, seed, pause_s=0.01):
        super().__init__(daemon=True)
        self.root, self.lists_root, self.pause_s = images, lists, pause_s
        self.random = random.Random(seed)
        self.paths = {}          # image -> path
        self.born = {}           # image -> when
        self.rows = {}           # list -> [(label, image)] in the order of the file
        self.numbers = itertools.count()
        self.deeds = {}
        self.failure = None
        self.ended = threading.Event()
        path = os.environ.get("LOCKSTEP_DEEDS")
        self.told = open(path, "w", encoding="utf-8", buffering=1) if path else None

    def tell(self, kind, image, **more):
        """A line about a deed, for whoever asks for them ($LOCKSTEP_DEEDS)."""
        if self.told:
            self.told.write(json.dumps({"time": time.time(), "deed": kind, "image": image,
                                        **more}) + "\n")

    # --- the beginning ---------------------------------------------------------------------------

    def prepare(self, count):
        """Images in classes and two lists that name them all."""
        self.rows = {"train.lst": [], "val.lst": []}
        for i in range(count):
            self.add_at(f"c{i % 5}/{i:05}.jpg")
        for i, image in enumerate(self.paths):
            name = "val.lst" if i % 4 == 0 else "train.lst"
            self.rows[name].append((i % 7, image))
        for name, rows in self.rows.items():
            for i, (_, image) in enumerate(rows):
                self.tell("list", image, list=name, number=i, at=self.paths[image])
            write(f"{self.lists_root}/{name}", "".join(
                f"{i}\t{label}\t{self.paths[image]}\n"
                for i, (label, image) in enumerate(rows)).encode())
        return self

    def bytes_of(self, size):
        return self.random.randbytes(size)

    def add_at(self, path, size=None):
        image = next(self.numbers)
        write(f"{self.root}/{path}", self.bytes_of(size or self.random.randrange(20, 4000)))
        self.paths[image], self.born[image] = path, time.monotonic()
        self.tell("add", image, to=path, inode=os.stat(f"{self.root}/{path}").st_ino)
        return image

    # --- deeds: each a thing that people do ------------------------------------------------------

    def old_images(self):
        before = time.monotonic() - YOUNG_S
        return [image for image in self.paths if self.born[image] < before]

    def pick(self):
        old = self.old_images()
        return self.random.choice(old) if old else None

    def fresh_path(self):
        return f"c{self.random.randrange(6)}/n{next(self.numbers):06}.jpg"

    def add(self):
        self.add_at(self.fresh_path())

    def add_large(self):
        if sum(path.endswith(".rec") for path in self.paths.values()) < 4:
            self.add_at(f"large/{next(self.numbers):06}.rec",
                        LARGE_BYTES + self.random.randrange(1 << 20))

    def edit(self):
        image = self.pick()
        if image is not None and not self.paths[image].endswith(".rec"):
            path = f"{self.root}/{self.paths[image]}"
            write(path, self.bytes_of(self.random.choice((os.stat(path).st_size, 333))))
            self.tell("edit", image, at=self.paths[image], inode=os.stat(path).st_ino)

    def touch(self):
        image = self.pick()
        if image is not None:
            path = f"{self.root}/{self.paths[image]}"
            if self.random.random() < 0.5:
                os.chmod(path, self.random.choice((0o600, 0o640, 0o644)))
            else:
                os.utime(path, (1, self.random.randrange(1, 1 << 30)))

    def rename(self):
        image = self.pick()
        if image is not None:
            path = self.fresh_path() if not self.paths[image].endswith(".rec") \
                else f"large/{next(self.numbers):06}.rec"
            os.makedirs(os.path.dirname(f"{self.root}/{path}"), exist_ok=True)
            os.rename(f"{self.root}/{self.paths[image]}", f"{self.root}/{path}")
            self.tell("rename", image, at=self.paths[image], to=path)
            self.paths[image] = path

    def rename_directory(self):
        names = [n for n in os.listdir(self.root) if n.startswith("c") or n.startswith("d")]
        if not names:
            return
        old, new = self.random.choice(names), f"d{next(self.numbers)}"
        os.rename(f"{self.root}/{old}", f"{self.root}/{new}")
        self.tell("rename_directory", None, at=old, to=new,
                  inode=os.stat(f"{self.root}/{new}").st_ino)
        for image, path in self.paths.items():
            if path.startswith(old + "/"):
                self.paths[image] = new + path[len(old):]

    def remove(self):
        image = self.pick()
        if image is not None:
            path = self.paths.pop(image)
            os.unlink(f"{self.root}/{path}")
            self.tell("remove", image, at=path)
            for rows in self.rows.values():
                rows[:] = [row for row in rows if row[1] != image]

    def list_one(self):
        """Append a row; one write, as careful editors of a shared file do."""
        image = self.pick()
        if image is None:
            return
        name, label = self.random.choice(sorted(self.rows)), self.random.randrange(7)
        number = next(self.numbers)
        with open(f"{self.lists_root}/{name}", "ab", buffering=0) as file:
            file.write(f"{number}\t{label}\t{self.paths[image]}\n".encode())
        self.tell("list", image, list=name, number=number, at=self.paths[image])
        self.rows[name].append((label, image))

    DEEDS = (("add", 20), ("edit", 15), ("touch", 8), ("rename", 12), ("remove", 8),
             ("list_one", 10), ("rename_directory", 1), ("add_large", 1))

    def run(self):
        names, weights = zip(*self.DEEDS)
        try:
            while not self.ended.wait(self.random.uniform(0, 2 * self.pause_s)):
                name = self.random.choices(names, weights)[0]
                getattr(self, name)()
                self.deeds[name] = self.deeds.get(name, 0) + 1
        except Exception as error:  # told by finish()
            self.failure = error

    def finish(self):
        self.ended.set()
        self.join(30)
        if self.failure is not None:
            raise self.failure

    # --- what must be left -----------------------------------------------------------------------

    def expected_rows(self, name):
        """[(label, path)] in the order of the list."""
        return [(str(label), self.paths[image]) for label, image in self.rows[name]]

    def assert_rows(self):
        """Each list is as it must be; all that are not are told."""
        wrong = []
        for name in self.rows:
            expected, found = self.expected_rows(name), self.found_rows(name)
            if found != expected:
                wrong.append((name, "rows:", len(found), "of", len(expected),
                              "missing:", sorted(set(expected) - set(found))[:6],
                              "too many:", sorted(set(found) - set(expected))[:6]))
        assert not wrong, (wrong, self.deeds)

    def found_rows(self, name):
        with open(f"{self.lists_root}/{name}", encoding="utf-8") as file:
            return [tuple(line.rstrip("\n").split("\t")[1:]) for line in file]
