#!/usr/bin/python3
"""Show that the rows of the table in README.md can fail: each mutant is a deliberate defect, a patch
of the sources, and a test that must not pass with it.

The tree and a build of it are copied once, below the build; a mutant is applied there, what its test
needs is made, the test is run, and the patch is taken back. Every test has to pass without a defect
first. A patch that does not apply, a defect that does not compile, a test that passes with it: each is
a failure. Exit status: 0 all caught, 1 not, 2 wrong use.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
FOLDER = os.path.join(HERE, "mutants")
FIELDS = ("Row", "Defect", "Test", "Needs", "Reverts")
MAKE_S, TEST_S = 300, 240  # what takes longer hangs
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None  # where unit tests sync quickly
# Of builds that are made for their mutants alone, the arguments of configure, as ./dev has them.
FLAVOURS = {
    "fuzz": ("--enable-fuzz", "--with-sanitizer=address,undefined", "CC=clang", "CFLAGS=-O1 -g"),
    "tsan": ("--with-sanitizer=thread", "CFLAGS=-O1 -g -Wno-maybe-uninitialized")}
FUZZ_WORDS = ("-seed=1", "-max_total_time=60", "-timeout=10")


class Broken(Exception):
    """Not the defect's test has failed, but what leads to it."""


class Mutant:
    """A patch NN-name.patch. What stands before its first "--- " are lines "Field: value": Row, Defect
    (what is wrong then), Test (as README.md names it; unit/NAME.case for one case, tsan/NAME for a
    unit test under the thread sanitizer, fuzz/NAME for a fuzz target), and where there are such Needs
    (targets of make besides the program: tests of the engine run tests/system/s3probe) and Reverts
    (the commit whose change is taken back)."""

    def __init__(self, path):
        self.path, self.name = path, os.path.basename(path).removesuffix(".patch")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        head, _, rest = text.partition("\n--- ")
        fields = fields_of(head)
        wrong = set(fields) - set(FIELDS) or {"Row", "Defect", "Test"} - set(fields)
        if wrong or not rest:
            raise ValueError(f"{path}: no patch with {', '.join(FIELDS)}: {' '.join(sorted(wrong))}")
        self.row, self.defect, self.test = int(fields["Row"]), fields["Defect"], fields["Test"]
        self.needs, self.reverts = fields.get("Needs", "").split(), fields.get("Reverts")
        self.files = re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE)
        if not self.name.startswith(f"{self.row:02}-"):
            raise ValueError(f"{path}: of row {self.row}, so its name has to begin with that")
        kind = self.test.partition("/")[0]
        self.kind = kind if kind in ("unit", *FLAVOURS) else "system"

    def program(self):
        """The one that is the test; of a system test the one that is tested."""
        name = self.test.partition("/")[2].partition(".")[0]
        return {"system": "lockstep", "fuzz": f"tests/fuzz/fuzz_{name}"}.get(
            self.kind, f"tests/unit/{name}")

    def targets(self):
        return [self.program(), *self.needs]

    def apply(self, top, *options):
        """What patch says where it cannot, else nothing."""
        done = subprocess.run(["patch", "-p1", "-F0", "-s", "-N", "-r", "-", *options, "-i", self.path],
                              cwd=top, check=False, capture_output=True, text=True)
        return (done.stdout + done.stderr).strip() or "refused" if done.returncode else ""


def fields_of(text):
    """The lines "Field: value" of a text."""
    return dict(re.findall(r"^(\w+): (.+)$", text, re.MULTILINE))


def mutants():
    """All of them, by their rows."""
    return [Mutant(os.path.join(FOLDER, name))
            for name in sorted(os.listdir(FOLDER)) if name.endswith(".patch")]


