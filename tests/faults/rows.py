#!/usr/bin/python3
"""The tests of a row of the table in README.md, one a line: "unit tests/unit/NAME", "system TEXT"
(for run.py --only), "fuzz" or "tsan". Exit status: 0, 1 where the row has no test, 2 wrong use."""

import os
import re
import sys

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md")


def table():
    """row -> its tests, as they are named there."""
    rows = {}
    with open(README, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) == 6 and cells[1].isdigit():
                rows[int(cells[1])] = re.findall(r"`([^`]+)`", cells[3])
    return rows


def spoken(name):
    """The line for a name."""
    if name in ("fuzz", "tsan"):
        return name
    return f"unit tests/{name}" if name.startswith("unit/") else f"system {name.rstrip('*')}"


def main():
    rows = table()
    if len(sys.argv) != 2 or not sys.argv[1].isdigit() or int(sys.argv[1]) not in rows:
        print(f"usage: rows.py N, a row of {README}: 1 to {max(rows)}", file=sys.stderr)
        return 2
    names = rows[int(sys.argv[1])]
    print("\n".join(spoken(name) for name in names))
    return 0 if names else 1


if __name__ == "__main__":
    sys.exit(main())
