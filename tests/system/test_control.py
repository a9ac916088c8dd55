"""What operators ask of a running agent: wait, rescan, pause, resume."""

import json
import os
import socket
import threading
import time

from harness import on, samples, wait_until, write


def begin(ctx, count=6, lists=True, **options):
    images, list_dir = ctx.folder("images"), ctx.folder("lists")
    paths = [f"c{i % 3}/{i:03}.jpg" for i in range(count)]
    for path in paths:
        write(f"{images}/{path}", path.encode())
    if lists:
        samples.write_lists(list_dir, paths)
    agent = ctx.agent(images=images, lists=list_dir, **options)
    agent.start()
    agent.wait_in_step(30)
    return agent, images, list_dir


def missing(ctx, keys):
    return sorted(set(keys) - set(ctx.client.keys("images/")))


@on("s3d")
def test_wait_returns_when_all_that_was_on_disk_is_in_s3(ctx):
    agent, images, _ = begin(ctx)
    for turn in range(8):
        names = [f"new{turn}/d{i}/{i}.jpg" for i in range(25)]
        for name in names:
            write(f"{images}/{name}")
        done = agent.run("wait", "--timeout", "30")
        # Nothing is waited for between the answer and the look.
        gone = missing(ctx, ["images/" + n for n in names])
        assert done.returncode == 0 and not gone, (turn, done, gone[:3])


@on("s3d")
def test_wait_waits_for_edits_and_for_lists_that_a_rename_rewrites(ctx):
    agent, images, lists = begin(ctx)
    write(f"{images}/c0/000.jpg", b"other content")
    os.rename(f"{images}/c1/001.jpg", f"{images}/c1/renamed.jpg")
    done = agent.run("wait", "--timeout", "30")
    assert done.returncode == 0, done
    assert ctx.client.get("images/c0/000.jpg")[0] == b"other content"
    rows = b"".join(ctx.client.get(k)[0] for k in ctx.client.keys("lists/"))
    assert b"c1/renamed.jpg" in rows and b"c1/001.jpg" not in rows, rows


@on("s3d")
def test_wait_does_not_end_while_others_write_before_what_was_there_is_there(ctx):
    agent, images, _ = begin(ctx)
    stop = threading.Event()

    def churn():
        n = 0
        while not stop.is_set():
            write(f"{images}/churn/{n}.jpg")
            n += 1
            time.sleep(0.01)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for turn in range(3):
            write(f"{images}/kept/{turn}.jpg")
            done = agent.run("wait", "--timeout", "30")
            assert done.returncode == 0, done
            assert not missing(ctx, [f"images/kept/{turn}.jpg"])
    finally:
        stop.set()
        thread.join()


@on("s3d")
def test_wait_scans_where_no_event_tells(ctx):
    agent, images, _ = begin(ctx, repository={"watch": "scan", "rescan": "off"})
    for turn in range(2):
        write(f"{images}/unheard/{turn}.jpg")
        done = agent.run("wait", "--timeout", "30")
        assert done.returncode == 0, done
        assert not missing(ctx, [f"images/unheard/{turn}.jpg"])


@on("s3d")
def test_wait_ends_in_time_and_says_what_it_waits_for(ctx):
    agent, images, _ = begin(ctx)
    ctx.server.fault("error", op="PutObject", key="images/bad.jpg", code="AccessDenied", count=0)
    write(f"{images}/bad.jpg")
    begun = time.monotonic()
    done = agent.run("wait", "--timeout", "2")
    assert done.returncode == 1 and "images/bad.jpg" in done.stderr, done
    assert 1.5 < time.monotonic() - begun < 10
    for words in (("--timeout", "soon"), ("--timeout", "-1"), ("more",)):
        assert agent.run("wait", *words).returncode == 2, words


@on("s3d")
def test_wait_for_a_list_waits_for_what_it_names_and_for_nothing_else(ctx):
    agent, images, lists = begin(ctx)
    ctx.server.fault("error", op="PutObject", key="images/bad.jpg", code="AccessDenied", count=0)
    write(f"{images}/bad.jpg")
    write(f"{images}/c0/000.jpg", b"edited")
    write(f"{images}/mine.jpg")
    with open(f"{lists}/mine.lst", "w", encoding="utf-8") as file:
        file.write("0\t1\tc0/000.jpg\n1\t1\tmine.jpg\n")
    done = agent.run("wait", "--list", f"{lists}/mine.lst", "--timeout", "20")
    assert done.returncode == 0, done
    assert ctx.client.get("images/c0/000.jpg")[0] == b"edited"
    assert "lists/mine.lst" in ctx.client.keys("lists/")
    with open(f"{lists}/mine.lst", "a", encoding="utf-8") as file:
        file.write("2\t1\tbad.jpg\n")
    done = agent.run("wait", "--list", f"{lists}/mine.lst", "--timeout", "2")
    assert done.returncode == 1 and "bad.jpg" in done.stderr, done
    for wrong in (f"{lists}/none.lst", f"{images}/mine.jpg", lists):
        assert agent.run("wait", "--list", wrong).returncode == 2, wrong


