"""The table of faults names tests that are there."""

import os

import rows
from harness import on

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)


def system_tests():
    """module.name of all system tests, by the text of their files."""
    found = []
    for folder in ("system", "faults", "s3d"):
        for file in os.listdir(os.path.join(TESTS, folder)):
            if file.startswith("test_") and file.endswith(".py"):
                with open(os.path.join(TESTS, folder, file), encoding="utf-8") as text:
                    found += [f"{file[5:-3]}.{word[5:]}"
                              for line in text if line.startswith(("def test_", "test_"))
                              for word in [line.removeprefix("def ").split("(")[0].split(" ")[0]]]
    return found


@on("s3d")
def test_every_row_names_tests_that_are_there(_ctx):
    table, known = rows.table(), system_tests()
    assert sorted(table) == list(range(1, 36)), sorted(table)
    for row, names in table.items():
        for line in map(rows.spoken, names):
            kind, _, name = line.partition(" ")
            if kind == "unit":
                assert os.path.exists(os.path.join(os.path.dirname(TESTS), name + ".c")), (row, name)
            elif kind == "system":
                assert any(name in test for test in known), (row, name)
