"""What a test does by chance follows from its seed. One that fails names it; `run.py --seed N` (which
sets the environment's SEED_VARIABLE) has the test do the same again."""

import os
import random
import re

SEED_VARIABLE = "LOCKSTEP_SEED"
SEEDS = 1 << 32
SAID = re.compile(r"^seed (\d+)$", re.MULTILINE)


def given_seed():
    """That of the environment, or None."""
    value = os.environ.get(SEED_VARIABLE)
    return None if value is None else int(value)


def seed():
    """The one that was given, or a new one. It is printed."""
    value = given_seed()
    if value is None:
        value = random.randrange(SEEDS)
    say_seed(value)
    return value


def say_seed(value):
    """What follows was chosen by this seed: one that fails names the last."""
    print(f"seed {value}", flush=True)


def said_seed(path):
    """The last seed that the test named whose output this file has, or None."""
    with open(path, encoding="utf-8", errors="replace") as file:
        found = SAID.findall(file.read())
    return int(found[-1]) if found else None