@on("s3d")
def test_whoever_waits_takes_nobody_s_place_and_is_told_of_the_agent_s_end(ctx):
    agent, images, _ = begin(ctx, lists=False)
    assert agent.run("pause").returncode == 0
    write(f"{images}/open.jpg")
    waiting = [agent.begun("wait") for _ in range(32)]

    def full():
        """One too many is refused. That may be one of ours, which then comes again."""
        for i, process in enumerate(waiting):
            if process.poll() is not None:
                waiting[i] = agent.begun("wait")
        return agent.run("wait", "--timeout", "1").returncode == 4

    wait_until(full, 20, "one too many to be refused")
    assert agent.run("status").returncode == 1, "status is answered meanwhile"
    for process in waiting[:16]:
        process.kill()
        process.communicate()
    wait_until(lambda: agent.run("wait", "--timeout", "0").returncode == 1, 20, "places to be free")
    agent.stop()
    for process in waiting[16:]:
        error = process.communicate(timeout=20)[1]
        assert process.returncode == 4 and "ended before" in error, error
    assert agent.run("wait").returncode == 4


@on("s3d")
def test_rescan_finds_what_no_event_told_of(ctx):
    agent, images, _ = begin(ctx, repository={"watch": "scan", "rescan": "off"})
    write(f"{images}/sub/a.jpg")
    write(f"{images}/other/b.jpg")
    assert agent.run("rescan", f"{images}/sub").returncode == 0
    wait_until(lambda: not missing(ctx, ["images/sub/a.jpg"]), 20, "the directory's file")
    assert missing(ctx, ["images/other/b.jpg"])
    write(f"{images}/c.jpg")
    assert agent.run("rescan", f"{images}/c.jpg").returncode == 0
    wait_until(lambda: not missing(ctx, ["images/c.jpg"]), 20, "the file")
    os.unlink(f"{images}/c.jpg")
    assert agent.run("rescan", f"{images}/c.jpg").returncode == 0
    wait_until(lambda: missing(ctx, ["images/c.jpg"]), 20, "the file to go")
    assert missing(ctx, ["images/other/b.jpg"])
    assert agent.run("rescan", "images").returncode == 0
    agent.wait_in_step(20)
    for wrong in ("nobody", "/", "/no/such/path", f"{images}/../elsewhere/x"):
        assert agent.run("rescan", wrong).returncode == 2, wrong
    agent.stop()
    assert agent.run("rescan").returncode == 4


@on("s3d")
def test_pause_sends_nothing_and_loses_nothing(ctx):
    agent, images, _ = begin(ctx)
    assert agent.run("pause").returncode == 0
    before = len(ctx.server.requests())
    write(f"{images}/paused.jpg")
    os.unlink(f"{images}/c0/000.jpg")
    wait_until(lambda: agent.status()[0]["pending"] >= 2, 10, lambda: str(agent.status()))
    time.sleep(1.0)
    assert ctx.server.requests(before) == []
    status, code = agent.status()
    assert code == 1 and status["paused"] and status["paused_by_uid"] == os.getuid(), status
    text = agent.run("status").stdout
    assert "PAUSED" in text and "lockstep resume" in text, text
    done = agent.run("wait", "--timeout", "1")
    assert done.returncode == 1 and "paused" in done.stderr, done
    assert agent.run("pause").returncode == 0
    assert cpu_of(agent) < 0.3, "it sleeps while it is paused"
    assert agent.run("resume").returncode == 0
    agent.wait_in_step(20)
    assert not agent.status()[0]["paused"]
    assert f"uid {os.getuid()}" in agent.log()


def cpu_of(agent, seconds=1.0):
    """Seconds of CPU time in so many."""
    def ticks():
        with open(f"/proc/{agent.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(seconds)
    return (ticks() - before) / os.sysconf("SC_CLK_TCK")


@on("s3d")
def test_a_restart_ends_a_pause(ctx):
    agent, images, _ = begin(ctx)
    assert agent.run("pause").returncode == 0
    write(f"{images}/paused.jpg")
    agent.kill9()
    agent.start()
    agent.wait_in_step(30)
    assert not missing(ctx, ["images/paused.jpg"])


@on("s3d")
def test_the_protocol_is_what_its_page_says(ctx):
    agent, images, _ = begin(ctx, lists=False)
    path = f"{agent.state_dir}/control.sock"
    assert os.stat(path).st_mode & 0o777 == 0o660

    def ask(line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(path)
            s.sendall(line)
            return b"".join(iter(lambda: s.recv(65536), b""))

    assert ask(b'{"cmd":"wait"}\n').startswith(b"0\n")
    status, text = ask(b'{"cmd":"status","json":true}\n').split(b"\n", 1)
    assert status == b"0" and json.loads(text)["in_step"] is True
    assert agent.run("pause").returncode == 0
    write(f"{images}/a b.jpg")
    wait_until(lambda: ask(b'{"cmd":"open","mapping":"images"}\n') == b"0\nimages/a b.jpg\0", 10,
               "the open key")
    assert ask(b'{"cmd":"wait","key":"images/a b.jpg","timeout_s":0}\n').startswith(b"1\n")
    assert ask(b'{"cmd":"resume"}\n').startswith(b"0\n")
    assert ask(b'{"cmd":"wait","key":"images/a b.jpg"}\n').startswith(b"0\n")
    for line in (b"status\n", b'{"cmd":"none"}\n', b'{"cmd":"status","more":1}\n',
                 b'{"cmd":"rescan","path":"/"}\n'):
        assert ask(line).startswith(b"2\n"), line
