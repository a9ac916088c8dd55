"""The steps of the demo: each does to the trees what people do, waits until the bucket is in step,
shows what happened, and checks it from outside."""

import collections
import os
import shutil
import time
import zlib

from harness import tree
from screen import plural
from world import Moment, row_path, write_text

ADDED, DELETED = 5, 3
ORDINARY = 3 + DELETED # images that single steps are shown on
ROWS_SHOWN, KEYS_SHOWN = 4, 3


def annotate(data, text):
    """The same image with a comment in it: a valid PNG or JPEG stays one."""
    text = text.encode()
    if data.startswith(b"\x89PNG") and b"IEND" in data:
        chunk = b"tEXtComment\0" + text
        at = data.rindex(b"IEND") - 4
        return (data[:at] + (len(chunk) - 4).to_bytes(4, "big") + chunk
                + zlib.crc32(chunk).to_bytes(4, "big") + data[at:])
    if data.startswith(b"\xff\xd8"):
        return data[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + data[2:]
    return data + text


class Steps:
    """The run of all steps over one world."""

    def __init__(self, world, screen):
        self.world, self.screen = world, screen
        self.before = None

    # --- the plan -------------------------------------------------------------------------------

    def plan(self):
        """Choose what will be done to what. Returns the guard's limit for it."""
        paths = self.world.image_paths()
        below = collections.Counter()
        for path in paths:
            parts = path.split("/")[:-1]
            below.update("/".join(parts[:n]) for n in range(1, len(parts) + 1))
        folders = sorted((d for d in below if below[d] <= len(paths) * 0.8),
                         key=lambda d: (-below[d], d))
        # The largest is for the accident (or all, where there is none), another one to be renamed;
        # single images are taken from elsewhere if there is an elsewhere.
        self.victim = folders[0] if folders and below[folders[0]] >= len(paths) / 10 else ""
        self.renamed = next((d for d in folders if not self._related(d)), None)
        self.ordinary = sorted(paths, key=lambda p: (
            self._within(p, self.victim),
            self.renamed is not None and self._within(p, self.renamed), p))[:ORDINARY]
        victims = below[self.victim] if self.victim else len(paths)
        self.accident_size = victims * 4 // 5
        return max(DELETED, min(self.accident_size // 2, 60))

    def _related(self, folder):
        return self._within(folder, self.victim) or self._within(self.victim, folder)

    @staticmethod
    def _within(path, folder):
        return not folder or path == folder or path.startswith(folder + "/")

    def _moved(self, path, old, new):
        """The path after the directory `old` was renamed."""
        return new + path[len(old):] if self._within(path, old) else path

    # --- one step -------------------------------------------------------------------------------

    def begin(self, title, command):
        self.screen.step(title, command)
        self.before = Moment(self.world)

    def end(self, expected=None, records=True, also=lambda: True):
        """Wait until in step (and `also` is true); show everything; the lists have to read as
        `expected`."""
        seconds = self.world.wait_in_step(self.before, records, also)
        self.screen.fact("in step", f"after {seconds:.1f} s")
        self.show()
        if expected is not None:
            self.screen.check(self.world.list_texts() == expected,
                              "no list changed" if expected == self.before.lists
                              else "the lists changed in these rows only")

    def show(self):
        """Requests, objects, rows, journal: what is new since the step began."""
        self.writes = self.world.writes_since(self.before)
        self.screen.fact("requests", self._requests())
        self.screen.facts("bucket", self._objects())
        for name, text in self.world.list_texts().items():
            lines = self.world.diff(self.before.lists.get(name, ""), text)
            if lines and name in self.before.lists:
                more = len(lines) - ROWS_SHOWN
                if more > 1:
                    lines[ROWS_SHOWN:] = [f"  and {more:,} more lines"]
                self.screen.diff(name, lines)
        self.screen.facts("journal", self._records())

    def _requests(self):
        counts = collections.Counter(r["op"] for r in self.writes)
        return ", ".join(f"{n:,} {op}" for op, n in counts.items()) or "none that change anything"

    def _objects(self):
        """What a listing of the bucket has more, less and otherwise."""
        old, new = self.before.bucket, self.world.client.signed.list()
        lines = []
        for word, keys in (("+", new.keys() - old.keys()), ("-", old.keys() - new.keys()),
                           ("~", {k for k in new if k in old and new[k] != old[k]})):
            keys = sorted(keys)
            shown = keys if len(keys) <= KEYS_SHOWN + 1 else keys[:KEYS_SHOWN - 1]
            lines += [f"{word} {key}" for key in shown]
            if len(keys) > len(shown):
                lines.append(f"{word} and {len(keys) - len(shown):,} more")
        return lines or ["same names, sizes and ETags"]

    def _records(self):
        """One line of each kind, in order of appearance."""
        first, counts = {}, collections.Counter()
        for line in self.world.journal_since(self.before):
            words = line.split()
            kind = tuple(words[2:5]) # operation, state, mapping
            first.setdefault(kind, " ".join([words[0][11:23], *words[2:]]))
            counts[kind] += 1
        return [f"{counts[kind]:>5,} x {text}" for kind, text in first.items()] or ["nothing new"]

    def count(self, op, prefix=""):
        """Requests of this step by operation and beginning of the key."""
        return sum(r["op"] == op and (r["key"] or "").startswith(prefix) for r in self.writes)

    def rows_as(self, change):
        """The lists with every row's path put through change(path): a path, or None to drop it."""
        expected = {}
        for name, text in self.before.lists.items():
            rows = []
            for row in text.splitlines(keepends=True):
                path = row_path(row) if row.count("\t") >= 2 else None
                to = change(path) if path is not None else path
                if path is None or to == path:
                    rows.append(row)
                elif to is not None:
                    ending = row[len(row.rstrip("\r\n")):]
                    rows.append(row[:len(row) - len(ending) - len(path)] + to + ending)
            expected[name] = "".join(rows)
        return expected

    def full(self, path):
        return os.path.join(self.world.images, path)

    # --- the steps ------------------------------------------------------------------------------

    def first_sync(self):
        files = len(tree.files(self.world.images)) + len(tree.files(self.world.lists))
        self.screen.step("First sync: the agent starts, the bucket is empty", "lockstep agent")
        self.before = Moment(self.world)
        self.world.agent.start()
        seconds = self.world.wait_in_step(self.before)
        self.screen.fact("in step", f"after {seconds:.1f} s: {files:,} files, "
                                    f"{files / seconds:,.0f} a second")
        self.show()
        keys = [r["key"] for r in self.writes if r["op"] == "PutObject"]
        lists = [key for key in keys if key.endswith(".lst")]
        self.screen.check(keys[len(keys) - len(lists):] == lists,
                          "the lists came last: no list in S3 names an image that is not there")

    def add(self):
        source = self.ordinary[0]
        folder, ending = os.path.dirname(source), os.path.splitext(source)[1]
        to = os.path.join("images", folder)
        self.begin("Add images, and rows for them",
                   f"cat new.rows >> lists/...; cp new-*{ending} {to}")
        names = [os.path.join(folder, f"new-{i}{ending}") for i in range(1, ADDED + 1)]
        expected = dict(self.before.lists)
        changed = self._append_rows(source, names, expected)
        with open(self.full(source), "rb") as file:
            data = file.read()
        for name in names:
            with open(self.full(name), "wb") as file:
                file.write(annotate(data, name))
        self.end(expected)
        self.screen.check(self.count("PutObject", "images/") == ADDED,
                          f"{ADDED} uploads for {ADDED} images")
        keys = [r["key"] for r in self.writes if r["op"] == "PutObject"]
        if changed:
            self.screen.check(keys[-1:] == ["lists/" + changed] and keys.count(keys[-1]) == 1,
                              f"{changed} went up after the images that it names, "
                              "though it was written before them")

    def _append_rows(self, like, paths, texts):
        """Rows like that of the image `like` at the end of its list. The list's name, or None."""
        for name, text in texts.items():
            for row in text.splitlines():
                if row_path(row) == like and row.count("\t") >= 2:
                    labels = row.split("\t")[1:-1]
                    rows = ["\t".join([str(10**6 + i), *labels, path]) + "\n"
                            for i, path in enumerate(paths)]
                    texts[name] = text + ("" if text.endswith("\n") else "\n") + "".join(rows)
                    write_text(os.path.join(self.world.lists, name), texts[name])
                    return name
        return None

    def edit(self):
        path = self.ordinary[1]
        self.begin("Edit an image", f"edit images/{path}")
        with open(self.full(path), "rb") as file:
            data = file.read()
        with open(self.full(path), "wb") as file:
            file.write(annotate(data, "retouched"))
        self.end(self.before.lists)
        self.screen.check(len(self.writes) == 1 and self.count("PutObject") == 1, "1 upload")

    def chmod(self):
        path = self.ordinary[2]
        key = "images/" + path
        self.begin("Change an image's mode", f"chmod 600 images/{path}")

        def mode():
            return self.world.client.signed.head(key).metadata["file-permissions"]

        old = mode()
        os.chmod(self.full(path), 0o600)
        self.end(self.before.lists, also=lambda: mode() == "0100600") # no listing shows a mode
        new = mode()
        self.screen.fact("metadata", f"file-permissions {old} -> {new}")
        self.screen.check(new == "0100600" and self.count("PutObject") == 0,
                          "only the metadata changed: no upload")

    def rename(self):
        if self.renamed is None:
            self.screen.step("Rename a class directory")
            self.screen.fact("skipped", "there are too few directories")
            return
        old, new = self.renamed, self.renamed + "-renamed"
        moved = [p for p in tree.files(self.world.images) if self._within(p, old)]
        self.begin("Rename a class directory", f"mv images/{old} images/{new}")
        os.rename(self.full(old), self.full(new))
        self.ordinary = [self._moved(p, old, new) for p in self.ordinary]
        expected = self.rows_as(lambda p: self._moved(p, old, new))
        self.end(expected)
        self.screen.check(
            self.count("CopyObject", "images/") == len(moved)
            and self.count("PutObject", "images/") == 0,
            f"{plural(len(moved), 'copy', 'copies')} inside S3, 0 uploads of images")
        order = [r["op"] + (r["key"] or "")[:1] for r in self.writes]
        lists = [i for i, what in enumerate(order) if what == "PutObjectl"]
        if lists:
            copies = [i for i, what in enumerate(order) if what.startswith("CopyObject")]
            deletes = [i for i, what in enumerate(order) if what.startswith("Delete")]
            self.screen.check(max(copies) < min(lists) and max(lists) < min(deletes),
                              "new objects first, then the lists, then the old objects went")

    def delete(self):
        victims = self.ordinary[3:3 + DELETED]
        self.begin("Delete a few images", "rm " + " ".join("images/" + p for p in victims))
        for path in victims:
            os.unlink(self.full(path))
        self.end(self.rows_as(lambda p: None if p in victims else p))
        self.screen.check(not any("images/" + p in self.world.client.keys() for p in victims),
                          f"{plural(len(victims), 'object')} and their rows are gone")

    # --- an accident ----------------------------------------------------------------------------

    def _delete_most(self):
        """The accident: most of a directory goes, more than the guard's limit."""
        here = [p for p in self.world.image_paths()
                if self._within(p, self.victim) and p not in self.ordinary]
        self.victims = here[:self.accident_size]
        for path in self.victims:
            os.unlink(self.full(path))
        seconds = self.world.wait_held(self.before, len(self.victims))
        self.screen.fact("held", f"after {seconds:.1f} s: {plural(len(self.victims), 'removal')}")

    def _show_status(self):
        done = self.world.agent.run("status")
        self.screen.text("status", done.stdout.splitlines(), "yellow")
        return done.returncode

    def accident(self):
        """Most of a directory goes by mistake: it is held."""
        name = f"images/{self.victim}".rstrip("/")
        self.begin("An accident: most of a directory is deleted", f"rm {name}/*   # oops")
        for path in self.world.image_paths():
            to = os.path.join(self.world.aside, path)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copy2(self.full(path), to)
        self._delete_most()
        self.show()
        code = self._show_status()
        self.screen.check(code == 3, "`lockstep status` says so by exit status 3")
        keys = self.world.client.keys("images/")
        self.screen.check(all("images/" + p in keys for p in self.victims)
                          and self.world.list_texts() == self.before.lists,
                          "all objects and all rows are still there")

    def go_on(self):
        """While removals are held, everything else is done."""
        path = self.ordinary[2]
        self.begin("Meanwhile all else goes on", f"edit images/{path}")
        with open(self.full(path), "rb") as file:
            data = file.read()
        with open(self.full(path), "wb") as file:
            file.write(annotate(data, "edited while removals are held"))
        held = len(self.victims)
        self.world.wait(lambda status, _: status["held"] == held and not status["pending"]
                        and status["journal_records"] > self.before.seq, "the edit")
        self.show()
        self.screen.check(len(self.writes) == 1 and self.count("PutObject") == 1, "1 upload")

    def restore(self):
        """The files come back from a backup: nothing has to be done."""
        self.begin("The files are put back", f"cp -p backup/* images/{self.victim}".rstrip("/"))
        for path in self.victims:
            shutil.copy2(os.path.join(self.world.aside, path), self.full(path))
        self.end(self.before.lists, records=False)
        self.screen.check(self.count("PutObject") == 0, "no upload: S3 had them all along")

    def meant(self):
        """The same removal, but meant: an operator releases it."""
        name = f"images/{self.victim}".rstrip("/")
        self.begin("The same again, and this time it is meant",
                   f"rm {name}/*; lockstep release images")
        self._delete_most()
        done = self.world.agent.run("release", "images")
        self.before.clock = time.monotonic()
        self.screen.text("release", (done.stdout + done.stderr).splitlines())
        self.end(self.rows_as(lambda p: None if p in self.victims else p))
        keys = self.world.client.keys("images/")
        self.screen.check(not any("images/" + p in keys for p in self.victims),
                          f"{plural(len(self.victims), 'object')} and their rows are gone")

    # --- the end --------------------------------------------------------------------------------

    def verify(self):
        """Everything is held against everything else."""
        self.screen.step("Check everything")
        for words in (("journal", "verify"), ("verify",)):
            done = self.world.agent.run(*words, timeout=self.world.patience_s)
            self.screen.line("$ lockstep " + " ".join(words), "cyan", indent=3)
            self.screen.text("", (done.stdout + done.stderr).splitlines()[:6])
            self.screen.check(done.returncode == 0, "exit status 0")
        self.screen.line("$ every object is read by another client and compared", "cyan", indent=3)
        found = []
        for folder, prefix in ((self.world.images, "images/"), (self.world.lists, "lists/")):
            found += self.world.client.compare_tree(folder, prefix, ignore=())
        self.screen.facts("differ", found[:10], "red")
        objects = self.world.client.keys()
        self.screen.check(not found, f"{len(objects):,} objects ({sum(objects.values()):,} bytes) "
                          "equal the disk: bytes, mode, owner, time")
        rows = [row_path(row) for name in self.world.list_texts()
                for row in self.world.client.get("lists/" + name)[0].decode(
                    "utf-8", "surrogateescape").splitlines() if row.count("\t") >= 2]
        self.screen.check(all("images/" + path in objects for path in rows),
                          f"every image of the {len(rows):,} rows in S3 is in S3")
        bad, lost = [], 0
        for line in self.world.agent.log().splitlines():
            lost += "events were lost" in line # by a small or busy queue: it was made up for
            if (" warning: " in line and "events were lost" not in line) or (
                    " error: " in line and "are held" not in line):
                bad.append(line)
        if lost:
            self.screen.fact("note", "the kernel lost events; the trees were scanned again")
        self.screen.text("log", bad[:5], "yellow")
        self.screen.check(not bad, "the agent's log has no error but the two holds")

    def all(self):
        """The steps in order."""
        return (self.first_sync, self.add, self.edit, self.chmod, self.rename, self.delete,
                self.accident, self.go_on, self.restore, self.meant, self.verify)
