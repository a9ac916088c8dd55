#!/usr/bin/python3
"""What many lists cost an agent that is in step with them.

Each list names one image of its own and many that all lists share. One image of one list is renamed:
the time counts from when it is settled to when the list is replaced, and the bytes that the agent
reads meanwhile. Then images are removed that some of the lists name, all at once: no list may be
rewritten twice for that. The full size is

    many_lists.py --lists 1000 --rows 10000 --rounds 5 --removed 50000 --of 100"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))

from harness import Agent, Client, S3d  # noqa: E402

BUCKET = "bench"
SETTLE_MS = 100
QUIET_MS = 150  # a pass begins when nothing came for so long
GOAL_MS = 100
OLD_S = 0.6     # lists that are younger are read once more
POLL_S = 0.001
DEADLINE_S = 600


def make_tree(folder, arguments):
    """Lists and images; the last of the lists name the images that go."""
    os.makedirs(f"{folder}/images/own")
    os.makedirs(f"{folder}/images/shared")
    os.makedirs(f"{folder}/lists")
    shared = [f"shared/{i:07}.jpg" for i in range(arguments.rows - 1)]
    gone = [f"gone/{i:07}.jpg" for i in range(arguments.removed)]
    if gone:
        os.makedirs(f"{folder}/images/gone")
    for i, name in enumerate(shared + gone):
        with open(f"{folder}/images/{name}", "wb") as file:
            file.write(b"%d" % i)
    tail = "".join(f"{i + 1}\t{i % 10}\t{name}\n" for i, name in enumerate(shared))
    for i in range(arguments.lists):
        with open(f"{folder}/images/own/{i}.jpg", "wb") as file:
            file.write(b"own %d" % i)
        with open(f"{folder}/lists/{i}.lst", "w", encoding="ascii") as rows:
            rows.write(f"0\t1\town/{i}.jpg\n{tail}")
            if arguments.lists - i <= arguments.of:
                rows.writelines(f"{len(tail) + n}\t1\t{name}\n" for n, name in enumerate(gone)
                                if n % arguments.of == i % arguments.of or n % 2)


def wait(what, condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {DEADLINE_S} s")
        time.sleep(POLL_S)


def bytes_read(agent):
    with open(f"/proc/{agent.process.pid}/io", encoding="ascii") as file:
        return int(file.readline().split()[1])


def in_step(agent):
    return agent.log().count(": in step (")


def rename_one(folder, agent, number):
    """Milliseconds from settled to replaced, and bytes read until then and until in step."""
    path, steps = f"{folder}/lists/{number}.lst", in_step(agent)
    inode, before = os.stat(path).st_ino, bytes_read(agent)
    began = time.monotonic()
    os.rename(f"{folder}/images/own/{number}.jpg", f"{folder}/images/own/renamed-{number}.jpg")
    wait("the list", lambda: os.stat(path).st_ino != inode)
    took_ms = (time.monotonic() - began) * 1000 - SETTLE_MS - QUIET_MS
    replaced = bytes_read(agent) - before
    wait("in step", lambda: in_step(agent) > steps)
    return took_ms, replaced, bytes_read(agent) - before


def remove_all(folder, agent, count):
    """Seconds, and how often each list was rewritten at most."""
    steps, lists = in_step(agent), {}
    began, before = time.monotonic(), bytes_read(agent)
    shutil.rmtree(f"{folder}/images/gone")
    wait("the removals", lambda: in_step(agent) > steps)
    took = time.monotonic() - began
    for record in agent.journal_records("--op", "lst"):
        if record["st"] == "done" and record["n"] > 1:
            lists[record["p"]] = lists.get(record["p"], 0) + 1
    print(f"{count} images removed: {took:.1f} s until in step, {len(lists)} lists rewritten, "
          f"{(bytes_read(agent) - before) / 1e6:.0f} MB read")
    print(f"passes a list: {sum(lists.values()) / len(lists):.2f}, at most {max(lists.values())} "
          "(goal 1)")
    return max(lists.values())


def measure(folder, agent, arguments):
    print(f"{arguments.lists} lists of {arguments.rows} rows, "
          f"{arguments.lists * os.stat(f'{folder}/lists/0.lst').st_size / 1e6:.0f} MB; the index has "
          f"{os.stat(f'{agent.state_dir}/index/data.mdb').st_size / 1e6:.0f} MB")
    took = []
    for number in range(arguments.rounds):
        last = sorted((f"{i}.lst" for i in range(arguments.lists)), reverse=True)[number]
        took.append(rename_one(folder, agent, last[:-4]))
        print("one image renamed: {:.0f} ms from settled to replaced, {:.1f} MB read, {:.1f} MB "
              "until in step".format(took[-1][0], took[-1][1] / 1e6, took[-1][2] / 1e6))
        sys.stdout.flush()
    median = statistics.median(ms for ms, _, _ in took)
    print(f"median {median:.0f} ms (goal {GOAL_MS} ms)")
    times = remove_all(folder, agent, arguments.removed) if arguments.removed else 1
    return 0 if median <= GOAL_MS and times == 1 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build/plain", help="where make put the programs")
    parser.add_argument("--lists", type=int, default=200)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--removed", type=int, default=0, help="so many images")
    parser.add_argument("--of", type=int, default=100, help="that so many lists name")
    parser.add_argument("--dir", default="/dev/shm" if os.path.isdir("/dev/shm") else None,
                        help="where all of it lies meanwhile; in memory, so that no disk is measured")
    arguments = parser.parse_args()
    os.environ["LOCKSTEP_BUILD"] = os.path.abspath(arguments.build)
    folder = tempfile.mkdtemp(prefix="lockstep-lists-", dir=arguments.dir)
    server = agent = None
    try:
        make_tree(folder, arguments)
        time.sleep(OLD_S)
        server = S3d(f"{folder}/s3d").start()
        server.create_bucket(BUCKET)
        agent = Agent(f"{folder}/agent", server, Client(server, BUCKET), f"{folder}/images",
                      f"{folder}/lists", repository={"settle_ms": SETTLE_MS,
                                                     "max_removals": 10000000})
        agent.start()
        wait("the first step", lambda: in_step(agent) > 0)
        return measure(folder, agent, arguments)
    finally:
        if agent is not None and agent.is_running():
            agent.kill9()
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
