"""The program that is shipped is hardened: its addresses are random, what the loader has filled in is
read-only, frames and copies are checked, and on x86-64 returns are, too."""

import os
import platform
import re
import subprocess
import sys
import tempfile

PROGRAM = "lockstep"
NOT_OURS = ("Scrt1.o", "crti.o", "crtbeginS.o", "libinotifytools.a")  # what is linked statically
ENOUGH_OF_THE_HOUSE = 3  # sorts of calls that the compiler has fortified

SOFT = """#include <string.h>
int main(int argc, char **argv)
{
    char copy[64];
    memcpy(copy, argv[0], strlen(argv[0]));
    return copy[argc];
}
"""
# Flags that undo each of the protections, for a self-test, and what must be missed then.
UNDOING = ("-no-pie", "-fno-pie", "-fno-stack-protector", "-U_FORTIFY_SOURCE",
           "-fcf-protection=none", "-Wl,-z,norelro", "-Wl,-z,lazy", "-Wl,-z,execstack")


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], check=True, capture_output=True,
                          text=True).stdout


def faults(program):
    """What this program lacks, a line each."""
    header, segments = readelf("-h", program), readelf("-l", program)
    dynamic, symbols = readelf("-d", program), readelf("--dyn-syms", program)
    fortified = set(re.findall(r"\bUND __(\w+)_chk\b", symbols))
    wanted = [
        (re.search(r"Type:\s+DYN", header) and "PIE" in dynamic, "is not position independent"),
        ("GNU_RELRO" in segments, "has no read-only relocations"),
        (re.search(r"\((FLAGS|FLAGS_1)\).*NOW", dynamic), "binds its symbols lazily"),
        (re.search(r"GNU_STACK.*\sRW\s", segments), "has a stack that can be executed"),
        ("__stack_chk_fail" in symbols, "has no stack protector"),
        (len(fortified) >= ENOUGH_OF_THE_HOUSE, f"has few fortified calls: {sorted(fortified)}"),
        ("RPATH" not in dynamic and "RUNPATH" not in dynamic, "looks for libraries elsewhere"),
    ]
    if platform.machine() == "x86_64":
        wanted.append(("SHSTK" in readelf("-n", program), "is not marked for a shadow stack"))
    return [f"{program}: {text}" for ok, text in wanted if not ok]


def unmarked(file):
    """Objects of an archive, or the one object, that have no marks for branches and returns."""
    told = readelf("-n", file)
    parts = told.split("\nFile: ")[1:] or [f"{file}\n{told}"]
    return [part.splitlines()[0] for part in parts if "x86 feature: IBT, SHSTK" not in part]


def object_faults(archive):
    """Objects of ours that lack them."""
    if platform.machine() != "x86_64":
        return []
    return [f"{name}: was compiled without -fcf-protection=full" for name in unmarked(archive)]


def branch_faults(program):
    """Indirect branches are marked (IBT) as soon as all that is linked is: what is not ours decides.
    Says what the program carries."""
    if platform.machine() != "x86_64":
        return []
    carried = re.search(r"x86 feature: ([A-Z, ]+[A-Z])", readelf("-n", program))
    print(f"{program} carries {carried.group(1) if carried else 'no marks'}")
    if carried and "IBT" in carried.group(1):
        return []
    missing = []
    for name in NOT_OURS:
        compiler = [*os.environ.get("CC", "cc").split(), f"-print-file-name={name}"]
        missing += unmarked(subprocess.run(compiler, check=True, capture_output=True,
                                           text=True).stdout.strip())
    print(f"not IBT, for want of {', '.join(map(os.path.basename, missing))}")
    return [] if missing else [f"{program}: is not marked for IBT, though all that it has is"]


def flags_of(makefile, name):
    with open(makefile, encoding="utf-8") as file:
        match = re.search(rf"^{name} = (.*)$", file.read(), re.M)
    return match.group(1).split() if match else []


def self_test():
    """A program without protections is missing each of them; returns what was not noticed."""
    with tempfile.TemporaryDirectory(prefix="layout.") as folder:
        source, program = os.path.join(folder, "soft.c"), os.path.join(folder, "soft")
        with open(source, "w", encoding="utf-8") as file:
            file.write(SOFT)
        flags = [flag for flag in UNDOING
                 if platform.machine() == "x86_64" or "cf-protection" not in flag]
        subprocess.run([*os.environ.get("CC", "cc").split(), "-O2", *flags, source, "-o", program],
                       check=True)
        found = " ".join(faults(program))
    words = ["position", "read-only", "lazily", "executed", "protector", "fortified"]
    return [word for word in words if word not in found]


def main():
    cflags = flags_of("Makefile", "LOCKSTEP_CFLAGS")
    if any(flag.startswith("-fsanitize=") for flag in cflags) or "-O0" in flags_of("Makefile", "CFLAGS"):
        print("skipped: not a build that is shipped")
        sys.exit(77)
    found = faults(PROGRAM) + branch_faults(PROGRAM)
    for folder in ("base", "conf", "journal", "lists", "watchers", "uploaders"):
        found += object_faults(os.path.join(folder, f"lib{folder}.a"))
    if "-D_FORTIFY_SOURCE=3" not in cflags:
        found.append("configure.ac: the third level of fortification is not asked for")
    for line in found:
        print(line)
    missed = self_test()
    for word in missed:
        print(f"self-test: nothing was said of {word!r}")
    failed = bool(found) + bool(missed)
    print(f"{2 - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
