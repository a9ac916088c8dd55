"""A changed configuration is taken over while the agent runs: at once, by beginning anew in the same
process, or not at all."""

import os
import random
import socket
import threading
import time

from harness import on, wait_until, write


def begin(ctx, count=6, **options):
    images = ctx.folder("images")
    for i in range(count):
        write(f"{images}/c{i % 3}/{i:03}.jpg", b"%d" % i)
    agent = ctx.agent(images=images, lists=ctx.folder("lists"), **options)
    agent.start()
    agent.wait_in_step(30)
    return agent, images


def settings(agent, images, top="", mapping="", more=""):
    """The agent's configuration anew, with these settings and repositories besides."""
    text = open(agent.conf, encoding="utf-8").read()
    if not hasattr(agent, "first_conf"):
        agent.first_conf = text
    text = agent.first_conf.replace(f'path = "{images}";', f'path = "{images}"; {mapping}')
    if more:
        text = text.replace("repositories = (", f"repositories = ({more}, ")
    with open(agent.conf, "w", encoding="utf-8") as file:
        file.write(text + top)


def repository(name, path):
    return f'{{ name = "{name}"; path = "{path}"; prefix = "{name}/"; settle_ms = 100; }}'


def begin_with_more(ctx):
    """The same with a second repository, which a reload has brought."""
    agent, images = begin(ctx)
    more = ctx.folder("more")
    settings(agent, images, more=repository("more", more))
    assert agent.run("reload").returncode == 0
    return agent, images, more


@on("s3d")
def test_what_can_be_changed_is_taken_over_at_once(ctx):
    agent, images = begin(ctx, count=30)
    settings(agent, images, "limits: { requests = 500; }; log_level = \"debug\";",
             "max_removals = 3; max_removal_percent = 1;")
    done = agent.run("reload")
    assert done.returncode == 0 and "taken over" in done.stdout, done
    assert agent.status()[0]["flow"]["limit_requests"] == 500
    for i in range(8):
        os.unlink(f"{images}/c{i % 3}/{i:03}.jpg")
    wait_until(lambda: agent.status()[0]["held"] == 8, 15, lambda: str(agent.status()))
    settings(agent, images, "", "max_removals = 100;")
    agent.reload()
    agent.wait_for_log("reload: the configuration is taken over")
    assert agent.status()[0]["flow"]["limit_requests"] == 0
    write(f"{images}/after.jpg")
    wait_until(lambda: "images/after.jpg" in ctx.client.keys("images/"), 15,
               "the agent to go on")
    assert "begins anew" not in agent.log()


@on("s3d")
def test_a_faulty_file_and_what_needs_a_restart_are_refused_whole(ctx):
    agent, images = begin(ctx)
    path = f"{agent.state_dir}/control.sock"

    def ask():
        with socket.socket(socket.AF_UNIX) as s:  # the command finds some faults by itself
            s.connect(path)
            s.sendall(b'{"cmd":"reload"}\n')
            return b"".join(iter(lambda: s.recv(65536), b""))

    for top, named in (("journal_dir = \"/var/lib/other\";", b"restart"),
                       ("nonsense = 1;", b"nonsense"),
                       ("policies = ( { label_from_directory = \"/nowhere.map\"; } );",
                        b"/nowhere.map")):
        settings(agent, images, "limits: { requests = 7; };" + top, "max_removals = 1;")
        answer = ask()
        assert answer.startswith(b"2\n") and named in answer, answer
    settings(agent, images, "limits: { requests = 7; };",
             more=repository("more", f"{ctx.folder('outside')}/none"))
    done = agent.run("reload")
    assert done.returncode == 2 and "none" in done.stderr, done
    agent.reload()
    agent.wait_for_log("reload: the configuration is not taken over")
    settings(agent, images)
    assert agent.status()[0]["flow"]["limit_requests"] == 0
    write(f"{images}/after.jpg")
    agent.wait_in_step(20)
    assert "begins anew" not in agent.log()


@on("s3d", "ceph")
def test_a_mapping_comes_and_goes_without_a_restart(ctx):
    agent, images = begin(ctx)
    process, more = agent.process.pid, ctx.folder("more")
    for i in range(40):
        write(f"{more}/a/{i}.jpg", b"more %d" % i)
    settings(agent, images, more=repository("more", more))
    done = agent.run("reload")
    assert done.returncode == 0 and "began anew" in done.stdout, done
    done = agent.run("wait", "--timeout", "30")  # the new tree is what it waits for
    assert done.returncode == 0, done
    assert len(ctx.client.keys("more/")) == 40 and ctx.client.get("more/a/7.jpg")[0] == b"more 7"
    # What is open of one that leaves goes to S3 first.
    for i in range(40):
        write(f"{more}/b/{i}.jpg", b"last %d" % i)
    wait_until(lambda: agent.status()[0]["pending"] > 0 or len(ctx.client.keys("more/b/")) > 0, 10,
               "the agent to see them")
    settings(agent, images)
    done = agent.run("reload")
    assert done.returncode == 0, done
    assert [m["name"] for m in agent.status()[0]["mappings"]] == ["images", "lists"]
    for i in range(40):
        write(f"{more}/c/{i}.jpg", b"nobody's")
    write(f"{images}/after.jpg", b"after")
    assert agent.run("wait", "--timeout", "30").returncode == 0
    assert ctx.client.get("images/after.jpg")[0] == b"after"
    keys = ctx.client.keys("more/")
    assert len(keys) >= 40 and not any(k.startswith("more/c/") for k in keys), keys
    assert agent.process.pid == process and agent.is_running()
    starts = [r.get("why") for r in agent.journal_records("--op", "start")]
    assert starts == [None, "a changed configuration", "a changed configuration"], starts
    agent.verify_journal()


