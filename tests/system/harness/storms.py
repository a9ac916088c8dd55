"""Storms on a watched tree: build/tests/system/storm drives them, this module judges what is left."""

import contextlib
import fcntl
import json
import os
import random
import re
import signal
import subprocess
import time

from . import process, samples
from .context import Skip
from .waiting import TimedOut, wait_until

QUEUE_FILE = "/proc/sys/fs/inotify/max_queued_events"

# What may take an image out of the tree, by itself or with its directory.
LEAVING = ("move-out", "exchange-out", "remove", "recreate", "swap-link")


def storm_binary():
    """$STORM, or the one of the build."""
    return os.environ.get("STORM", os.path.join(process.build_dir(), "tests", "system", "storm"))


def begin(inside, outside, seed, writers=2, deeds=1000, seconds=0.0, without=()):
    """Start a storm; end() waits for it."""
    command = [storm_binary(), "-w", str(writers), "-n", str(deeds), "-s", str(seconds)]
    if without:
        command += ["-x", ",".join(without)]
    return subprocess.Popen([*command, inside, outside, str(seed)], stdout=subprocess.PIPE,
                            text=True, preexec_fn=process.end_with_parent)


def end(storm, timeout=60):
    """What was done: name of a deed -> [times that the disk was changed, times tried]."""
    text, _ = storm.communicate(timeout=timeout)
    if storm.returncode != 0:
        raise AssertionError(f"storm ended with {storm.returncode}")
    return json.loads(text)


