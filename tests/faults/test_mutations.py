"""Two verifiers that share no code, on journals that were damaged or forged by chance: they agree on
which are good, and on what is wrong and behind which record it is, wherever both can say so."""

import collections
import os
import random
import re
import shutil
import subprocess

import journal_verifier
from harness import deadline, lockstep_binary, long_test, on, read, write
from harness.seeds import seed
from test_journal import made, mutated, mutated_notes

RECORDS, SEGMENT_BYTES = 150, 3000
FAULT = re.compile(r"^FAULT: .* at byte \d+, after record (\d+): (.*)$", re.MULTILINE)


def ours(folder, keys, anchors):
    """(good?, all faults as (kind, the last record before it), what was said)."""
    words = [word for key in keys for word in ("--key", key)]
    words += [word for anchor in anchors for word in ("--anchor", anchor)]
    done = subprocess.run([lockstep_binary(), "journal", "verify", "--dir", folder, *words],
                          check=False, capture_output=True, timeout=60)
    assert done.returncode in (0, 1), done
    said = done.stdout.decode(errors="replace")
    return done.returncode == 0, {(kind, int(n)) for n, kind in FAULT.findall(said)}, said


def theirs(folder, keys, anchors):
    """(good?, the first fault, or None where it has no name, what was said)."""
    try:
        kept = [read(anchor) for anchor in anchors]
        count = journal_verifier.Verifier(folder, keys, kept).verify()
        return True, None, f"{count} records"
    except journal_verifier.Bad as bad:
        named = bad.kind and bad.after is not None
        return False, (bad.kind, bad.after) if named else None, str(bad)
    except (KeyError, ValueError, TypeError) as error:
        return False, None, repr(error)


def notes_of(folder):
    """All checkpoints in a folder's files."""
    found = []
    for name in os.listdir(folder):
        if name.endswith(".checkpoints"):
            parts = read(f"{folder}/{name}").split(b"\n\n")[:-1]
            found += [b"\n\n".join(pair) + b"\n\n" for pair in zip(parts[::2], parts[1::2])]
    return found


class Bed:
    """A signed journal, another one of as many lines by the same key, and one of another key."""

    def __init__(self, ctx, number):
        self.dice, self.copy = random.Random(number), ctx.path("copy")
        self.folder, self.names, self.public = made(ctx, "made", RECORDS, SEGMENT_BYTES)
        self.other = made(ctx, "other", RECORDS, SEGMENT_BYTES)[0]
        self.longer = made(ctx, "longer", RECORDS + 50, SEGMENT_BYTES)[0]
        key = ctx.path("foreign")
        subprocess.run([lockstep_binary(), "journal", "key", "new", key], check=True,
                       capture_output=True)
        self.foreign = subprocess.run([lockstep_binary(), "journal", "key", "show", key], check=True,
                                      capture_output=True, text=True).stdout.strip()
        self.others = notes_of(self.other)

    def path(self, name):
        return os.path.join(self.copy, name)

    def notes(self, name):
        """The file of a segment's checkpoints."""
        return name[:-len("jsonl")] + "checkpoints"

    # Each does one thing to the copy and returns the keys and anchors to verify with, or None where
    # nothing was changed.

    def bytes_of_a_segment(self, keys):
        name = self.dice.choice(self.names)
        before = read(self.path(name))
        after, _ = mutated(self.dice, before)
        write(self.path(name), after)
        return (keys, []) if after != before else None

    def bytes_of_notes(self, keys):
        name = self.dice.choice([*map(self.notes, self.names), "checkpoint"])
        before = read(self.path(name))
        after, _ = mutated_notes(self.dice, before, self.others)
        write(self.path(name), after)
        return (keys, []) if after != before else None

    def a_segment_removed(self, keys):
        name = self.dice.choice(self.names)
        os.unlink(self.path(name))
        if self.dice.random() < 0.5:
            os.unlink(self.path(self.notes(name)))
        return keys, []

    def a_segment_replaced(self, keys):
        """By that of another journal, with its checkpoints or without."""
        name = self.dice.choice(self.names)
        source = self.dice.choice((self.other, self.longer))
        if not os.path.exists(f"{source}/{name}"):
            return None
        shutil.copy(f"{source}/{name}", self.path(name))
        if self.dice.random() < 0.5:
            shutil.copy(f"{source}/{self.notes(name)}", self.path(self.notes(name)))
        return keys, []

    def segments_swapped(self, keys):
        first, second = self.dice.sample(self.names, 2)
        one, other = read(self.path(first)), read(self.path(second))
        write(self.path(first), other)
        write(self.path(second), one)
        return keys, []

    def a_fork(self, keys):
        """Checkpoints of the other journal, all signed by the right key, in the place of these."""
        for name in self.names[self.dice.randrange(len(self.names)):]:
            if os.path.exists(f"{self.other}/{self.notes(name)}"):
                shutil.copy(f"{self.other}/{self.notes(name)}", self.path(self.notes(name)))
        if self.dice.random() < 0.5:
            shutil.copy(f"{self.other}/checkpoint", self.path("checkpoint"))
        return keys, []

    def the_end_cut(self, keys):
        """Whole segments, with their checkpoints, and what was kept of them elsewhere."""
        for name in self.names[self.dice.randrange(1, len(self.names)):]:
            os.unlink(self.path(name))
            os.unlink(self.path(self.notes(name)))
        kept = self.dice.random() < 0.5
        if self.dice.random() < 0.7:
            os.unlink(self.path("checkpoint"))
        return keys, [f"{self.folder}/checkpoint"] if kept else []

    def a_wrong_key(self, keys):
        return [self.foreign, *(keys if self.dice.random() < 0.3 else [])], []

    def an_anchor(self, keys):
        """Of this journal, which is good, of another or of a longer one."""
        return keys, [f"{self.dice.choice((self.folder, self.other, self.longer))}/checkpoint"]

    def run(self):
        """One journal: what was done to it and what both say; None where nothing was done."""
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.folder, self.copy)
        deed = self.dice.choice((
            self.bytes_of_a_segment, self.bytes_of_a_segment, self.bytes_of_a_segment,
            self.bytes_of_notes, self.bytes_of_notes, self.a_segment_removed,
            self.a_segment_replaced, self.segments_swapped, self.a_fork, self.the_end_cut,
            self.a_wrong_key, self.an_anchor))
        trust = deed([self.public] if self.dice.random() < 0.7 else [])
        if not trust:
            return None
        return deed.__name__, ours(self.copy, *trust), theirs(self.copy, *trust)


def agree(ctx, times, number):
    bed, bad, named, kinds = Bed(ctx, number), 0, 0, collections.Counter()
    for number in range(times):
        while not (found := bed.run()):
            pass
        deed, (good, faults, said), (their_good, fault, their_word) = found
        assert good == their_good, (number, deed, said, their_word)
        bad += not good
        if fault:
            assert fault in faults, (number, deed, fault, faults, said, their_word)
            named += 1
            kinds[fault[0]] += 1
    print(f"{times} journals: {bad} bad, {named} of them with a kind that both name: {dict(kinds)}")
    assert bad > times / 2 and named > bad * 0.9, (bad, named, kinds)


@on("s3d")
@deadline(180)
def test_two_verifiers_name_the_same_fault(ctx):
    agree(ctx, 30, 11)


@long_test
@on("s3d")
@deadline(1800)
def test_two_verifiers_name_the_same_fault_in_a_thousand_journals(ctx):
    agree(ctx, 1000, seed())
