"""Deeds that once broke a rule, on some schedules, break none. `simulate` takes the shortest
sequences alone; these are longer."""
import itertools
import os
import subprocess
import sys

# What people did -> which deeds these are (tree_deed in tree.c).
ONCE = {
    "an image is renamed, again, and then over another one": "5:11:6",
}
SEEDS, GAPS = range(50), (0, 1, 2)
NO_CRASH = 9999


def main():
    simulate = f"{os.environ.get('LOCKSTEP_BUILD', '.')}/tests/simulation/simulate"
    broken = []
    for (what, deeds), seed, gap in itertools.product(ONCE.items(), SEEDS, GAPS):
        run = f"{seed}:{gap}:{NO_CRASH}:0:{deeds}"
        done = subprocess.run([simulate, "--repeat", run], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        if done.returncode:
            print(f"{what}: simulate --repeat {run}", done.stdout, sep="\n")
            broken.append(run)
    if broken:
        sys.exit(f"{len(broken)} broken")


main()
