"""What must always be true, one test or more an invariant; others are in test_crash (1, 3),
test_order (4), test_lists (5), test_guard (6), test_faults (7), test_names (9)."""

import hashlib
import os
import random
import signal
import subprocess
import threading
import time

from harness import deadline, lockstep_binary, on, process, wait_until, write
from harness.agent import is_sanitized

SUM = 32


# --- 2: nothing half-written is published ---------------------------------------------------------


def is_whole(data):
    """Does the content carry its own checksum at its end?"""
    return len(data) > SUM and hashlib.sha256(data[:-SUM]).digest() == data[-SUM:]


def whole(size):
    body = os.urandom(size)
    return body + hashlib.sha256(body).digest()


class Observer(threading.Thread):
    """Reads every object again and again: each must be whole."""

    def __init__(self, ctx, prefix):
        super().__init__(daemon=True)
        self.signed, self.prefix = ctx.server.signed(ctx.bucket), prefix
        self.ended, self.versions, self.broken = False, set(), []

    def run(self):
        while not self.ended:
            for key in self.signed.list(self.prefix):
                data = self.signed.get(key).body
                self.versions.add((key, data[-SUM:]))
                if not is_whole(data):
                    self.broken.append((key, len(data)))

    def end(self):
        self.ended = True
        self.join(20)
        assert not self.is_alive()
        assert self.broken == [], self.broken[:5]