@contextlib.contextmanager
def queue_of(events):
    """While this lasts, inotify instances that are made get a queue of so many events. The number
    is the whole machine's and is read when an instance is made: so keep it short, for an agent that
    another test starts in that moment has such a queue, too. One test at a time may be here
    (tests/unit/test_watch_storm.c keeps to the same lock)."""
    if events is None:
        yield
        return
    with open(QUEUE_FILE, encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = lock.read().strip()
        try:
            with open(QUEUE_FILE, "w", encoding="ascii") as file:
                file.write(str(events))
        except OSError as error:
            raise Skip(f"no right to write {QUEUE_FILE}: {error.strerror}") from None
        try:
            yield
        finally:
            with open(QUEUE_FILE, "w", encoding="ascii") as file:
                file.write(before)


def queue_length():
    """The events that the queue of a new inotify instance holds, but for those of queue_of()."""
    with open(QUEUE_FILE, encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        return int(file.read())


def has_inotify(pid):
    """The process has made its inotify instance."""
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):
        with contextlib.suppress(OSError):
            if "inotify" in os.readlink(os.path.join(folder, name)):
                return True
    return False


def start_with_queue(agent, events):
    """Start the agent with an inotify queue of that size (None: the machine's)."""
    with queue_of(events):
        agent.start()
        if events is not None:
            wait_until(lambda: not agent.is_running() or has_inotify(agent.process.pid), 20,
                       "the agent's inotify instance", interval=0.005)


def stall(agent, seconds, storm=None):
    """The agent stands still for so long, and until the storm has ended if one is given."""
    agent.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
        if storm is not None:
            wait_until(lambda: os.waitid(os.P_PID, storm.pid,
                                         os.WEXITED | os.WNOHANG | os.WNOWAIT), 60,
                       "the storm to end")
    finally:
        agent.process.send_signal(signal.SIGCONT)


def directories(root):
    """The number of directories from the root down, the root too."""
    return sum(1 for _ in os.walk(root))


def is_listed(name):
    """An image that only its name's changes can happen to: (its number) or None."""
    match = re.match(r"k(\d+)(_\d+_\d+)?\.jpg$", name)
    return int(match[1]) if match else None


def listed_images(root):
    """number -> [paths] of the images k<number>..."""
    found = {}
    for base, _, names in os.walk(root):
        for name in names:
            number = is_listed(name)
            if number is not None:
                found.setdefault(number, []).append(
                    os.path.relpath(os.path.join(base, name), root))
    return found


def unwatched(pid, root):
    """The directories that no inotify watch of the process is on."""
    watched = set()
    for name in os.listdir(f"/proc/{pid}/fdinfo"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/fdinfo/{name}",
                                                encoding="ascii") as file:
            watched |= {int(ino, 16) for ino in re.findall(r"^inotify .* ino:([0-9a-f]+)",
                                                           file.read(), re.MULTILINE)}
    return [os.path.relpath(base, root) for base, _, _ in os.walk(root)
            if os.stat(base).st_ino not in watched]


class Bed:
    """A tree, a place outside, lists that name images in the tree, and an agent on all of it."""

    LISTED = 40

    def __init__(self, ctx, name, seed, repository=None, max_removals=10**6):
        self.ctx, self.random = ctx, random.Random(seed)
        self.images, self.outside = ctx.folder(name, "in"), ctx.folder(name, "out")
        self.lists = ctx.folder(name, "lists")
        self.rows = self._fill(self.LISTED)
        limit = {"max_removals": max_removals} if max_removals else {} # or the default
        self.agent = ctx.agent(images=self.images, lists=self.lists, name=name + "/agent",
                               repository={**limit, **(repository or {})},
                               list_={"max_removals": 10**6})
        self.overflows = 0
        self.left = False # an image may have left the tree in some storm

    def _fill(self, listed):
        """Listed images, and others whose names storms write over; lists that name both. Rows as
        the lists have them: list -> [(index, labels, path)]."""
        paths = []
        for number in range(listed):
            paths.append(self.write(f"{self._folder()}k{number}.jpg"))
        for number in range(listed // 4):
            paths.append(self.write(f"{self._folder()}f{number % 5}"))
        paths = sorted(set(paths))
        rows = [(str(i), [f"{i}.5"], path) for i, path in enumerate(paths)]
        self.random.shuffle(rows)
        cut = len(rows) // 4
        parts = {"val.lst": rows[:cut], "train.lst": rows[cut:]}
        for name, part in parts.items():
            with open(os.path.join(self.lists, name), "w", encoding="utf-8") as file:
                file.writelines(f"{i}\t{labels[0]}\t{path}\n" for i, labels, path in part)
        return parts

    def _folder(self):
        return "".join(f"d{self.random.randrange(5)}/" for _ in range(self.random.randrange(4)))

    def write(self, path):
        """A new image."""
        full = os.path.join(self.images, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(path.encode() + self.random.randbytes(200 + self.random.randrange(3000)))
        return path

    def know(self):
        """The agent gets to know all that is there, and goes again."""
        self.agent.once()

    def thin_out(self, most=200):
        """Renames nest directories ever deeper: remove some where there are many."""
        for name in sorted(os.listdir(self.images)):
            if directories(self.images) > most:
                self.left = True
                subprocess.run(["rm", "-rf", os.path.join(self.images, name)], check=True)

    def storm(self, seed, **how):
        """Start one storm here."""
        self.left = self.left or not set(LEAVING) <= set(how.get("without", ()))
        return begin(self.images, self.outside, seed, **how)

    # --- what must be true at quiet -------------------------------------------------------------

    def check(self, timeout=60):
        """In step; bytes, metadata, directories and lists are right."""
        try:
            self.agent.wait_in_step(timeout)
        except TimedOut as error:
            lost = unwatched(self.agent.process.pid, self.images)
            raise TimedOut(f"{error}\n{directories(self.images)} directories on disk, "
                           f"{len(lost)} without a watch: {sorted(lost)[:5]}, "
                           f"{self.agent.status()[0]}") from None
        self.ctx.client.assert_tree(self.images, "images/")
        self.ctx.client.assert_tree(self.lists, "lists/")
        self.check_directories()
        self.check_lists()

    def mapping(self, name="images"):
        status, _ = self.agent.status()
        return next(m for m in status["mappings"] if m["name"] == name)

    def check_directories(self):
        """The agent knows and watches each directory on disk, and no other."""
        there = directories(self.images)

        def same():
            m = self.mapping()
            self.overflows = m["overflows"]
            return m["directories"] == there and m["unwatched"] + m["watches"] == there

        wait_until(same, 5, lambda: f"{there} directories on disk to be known: {self.mapping()}")
        assert self.mapping()["unwatched"] == 0, self.mapping()

    def check_lists(self):
        """Lists name only what is there; rows keep their order, index and labels; a row of a
        listed image follows it, and goes only with it."""
        there = listed_images(self.images)
        for name, before in self.rows.items():
            with open(os.path.join(self.lists, name), encoding="utf-8") as file:
                now = samples.read_list(file.read())
            order = {row[0]: at for at, row in enumerate(before)}
            assert [order[r[0]] for r in now] == sorted({order[r[0]] for r in now}), \
                f"{name}: rows came twice or changed places"
            for index, labels, path in now:
                self._check_row(name, before[order[index]], labels, path)
            gone = [r for r in before if r[0] not in {n[0] for n in now}]
            for index, _, path in gone:
                number = is_listed(os.path.basename(path))
                assert self.left or number is None or number not in there, \
                    f"{name}: row {index} of {path} is gone, its image is at {there[number]}"
            self.rows[name] = now

    def _check_row(self, name, before, labels, path):
        assert labels == before[1], f"{name}: row {before[0]} has other labels: {labels}"
        number = is_listed(os.path.basename(before[2]))
        assert os.path.isfile(os.path.join(self.images, path)), \
            f"{name}: row {before[0]} names {path}, which is not there; it named {before[2]}"
        assert number == is_listed(os.path.basename(path)), \
            f"{name}: row {before[0]} of {before[2]} names another image: {path}"

    def finish(self):
        """The end of a run: nothing is found by those who verify."""
        self.agent.stop() # what was not committed to the index yet is now
        done = self.agent.run("verify")
        assert done.returncode == 0, f"verify: {done.stdout[-2000:]}{done.stderr[-500:]}"
        self.agent.verify_journal()
