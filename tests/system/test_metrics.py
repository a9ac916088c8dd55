"""Figures for monitoring: what the port and the file say, and that nobody who asks does harm."""

import os
import shutil
import socket
import subprocess
import threading
import time

from harness import Skip, on, samples, wait_until, write
from harness.prom import Figures, Port

FRESH_S = 0.2  # who asks within that time of an answer gets the same one (agent/service/desk.h)


def begin(ctx, count=12, lists=True, options=None, **more):
    images, list_dir, port = ctx.folder("images"), ctx.folder("lists"), Port()
    paths = [f"c{i % 3}/{i:03}.jpg" for i in range(count)]
    for path in paths:
        write(f"{images}/{path}", path.encode() * 10)
    if lists:
        samples.write_lists(list_dir, paths)
    agent = ctx.agent(images=images, lists=list_dir if lists else None,
                      options={**port.options, **(options or {})}, **more)
    agent.start()
    return agent, port, images


def settled(agent, port):
    """The figures once they say that all is in S3."""
    agent.wait_in_step(30)
    wait_until(lambda: port.figures().get("lockstep_in_step") == 1, 10,
               lambda: port.figures().text)
    return port.figures()


def promtool(*words, text=None):
    if not shutil.which("promtool"):
        raise Skip("promtool is not there (prometheus)")
    return subprocess.run(["promtool", *words], input=text, capture_output=True, text=True,
                          timeout=30, check=False)


def size_of(tree):
    found = [os.path.join(d, f) for d, _, files in os.walk(tree) for f in files]
    return len(found), sum(os.stat(f).st_size for f in found)


@on("s3d")
def test_figures_are_those_of_status_and_of_the_disk(ctx):
    agent, port, images = begin(ctx)
    settled(agent, port)
    write(f"{images}/c0/000.jpg", b"edited")
    os.unlink(f"{images}/c1/001.jpg")
    os.rename(f"{images}/c2/002.jpg", f"{images}/c2/renamed.jpg")
    f = settled(agent, port)
    status = agent.status()[0]
    for m, (tree, _) in zip(status["mappings"], agent.mappings):
        name, (files, size) = m["name"], size_of(tree)
        assert f.get("lockstep_mapping_files", mapping=name) == m["objects"] == files, (m, files)
        assert f.get("lockstep_mapping_bytes", mapping=name) == size, (name, size)
        for ours, theirs in (("held_removals", "held"), ("watches", "watches"),
                             ("unwatched_directories", "unwatched"), ("directories", "directories"),
                             ("overflows_total", "overflows"), ("blind_seconds", "blind_s"),
                             ("rescan_interval_seconds", "rescan_s")):
            assert f.get("lockstep_mapping_" + ours, mapping=name) == m[theirs], (ours, m)
        age = f.get("lockstep_mapping_scan_age_seconds", mapping=name)
        assert -1 <= m["scan_ended_s"] - age <= 5, (age, m)
        assert f.get("lockstep_mapping_in_step", mapping=name) == 1
        assert f.sum("lockstep_mapping_pending", mapping=name) == 0
        assert f.get("lockstep_mapping_oldest_unsynced_seconds", mapping=name) == 0
    assert f.get("lockstep_journal_records_total") == status["journal_records"]
    journal = f"{agent.state_dir}/journal"
    on_disk = {e.name: e.stat().st_size for e in os.scandir(journal) if e.is_file()}
    assert f.get("lockstep_journal_bytes") == sum(on_disk.values()), (
        f.get("lockstep_journal_bytes"), on_disk)
    assert f.get("lockstep_journal_segments") == 1
    changes = {c: f.get("lockstep_changes_total", change=c)
               for c in ("add", "edit", "rename", "remove")}
    assert changes["rename"] == 1 and changes["remove"] == 1 and changes["edit"] >= 1, changes
    landed = sum(f.get("lockstep_mapping_change_seconds_count", mapping=m)
                 for m in ("images", "lists"))
    assert landed == changes["add"] + changes["edit"] + changes["rename"] + f.get(
        "lockstep_changes_total", change="meta"), (landed, changes)
    assert f.get("lockstep_lists_rewritten_total") >= 1 <= f.get("lockstep_rows_changed_total")