@on("s3d", "ceph")
def test_invariant_2_what_is_being_written_is_never_published_half(ctx):
    images = ctx.folder("images")
    agent = ctx.agent(images=images, repository={"settle_ms": 700}).start()
    observer = Observer(ctx, "images/")
    observer.start()
    chance = random.Random(1)

    def appender(number):
        """Files that grow piece by piece, in place and beside it."""
        for i in range(4):
            data, at = whole(60000), 0
            with open(f"{images}/grown-{number}-{i}.jpg", "wb", buffering=0) as file:
                while at < len(data):
                    step = chance.randrange(4000, 12000)
                    file.write(data[at:at + step])
                    at += step
                    time.sleep(chance.uniform(0.01, 0.2))

    def rewriter(number):
        """One file, emptied and written again and again, at times in two pieces."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            data = whole(chance.randrange(1000, 200000))
            with open(f"{images}/again-{number}.jpg", "wb", buffering=0) as file:
                file.write(data[:500])
                time.sleep(chance.choice((0, 0.02, 0.1)))
                file.write(data[500:])
            time.sleep(chance.choice((0.01, 0.3, 0.9)))

    threads = [threading.Thread(target=what, args=(n,), daemon=True)
               for n in range(2) for what in (appender, rewriter)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    agent.wait_in_step(20)
    observer.end()
    assert len(observer.versions) >= 10, observer.versions
    ctx.client.assert_tree(images, "images/")


@on("s3d", options=("--min-part-size", "1"))
def test_invariant_2_what_changes_while_it_goes_up_goes_again(ctx):
    images = ctx.folder("images")
    for op in ("PutObject", "UploadPart"):
        ctx.server.fault("delay", op=op, ms=150, count=0)
    agent = ctx.agent(images=images, s3={"part_size": "5M", "multipart_size": "5M"})
    write(f"{images}/large.rec", whole(24 << 20))
    write(f"{images}/small.jpg", whole(3000))
    observer = Observer(ctx, "images/")
    observer.start()
    agent.start()
    for i in range(6):
        time.sleep(0.35)
        data = whole(24 << 20)
        with open(f"{images}/large.rec", "r+b", buffering=0) as file:
            file.write(data)
        write(f"{images}/small.jpg", whole(3000 + i))
    agent.wait_in_step(40)
    observer.end()
    ctx.client.assert_tree(images, "images/")
    begun = [r for r in ctx.server.requests() if r["op"] == "CreateMultipartUpload"]
    assert len(begun) > 1, "it was never changed while it went up"
    assert ctx.client.signed.uploads() == [], "parts were left behind"
    agent.verify_journal()


WRITTEN_S = 10  # so long a single write is given, at most


@on("s3d")
def test_invariant_2_what_somebody_is_writing_waits(ctx):
    images = ctx.folder("images")
    write(f"{images}/a.jpg", b"old" * 100)
    agent = ctx.agent(images=images).start()
    agent.wait_in_step()
    with open(f"{images}/a.jpg", "r+b", buffering=0) as file:
        file.write(b"new" * 50)
        time.sleep(2)
        assert ctx.client.get("images/a.jpg")[0] == b"old" * 100
        assert not agent.is_in_step()
        file.write(b"new" * 50)
    agent.wait_in_step(5)
    assert ctx.client.get("images/a.jpg")[0] == b"new" * 100
    with open(f"{images}/a.jpg", "r+b", buffering=0) as file:  # and is never closed
        file.write(b"two" * 50)
        began = time.monotonic()
        wait_until(lambda: ctx.client.get("images/a.jpg")[0][:3] == b"two", 4 * WRITTEN_S,
                   "the object", interval=0.3)
        assert time.monotonic() - began > WRITTEN_S / 2
    agent.wait_in_step()
    ctx.client.assert_tree(images, "images/")
    agent.verify_journal()


# --- 8: memory and idleness -----------------------------------------------------------------------


def anonymous_bytes(agent):
    """Anonymous memory of the running agent."""
    with open(f"/proc/{agent.process.pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no RssAnon")


@on("s3d")
@deadline(120)
def test_invariant_8_memory_does_not_grow_with_the_number_of_files(ctx):
    images = ctx.folder("images")

    def more(start, end):
        for i in range(start, end):
            write(f"{images}/c{i // 200}/{i:06}.jpg", b"%d" % i)

    def restarted():
        """Memory without the load of an upload behind it."""
        agent.stop()
        agent.start()
        agent.wait_in_step(30)
        return anonymous_bytes(agent)

    more(0, 2000)
    agent = ctx.agent(images=images).start()
    agent.wait_in_step(30)
    few, few_again = anonymous_bytes(agent), restarted()
    more(2000, 20000)
    wait_until(lambda: len(ctx.client.keys("images/")) == 20000, 60, "20,000 objects")
    agent.wait_in_step(30)
    many, many_again = anonymous_bytes(agent), restarted()
    print(f"2,000 files: {few}, {few_again}; 20,000 files: {many}, {many_again} bytes")
    if not is_sanitized():
        # Queues and listings under way are larger in a larger tree; a record of a file with its name
        # would need more than this.
        assert many_again - few_again < 18000 * 100, (few, few_again, many, many_again)
        assert many - few < 18000 * 400, (few, few_again, many, many_again)


@on("s3d")
@deadline(120)
def test_invariant_8_a_directory_costs_less_than_400_bytes(ctx):
    images = ctx.folder("images")
    write(f"{images}/a.jpg")
    agent = ctx.agent(images=images).start()
    agent.wait_in_step(30)
    few = anonymous_bytes(agent)
    agent.stop()
    for i in range(15000):
        os.makedirs(f"{images}/{i % 100:02}/a-class-with-a-name-{i:06}")
    agent.start()
    wait_until(lambda: "mappings" in agent.status()[0] and
               agent.status()[0]["mappings"][0]["directories"] >= 15100, 30,
               lambda: str(agent.status()))
    agent.wait_in_step(30)
    many = anonymous_bytes(agent)
    print(f"1 directory: {few} bytes, 15,101: {many} bytes")
    if not is_sanitized():
        assert many - few < 15100 * 400, (few, many)


def ticks(agent):
    """CPU time of the running agent."""
    with open(f"/proc/{agent.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


@on("s3d")
def test_invariant_8_idle_means_idle(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for i in range(300):
        write(f"{images}/c{i % 20}/{i}.jpg")
    write(f"{lists}/train.lst", b"0\t0\tc0/0.jpg\n")
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(20)
    before = len(ctx.server.requests())
    trace = ctx.path("idle")
    time.sleep(3)  # what follows the last change: durable index, closed connections
    used = ticks(agent)
    subprocess.run(["timeout", "-s", "INT", "5", "strace", "-f", "-qq", "-o", trace, "-p",
                    str(agent.process.pid)], check=False, capture_output=True)
    used = ticks(agent) - used
    with open(trace, encoding="utf-8", errors="replace") as file:
        calls = [line for line in file if ") = " in line.replace("  ", "") or "resumed>" in line]
    assert len(calls) <= 10, "".join(calls[:60])
    assert used <= 2, f"{used} ticks of CPU time in 5 s"
    assert len(ctx.server.requests()) == before, "requests while idle"


# --- 9: secrets stay secret -----------------------------------------------------------------------

SECRET = "planted/Secret+Key/0123456789abcdefghijk"
TOKEN = "planted-session-token//0123456789+ABCDEFGHIJKLMNOPQRSTUVWXYZ=="


def holders(folder, words):
    """Files below the folder that hold one of the words."""
    found = []
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            if not os.path.isfile(path) or os.path.islink(path):
                continue
            with open(path, "rb") as file:
                data = file.read()
            found += [path for word in words if word.encode() in data]
    return found


@on("s3d")
def test_invariant_9_secrets_are_nowhere(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for i in range(20):
        write(f"{images}/{i}.jpg")
    write(f"{lists}/train.lst", b"0\t0\t0.jpg\n1\t0\t1.jpg\n")
    server = ctx.s3d("locked", "--session-token", TOKEN, "--secret-key", SECRET,
                     "--bucket", "locked")
    keys = {"AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
    agents = []
    for name, environment in (("right", keys),
                              ("wrong", {**keys, "AWS_SESSION_TOKEN": TOKEN + "x"}),
                              ("other", {**keys, "AWS_SECRET_ACCESS_KEY": SECRET + "x"})):
        agents.append(ctx.agent(images=images, lists=lists, name=name, environment=environment,
                                s3={"bucket": "locked", "endpoint": server.endpoint},
                                options={"log_level": "debug"}))
    right, *others = agents
    server.fault("error", op="PutObject", code="AccessDenied", status=403, count=2)
    said = ""
    for agent in agents:
        agent.start()
        if agent is right:
            wait_until(lambda: right.run("status").returncode == 0, 20, lambda: str(right.status()))
            os.rename(f"{images}/0.jpg", f"{images}/renamed.jpg")
            wait_until(lambda: right.run("status").returncode == 0 and
                       os.path.exists(f"{images}/renamed.jpg"), 20, lambda: str(right.status()))
        else:
            wait_until(lambda a=agent: a.status()[0].get("problems"), 20, "what is wrong")
        with open(f"/proc/{agent.process.pid}/cmdline", encoding="utf-8") as file:
            said += file.read()
        said += str(agent.status()) + agent.run("status").stdout
        agent.stop()
        said += agent.once(check=False).stderr
        for command in (("journal", "show"), ("journal", "show", "--json"), ("journal", "verify"),
                        ("plan",), ("verify",), ("config", "check")):
            done = agent.run(*command)
            said += done.stdout + done.stderr
    assert len(said) > 5000
    for word in (SECRET, TOKEN):
        assert word not in said, said[max(0, said.find(word) - 300):][:400]
    for agent in agents:
        found = holders(agent.folder, (SECRET, TOKEN))
        assert not found, found
    assert "denied" in others[0].log() and "denied" in others[1].log()


@on("s3d")
def test_invariant_9_no_core_holds_the_keys(ctx):
    images = ctx.folder("images")
    write(f"{images}/a.jpg")
    limit = ["prlimit", "--core=unlimited"]
    control = subprocess.Popen([*limit, "sleep", "60"], cwd=ctx.dir)
    wait_until(lambda: "sleep" in command_of(control.pid), 5, "the control")
    control.send_signal(signal.SIGSEGV)
    dumps_here = os.WCOREDUMP(os.waitpid(control.pid, 0)[1])
    control.returncode = -signal.SIGSEGV
    # A sanitizer that catches the signal would only tell that it came.
    quiet = {name: ":".join(filter(None, (os.environ.get(name), "handle_segv=0")))
             for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")}
    agent = ctx.agent(images=images, environment=quiet).start(wrap=limit)
    agent.wait_in_step(20)
    agent.process.send_signal(signal.SIGSEGV)
    status = os.waitpid(agent.process.pid, 0)[1]
    agent.process.returncode = -signal.SIGSEGV
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status), status
    assert not os.WCOREDUMP(status)
    print("others dump core here" if dumps_here else "nobody dumps core here")
    agent.once()


def command_of(pid):
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read()


# --- 10: bad input --------------------------------------------------------------------------------

GOOD = {
    "state_dir": '"{dir}/state"',
    "s3": '{{ bucket = "some-bucket"; region = "us-east-1"; }}',
    "repositories": '( {{ name = "images"; path = "{dir}/images"; prefix = "i/"; }} )',
    "lists": '( {{ name = "lists"; path = "{dir}/lists"; prefix = "l/"; '
             'repository = "images"; }} )',
}

# name, value in place of the good one (None: left out), line of the fault (0: none), what is said
BAD = (
    ("state_dir", '"relative/dir"', 1, ("state_dir", "relative/dir", "absolute")),
    ("state_dir", '"{dir}/images/state"', 1, ("state_dir", "lies within")),
    ("state_dir", "17", 1, ("state_dir", "17")),
    ("s3", None, 0, ("s3", "missing")),
    ("s3", '{{ bucket = "Not A Bucket"; }}', 2, ("s3.bucket", "Not A Bucket")),
    ("s3", '{{ bucket = "some-bucket"; colour = "blue"; }}', 2, ("colour",)),
    ("s3", '{{ bucket = "some-bucket"; secret_key = "x"; }}', 2, ("secret_key",)),
    ("s3", '{{ bucket = "some-bucket"; endpoint = "ftp://x"; }}', 2, ("s3.endpoint", "ftp://x")),
    ("s3", '{{ bucket = "some-bucket"; in_flight = 0; }}', 2, ("s3.in_flight", "0")),
    ("s3", '{{ bucket = "some-bucket"; part_size = "1M"; }}', 2, ("s3.part_size", "1M", "5M")),
    ("s3", '{{ bucket = "some-bucket" ', 2, ("never closed",)),
    ("repositories", None, 0, ("repositories", "missing")),
    ("repositories", "( )", 3, ("repositories",)),
    ("repositories", '( {{ name = "images"; path = "{dir}/images"; settle_ms = -1; }} )', 3,
     ("settle_ms", "-1")),
    ("repositories", '( {{ name = "im/ages"; path = "{dir}/images"; }} )', 3, ("name", "im/ages")),
    ("repositories", '( {{ name = "images"; path = "{dir}/images"; rescan = "often"; }} )', 3,
     ("rescan", "often")),
    ("repositories", '( {{ name = "images"; path = "{dir}/images"; watch = "polling"; }} )', 3,
     ("watch", "polling", "fanotify")),
    ("repositories", '( {{ name = "images"; path = "{dir}/images"; max_removal_percent = 101; }} )',
     3, ("max_removal_percent", "101")),
    ("lists", '( {{ name = "lists"; path = "{dir}/images/lists"; prefix = "l/"; '
     'repository = "images"; }} )', 4, ("path", "lies within")),
    ("lists", '( {{ name = "lists"; path = "{dir}/lists"; prefix = "i/l/"; '
     'repository = "images"; }} )', 4, ("prefix", "overlaps")),
    ("lists", '( {{ name = "lists"; path = "{dir}/lists"; prefix = "l/"; '
     'repository = "pictures"; }} )', 4, ("repository", "pictures")),
    ("lists", '( {{ name = "images"; path = "{dir}/lists"; prefix = "l/"; '
     'repository = "images"; }} )', 4, ("name", "images")),
)


def bad_conf(ctx, name, value):
    """A configuration with one fault."""
    path = ctx.path("bad.conf")
    with open(path, "w", encoding="utf-8") as file:
        for key, text in GOOD.items():
            text = value if key == name else text
            if text is not None:
                file.write(f"{key} = {text.format(dir=ctx.dir)};\n")
            else:
                file.write("\n")
    return path


@on("s3d")
def test_invariant_10_bad_configurations_are_told_by_line_and_change_nothing(ctx):
    ctx.folder("images")
    ctx.folder("lists")
    env = process.clean_environment()

    def run(*command):
        return subprocess.run([lockstep_binary(), *command], capture_output=True, text=True,
                              check=False, timeout=20, env=env)

    assert run("config", "check", "-c", bad_conf(ctx, None, None)).returncode == 0
    for name, value, line, words in BAD:
        path = bad_conf(ctx, name, value)
        for command in (("config", "check"), ("agent", "--once"), ("status",)):
            done = run(*command, "-c", path)
            where = f"{path}:{line}: " if line else f"{path}: "
            assert done.returncode == 2, (name, value, done)
            said = [text for text in (done.stderr + done.stdout).splitlines()
                    if text.startswith(where)]
            assert said and all(any(word in text for text in said) for word in words), (
                name, value, where, words, done.stdout + done.stderr)
    assert sorted(os.listdir(ctx.dir)) == ["bad.conf", "images", "lists", "output", "s3d"], \
        os.listdir(ctx.dir)
    for command in ((), ("nonsense",), ("agent", "--nonsense"), ("journal",),
                    ("journal", "show", "--op", "no"),
                    ("config", "check", "-c", ctx.path("missing.conf"))):
        done = run(*command)
        assert done.returncode == 2 and done.stderr, (command, done)


@on("s3d")
def test_invariant_10_a_tree_that_is_not_there_is_told(ctx):
    images = ctx.folder("images")
    agent = ctx.agent(images=images)
    os.rmdir(images)
    done = agent.once(check=False)
    assert done.returncode in (2, 4) and images in done.stderr, done
    assert ctx.client.keys() == {}
