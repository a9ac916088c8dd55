"""Mixed churn: this host and another one work on the same trees, by a seed that can be given again,
for LOCKSTEP_CHURN_MINUTES (1).

No name is used twice, so a file that went never comes back: an object may be deleted only after its
file was, and a row is right only if it names where its image is now. Between two comparisons a file
is either edited or renamed, never both: where no event told of either, nobody could know it again
(agent/DESIGN.md, Limits)."""

import os
import random
import threading
import time

import remote
from harness import samples
from harness.seeds import seed

ROUND_S = 12      # then all must come to rest, and is compared
FOLDERS_MAX = 12


class Trees:
    """The trees as the churn believes them to be, and what it did to them."""

    def __init__(self, bed, paths):
        self.bed, self.chance = bed, random.Random(seed())
        self.files = {p: None for p in paths} # path -> id of its row, if it has one
        self.gone = {}                        # path -> when it began to go, seconds since 1970
        self.edited, self.moved = set(), set() # paths, since the last comparison
        self.number = 0
        self.done, self.refused = {}, 0
        self.host = ""
        self.history = open(bed.ctx.path("churn.log"), "w", encoding="utf-8", buffering=1)

    def note(self, *words):
        """A line of what was done, for who looks for what went wrong."""
        self.history.write(f"{time.time():.6f} {self.host} {' '.join(words)}\n")

    def name(self):
        self.number += 1
        return f"n{self.number}"

    def folders(self):
        return sorted({os.path.dirname(p) for p in self.files})

    def pick(self, without=frozenset()):
        return self.chance.choice([p for p in sorted(self.files) if p not in without])

    def pick_folder(self):
        """One whose files may be renamed."""
        return self.chance.choice([f for f in self.folders() if f and not any(
            p.startswith(f + "/") for p in self.edited)])

    def place(self):
        """A path that never was, in a folder old or new."""
        folders = self.folders()
        if len(folders) < FOLDERS_MAX and self.chance.random() < 0.3:
            folder = f"{self.chance.choice(['', 'a/', 'b/c/'])}{self.name()}"
        else:
            folder = self.chance.choice(folders)
        return f"{folder}/{self.name()}.png"

    def leave(self, path):
        self.gone[path] = time.time()
        return self.files.pop(path)

    def move(self, path, new, begun):
        """The file is at another place since about now."""
        self.files[new] = self.leave(path)
        self.moved.discard(path)
        self.moved.add(new)
        self.gone[path] = begun
        self.note("rename", path, new)

    # Each works in `root`, one host's view. What raises did not happen.

    def add(self, root):
        path = self.place()
        remote.write(f"{root}/{path}", self.chance.randbytes(self.chance.randrange(1, 20000)))
        self.files[path] = None
        self.note("add", path)

    def add_many(self, root):
        for _ in range(15):
            self.add(root)

    def edit(self, root):
        path = self.pick(self.moved)
        size = os.path.getsize(f"{root}/{path}")
        with open(f"{root}/{path}", "r+b") as file:
            file.write(self.chance.randbytes(max(1, size))) # of the same size
        self.edited.add(path)
        self.note("edit", path)

    def replace(self, root):
        path, temp = self.pick(self.moved), self.place()
        remote.write(f"{root}/{temp}", self.chance.randbytes(self.chance.randrange(1, 20000)))
        self.gone[temp] = time.time()
        os.rename(f"{root}/{temp}", f"{root}/{path}")
        self.edited.add(path)
        self.note("replace", temp, path)

    def rename(self, root):
        path, new = self.pick(self.edited), self.place()
        os.makedirs(os.path.dirname(f"{root}/{new}"), exist_ok=True)
        begun = time.time()
        os.rename(f"{root}/{path}", f"{root}/{new}")
        self.move(path, new, begun)

    def rename_folder(self, root):
        folder = self.pick_folder()
        new, begun = self.name(), time.time()
        os.rename(f"{root}/{folder}", f"{root}/{new}")
        for path in [p for p in self.files if p.startswith(folder + "/")]:
            self.move(path, new + path[len(folder):], begun)

    def remove(self, root):
        path = self.pick()
        begun = time.time()
        os.unlink(f"{root}/{path}")
        self.leave(path)
        self.gone[path] = begun
        self.note("remove", path)

    def remove_folder(self, root):
        folder = self.chance.choice([f for f in self.folders() if f])
        mine = [p for p in self.files if p.startswith(folder + "/")]
        if len(mine) > len(self.files) // 4:
            return
        for path in mine:
            begun = time.time()
            os.unlink(f"{root}/{path}")
            self.leave(path)
            self.gone[path] = begun
            self.note("remove", path)
        for base, _, _ in sorted(os.walk(f"{root}/{folder}"), reverse=True):
            os.rmdir(base)

    def step(self):
        """One thing on one host."""
        what = self.chance.choices(
            (self.add, self.add_many, self.edit, self.replace, self.rename, self.rename_folder,
             self.remove, self.remove_folder), (20, 2, 15, 8, 15, 4, 12, 1))[0]
        there = self.chance.random() < 0.6
        self.host = "there" if there else "here"
        try:
            what(self.bed.images if there else self.bed.near().rstrip("/"))
        except IndexError:
            return # nothing may be chosen
        except OSError:
            if there:
                raise
            self.refused += 1 # this host does not know yet what the other did
            return
        key = (what.__name__, self.host)
        self.done[key] = self.done.get(key, 0) + 1

    def add_rows(self):
        """Rows for some images that have none, by either host."""
        bare = [p for p in sorted(self.files) if self.files[p] is None]
        chosen = self.chance.sample(bare, min(len(bare), 15))
        root = self.bed.lists if self.chance.random() < 0.5 else os.path.join(self.bed.here, "lists")
        with open(f"{root}/train.lst", "ab") as file:
            for path in chosen:
                self.number += 1
                self.files[path] = 10_000_000 + self.number
                file.write(b"%d\t0\t%s\n" % (self.files[path], path.encode()))


