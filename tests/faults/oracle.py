"""A run of `agent --once` during which something fails, and what must hold whatever it was: it tells
and ends, or succeeds; lists are entirely old or new; the journal is good; the bucket has nothing
that was on no disk; and the next run, undisturbed, comes in step."""

import os
import subprocess

from harness.agent import lockstep_binary
from harness import write

IMAGES = 12
RUN_S = 40  # a run that takes longer hangs


class Bed:
    """A small tree with lists. Each round makes changes of every kind."""

    def __init__(self, ctx):
        self.ctx, self.round = ctx, 0
        self.images, self.lists = ctx.folder("images"), ctx.folder("lists")
        self.paths = [f"c{i % 3}/{i}.jpg" for i in range(IMAGES)]
        for path in self.paths:
            write(f"{self.images}/{path}", path.encode())
        self._write_list()
        self.agent = ctx.agent(images=self.images, lists=self.lists, repository={
            "max_removals": 10**6, "settle_ms": 0}, list_={"settle_ms": 0})
        self.agent.once()
        self.known = self._bodies()
        self.listed = {self._list()}

    def _write_list(self):
        write(f"{self.lists}/train.lst", self.rows(self.paths))

    def rows(self, paths):
        return "".join(f"{i}\t1\t{path}\n" for i, path in enumerate(paths)).encode()

    def _list(self):
        with open(f"{self.lists}/train.lst", "rb") as file:
            return file.read()

    def _bodies(self):
        """All contents of the trees, of lists and images."""
        found = set()
        for root in (self.images, self.lists):
            for base, _, names in os.walk(root):
                for name in names:
                    with open(os.path.join(base, name), "rb") as file:
                        found.add(file.read())
        return found

    def change(self):
        """An image is renamed, one edited, one comes and one goes. What the list may be until all of
        that was seen (the renamed image's row may follow before the other's goes, or the other way
        round), and what it must be in the end."""
        self.round += 1
        n = self.round
        paths = list(self.paths)
        moved = f"c{n % 3}/moved{n}.jpg"
        os.rename(f"{self.images}/{paths[0]}", f"{self.images}/{moved}")
        os.unlink(f"{self.images}/{paths[1]}")
        write(f"{self.images}/{paths[2]}", b"edited %d" % n)
        write(f"{self.images}/new{n}.jpg", b"new %d" % n)
        rows = self._list().decode().splitlines(keepends=True)
        assert [row.split("\t")[2].rstrip("\n") for row in rows] == paths, rows
        was = paths[:2]
        want = kept = "".join(row.replace(f"\t{was[0]}\n", f"\t{moved}\n")
                              for i, row in enumerate(rows) if i != 1)
        self.paths = [moved, *paths[2:]]
        if len(self.paths) < 4:  # somebody lists the others again
            self.paths += [f"new{i}.jpg" for i in range(n - 8, n + 1)]
            want += "".join(f"{100 * n + i}\t2\t{p}\n" for i, p in enumerate(self.paths[-9:]))
            with open(f"{self.lists}/train.lst", "ab") as file:
                file.write(want[want.rindex(f"{100 * n}\t"):].encode())
        old, more = self._list().decode(), want[len(kept):]
        between = {old.replace(f"\t{was[0]}\n", f"\t{moved}\n"),
                   "".join(row for i, row in enumerate(rows) if i != 1) + more}
        lists = {text.encode() for text in (old, want, *between)}
        self.known |= self._bodies() | lists
        return lists, want.encode()

    def failing_run(self, wrap=(), **environment):
        """(exit status, what it said, did it hang)."""
        process = subprocess.Popen(
            [*wrap, lockstep_binary(), "agent", "--once", "-c", self.agent.conf],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**self.agent.environment, **environment})
        try:
            said = process.communicate(timeout=RUN_S)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            said = process.communicate()[0]
            return None, said.decode(errors="replace")
        return process.returncode, said.decode(errors="replace")

    def hold(self, status, said, lists):
        """What is wrong after the failing run; "" where nothing is."""
        if status is None:
            return "it hangs"
        if status < 0 or status > 4:
            return f"it ended with {status}"
        if status and not said.strip():
            return f"it ended with {status} and said nothing"
        if "Sanitizer" in said:
            return "a sanitizer complains"
        if self._list() not in lists:
            return f"the list is neither old nor new: {self._list()}"
        done = self.agent.journal("verify")
        if done.returncode:
            return "journal verify: " + done.stdout + done.stderr
        wrong = [key for key in self.ctx.client.keys() if self.ctx.client.get(key)[0] not in self.known]
        return f"objects that were never on disk: {wrong}" if wrong else ""

    def _was_kept(self, name, said):
        """Is this the old list, kept beside it where the run could not tell if that was edited, and
        did it say so?"""
        with open(f"{self.lists}/{name}", "rb") as file:
            return ".kept-" in name and name in said and file.read() in self.known

    def recover(self, want, said, may_leave=False):
        """What is wrong after a run without a fault; "" where nothing is. `may_leave`: the temporary
        file of a rewrite, where it was its removal that failed."""
        done = self.agent.once(check=False)
        for _ in range(2):  # what a fault left half-known is looked at twice
            if done.returncode == 0:
                break
            done = self.agent.once(check=False)
        found = self.agent.differences()
        left = [n for n in os.listdir(self.lists) if n != "train.lst"]
        for name in [n for n in left if may_leave or self._was_kept(n, said)]:
            os.unlink(f"{self.lists}/{name}")
            left.remove(name)
        if done.returncode or found or left:
            return f"not in step: {done.returncode} {found} {left} {done.stderr[-600:]}"
        if self._list() != want:
            return f"the list should be {want}, is {self._list()}"
        done = self.agent.journal("verify")
        return "" if done.returncode == 0 else "journal verify: " + done.stdout

    def try_one(self, wrap=(), may_leave=False, **environment):
        """One round: what is wrong, the exit status, and what was said."""
        lists, want = self.change()
        status, said = self.failing_run(wrap, **environment)
        wrong = [self.hold(status, said, lists), self.recover(want, said, may_leave)]
        return "; ".join(filter(None, wrong)), status, said
