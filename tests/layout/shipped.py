#!/usr/bin/env python3
"""What is in the tree is in the release: each source, test and document of a room is named in a
makefile, or `make dist` would leave it behind."""

import os

import house

ENDS = (".c", ".h", ".py", ".md", ".mk")
MAKEFILES = ("local.mk", "Makefile.am")


def named(top):
    """All words of the makefiles."""
    words = set(house.read(top, "Makefile.am").split()) if os.path.exists(
        os.path.join(top, "Makefile.am")) else set()
    for path in house.sources(top, house.ROOMS + ("tests",), MAKEFILES):
        words.update(house.read(top, path).split())
    return words


def check(top):
    words = named(top)
    return [f"{path}: no makefile names it, so no release has it"
            for path in house.sources(top, house.ROOMS + ("tests",), ENDS)
            if path not in words and not path.endswith(MAKEFILES)]


if __name__ == "__main__":
    house.main(
        check,
        [
            ("base/planted.c", "int planted;\n", "no release has it"),
            ("tests/system/planted.py", "PLANTED = 1\n", "no release has it"),
        ],
    )