class Watcher(threading.Thread):
    """Lists the bucket all the while: no object goes before its file did."""

    def __init__(self, trees):
        super().__init__(daemon=True)
        self.trees, self.ended, self.wrong = trees, threading.Event(), []

    def run(self):
        bed = self.trees.bed
        signed, before = bed.ctx.server.signed(bed.ctx.bucket), set()
        while not self.ended.wait(0.2):
            now = set(signed.list("images/"))
            self.wrong += [key for key in before - now if key[len("images/"):] not in self.trees.gone]
            before = now


def wrong_deletions(agent, gone):
    """Deletions in the journal that came before the file had gone."""
    return [(r["p"], r["t"] / 1e6, gone.get(r["p"])) for r in agent.journal_records()
            if r["o"] == "delete" and r["st"] == "done" and r["w"] == "images"
            and not (r["p"] in gone and gone[r["p"]] <= r["t"] / 1e6)]


def compare(trees, bed):
    """All at rest: bytes, rows, and what was deleted."""
    bed.follow(60)
    expected = sorted((str(row), path) for path, row in trees.files.items() if row is not None)
    rows = []
    for name in ("train.lst", "val.lst"):
        with open(f"{bed.lists}/{name}", encoding="utf-8") as file:
            rows += [(row[0], row[2]) for row in samples.read_list(file.read())]
    assert sorted(rows) == expected, (sorted(set(rows) - set(expected))[:5],
                                      sorted(set(expected) - set(rows))[:5])
    wrong = wrong_deletions(bed.agent, trees.gone)
    assert not wrong, f"{len(wrong)} objects were deleted before their files: {wrong[:5]}"


def churn(bed):
    minutes = float(os.environ.get("LOCKSTEP_CHURN_MINUTES", "1"))
    paths = bed.begin(count=40)
    trees = Trees(bed, paths)
    for name in ("train.lst", "val.lst"):
        with open(f"{bed.lists}/{name}", encoding="utf-8") as file:
            for row in samples.read_list(file.read()):
                trees.files[row[2]] = int(row[0])
    watcher, rounds, end = Watcher(trees), 0, time.monotonic() + 60 * minutes
    watcher.start()
    while rounds == 0 or time.monotonic() < end:
        round_end = min(end, time.monotonic() + ROUND_S)
        while time.monotonic() < round_end:
            trees.step()
            time.sleep(trees.chance.choice((0, 0.01, 0.1, 0.4)))
            if len(trees.files) > 1500:
                trees.remove(bed.images)
        compare(trees, bed)
        trees.edited.clear()
        trees.moved.clear()
        trees.add_rows()
        rounds += 1
        assert not watcher.wrong, watcher.wrong[:5]
        print(f"round {rounds}: {sum(trees.done.values())} done, {trees.refused} refused here, "
              f"{len(trees.files)} files, {len(trees.gone)} gone", flush=True)
    compare(trees, bed)
    watcher.ended.set()
    watcher.join()
    assert not watcher.wrong, watcher.wrong[:5]
    assert len({where for _, where in trees.done}) == 2, trees.done
    print(sorted(trees.done.items()))
    bed.finish()
