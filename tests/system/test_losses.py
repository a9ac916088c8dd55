"""Events that are lost: the agent says so, and finds everything all the same."""

import os
import signal
import subprocess
import time

from harness import Skip, deadline, on, samples, storms, wait_until, write


def flood(folder):
    """More events than the kernel's queue holds, from names that are passed over."""
    events = storms.queue_length()
    if events > 200_000:
        return False
    for i in range(events // 2 + 1000):
        os.close(os.open(f"{folder}/{i}~", os.O_CREAT | os.O_WRONLY))
    return True


def records(agent, op):
    return [r for r in agent.journal_records() if r["o"] == op]


@on("s3d")
@deadline(180)
def test_what_happened_while_the_queue_was_full(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    paths = samples.adwaita(images, count=60)
    for i in range(300):
        write(f"{images}/many/{i % 30}/{i}.jpg", b"%d" % i)
        paths.append(f"many/{i % 30}/{i}.jpg")
    samples.write_lists(lists, paths)
    os.mkdir(f"{images}/noise")
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 10000})
    agent.start()
    agent.wait_in_step(60)
    agent.process.send_signal(signal.SIGSTOP)
    if not flood(f"{images}/noise"):
        raise Skip("the queue of this machine is too long to fill it")
    for i in (7, 77, 177):  # no directory's times tell of these
        with open(f"{images}/many/{i % 30}/{i}.jpg", "r+b") as file:
            file.write(b"in place")
    os.rename(f"{images}/many/3", f"{images}/moved")
    os.rename(f"{images}/many/4/4.jpg", f"{images}/many/5/renamed.jpg")
    os.unlink(f"{images}/many/6/6.jpg")
    write(f"{images}/new/deep/er/file.jpg")
    write(f"{images}/many/8/new.jpg")
    agent.process.send_signal(signal.SIGCONT)
    wait_until(lambda: records(agent, "overflow"), 20, "the loss in the journal")
    agent.wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    ctx.client.assert_tree(lists, "lists/")
    lost, whole = [r for r in records(agent, "overflow") if r["w"] == "images"]
    assert lost["st"] == "note", lost
    assert whole["st"] == "done" and whole["n"] >= 1, whole
    rows = []
    for name in ("train.lst", "val.lst"):
        with open(f"{lists}/{name}", encoding="utf-8") as file:
            rows += [r[2] for r in samples.read_list(file.read())]
    # What was renamed unseen has kept its rows.
    assert sum(r.startswith("moved/") for r in rows) == 10, rows
    assert "many/5/renamed.jpg" in rows and "many/4/4.jpg" not in rows
    assert "many/6/6.jpg" not in rows
    status, _ = agent.status()
    assert not any(m["possibly_incomplete"] for m in status["mappings"]), status
    # And the watches are where they were.
    write(f"{images}/moved/later.jpg")
    write(f"{images}/new/deep/er/later.jpg")
    agent.wait_in_step(20)
    agent.verify_journal()


@on("s3d")
@deadline(180)
def test_status_says_what_is_to_go(ctx):
    images = ctx.folder("images")
    for i in range(200):
        write(f"{images}/{i:03}/{i}.jpg", b"%d" % i)
    os.mkdir(f"{images}/noise")
    agent = ctx.agent(images=images, repository={"scan_rate": 100})
    agent.start()
    agent.wait_in_step(60)
    agent.process.send_signal(signal.SIGSTOP)
    if not flood(f"{images}/noise"):
        raise Skip("the queue of this machine is too long to fill it")
    with open(f"{images}/042/42.jpg", "r+b") as file:
        file.write(b"in place")
    agent.process.send_signal(signal.SIGCONT)

    def mapping():
        return agent.status()[0]["mappings"][0]

    wait_until(lambda: mapping()["possibly_incomplete"], 10, "status to say so", interval=0.05)
    first = mapping()
    assert 0 < first["directories_to_go"] <= 202 and first["incomplete_since"], first
    text = agent.run("status")
    assert text.returncode == 1, text
    assert "possibly incomplete since 2" in text.stdout, text.stdout
    assert "directories to go" in text.stdout, text.stdout
    # The agent goes on meanwhile.
    write(f"{images}/007/now.jpg")
    wait_until(lambda: "images/007/now.jpg" in ctx.client.keys("images/"), 10, "a new file in S3")
    assert mapping()["possibly_incomplete"]
    wait_until(lambda: 0 < mapping().get("directories_to_go", 0) < first["directories_to_go"], 20,
               "fewer to go")
    agent.wait_in_step(60)
    assert not mapping()["possibly_incomplete"]
    ctx.client.assert_tree(images, "images/")


