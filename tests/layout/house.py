"""What the checks of the house's layout share: the sources as the checks see them, and a self-test
that plants a violation in a copy and expects it to be found."""

import os
import re
import shutil
import sys
import tempfile

ROOMS = ("base", "conf", "journal", "lists", "watchers", "uploaders", "agent")
SERVER = "tests/s3d"
TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL
)


def sources(top, folders, ends):
    """Paths below top, sorted: the files of the folders with one of the ends."""
    found = []
    for folder in folders:
        for where, _, names in os.walk(os.path.join(top, folder)):
            for name in names:
                if name.endswith(ends):
                    found.append(os.path.relpath(os.path.join(where, name), top))
    return sorted(found)


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8", errors="surrogateescape") as f:
        return f.read()


def room_of(path):
    return path.split("/", 1)[0]


def code_only(text):
    """The text with comments and the insides of strings blanked, line for line."""

    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        return token[0] + " " * (len(token) - 2) + token[-1]

    return TOKEN.sub(blank, text)


def first_comment(text):
    match = re.match(r"\s*/\*(.*?)\*/", text, re.DOTALL)
    return match.group(1) if match else ""


def copy_of(top):
    """A copy of the sources that a self-test may spoil."""
    to = tempfile.mkdtemp(prefix="layout.")
    for folder in ROOMS + ("tests",):
        at = os.path.join(top, folder)
        if os.path.isdir(at):
            shutil.copytree(at, os.path.join(to, folder))
    for where, folders, names in os.walk(to):
        for name in folders + names:
            os.chmod(os.path.join(where, name), 0o700)
    return to


def plant(top, path, text):
    """Put a file, or more lines at the end of one that is there."""
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "a", encoding="utf-8") as f:
        f.write(text)


def main(check, plants, spoil=copy_of):
    """
    check(top) gives the violations as lines. Each of plants is (path, text, words): with this text in
    this file of a copy, check must give a new line that holds the words. Prints what it finds and a
    summary; the exit status is that of a test.
    """
    top = os.environ.get("srcdir", ".")
    found = check(top)
    for line in found:
        print(line)
    passed, failed = (0, 1) if found else (1, 0)
    for path, text, words in plants:
        spoilt = spoil(top)
        try:
            plant(spoilt, path, text)
            new = [line for line in check(spoilt) if line not in found]
        finally:
            shutil.rmtree(spoilt)
        if any(words in line for line in new):
            passed += 1
        else:
            failed += 1
            print(f"self-test: {path}: planted, but nothing with {words!r} was found: {new}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
