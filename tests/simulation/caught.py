"""The simulation finds an agent that is wrong on purpose; otherwise it could not fail."""
import os
import subprocess
import sys


def main():
    build = os.environ.get("LOCKSTEP_BUILD", ".")
    missed = []
    for name in ("no_guard", "no_order", "no_identity", "no_intent"):
        done = subprocess.run([f"{build}/tests/simulation/simulate_{name}"], stdout=subprocess.PIPE,
                              text=True, timeout=300, check=False)
        print(name, done.stdout.strip(), sep="\n")
        if done.returncode != 1 or "broken: " not in done.stdout:
            missed.append(name)
    if missed:
        sys.exit(f"not caught: {', '.join(missed)}")


main()
