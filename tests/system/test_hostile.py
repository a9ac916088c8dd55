"""What somebody does to the tree, to the server's answers and at the control socket on purpose:
nothing outside of the tree is read or written, and no answer costs more than an error."""

import concurrent.futures
import ctypes
import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time

from harness import Skip, deadline, on, wait_until, write
from harness.agent import lockstep_binary
from harness.aws_endpoints import Container
from harness.hostile import ANSWERS, Hostile
from harness.process import end_with_parent, run_measured

_LIBC = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
MOST_KIB = 100 * 1024  # of memory, whatever a server answers
SECRET = b"KEPT-OUTSIDE-" * 40
SECRET_NAME = "kept-outside-name.jpg"
LINKS = {"symlinks": "store"}
LOOSE = {"max_removals": 1000000, "max_removal_percent": 100}
NAMES = ("..foo", "...", "%2F", "%2e%2e%2Fetc", "..%2F..%2Fa", "..\\..\\a", " leading", "  ",
         "~", "-rf", "*", "$(id)", "a\nb", "x" * 255, "\u202e.jpg", "images", "%00", "a%0d%0aX: y")


# --- a tree whose folders change places with links ------------------------------------------------


def exchange(one, other):
    """Two names change places at once."""
    if _LIBC.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other),
                       _RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), "renameat2", one)


class Swapper(threading.Thread):
    """Exchanges pairs (a name in the tree, a link kept elsewhere), without end, in bursts with
    pauses that let the agent believe that all is quiet. finish(): all is as it was at first."""

    def __init__(self, pairs, seed=1):
        super().__init__(daemon=True)
        self.pairs, self.dice, self.swaps = pairs, random.Random(seed), 0
        self.ended, self.failure = threading.Event(), None
        self.odd = [False] * len(pairs)

    def swap(self, i):
        exchange(*self.pairs[i])
        self.odd[i] = not self.odd[i]
        self.swaps += 1

    def run(self):
        try:
            while not self.ended.is_set():
                for _ in range(self.dice.choice((1, 10, 300))):
                    self.swap(self.dice.randrange(len(self.pairs)))
                    time.sleep(self.dice.choice((0, 0, 0.0003)))
                self.ended.wait(self.dice.choice((0, 0.02, 0.25)))
        except OSError as error:
            self.failure = error

    def finish(self):
        self.ended.set()
        self.join(30)
        if self.failure:
            raise self.failure
        for i, odd in enumerate(self.odd):
            if odd:
                self.swap(i)


class Onlooker:
    """Notes who opens, reads or changes anything in a folder."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            ["inotifywait", "-mr", "--format", "%e %w%f",
             *(f"-e{e}" for e in ("open", "access", "modify", "attrib", "create", "delete", "move")),
             folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=end_with_parent)
        while "established" not in self.process.stderr.readline():
            assert self.process.poll() is None, "inotifywait ended"

    def seen(self):
        """The lines so far; then it looks no more."""
        self.process.terminate()
        return self.process.communicate(timeout=10)[0].splitlines()


def outside_of(ctx, names, name="outside"):
    """A folder that is nobody's business: files of the same names as those inside, and a secret."""
    outside = ctx.folder(name)
    for name in (*names, SECRET_NAME, "deep/" + SECRET_NAME):
        write(f"{outside}/{name}", SECRET + name.encode())
    return outside


def picture_of(folder):
    """All that can be told of a folder and what is in it, but when it was read."""
    found = {}
    for base, folders, names in os.walk(folder):
        for path in [base] + [os.path.join(base, n) for n in folders + names]:
            st = os.lstat(path)
            found[path] = (st.st_mode, st.st_ino, st.st_size, st.st_uid, st.st_mtime_ns,
                           st.st_ctime_ns, st.st_nlink)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    found[path] += (file.read(),)
    return found


