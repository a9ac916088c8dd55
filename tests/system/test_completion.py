"""Completion of commands and options in shells: all that --help tells of, and nothing else. What the book
for operators names is there, too."""

import os
import re
import shutil
import subprocess

from harness import Skip, lockstep_binary, on, process

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BASH = """
source "$1"; shift
while IFS= read -r line; do
    read -ra COMP_WORDS <<<"$line"
    [[ $line != *' ' ]] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _lockstep "${COMP_WORDS[0]}" 2>/dev/null
    echo "${COMPREPLY[*]}"
done
"""
ZSH = """
compadd() { print -n -- "${@:#--} " }
_files() { print -n -- "$(print -l *(N) | tr '\\n' ' ')" }
words=("$2") CURRENT=1
source "$1" >/dev/null
while IFS= read -r line; do
    words=(${(s: :)line})
    [[ $line != *' ' ]] || words+=("")
    CURRENT=${#words}
    _lockstep
    print
done
"""
DRIVERS = {"bash": ("bash", "--norc", "-c", BASH, "driver"), "zsh": ("zsh", "-f", "-c", ZSH, "driver")}
FILES = {"bash": "lockstep", "zsh": "_lockstep"}
WORD = re.compile(r"(?<![\w-])--?[a-z][a-z-]*(?:=[a-z]+)?")


def help_of(*words):
    done = subprocess.run([lockstep_binary(), *words, "--help"], check=True, capture_output=True,
                          text=True)
    return done.stdout


def synopses(text):
    """The ways to call a command, each as one line, and what is said of several of them."""
    block = re.match(r"usage: (.*\n(?: {7,}.*\n)*)(the others with .*)?", text)
    ways = re.split(r"\n {7}(?=lockstep )", block.group(1))
    return [" ".join(way.split()) for way in ways], block.group(2) or ""


def commands_of(*words):
    """The words that --help has after these."""
    text = help_of(*words)
    ways, _ = synopses(text)
    start = " ".join(("lockstep", *words)) + " "
    if ways[0].startswith(start + "COMMAND"):
        return set(re.findall(r"^  ([a-z][a-z-]*) ", text, re.M))
    found = set()
    for way in ways:
        first = re.match(r"[a-z][a-z-]*(?: \| [a-z-]+)*", way[len(start):]) if way.startswith(start) else None
        found.update(first.group(0).split(" | ") if first else ())
    return found


def options_of(*words):
    """The options that --help tells of a command that has no commands below it."""
    text = help_of(*words)
    ways, others = synopses(text)
    start = " ".join(("lockstep", *words))
    told = [way for way in ways if (way + " ").startswith(start + " ")]
    assert told, f"--help of {start} does not tell how to call it"
    told += [line.split("  ")[1] for line in text.splitlines() if re.match("  -", line)]
    options = set(WORD.findall(" ".join(told + [others]).replace("[=", "=")))
    options.discard("--repair=extras")
    return {option.split("=")[0] for option in options} | {"--help"}


def leaves(*words):
    """All commands that have none below them, and all that have, with those."""
    below = commands_of(*words)
    if not below:
        return [words], {}
    ends, forks = [], {words: below}
    for name in sorted(below):
        more_ends, more_forks = leaves(*words, name)
        ends += more_ends
        forks.update(more_forks)
    return ends, forks


def completed(shell, folder, lines):
    """What the shell completes at the end of each of these lines."""
    if shutil.which(shell) is None:
        raise Skip(f"{shell} is not installed")
    script = os.path.join(process.build_dir(), "packaging/completion", FILES[shell])
    done = subprocess.run(
        [*DRIVERS[shell], os.path.abspath(script), lockstep_binary()], check=True,
        capture_output=True, text=True, cwd=folder,
        input="".join(f"{lockstep_binary()} {line}\n" for line in lines))
    found = [set(line.split()) for line in done.stdout.splitlines()]
    assert len(found) == len(lines), done.stdout + done.stderr
    return found


def check_all(ctx, shell):
    folder = ctx.folder("here")
    for name in ("a.lst", "b.lst"):
        with open(os.path.join(folder, name), "w", encoding="ascii"):
            pass
    ends, forks = leaves()
    cases = [("".join(word + " " for word in words), below) for words, below in forks.items()]
    cases += [(" ".join((*words, "-")), options_of(*words)) for words in ends]
    # By hand: values, and what is no option.
    cases += [("journal export --format ", {"jsonl", "csv", "sqlite"}),
              ("wait --list ", {"a.lst", "b.lst"}), ("lst stat ", {"a.lst", "b.lst"}),
              ("wait --timeout ", set()), ("nothing ", forks[()]), ("status ", set())]
    assert len(ends) > 20 and ("journal", "key") in forks
    for (line, wanted), got in zip(cases, completed(shell, folder, [line for line, _ in cases])):
        got.discard("--repair=extras")
        assert got == wanted, f"{shell}: {line!r}: {sorted(got)} in place of {sorted(wanted)}"


@on("s3d")
def test_bash_completes_what_help_tells(ctx):
    check_all(ctx, "bash")
    # A shell has three words of "--repair=".
    lines = ["veri", "verify --rep", "verify --repair = ", "verify --repair =", "lst check --js"]
    assert completed("bash", ctx.path("here"), lines) == [
        {"verify"}, {"--repair", "--repair=extras"}, {"extras"}, {"extras"}, {"--json"}]


@on("s3d")
def test_zsh_completes_what_help_tells(ctx):
    check_all(ctx, "zsh")


@on("s3d")
def test_the_book_names_what_there_is(ctx):
    """Each `lockstep ...` of docs/operations.md is a command, with options that it has."""
    del ctx
    with open(os.path.join(TOP, "docs/operations.md"), encoding="utf-8") as file:
        named = re.findall(r"(?:`|^|-- )lockstep ([a-z][^`\n]*)", file.read(), re.M)
    ends, _ = leaves()
    assert len(named) > 15
    for text in named:
        words = text.split()
        end = next((end for end in ends if tuple(words[:len(end)]) == end), None)
        assert end, f"lockstep {text}: no such command"
        unknown = {word.split("=")[0] for word in words if word.startswith("-")} - options_of(*end)
        assert not unknown, f"lockstep {text}: {unknown}"
