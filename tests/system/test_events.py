"""Events in systemd's journal: id, name and fields of each, and what the catalog says of them."""

import os
import re
import shutil
import socket
import struct
import subprocess

from harness import Skip, on, read, wait_until, write

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CATALOG = f"{TOP}/packaging/lockstep.catalog"

# A journal of the test's own, where the agent looks for the host's.
NAMESPACE = ('mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && '
             'mount --bind "$0" /run/systemd/journal && exec "$@"')


def fields_of(entry):
    """A datagram of the native protocol as name -> value."""
    found, at = {}, 0
    while at < len(entry):
        end = entry.index(b"\n", at)
        name, equals, value = entry[at:end].partition(b"=")
        at = end + 1
        if not equals:
            size = struct.unpack("<Q", entry[at:at + 8])[0]
            value, at = entry[at + 8:at + 8 + size], at + 8 + size + 1
        assert name.decode() not in found, entry
        found[name.decode()] = value.decode()
    return found


class Journal:
    """The socket, and what came."""

    def __init__(self, folder):
        self.folder, self.entries = folder, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"{folder}/socket")
        self.socket.setblocking(False)

    def read(self):
        while True:
            try:
                self.entries.append(fields_of(self.socket.recv(1 << 16)))
            except BlockingIOError:
                return self.entries

    def wait(self, event):
        """The first entry of that event."""
        wait_until(lambda: any(e["LOCKSTEP_EVENT"] == event for e in self.read()), 30,
                   lambda: f"{event}; there are {self.entries}")
        return next(e for e in self.entries if e["LOCKSTEP_EVENT"] == event)


def defined():
    """name -> (id, level) of events.c."""
    text = read(f"{TOP}/agent/service/events.c").decode()
    found = re.findall(r'\{"([a-z-]+)",\s+\{LOG_LEVEL_(\w+),\s+"([0-9a-f]{32})"\}\}', text)
    assert len(found) == text.count("    [EVENT_"), found
    return {name: (ident, level) for name, level, ident in found}


def under_systemd(ctx, images, journal, **options):
    """An agent that believes to be systemd's: its stderr is the stream that it was given."""
    agent = ctx.agent(images=images, **options)
    write(agent.log_path, b"")
    st = os.stat(agent.log_path)
    agent.environment["JOURNAL_STREAM"] = f"{st.st_dev}:{st.st_ino}"
    agent.start(wrap=("unshare", "-m", "--propagation", "private", "sh", "-c", NAMESPACE,
                      journal.folder))
    return agent


@on("s3d")
def test_events_have_ids_and_fields(ctx):
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        raise Skip("no right to make a namespace")
    images, ids = ctx.folder("images"), defined()
    for i in range(5):
        write(f"{images}/{i}.jpg", b"%d" % i)
    journal = Journal(ctx.folder("journal"))
    agent = under_systemd(ctx, images, journal)
    started, settled = journal.wait("started"), journal.wait("in-step")
    assert started["PRIORITY"] == settled["PRIORITY"] == "6", (started, settled)
    assert started["SYSLOG_IDENTIFIER"] == "lockstep" and "LOCKSTEP_MAPPING" not in started, started
    for i in range(5):
        os.unlink(f"{images}/{i}.jpg")
    held = journal.wait("removals-held")
    assert held["PRIORITY"] == "3" and held["LOCKSTEP_MAPPING"] == "images", held
    assert held["MESSAGE"].startswith("images: 5 removals are held"), held
    os.rename(images, images + ".away")
    lost = journal.wait("root-lost")
    assert lost["LOCKSTEP_KEY"] == images, lost
    os.rename(images + ".away", images)
    journal.wait("root-back")
    for entry in journal.entries:
        assert entry["MESSAGE_ID"] == ids[entry["LOCKSTEP_EVENT"]][0], entry
    # An event is told once: not as a line, too.
    assert "removals are held" not in agent.log(), agent.log()


@on("s3d")
def test_who_stands_by_says_so_and_when_it_takes_over(ctx):
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        raise Skip("no right to make a namespace")
    images = ctx.folder("images")
    first = ctx.agent(images=images, name="first").start()
    first.wait_in_step(20)
    journal = Journal(ctx.folder("journal"))
    under_systemd(ctx, images, journal, name="second")
    stands = journal.wait("standing-by")
    assert stands["PRIORITY"] == "4" and stands["LOCKSTEP_KEY"] == images, stands
    first.stop()
    assert journal.wait("taking-over")["PRIORITY"] == "6"
    journal.wait("in-step")


@on("s3d")
def test_without_the_journals_socket_events_are_lines(ctx):
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        raise Skip("no right to make a namespace")
    images = ctx.folder("images")
    journal = Journal(ctx.folder("journal"))
    journal.socket.close()
    agent = under_systemd(ctx, images, journal)
    agent.wait_for_log("<6>in step")


@on("s3d")
def test_the_catalog_explains_each_event_once(ctx):
    ids = defined()
    text = read(CATALOG).decode()
    told = re.findall(r"^-- (\w+)$", text, re.M)
    assert sorted(told) == sorted(ident for ident, _ in ids.values()), set(told)
    used = set(re.findall(r"@(\w+)@", text))
    assert used == {"LOCKSTEP_MAPPING", "LOCKSTEP_KEY"}, used
    book = read(f"{TOP}/docs/operations.md").decode()
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| `([0-9a-f]{32})` \|$", book, re.M))
    assert rows == {name: ident for name, (ident, _) in ids.items()}, rows
    if not shutil.which("journalctl"):
        raise Skip("journalctl is not there (systemd)")
    root = ctx.folder("root")
    os.makedirs(f"{root}/usr/lib/systemd/catalog")
    os.makedirs(f"{root}/var/lib/systemd/catalog")
    shutil.copy(CATALOG, f"{root}/usr/lib/systemd/catalog")
    done = subprocess.run(["journalctl", "--update-catalog", f"--root={root}"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done
    listed = subprocess.run(["journalctl", "--list-catalog", f"--root={root}"], capture_output=True,
                            text=True, check=True).stdout
    assert len(listed.splitlines()) == len(ids) and listed.count(" lockstep: ") == len(ids), listed
