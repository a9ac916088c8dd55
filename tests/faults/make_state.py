#!/usr/bin/python3
"""Make states/NAME.tar.xz: what the program of another commit leaves on a host, for the present one to
take over (test_versions.py, states/README.md).

    tests/faults/make_state.py --build build/plain COMMIT NAME

The program is made of the commit, and lives a little: two lists are rewritten after an image that was
renamed and one that was removed; a day later (by a shifted clock) the next segment of the journal
begins; in the end it is killed while an upload has no answer yet. The archive has images, lists, the
state, the journal's key, and what S3 has: objects/ by key, and objects.json, what they carry.
"""

import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
STATES = os.path.join(HERE, "states")
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "system")]

from harness import Agent, Client, S3d, read, wait_until, write  # noqa: E402
from shims import shim  # noqa: E402

DAY_S = 25 * 3600  # and a little: a segment is closed at the age of 24 h
BUCKET = "state"
LATE = "cat/late.jpg"  # its upload is begun, and not answered
OPEN_S = 60
LEFT_OUT = ("*.sock", "ballast", "*lock", "lock.mdb")  # what the next program makes anew
CARRIED = ("content-type", "cache-control")


def is_known(commit):
    """Is it in the history that is here?"""
    return subprocess.run(["git", "-C", TOP, "cat-file", "-e", f"{commit}^{{commit}}"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


def build(commit, folder):
    """The program of a commit, made in this folder."""
    os.makedirs(folder)
    packed = subprocess.run(["git", "-C", TOP, "archive", commit], check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", folder], check=True, input=packed.stdout)
    for command in (["autoreconf", "-i"], ["./configure", "--quiet", "CFLAGS=-O1"],
                    ["make", "-s", "-j2", "lockstep"]):
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    return os.path.join(folder, "lockstep")


def rewrites(agent):
    return [r for r in agent.journal_records("--op", "lst") if r["st"] == "done"]


def segments(agent):
    return sorted(glob.glob(f"{agent.state_dir}/journal/*.jsonl*"))


def first_day(agent, images, lists):
    """What is added, renamed, edited and removed, and the lists that follow."""
    names = [f"{kind}/{number}.jpg" for kind in ("cat", "dog") for number in range(4)]
    for name in names:
        write(f"{images}/{name}", f"the image {name}\n".encode() * 20)
    for number, part in enumerate(("train", "val")):
        write(f"{lists}/{part}.lst", "".join(
            f"{i}\t{name.startswith('dog')}.000000\t{name}\n" for i, name in enumerate(names)
            if i % 2 == number).replace("True", "1").replace("False", "0").encode())
    agent.start()
    agent.wait_in_step(60)
    os.rename(f"{images}/cat/2.jpg", f"{images}/cat/two.jpg")
    os.unlink(f"{images}/dog/3.jpg")
    write(f"{images}/dog/1.jpg", b"another image\n" * 30)
    wait_until(lambda: len(rewrites(agent)) == 2, 60, "two rewrites")
    agent.wait_in_step(60)
    agent.stop()


def second_day(agent, server, images):
    """An image more, and one whose upload is begun."""
    write(f"{images}/cat/next.jpg", b"of the next day\n" * 10)
    agent.start()
    agent.wait_in_step(60)
    wait_until(lambda: len(segments(agent)) == 2, 60, "the next segment")
    server.fault("stall", op="PutObject", key=f"images/{LATE}", ms=1000 * OPEN_S)
    write(f"{images}/{LATE}", b"too late for the first program\n" * 10)
    wait_until(lambda: LATE.encode() in read(segments(agent)[-1]), 10, "the intent")
    agent.kill9()


def keep_objects(client, folder):
    """What S3 has, by key, and what it carries."""
    carried = {}
    for key in sorted(client.keys()):
        body, answer = client.get(key)
        write(f"{folder}/objects/{key}", body)
        carried[key] = {name: value for name, value in answer.headers.items()
                        if name in CARRIED or name.startswith("x-amz-meta-")}
    with open(f"{folder}/objects.json", "w", encoding="utf-8") as file:
        json.dump(carried, file, indent=1, sort_keys=True)


def live(program, folder):
    """A host's folder with what the program leaves there."""
    server, agent = S3d(tempfile.mkdtemp(dir=folder)).start(), None
    host = os.path.join(folder, "host")
    images, lists = f"{host}/images", f"{host}/lists"
    for path in (images, lists):
        os.makedirs(path)
    try:
        server.create_bucket(BUCKET)
        client = Client(server, BUCKET)
        key = f"{host}/journal.key"
        subprocess.run([program, "journal", "key", "new", key, "--name", "state.example/images"],
                       check=True, stdout=subprocess.DEVNULL)
        clock = os.path.join(folder, "clock")
        agent = Agent(host, server, client, images, lists,
                      options={"journal": {"key": key, "checkpoint_ms": 1000}},
                      environment={"LD_PRELOAD": shim("clock_shift"), "CLOCK_SHIFT_FILE": clock})
        first_day(agent, images, lists)
        write(clock, b"%d" % DAY_S)
        second_day(agent, server, images)
        keep_objects(client, host)
    finally:
        if agent and agent.is_running():
            agent.kill9()
        server.stop()
    for name in ("lockstep.conf", "agent.log"):
        os.unlink(f"{host}/{name}")
    return host


def pack(host, name):
    """states/NAME.tar.xz of such a folder."""
    out = os.path.join(STATES, f"{name}.tar.xz")
    subprocess.run(["tar", "--create", "--xz", "--format=posix", "--sparse", "--sort=name",
                    "--numeric-owner", *(f"--exclude={name}" for name in LEFT_OUT),
                    f"--file={out}", "-C", host, "."], check=True)
    print(f"{out}: {os.path.getsize(out)} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default=os.path.join(TOP, "build", "plain"))
    parser.add_argument("commit")
    parser.add_argument("name")
    arguments = parser.parse_args()
    os.environ["LOCKSTEP_BUILD"] = os.path.abspath(arguments.build)
    folder = tempfile.mkdtemp(prefix="lockstep-state-")
    try:
        os.environ["LOCKSTEP"] = build(arguments.commit, os.path.join(folder, "sources"))
        pack(live(os.environ["LOCKSTEP"], folder), arguments.name)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