@on("s3d")
def test_what_is_open_of_a_mapping_that_leaves_is_waited_for(ctx):
    agent, images, more = begin_with_more(ctx)
    assert agent.run("pause").returncode == 0  # or all might be on its way already
    for i in range(30):
        write(f"{more}/{i}.jpg", b"more %d" % i)
    wait_until(lambda: agent.status()[0]["pending"] >= 30, 10, lambda: str(agent.status()))
    settings(agent, images)
    asked = agent.begun("reload")
    wait_until(lambda: agent.status()[0]["reloading"], 10, "the reload to wait")
    assert "changed configuration" in agent.run("status").stdout
    assert agent.run("resume").returncode == 0
    out, err = asked.communicate(timeout=60)
    assert asked.returncode == 0, (out, err)
    assert len(ctx.client.keys("more/")) == 30


@on("s3d")
def test_a_stop_goes_before_a_new_beginning(ctx):
    agent, images, more = begin_with_more(ctx)
    assert agent.run("pause").returncode == 0
    write(f"{more}/open.jpg")
    wait_until(lambda: agent.status()[0]["pending"] == 1, 10, lambda: str(agent.status()))
    settings(agent, images)
    asked = agent.begun("reload")
    wait_until(lambda: agent.status()[0]["reloading"], 10, "the reload to wait")
    settings(agent, images, "limits: { requests = 9; };")
    again = agent.begun("reload")
    out, err = asked.communicate(timeout=20)
    assert asked.returncode == 4 and "another reload" in err, (out, err)
    assert agent.stop() == 0
    out, err = again.communicate(timeout=20)
    assert again.returncode == 4 and "ends" in err, (out, err)
    assert agent.run("status").returncode in (0, 1)
    assert not os.path.exists(f"{agent.state_dir}/control.sock")


@on("s3d")
def test_what_cannot_be_begun_with_gives_way_to_the_old(ctx):
    agent, images = begin(ctx)
    assert agent.run("pause").returncode == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings(agent, images, f"metrics: {{ listen = \"127.0.0.1:{taken.getsockname()[1]}\"; }};")
        done = agent.run("reload")
        assert done.returncode == 2 and "the old one stays" in done.stderr, done
        status = agent.status()[0]
        assert status["paused"], status  # over both beginnings
    assert agent.run("resume").returncode == 0
    write(f"{images}/after.jpg")
    agent.wait_in_step(20)
    done = agent.run("reload")  # now it is free
    assert done.returncode == 0 and "began anew" in done.stdout, done
    write(f"{images}/then.jpg")
    agent.wait_in_step(20)
    agent.verify_journal()


@on("s3d")
def test_nothing_is_lost_however_often_it_is_reloaded(ctx):
    """People work on the trees, somebody waits, and kill -9 comes in between."""
    agent, images = begin(ctx, count=60,
                          repository={"max_removals": 10**6, "max_removal_percent": 100})
    more, ended = ctx.folder("more"), threading.Event()
    dice = random.Random(7)

    def work():
        for i in range(100_000):
            if ended.is_set():
                return
            path = f"{images}/c{i % 3}/{dice.randrange(60):03}.jpg"
            if dice.random() < 0.3:
                write(path, b"%d" % i)
            elif dice.random() < 0.3 and os.path.exists(path):
                os.replace(path, f"{images}/c{i % 3}/{dice.randrange(60):03}.jpg")
            else:
                write(f"{images}/new/{i % 500}.jpg", b"new %d" % i)
            write(f"{more}/{i % 50}.jpg", b"more %d" % i)
            time.sleep(0.004)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for turn in range(8):
            settings(agent, images, more=repository("more", more) if turn % 2 == 0 else "")
            if turn in (3, 4):  # on its way from one life to the next
                asked = agent.begun("reload")
                time.sleep(dice.random() * 0.3)
                agent.kill9()
                asked.communicate(timeout=20)
                agent.start()
                wait_until(lambda: agent.run("rescan").returncode == 0, 20, "the agent to answer")
            done = agent.run("reload")
            assert done.returncode == 0, done
            time.sleep(0.3)
    finally:
        ended.set()
        worker.join()
    agent.wait_in_step(60)
    settings(agent, images, more=repository("more", more))
    assert agent.run("reload").returncode == 0
    agent.mappings.append((more, "more/"))
    assert agent.run("wait", "--timeout", "60").returncode == 0
    agent.wait_in_step(60)
    for tree, prefix in ((images, "images/"), (more, "more/")):
        for folder, _, names in os.walk(tree):
            for name in names:
                path = os.path.join(folder, name)
                key = prefix + os.path.relpath(path, tree)
                assert ctx.client.get(key)[0] == open(path, "rb").read(), key
    agent.verify_journal()