def run(command, seconds, folder, **extra):
    """Exit status (None: took too long) and what was printed. Nothing of its group is left."""
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", start_new_session=True,
                          env=dict(os.environ, **extra)) as process:
        try:
            text, _ = process.communicate(timeout=seconds)
            return process.returncode, text
        except subprocess.TimeoutExpired:
            return None, ""
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class Bench:
    """The copy, where mutants live."""

    def __init__(self, build, jobs):
        self.jobs = jobs
        self.top = os.path.join(build, "mutants")
        self.plain = self.folder("system")
        shutil.rmtree(self.top, ignore_errors=True)
        shutil.copytree(TOP, self.top, symlinks=True,
                        ignore=lambda folder, names: {n for n in names if n == ".git" or (
                            folder == TOP and n.startswith(("build", "obj-")) and n != "build-aux")})
        shutil.copytree(build, self.plain, symlinks=True,
                        ignore=lambda folder, names: {"mutants"} if folder == build else set())

    def folder(self, kind):
        """Where what tests of that kind need is built."""
        return os.path.join(self.top, "build", kind if kind in FLAVOURS else "plain")

    def configure(self, kind):
        """A build that is not there yet."""
        folder = self.folder(kind)
        if not os.path.exists(os.path.join(folder, "Makefile")):
            os.makedirs(folder, exist_ok=True)
            status, text = run(["../../configure", "--quiet", *FLAVOURS[kind]], MAKE_S, folder)
            if status != 0:
                raise Broken(f"build/{kind} cannot be configured:\n{text[-2000:]}")

    def make(self, kind, targets):
        self.configure(kind)
        status, text = run(["make", "-s", f"-j{self.jobs}", *targets], MAKE_S, self.folder(kind))
        if status != 0:
            raise Broken("it does not compile:\n" + "\n".join(text.splitlines()[-20:]))

    def holds(self, mutant):
        """Does its test pass? None where it was skipped."""
        if mutant.kind == "fuzz":
            return self._fuzz(mutant)
        if mutant.kind != "system":
            return self._unit(mutant)
        status, text = run([sys.executable, "-B", "tests/system/run.py", "--build", self.plain,
                            "--server", "s3d", "--only", mutant.test.rstrip("*")],
                           TEST_S, self.top)
        if status is None or "\nFAIL " in "\n" + text:
            return False
        if status or not re.search(r"^\d+ passed", text, re.MULTILINE):
            raise Broken("its test was not run:\n" + text[-2000:])
        return None if "\nok " not in "\n" + text else True

    def _unit(self, mutant):
        """The same of a program of cmocka, or of one of its cases. Who fails leaves files."""
        fixed = ["setarch", os.uname().machine, "-R"] if mutant.kind == "tsan" else []
        with tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True) as left:
            status, text = run([*fixed, f"./{mutant.program()}"], TEST_S, self.folder(mutant.kind),
                               srcdir="../..", TMPDIR=left,
                               TSAN_OPTIONS="halt_on_error=1 atexit_sleep_ms=50")
        case = mutant.test.partition(".")[2]
        if case and f"[ RUN      ] {case}\n" not in text:
            raise Broken(f"its test has no case {case}:\n{text[-2000:]}")
        if case and status is not None and status > 0:
            return f"[  FAILED  ] {case}\n" not in text
        return None if status == 77 else status == 0

    def _fuzz(self, mutant):
        """The same of a fuzz target: what it finds within a minute, from its seeds."""
        name = mutant.test.partition("/")[2]
        found = os.path.join(self.folder("fuzz"), "corpus", name)
        os.makedirs(found, exist_ok=True)
        return run([f"./{mutant.program()}", *FUZZ_WORDS, found, f"{self.top}/tests/fuzz/corpus/{name}"],
                   TEST_S, self.folder("fuzz"))[0] == 0

    def put_back(self, mutant):
        """The files as they are, and newer than what was made of the others."""
        for file in mutant.files:
            shutil.copyfile(os.path.join(TOP, file), os.path.join(self.top, file))


def whole(bench, chosen, until):
    """The names of the tests that pass as the sources are; why not, of the others."""
    told = {}
    for mutant in chosen:
        if mutant.test in told or time.monotonic() > until:
            continue
        try:
            bench.make(mutant.kind, mutant.targets())
            passes = bench.holds(mutant)
            told[mutant.test] = {True: "", None: "skipped", False: "fails without a defect, too"}[passes]
        except Broken as why:
            told[mutant.test] = str(why)
        print(f"      {mutant.test}: {told[mutant.test] or 'passes without a defect'}", flush=True)
    return told


def try_one(bench, mutant):
    """Why it is not caught; nothing where it is."""
    why = mutant.apply(bench.top)
    if why:
        bench.put_back(mutant)
        return f"it does not apply: {why}"
    try:
        bench.make(mutant.kind, mutant.targets())
        return "" if bench.holds(mutant) is False else f"SURVIVES {mutant.test}"
    except Broken as broken:
        return str(broken)
    finally:
        bench.put_back(mutant)


def try_all(bench, chosen, until):
    """How many were caught, not, and skipped."""
    told = whole(bench, chosen, until)
    passed = failed = skipped = 0
    for mutant in chosen:
        began = time.monotonic()
        why = "no time was left" if began > until else told.get(mutant.test) or try_one(bench, mutant)
        took = time.monotonic() - began
        if why == "skipped":
            skipped += 1
            print(f"SKIP  {mutant.name}: {mutant.test} cannot be run here", flush=True)
        elif why:
            failed += 1
            print(f"FAIL  {mutant.name} ({took:.0f} s): {mutant.defect}\n    {why}", flush=True)
        else:
            passed += 1
            print(f"ok    {mutant.name} ({took:.0f} s): {mutant.test}", flush=True)
    return passed, failed, skipped


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", metavar="DIR", default=os.path.join(TOP, "build", "plain"),
                        help="where make put the programs (build/plain)")
    parser.add_argument("--row", type=int, metavar="N", help="those of this row alone")
    parser.add_argument("--only", metavar="TEXT", default="", help="whose name contains this text")
    parser.add_argument("--minutes", type=float, default=40, metavar="N",
                        help="those not tried by then count as failed (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="of make (%(default)s)")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    until = time.monotonic() + 60 * arguments.minutes
    chosen = [m for m in mutants()
              if arguments.row in (None, m.row) and arguments.only in m.name]
    if not chosen:
        print("mutants.py: there is no such mutant", file=sys.stderr)
        return 2
    bench = Bench(os.path.abspath(arguments.build), arguments.jobs)
    try:
        passed, failed, skipped = try_all(bench, chosen, until)
    finally:
        shutil.rmtree(bench.top, ignore_errors=True)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