@on("s3d")
def test_requests_are_those_that_the_server_saw(ctx):
    agent, port, images = begin(ctx)
    settled(agent, port)
    ctx.server.fault(op="PutObject", do="error", code="SlowDown", status=503, count=2)
    write(f"{images}/slow.jpg", b"x" * 5000)
    f = settled(agent, port)
    seen = {}
    for r in ctx.server.requests():
        if r["op"] in ("PutObject", "CopyObject", "DeleteObject"):
            seen[r["op"]] = seen.get(r["op"], 0) + 1
    for op, count in seen.items():
        assert f.sum("lockstep_s3_requests_total", operation=op) == count, (op, count, f.text)
    assert f.get("lockstep_s3_requests_total", operation="PutObject", result="throttled") == 2
    assert f.get("lockstep_s3_retries_total", operation="PutObject") == 2
    assert f.get("lockstep_s3_sent_bytes_total") >= sum(s for _, s in map(
        size_of, [t for t, _ in agent.mappings])), f.text


@on("s3d")
def test_what_fails_is_told_by_its_cause(ctx):
    agent, port, images = begin(ctx, lists=False)
    settled(agent, port)
    ctx.server.fault(op="PutObject", do="error", code="AccessDenied", status=403, count=0)
    write(f"{images}/denied.jpg", b"denied")
    wait_until(lambda: port.figures().sum("lockstep_stopped_files") == 1, 20,
               lambda: port.figures().text)
    f = port.figures()
    assert f.get("lockstep_stopped_files", cause="denied", operation="s3:PutObject",
                 mapping="images") == 1, f.text
    assert f.get("lockstep_failures_total", cause="denied") >= 1
    assert f.get("lockstep_s3_requests_total", operation="PutObject", result="denied") >= 1
    assert f.get("lockstep_in_step") == f.get("lockstep_mapping_in_step", mapping="images") == 0
    time.sleep(1)
    assert port.figures().get("lockstep_mapping_oldest_unsynced_seconds", mapping="images") >= 1
    ctx.server.clear_faults()
    agent.run("rescan")
    assert settled(agent, port).sum("lockstep_stopped_files") == 0


@on("s3d")
def test_promtool_has_nothing_to_say(ctx):
    agent, port, _ = begin(ctx)
    done = promtool("check", "metrics", text=settled(agent, port).text)
    assert done.returncode == 0 and not done.stdout + done.stderr, (done.stdout, done.stderr)


@on("s3d")
def test_healthz_says_whether_it_gets_on(ctx):
    agent, port, images = begin(ctx, lists=False)
    settled(agent, port)
    assert port.get("/healthz") == (200, "ok\n")
    os.rename(images, images + ".away")
    wait_until(lambda: port.get("/healthz")[0] == 503, 30, lambda: str(port.get("/healthz")))
    assert "images: its root cannot be reached" in port.get("/healthz")[1]
    f = port.figures()
    assert f.get("lockstep_healthy") == f.get("lockstep_mapping_reachable", mapping="images") == 0
    os.rename(images + ".away", images)
    wait_until(lambda: port.get("/healthz")[0] == 200, 30, lambda: str(port.get("/healthz")))


@on("s3d")
def test_healthz_tells_of_a_loop_that_hangs(ctx):
    images, port = ctx.folder("images"), Port()
    agent = ctx.agent(images=images, options=port.options)
    # Each fdatasync of the loop hangs for some seconds: the journal's disk is that slow.
    agent.start(wrap=("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
                      "inject=fdatasync:delay_enter=4000000:when=4+"))
    agent.wait_for_log("figures at", 60)
    began = time.monotonic()
    write(f"{images}/1.jpg", b"1")
    wait_until(lambda: port.get("/healthz") == (503, "the agent's loop does not answer\n"), 30,
               lambda: str(port.get("/healthz")))
    assert time.monotonic() - began < 30
    agent.process.terminate()