def assert_kept(ctx, agent, before, *outside):
    """Nothing of the outside is in the bucket, in a log or in the state, and it is as it was."""
    for folder in outside:
        now = picture_of(folder)
        assert now == before[folder], [p for p in {*now, *before[folder]}
                                       if now.get(p) != before[folder].get(p)]
    words = (SECRET, SECRET_NAME.encode())
    for key in ctx.client.keys():
        assert SECRET_NAME not in key, key
        assert SECRET not in ctx.client.get(key)[0], key
    for line in ctx.server.requests():
        assert SECRET_NAME not in json.dumps(line), line
    for base, _, names in os.walk(agent.folder):
        for name in names:
            path = os.path.join(base, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    text = file.read()
                assert not [word for word in words if word in text], path


def swapped_tree(ctx, repository, swaps, seconds=5, most_s=90):
    """A folder of the tree, one above it and an image change places with links so many times at
    least; meanwhile images come and are edited, and scans are asked for."""
    images, lists = ctx.folder("images"), ctx.folder("lists")
    names = [f"{i}.jpg" for i in range(20)]
    for folder in ("d", "p/q"):
        for name in names:
            write(f"{images}/{folder}/{name}", b"inside " + name.encode())
    write(f"{images}/one.jpg", b"inside")
    write(f"{lists}/l.lst", "".join(f"{i}\t1\td/{n}\n" for i, n in enumerate(names)).encode())
    outside = outside_of(ctx, [*names, "q/0.jpg", *("q/" + n for n in names)])
    links = ctx.folder("links")
    for name, to in (("d", outside), ("p", outside), ("one", f"{outside}/{SECRET_NAME}")):
        os.symlink(to, f"{links}/{name}")
    before = {outside: picture_of(outside)}
    agent = ctx.agent(images=images, lists=lists, repository={**LOOSE, **repository},
                      list_=LOOSE).start()
    wait_until(lambda: "lists/l.lst" in ctx.client.keys(), 30, "the beginning")
    swapper = Swapper([(f"{images}/d", f"{links}/d"), (f"{images}/p", f"{links}/p"),
                       (f"{images}/one.jpg", f"{links}/one")])
    onlooker = Onlooker(outside)
    swapper.start()
    began, turn = time.monotonic(), 0
    while (time.monotonic() < began + seconds
           or (swapper.swaps < swaps and time.monotonic() < began + most_s)):
        write(f"{images}/new/{turn}.jpg", b"%d" % turn)
        assert agent.run("rescan", "images").returncode == 0, agent.log()[-2000:]
        turn += 1
        time.sleep(0.05)
    swapper.finish()
    assert swapper.swaps >= swaps, swapper.swaps
    print(f"{swapper.swaps} swaps")
    for name in names:  # an image that was read at last is one of these
        write(f"{images}/d/{name}", b"inside, again " + name.encode())
    agent.wait_in_step(60)
    assert onlooker.seen() == []
    ctx.client.assert_tree(images, "images/")
    assert_kept(ctx, agent, before, outside)
    agent.verify_journal()
    assert agent.stop() == 0


@on("s3d")
@deadline(180)
def test_folders_that_become_links_and_back_thousands_of_times_lead_nowhere(ctx):
    swapped_tree(ctx, {}, swaps=10_000)


@on("s3d")
def test_nor_do_they_where_links_are_stored(ctx):
    swapped_tree(ctx, LINKS, swaps=2000)


@on("s3d")
def test_lists_that_become_links_and_back_are_never_written_through(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    names = [f"{i}.jpg" for i in range(40)]
    for name in names:
        write(f"{images}/{name}", name.encode())
    rows = "".join(f"{i}\t1\t{n}\n" for i, n in enumerate(names)).encode()
    for path in (f"{lists}/one.lst", f"{lists}/sub/two.lst"):
        write(path, rows)
    outside = outside_of(ctx, ["any.jpg"])
    for name in ("one.lst", "two.lst"):  # lists that the agent would rewrite if they were its own
        write(f"{outside}/{name}", rows + b"99\t1\t" + SECRET_NAME.encode() + b"\n")
    links = ctx.folder("links")
    os.symlink(f"{outside}/one.lst", f"{links}/one.lst")
    os.symlink(outside, f"{links}/sub")
    before = {outside: picture_of(outside)}
    agent = ctx.agent(images=images, lists=lists, repository=LOOSE, list_=LOOSE).start()
    agent.wait_in_step(30)
    swapper = Swapper([(f"{lists}/one.lst", f"{links}/one.lst"), (f"{lists}/sub", f"{links}/sub")])
    onlooker = Onlooker(outside)
    swapper.start()
    for name in names[:30]:
        os.rename(f"{images}/{name}", f"{images}/new-{name}")
        time.sleep(0.1)
    wait_until(lambda: swapper.swaps > 1000, 30, lambda: str(swapper.swaps))
    swapper.finish()
    agent.wait_in_step(60)
    assert onlooker.seen() == []
    assert_kept(ctx, agent, before, outside)
    there = set(os.listdir(images))
    for path in (f"{lists}/one.lst", f"{lists}/sub/two.lst"):
        with open(path, encoding="utf-8") as file:
            found = [line.rstrip("\n").split("\t") for line in file]
        assert all(len(row) == 3 and row[2].removeprefix("new-") in names for row in found), found
        assert [row[2] for row in found if row[2] in there][-10:] == names[30:], found
    left = [n for base, _, names in os.walk(lists) for n in names if not n.endswith(".lst")]
    assert left == [], left
    agent.verify_journal()
    assert agent.stop() == 0


@on("s3d")
def test_names_made_to_be_misread_stay_what_they_are(ctx):
    """As files, as folders, renamed onto each other; the objects have exactly these keys."""
    images, outside = ctx.folder("images"), outside_of(ctx, ())
    before = {outside: picture_of(outside)}
    for name in NAMES:
        write(f"{images}/files/{name}", b"file " + name.encode())
        write(f"{images}/folders/{name}/{name}", b"below " + name.encode())
    write(os.path.join(os.fsencode(images), b"files", b"x" * 254 + b"\xff"), b"no key")
    write(os.path.join(os.fsencode(images), b"files", b"\x1b]0;title\x07"), b"no key")
    agent = ctx.agent(images=images, repository={"default_exclude": False}).start()
    keys = {f"images/{k}" for n in NAMES for k in (f"files/{n}", f"folders/{n}/{n}")}
    wait_until(lambda: set(ctx.client.keys()) == keys, 20, lambda: str(agent.status()))
    for one, other in zip(NAMES[::2], NAMES[1::2]):
        exchange(f"{images}/files/{one}", f"{images}/files/{other}")
    for one, other in zip(NAMES[::2], NAMES[1::2]):
        wait_until(lambda a=one, b=other: (ctx.client.get(f"images/files/{a}")[0]
                                           == b"file " + b.encode()), 20, one)
    assert set(ctx.client.keys()) == keys
    status = agent.run("status").stdout
    assert "\x1b" not in status + agent.log() and r"\xff" in status, status
    assert_kept(ctx, agent, before, outside)
    agent.verify_journal()


# --- a bucket and a server that mean ill ---------------------------------------------------------


@on("s3d")
def test_keys_that_point_out_of_the_tree_are_told_of_and_followed_nowhere(ctx):
    images, outside = ctx.folder("images"), outside_of(ctx, ("a.jpg",))
    write(f"{images}/a.jpg", b"inside")
    before = {outside: picture_of(outside), images: picture_of(images)}
    odd = [f"images/{key}" for key in (
        "../outside/a.jpg", f"../outside/{SECRET_NAME[5:]}", "/etc/passwd", "./a.jpg", "a.jpg/",
        "a.jpg/b", "..", ".", "b//c", "d/../../outside/a.jpg", "\x7f", "e/", "../images/a.jpg")]
    for key in odd:
        ctx.client.signed.put(key, b"planted")
    agent = ctx.agent(images=images, repository=LOOSE)
    for command in (("adopt",), ("verify",), ("agent", "--once"), ("verify",)):
        done = agent.run(*command)
        assert done.returncode in (0, 1), (command, done)
        assert "Sanitizer" not in done.stderr, done.stderr
    done = agent.run("verify", "--json")
    told = {json.loads(line).get("key") for line in done.stdout.splitlines()}
    assert done.returncode == 1 and set(odd) <= told, set(odd) - told
    assert set(odd) <= set(ctx.client.keys()), "what others put there is theirs"
    assert ctx.client.get("images/a.jpg")[0] == b"inside"
    now = {outside: picture_of(outside), images: picture_of(images)}
    assert now == before
    agent.verify_journal()


def ask_hostile(ctx, name):
    """A listing and an upload, answered so: what is wrong with how they end; "" where nothing is."""
    images = ctx.folder("images-" + name.replace(" ", "-"))
    write(f"{images}/a.jpg", b"an image")
    with Hostile(name) as server:
        agent = ctx.agent(images=images, name=name.replace(" ", "-"), s3={"endpoint": server.url})
        for command in (("verify",), ("agent", "--once")):
            status, said, peak = run_measured(
                [lockstep_binary(), command[0], "-c", agent.conf, *command[1:]], agent.environment)
            if (status not in (1, 4) or not said.strip() or peak > MOST_KIB or not server.asked
                    or any(ord(c) < 32 and c != "\n" or 0x7f <= ord(c) < 0xa0 for c in said)):
                return f"{name}: {command}: {status}, {peak} KiB, {server.asked} asked: {said!r}"
        agent.verify_journal()
        for line in agent.journal("show", "--json").stdout.split("\n")[:-1]:  # it is UTF-8, too
            json.loads(line)
    return ""


@deadline(120)
@on("s3d")
def test_no_answer_of_a_server_costs_more_than_an_error(ctx):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        wrong = [w for w in pool.map(lambda name: ask_hostile(ctx, name), ANSWERS) if w]
    assert not wrong, "\n".join(wrong)


class Keys(Container):
    """A credentials endpoint that answers with this text."""

    def __init__(self, text):
        super().__init__()
        self.text = text

    def answer(self, handler, body):
        return 200, "application/json", self.text


def keys_of(**more):
    return json.dumps({"AccessKeyId": "AKIA", "SecretAccessKey": "s", "Token": "t",
                       "Expiration": "2090-01-01T00:00:00Z", **more})


@on("s3d")
def test_credentials_that_are_no_credentials(ctx):
    """What JSON allows, and no header; what no JSON is; what has no end."""
    images = ctx.folder("images")
    write(f"{images}/a.jpg")
    texts = ("", "null", "[]", '"', "{", '{"AccessKeyId":', keys_of()[:-1] + ",", "[" * 200000,
             '{"a":' * 200000, "x" * (20 << 20), keys_of(More="x" * (8 << 20)),
             keys_of(AccessKeyId="AKIA\r\nX-Evil: 1"), keys_of(Token="t\r\n\r\nGET / HTTP/1.1"),
             keys_of(AccessKeyId="A\0B"), keys_of(AccessKeyId=["AKIA"]), keys_of(Expiration="then"),
             keys_of(SecretAccessKey=None), keys_of(Token="\x1b[2J"), '{"AccessKeyId":"\\ud800"}')
    for i, text in enumerate(texts):
        with Keys(text) as endpoint:
            agent = ctx.agent(images, name=f"agent{i}", environment={
                "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint.url + endpoint.path})
            status, said, peak = run_measured(
                [lockstep_binary(), "agent", "-c", agent.conf, "--once"], agent.environment, 20)
        assert status == 4, (text[:60], status, said)
        assert "container endpoint" in said and "\x1b" not in said, (text[:60], said)
        assert peak < MOST_KIB, (text[:60], peak)
    assert [r for r in ctx.server.requests() if r["op"] == "PutObject"] == []


# --- who is not asked ------------------------------------------------------------------------------

_ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
except PermissionError:
    sys.exit(77)
s.sendall(b'{"cmd":"pause"}\\n')
print(s.recv(100))
"""


def as_nobody(*command, groups=("--clear-groups",), gid=65534, **options):
    return subprocess.run(["setpriv", "--reuid=65534", f"--regid={gid}", *groups, *command],
                          capture_output=True, text=True, timeout=30, check=False, **options)


@on("s3d")
def test_a_user_without_rights_has_no_say(ctx):
    """Nobody may connect, though the folder of the socket is everybody's."""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        raise Skip("needs root, and setpriv of util-linux")
    images = ctx.folder("images")
    write(f"{images}/a.jpg")
    place = tempfile.mkdtemp(prefix="lockstep-socket-", dir="/tmp")
    try:
        os.chmod(place, 0o777)
        path = f"{place}/control.sock"
        agent = ctx.agent(images=images, options={"socket": path}).start()
        agent.wait_in_step(20)
        assert as_nobody("/usr/bin/python3", "-c", _ASK, path).returncode == 77
        binary = shutil.copy(lockstep_binary(), place)
        conf = shutil.copy(agent.conf, place)
        os.chmod(conf, 0o644)
        for command in ("pause", "resume", "reload", "status", "wait", "release"):
            done = as_nobody(binary, command, "-c", conf, env=agent.environment)
            assert done.returncode == 4 and "may not be used" in done.stderr, (command, done)
        assert not agent.status()[0]["paused"]
        # Who is of the socket's group may: the refusals above were about rights.
        done = as_nobody("/usr/bin/python3", "-c", _ASK, path, gid=os.stat(path).st_gid)
        assert done.returncode == 0 and done.stdout.startswith("b'0\\n"), done
        assert agent.status()[0]["paused_by_uid"] == 65534
    finally:
        shutil.rmtree(place)
