"""Defects made on purpose (mutants.py) are of rows that are there, name tests that are there, and
still apply to the sources. `./dev test --mutants` shows that they are caught."""

import os

import mutants
import rows
from harness import Skip, on
from test_rows import system_tests


@on("s3d")
def test_every_mutant_applies_and_names_a_test_that_is_there(_ctx):
    if not mutants.has_patch():
        raise Skip("not installed: patch")
    table, known = rows.table(), system_tests()
    for mutant in mutants.mutants():
        assert mutant.row in table, mutant.name
        why = mutant.apply(mutants.TOP, "--dry-run")
        assert not why, (mutant.name, why)
        if mutant.kind != "system":
            assert os.path.exists(os.path.join(mutants.TOP, mutant.program() + ".c")), mutant.name
        else:
            assert any(mutant.test.rstrip("*") in test for test in known), (mutant.name, mutant.test)
