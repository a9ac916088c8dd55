"""Idle means idle, on a tree as large as one meets."""

import os
import re
import subprocess
import time

from harness import deadline, long_test, on

DIRECTORIES = 10_000
WATCHED_S = 30
CALLS_A_SECOND = 2


@long_test
@on("s3d")
@deadline(300)
def test_ten_thousand_directories_cost_nothing(ctx):
    images = ctx.folder("images")
    for i in range(DIRECTORIES):
        os.makedirs(f"{images}/{i // 100:03}/{i:05}")
    with open(f"{images}/one.jpg", "wb") as file:
        file.write(b"one")
    # What others mount meanwhile is none of its business: each change of the table of mounts is a look
    # at who the root is.
    agent = ctx.agent(images=images)
    agent.start(wrap=("unshare", "-m", "--propagation", "private"))
    agent.wait_in_step(120)
    assert agent.status()[0]["mappings"][0]["watches"] >= DIRECTORIES
    time.sleep(5)  # what follows the last change
    counts = ctx.path("counts")
    subprocess.run(["timeout", "-s", "INT", str(WATCHED_S), "strace", "-f", "-c", "-o", counts, "-p",
                    str(agent.process.pid)], check=False, capture_output=True)
    with open(counts, encoding="utf-8") as file:
        text = file.read()
    total = re.search(r"^100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s.*total$", text, re.M)
    calls = int(total.group(1)) if total else 0
    assert calls <= CALLS_A_SECOND * WATCHED_S, text
    print(f"{calls} system calls in {WATCHED_S} s")