def talk(port, data, hold):
    """Say something to the port, then hold the connection for so long."""
    with socket.create_connection((port.host, port.port), timeout=5) as s:
        s.settimeout(hold)
        try:
            s.sendall(data)
            while s.recv(65536):
                pass
        except OSError:
            pass


@on("s3d")
def test_rude_clients_are_nobodys_business_but_their_own(ctx):
    agent, port, images = begin(ctx, lists=False)
    quiet = settled(agent, port)
    rude = [b"", b"GET", b"\0" * 5000, b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 100000,
            b"GET /" + b"%00../" * 3000 + b" HTTP/1.1\r\n\r\n", b"POST /metrics HTTP/1.1\r\n"
            b"Content-Length: 999999999999\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n" * 50,
            b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"]
    threads = [threading.Thread(target=talk, args=(port, data, 3)) for data in rude * 5]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    write(f"{images}/meanwhile.jpg", b"meanwhile")
    agent.wait_in_step(30)
    assert time.monotonic() - began < 10, "the agent waited for its clients"
    for thread in threads:
        thread.join()
    wait_until(lambda: _is_up(port), 20, "an answer after all that")
    wait_until(lambda: port.figures().get("lockstep_process_open_fds")
               <= quiet.get("lockstep_process_open_fds") + 2, 20,
               lambda: str(port.figures().get("lockstep_process_open_fds")))
    assert agent.is_running()


@on("s3d")
def test_other_requests_are_refused(ctx):
    _, port, _ = begin(ctx, lists=False)
    wait_until(lambda: _is_up(port), 20, "the port")
    assert port.get("/")[0] == 404 and port.get("/metrics/../etc/passwd")[0] == 404
    assert port.get("/metrics", "POST")[0] == port.get("/healthz", "DELETE")[0] == 405
    assert port.get("/metrics", "HEAD") == (200, "")
    with socket.create_connection((port.host, port.port), timeout=5) as s:
        s.sendall(b"POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"\r\nAllow: GET, HEAD\r\n" in s.recv(4096)


def _is_up(port):
    try:
        return port.get("/healthz")[0] in (200, 503)
    except OSError:
        return False


@on("s3d")
def test_a_storm_of_scrapes_costs_the_loop_little(ctx):
    agent, port, images = begin(ctx, lists=False)
    settled(agent, port)
    stop, answers = threading.Event(), []

    def scrape():
        while not stop.is_set():
            try:
                answers.append(port.figures().get("lockstep_snapshot_timestamp_seconds"))
            except OSError:
                pass  # all places were taken

    threads = [threading.Thread(target=scrape) for _ in range(8)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for i in range(3):
        write(f"{images}/beset{i}.jpg", b"1")
        done = agent.run("wait", "--timeout", "20")
        assert done.returncode == 0, done
    wait_until(lambda: len(answers) > 50, 30, "many answers")
    stop.set()
    for thread in threads:
        thread.join()
    asked, span = len(set(answers)), time.monotonic() - began
    assert asked <= span / FRESH_S + 2, (asked, span, len(answers))
    assert len(answers) > 2 * asked, (asked, len(answers))


@on("s3d")
def test_the_file_has_the_figures_and_goes_with_the_agent(ctx):
    path = os.path.join(ctx.folder("collector"), "lockstep.prom")
    agent, port, _ = begin(ctx, lists=False, options={})
    settled(agent, port)
    agent.stop()
    other = ctx.agent(images=ctx.path("images"), name="agent2", options={"metrics": {"file": path}})
    other.start()
    wait_until(lambda: os.path.exists(path), 20, "the file")
    with open(path, encoding="utf-8") as file:
        f = Figures(file.read())
    assert f.get("lockstep_mapping_reachable", mapping="images") == 1, f.text
    assert os.stat(path).st_mode & 0o777 == 0o644
    done = promtool("check", "metrics", text=f.text)
    assert done.returncode == 0, done
    assert other.stop() == 0
    assert os.listdir(ctx.path("collector")) == [], os.listdir(ctx.path("collector"))


@on("s3d")
def test_what_cannot_be_had_is_told_at_the_start(ctx):
    images, port = ctx.folder("images"), Port()
    with socket.socket() as taken:
        taken.bind((port.host, port.port))
        taken.listen()
        agent = ctx.agent(images=images, options=port.options)
        done = agent.run("agent")
    assert done.returncode == 4 and f"nothing can listen at {port.host}:{port.port}" in done.stderr
    for value, word in (("0.0.0.0:9780", "loopback"), ("[::]:9780", "loopback"),
                        ("192.0.2.1:9780", "loopback"), ("localhost:9780", "IPv4"),
                        ("127.0.0.1", "port"), ("127.0.0.1:0", "port")):
        agent = ctx.agent(images=images, name="refused", options={"metrics": {"listen": value}})
        done = agent.run("config", "check")
        assert done.returncode == 2 and word in done.stderr + done.stdout, (value, done)
    missing = {"metrics": {"file": ctx.path("nowhere", "lockstep.prom")}}
    done = ctx.agent(images=images, name="nowhere2", options=missing).run("agent")
    assert done.returncode == 4 and "metrics.file" in done.stderr, done


@on("s3d")
def test_the_port_is_for_ipv6_too(ctx):
    images, port = ctx.folder("images"), Port("::1")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        raise Skip("no IPv6 here") from None
    port.options = {"metrics": {"listen": f"[::1]:{port.port}"}}
    agent = ctx.agent(images=images, options=port.options).start()
    agent.wait_in_step(20)
    assert port.get("/healthz") == (200, "ok\n")


@on("s3d")
def test_sums_are_taken_along_not_counted_again(ctx):
    """A start walks the index of a mapping only where something that keeps no sums wrote to it."""
    agent, port, images = begin(ctx, lists=False)

    def check(kept=0):
        wait_until(lambda: agent.run("wait", "--timeout", "20").returncode == 0 and
                   port.figures().get("lockstep_in_step") == 1, 30, lambda: str(agent.status()))
        f, told = port.figures(), agent.status()[0]["mappings"][0]
        files, size = size_of(images)
        assert (told["objects"], told["bytes"], told.get("kept", 0)) == (files, size, kept), told
        assert f.get("lockstep_mapping_files", mapping="images") == files
        assert f.get("lockstep_mapping_bytes", mapping="images") == size
        return agent.log().count("entries of the index were counted")

    def change(name):
        write(f"{images}/c0/000.jpg", f"edited {name}".encode())
        write(f"{images}/{name}.jpg", b"new")
        os.unlink(f"{images}/c1/{name}.jpg")
        os.rename(f"{images}/c2/{name[:-1]}{int(name[-1]) + 1}.jpg", f"{images}/c2/{name}b.jpg")

    check()
    change("001")
    assert check() == 0
    agent.stop()
    change("004")
    agent.start()
    assert check() == 0
    agent.kill9()
    change("007")
    agent.start()
    assert check() == 0, "a crash leaves what the last commit took along"
    agent.kill9()

    for path, _, names in os.walk(images):
        for name in names:
            os.unlink(f"{path}/{name}")
    agent.start()
    wait_until(lambda: agent.status()[1] == 3, 20, lambda: str(agent.status()))
    held = agent.status()[0]["held"]
    assert held == 12, held
    agent.stop()
    assert agent.run("discard", "images").returncode == 0
    write(f"{images}/last.jpg", b"last")
    agent.start()
    assert check(kept=held) == 1, "a command wrote to the index beside the sums"
    agent.stop()
    agent.start()
    assert check(kept=held) == 1