def unshared(limit):
    """A command's front that runs it with a limit of watches of its own."""
    file = "/proc/sys/user/max_inotify_watches"
    return ("unshare", "-U", "-r", "sh", "-c", f'echo {limit} >{file} && exec "$@"', "sh")


@on("s3d")
@deadline(120)
def test_more_directories_than_watches(ctx):
    images = ctx.folder("images")
    for i in range(60):
        write(f"{images}/{i:02}/{i}.jpg", b"%d" % i)
    if subprocess.run([*unshared(20), "true"], check=False, capture_output=True).returncode:
        raise Skip("no right to make a user namespace")
    agent = ctx.agent(images=images, repository={"rescan": "3s"})
    agent.start(wrap=unshared(20))
    agent.wait_in_step(60)
    alarm = agent.status()[0]["watch_limit"]
    assert alarm["setting"] == "user.max_inotify_watches" and alarm["value"] == 20, alarm
    assert 40 <= alarm["unwatched"] < 61 and alarm["raise_to"] >= 62, alarm
    text = agent.run("status").stdout
    assert "out of inotify watches: " in text and f"to {alarm['raise_to']}" in text, text
    assert "in directories without a watch changes are found by scans only, every 3 s" in text, text
    assert agent.status()[0]["mappings"][0]["blind_s"] <= 10
    warned = [line for line in agent.log().splitlines() if "out of inotify watches" in line]
    assert len(warned) == 1, warned
    # Where nothing is watched the next scan finds it.
    for i in range(60):
        write(f"{images}/{i:02}/new.jpg", b"n%d" % i)
    agent.wait_in_step(30)
    # More room is noticed without being told.
    pid = agent.process.pid
    subprocess.run(["nsenter", "-U", "-t", str(pid), "sh", "-c",
                    "echo 1000 >/proc/sys/user/max_inotify_watches"], check=True)
    wait_until(lambda: "watch_limit" not in agent.status()[0], 70, "the alarm to end")
    assert "every directory is watched again" in agent.log()
    for i in range(60):
        write(f"{images}/{i:02}/newer.jpg", b"N%d" % i)
    agent.wait_in_step(10)
    ctx.client.assert_tree(images, "images/")


@on("s3d")
@deadline(60)
def test_what_a_scan_finds_must_hold_still(ctx):
    """A file that somebody else writes bit by bit, faster than it settles: seen by scans alone."""
    images = ctx.folder("images")
    write(f"{images}/a.jpg")
    if subprocess.run([*unshared(1), "true"], check=False, capture_output=True).returncode:
        raise Skip("no right to make a user namespace")
    agent = ctx.agent(images=images, repository={"rescan": "1s", "settle_ms": 700})
    agent.start(wrap=unshared(1))  # the directory above takes the only watch
    agent.wait_in_step(30)
    end = time.monotonic() + 6
    with open(f"{images}/slow.jpg", "wb", buffering=0) as file:
        while time.monotonic() < end:
            file.write(b"more")
            time.sleep(0.05)
    agent.wait_in_step(15)
    puts = [r for r in agent.journal_records() if r["o"] == "put" and r.get("p") == "slow.jpg"]
    assert len(puts) == 1, puts
    ctx.client.assert_tree(images, "images/")
