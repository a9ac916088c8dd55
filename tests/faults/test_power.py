"""Power loss: a file system on a loop device is shut down in mid-write, without a flush of its log.
Every record that was acknowledged is there, none that was not written, and what stands behind the
last whole batch is told from damage."""

import collections
import os
import random
import shutil
import subprocess

import images
import journal_verifier
from harness import deadline, lockstep_binary, long_test, on, process, read, wait_until
from harness.seeds import seed

SEGMENT_BYTES = 40000  # a few segments a life
LIVES = 4  # of one journal, before it is begun anew
LIFE_S = 150  # of a writer whose power is not lost
SPREAD = 0x9E3779B97F4A7C15


def name_of(number):
    """What journal_write calls its record of that number."""
    return f"d{number % 7}/{number * SPREAD % (1 << 64):0{16 + number % 100}x}.jpg"


class Reading(journal_verifier.Verifier):
    """Also: each record is the one that was written under its number."""

    def line(self, name, line):
        super().line(name, line)
        found = dict(journal_verifier.members(line))
        if "q" in found and found["p"] != name_of(found["q"]):
            raise journal_verifier.Bad(f"{name}: record {found['q']} was never written so")


def ours(folder):
    """The exit status of `journal verify`, and what it says."""
    done = subprocess.run([lockstep_binary(), "journal", "verify", "--dir", folder], check=False,
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def segments(folder):
    """Paths in order; parts of one number behind each other."""
    found = [(tuple(int(n or 0) for n in match.groups()), name) for name in os.listdir(folder)
             if (match := journal_verifier.SEGMENT.fullmatch(name))]
    return [os.path.join(folder, name) for _, name in sorted(found)]


class Bed:
    """A disk that loses its power again and again, and a journal on it."""

    def __init__(self, ctx, kind, program="journal_write"):
        self.disk = images.disk(ctx, kind, "disk", images.LEAST_MB[kind])
        self.folder, self.dice = os.path.join(self.disk.at, "journal"), random.Random(seed())
        self.acknowledged = ctx.path("acknowledged")  # on a disk that lives
        self.program = os.path.join(process.build_dir(), "tests", "faults", program)
        self.writer, self.seen = None, collections.Counter()

    def start(self):
        """A writer at work: what it found, (records, bytes of a torn tail, corrupt segments)."""
        self.writer = subprocess.Popen(
            [self.program, self.folder, self.acknowledged, str(SEGMENT_BYTES), str(LIFE_S)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        words = self.writer.stdout.readline().split()
        assert words[::2] == ["found", "torn", "corrupt"], (words, self.writer.communicate())
        return tuple(int(word) for word in words[1::2])

    def sure(self):
        """The number of the last record that was acknowledged."""
        return int.from_bytes(read(self.acknowledged), "little")

    def crash(self, least=0):
        """At a moment by chance, once so many records were written: the last acknowledged one."""
        wait_until(lambda: self.sure() >= least, 30, "some records", interval=0.001)
        try:
            self.writer.wait(self.dice.uniform(0, 0.03))
        except subprocess.TimeoutExpired:
            pass
        sure = self.sure()
        self.disk.lose_power()
        assert self.writer.wait(30) == 3, self.writer.communicate()
        self.writer.stdout.close()
        self.writer.stderr.close()
        self.disk.unmount()
        self.disk.mount()
        return sure

    def check(self, sure):
        """Both verifiers find it good, with all that was acknowledged: how many records."""
        count = Reading(self.folder).verify()
        code, said = ours(self.folder)
        assert code == 0, said
        assert count >= sure, f"{sure} records were acknowledged, {count} are there"
        return count

    def end(self):
        self.writer.kill()
        self.writer.wait()

    def anew(self):
        shutil.rmtree(self.folder)

    # --- what a crash of the file system does not do to a file, and one of a disk may ------------

    def whole_end(self, path, sure):
        """(where the batch with the last acknowledged record ends, where the whole ones end)."""
        found, end = journal_verifier.batches(read(path))
        safe = 0
        for offset, body, commit in found:
            if commit["q"] <= sure:
                safe = read(path).index(b"\n", offset + len(body)) + 1
        return safe, end

    def tear(self, sure):
        """The tail of the last segment as a disk may leave it: cut, or with sectors of zeroes, behind
        what was acknowledged; garbage where there is nothing else."""
        path = segments(self.folder)[-1]
        safe, end = self.whole_end(path, sure)
        size = os.path.getsize(path)
        kind = self.dice.choice(("cut", "zeroes", "garbage"))
        with open(path, "r+b") as file:
            if kind == "cut" and end > safe:
                file.truncate(self.dice.randrange(safe, end))
            elif kind == "zeroes" and size > safe:
                at = self.dice.randrange(safe, size)
                file.seek(at)
                file.write(bytes(size - at))
            else:
                file.seek(max(end, safe))
                file.write(self.dice.randbytes(self.dice.randrange(1, 3000)))
        self.seen[f"torn: {kind}"] += 1

    def torn(self):
        """The files of what recoveries cut."""
        return {name for name in os.listdir(self.folder) if name.endswith(".torn")}

    def damage(self):
        """One bit of a batch that others follow: whether there was one."""
        path = segments(self.folder)[-1]
        data = read(path)
        found, _ = journal_verifier.batches(data)
        if len(found) < 3:
            return False
        offset, body, _ = self.dice.choice(found[1:-1])
        at = offset + self.dice.randrange(len(body))
        changed = data[:at] + bytes([data[at] ^ 1 << self.dice.randrange(8)]) + data[at + 1:]
        with open(path, "wb") as file:
            file.write(changed)
        try:
            count = Reading(self.folder).verify()
        except journal_verifier.Bad:
            count = None
        assert count is None and ours(self.folder)[0] == 1, (path, at)
        torn = self.torn()
        found = self.start()
        self.end()
        assert found[1:] == (0, 1), found  # nothing was cut, and it is told
        assert read(path) == changed and torn == self.torn()
        self.seen["damaged"] += 1
        return True


def crashes(ctx, kind, rounds):
    """So many power losses, with one check each."""
    bed, count, total = Bed(ctx, kind), 0, 0
    for number in range(rounds):
        found = bed.start()
        assert found[0] == count and found[2] == 0, (number, found, count)
        bed.seen["torn tails cut"] += found[1] > 0
        sure = bed.crash(least=count + bed.dice.randrange(100))
        count = bed.check(sure)
        bed.seen["more there than acknowledged"] += count > sure
        lost = bed.sure() - count  # said by an fdatasync that was under way
        bed.seen["acknowledged while it went down, and lost"] += lost > 0
        bed.seen["the most records lost so"] = max(lost, bed.seen["the most records lost so"])
        total += sure
        chance = bed.dice.random()
        if chance < 0.2:
            bed.tear(sure)
            count = bed.check(sure)
        if number % LIVES == LIVES - 1:
            if chance > 0.5:
                bed.damage()
            bed.anew()
            count = 0
    print(f"{kind}: {rounds} crashes, {total} acknowledged records, none lost; {dict(bed.seen)}")
    assert total > rounds, "the writer hardly wrote"


@on("s3d")
@deadline(180)
def test_power_losses_of_ext4(ctx):
    crashes(ctx, "ext4", 12)


@on("s3d")
@deadline(180)
def test_power_losses_of_xfs(ctx):
    crashes(ctx, "xfs", 12)


@long_test
@on("s3d")
@deadline(3000)
def test_a_thousand_power_losses_of_ext4(ctx):
    crashes(ctx, "ext4", 1000)


@long_test
@on("s3d")
@deadline(3000)
def test_a_thousand_power_losses_of_xfs(ctx):
    crashes(ctx, "xfs", 1000)


def loses(ctx, kind):
    """A writer without fsync must lose what it acknowledged, or the tests above show nothing."""
    bed = Bed(ctx, kind, "journal_write_careless")
    for _ in range(5):
        bed.start()
        sure = bed.crash(least=100)
        try:
            count = Reading(bed.folder).verify()
        except (journal_verifier.Bad, FileNotFoundError):
            count = 0
        if count < sure:
            return
        bed.anew()
    raise AssertionError("records outlived five power losses though nothing was synced")


@on("s3d")
@deadline(120)
def test_a_writer_without_fsync_is_caught_on_ext4(ctx):
    loses(ctx, "ext4")


@on("s3d")
@deadline(120)
def test_a_writer_without_fsync_is_caught_on_xfs(ctx):
    loses(ctx, "xfs")
