"""The world of the demo: copies of the trees, an S3 server, the agent, and what can be seen of them
from outside."""

import fnmatch
import json
import os
import shutil
import subprocess
import time

from harness import Agent, Client, S3d, TimedOut, process, samples, tree
from screen import plural

BUCKET = "demo"
SAMPLE = 1200         # of Debian's icons
SETTLE_MS = 200       # how long the agent lets a file be left alone
WRITES = ("PutObject", "CopyObject", "DeleteObject", "DeleteObjects", "CreateMultipartUpload",
          "UploadPart", "UploadPartCopy", "CompleteMultipartUpload")
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")

# Names that an agent passes over; they are not copied.
PASSED_OVER = tree.IGNORED + (".*.sw?", ".*.sw?x", "#*#", ".#*", "*.tmp", "*.part", "*.partial",
                              "*.crdownload", "*.filepart", ".~lock.*", ".goutputstream-*",
                              ".lockstep-*", ".?*.??????", "sed??????")


class Refused(Exception):
    """The demo cannot be shown with this; the message says why."""


def copy_tree(source, target, leave_out=None):
    """Copy the regular files below `source`, with their times and modes. `leave_out` is a folder in
    it that is not gone into."""
    for folder, folders, names in os.walk(source):
        folders[:] = [d for d in folders if os.path.realpath(os.path.join(folder, d)) != leave_out]
        to = os.path.join(target, os.path.relpath(folder, source))
        os.makedirs(to, exist_ok=True)
        for name in names:
            full = os.path.join(folder, name)
            if os.path.isfile(full) and not os.path.islink(full) and not any(
                    fnmatch.fnmatchcase(name, pattern) for pattern in PASSED_OVER):
                shutil.copy2(full, os.path.join(to, name))


def size_of(*trees):
    """Bytes of all files in these trees."""
    return sum(st.st_size for t in trees if t for st in tree.files(t, ()).values())


