"""Defects made on purpose (mutants.py) are of rows that are there, name tests that are there, and
still apply to the sources. `./dev test --mutants` shows that they are caught. The bugs that tests
have found (bugs/) name what guards against them."""

import os
import subprocess

import mutants
import rows
from harness import need, on
from test_rows import system_tests

BUGS = os.path.join(mutants.HERE, "bugs")
BUG_FIELDS = {"Bug", "Found", "Input", "Test", "Mended"}


def is_there(test, known):
    """Is there a test of that name?"""
    kind, _, name = test.partition("/")
    folder = {"unit": "unit/", "tsan": "unit/", "fuzz": "fuzz/fuzz_", "simulation": "simulation/"}
    if kind in folder:
        base = os.path.join(mutants.TOP, "tests", folder[kind] + name.split(".")[0])
        return os.path.exists(f"{base}.c") or os.path.exists(f"{base}.py")
    return any(test.rstrip("*") in one for one in known)


@on("s3d")
def test_every_mutant_applies_and_names_a_test_that_is_there(_ctx):
    need("patch")
    known = system_tests()
    for mutant in mutants.mutants():
        why = mutant.apply(mutants.TOP, "--dry-run")
        assert not why, (mutant.name, why)
        assert is_there(mutant.test, known), (mutant.name, mutant.test)


@on("s3d")
def test_every_row_has_a_mutant(_ctx):
    assert {mutant.row for mutant in mutants.mutants()} == set(rows.table())


def is_one_of(test, names):
    """Is this one of the tests of a row, as README.md names them?"""
    kind = test.partition("/")[0]
    return any(test.startswith(name.rstrip("*")) or name == kind for name in names)


@on("s3d")
def test_every_mutant_is_caught_by_a_test_of_its_row(_ctx):
    table = rows.table()
    for mutant in mutants.mutants():
        assert is_one_of(mutant.test, table[mutant.row]), (mutant.name, mutant.test)


@on("s3d")
def test_every_bug_names_its_test_its_mutant_and_its_commit(_ctx):
    known, names = system_tests(), {mutant.name for mutant in mutants.mutants()}
    in_git = os.path.exists(os.path.join(mutants.TOP, ".git"))
    for file in sorted(os.listdir(BUGS)):
        with open(os.path.join(BUGS, file), encoding="utf-8") as text:
            bug = mutants.fields_of(text.read())
        assert set(bug) in (BUG_FIELDS, BUG_FIELDS | {"Mutant"}), (file, sorted(bug))
        assert is_there(bug["Test"], known), (file, bug["Test"])
        assert bug.get("Mutant") in names | {None}, (file, bug["Mutant"])
        if in_git:
            subprocess.run(["git", "-C", mutants.TOP, "cat-file", "-e", bug["Mended"]], check=True)