def read_text(path):
    """A list as text; odd bytes survive."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def write_text(path, text):
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)


def row_path(row):
    """The image that a row of a list names."""
    path = row.rstrip("\r\n").split("\t")[-1]
    return path[2:] if path.startswith("./") else path


class Moment:
    """What stood where at one moment: bucket, lists, and how far the two logs had come."""

    def __init__(self, world):
        self.bucket = world.client.signed.list()
        self.lists = world.list_texts()
        self.request = world.request_count()
        self.seq = world.status()[0].get("journal_records", 0) if world.agent.is_running() else 0
        self.time = time.time()
        self.clock = time.monotonic()


class World:
    """Trees, server and agent in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.images = os.path.join(folder, "images")
        self.lists = os.path.join(folder, "lists")
        self.aside = os.path.join(folder, "aside") # a backup, for accidents
        self.server = S3d(os.path.join(folder, "s3"))
        self.client = None
        self.agent = None
        self.patience_s = 30

    # --- making it ------------------------------------------------------------------------------

    def copy_samples(self):
        samples.write_lists(self.lists, samples.adwaita(self.images, count=SAMPLE))

    def copy_own(self, repository, lists):
        """The user's trees: copies; the originals are only read."""
        space = shutil.disk_usage(self.folder).free
        size = size_of(repository, lists)
        if 3 * size > space: # a copy, the bucket, and some air
            raise Refused(f"{repository} has {size:,} bytes; a copy and a bucket of it do not fit "
                          f"into {self.folder} ({space:,} bytes free). Set TMPDIR to a larger disk")
        copy_tree(repository, self.images, os.path.realpath(lists) if lists else None)
        paths = self.image_paths()
        if len(paths) < 20:
            raise Refused(f"{repository} has {plural(len(paths), 'image')}: too few to show much")
        if lists:
            copy_tree(lists, self.lists)
        else:
            samples.write_lists(self.lists, paths)

    def image_paths(self):
        """Paths of the images, sorted."""
        return sorted(p for p in tree.files(self.images) if p.lower().endswith(IMAGES))

    def drop_stale_rows(self):
        """Take rows without an image out of the lists. Returns how many there were."""
        here, dropped = tree.files(self.images), 0
        for name, text in self.list_texts().items():
            rows = text.splitlines(keepends=True)
            good = [r for r in rows if r.count("\t") < 2 or row_path(r) in here]
            if len(good) < len(rows):
                dropped += len(rows) - len(good)
                write_text(os.path.join(self.lists, name), "".join(good))
        return dropped

    def start_server(self):
        self.server.start()
        self.server.create_bucket(BUCKET)
        self.client = Client(self.server, BUCKET)

    def make_agent(self, max_removals):
        self.patience_s = 30 + len(tree.files(self.images)) / 50
        self.agent = Agent(
            os.path.join(self.folder, "agent"), self.server, self.client, self.images, self.lists,
            repository={"settle_ms": SETTLE_MS, "max_removals": max_removals,
                        "max_removal_percent": 0},
            list_={"settle_ms": SETTLE_MS})

    def stop(self):
        """End what runs. The agent's exit status, or None."""
        status = None
        try:
            if self.agent is not None and self.agent.process is not None:
                status = self.agent.stop()
        finally:
            self.server.stop()
        return status

    # --- looking at it --------------------------------------------------------------------------

    def status(self):
        """(what `lockstep status --json` says, exit status); {} while no agent answers."""
        done = self.agent.run("status", "--json")
        said = json.loads(done.stdout) if done.returncode in (0, 1, 3) else {}
        return (said if said.get("running") else {}), done.returncode

    def list_texts(self):
        """name -> text of every list."""
        return {p: read_text(os.path.join(self.lists, p)) for p in sorted(tree.files(self.lists))
                if p.endswith(".lst")}

    def request_count(self):
        with open(self.server.log_path, "rb") as file:
            return sum(1 for _ in file)

    def writes_since(self, moment):
        """What the server was asked to change since, in order: dicts of its access log."""
        return [r for r in self.server.requests(moment.request) if r["op"] in WRITES]

    def journal_since(self, moment):
        """Lines of `lockstep journal show` since."""
        shown = self.agent.journal("show", "--since", f"@{moment.time:.6f}")
        return [line for line in shown.stdout.splitlines() if int(line.split()[1]) > moment.seq]

    def diff(self, old, new):
        """Changed rows of a list: "- row", "+ row", pairs side by side."""
        paths = []
        for name, text in (("old", old), ("new", new)):
            paths.append(os.path.join(self.folder, name + ".lst"))
            write_text(paths[-1], text)
        done = subprocess.run(["diff", "--text", "--unified=0", *paths], capture_output=True,
                              check=False)
        lines = done.stdout.decode("utf-8", "replace").splitlines()[2:]
        found, went, came = [], [], []
        for line in [*lines, "@@"]:
            if line.startswith("@@"):
                for i in range(max(len(went), len(came))):
                    found += went[i:i + 1] + came[i:i + 1]
                went, came = [], []
            elif line.startswith("-"):
                went.append("- " + line[1:])
            elif line.startswith("+"):
                came.append("+ " + line[1:])
        return found

    # --- waiting --------------------------------------------------------------------------------

    def wait(self, done, what):
        """Until done(status, exit status); returns the seconds since it began to wait."""
        begun = time.monotonic()
        while True:
            if not self.agent.is_running():
                raise TimedOut(f"the agent ended with {self.agent.process.returncode}: "
                               + process.tail(self.agent.log_path, 5))
            status, code = self.status()
            seconds = time.monotonic() - begun
            if status and done(status, code):
                return seconds
            if seconds > self.patience_s:
                raise TimedOut(f"after {seconds:.0f} s still waiting for {what}")
            time.sleep(0.03)

    def wait_in_step(self, moment, records=True, also=lambda: True):
        """Until `status` says in step, with new records in the journal, a listing agrees, and
        `also` is true."""
        def done(status, code):
            return code == 0 and status["in_step"] and \
                (not records or status["journal_records"] > moment.seq) and \
                not self.agent.differences() and also()

        self.wait(done, "the bucket to be in step")
        return time.monotonic() - moment.clock

    def wait_held(self, moment, count):
        """Until so many removals are held and nothing else is open."""
        self.wait(lambda status, code: code == 3 and status["held"] == count
                  and status["pending"] == 0, f"{count} removals to be held")
        return time.monotonic() - moment.clock
