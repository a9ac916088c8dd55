"""A folder of files as the tests make it and look at it."""

import fnmatch
import hashlib
import os

# What an agent passes over by default: what editors, NFS and lockstep itself leave behind.
IGNORED = (".git", "*~", ".*.swp", ".nfs*", ".lockstep-*.tmp", ".lockstep-lock",
           ".?*." + "[A-Za-z0-9]" * 6)


def files(root, ignore=IGNORED):
    """path -> stat of every regular file, links not followed."""
    found = {}
    stack = [""]
    while stack:
        folder = stack.pop()
        with os.scandir(os.path.join(root, folder)) as entries:
            for entry in entries:
                path = os.path.join(folder, entry.name)
                if any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in ignore):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    stack.append(path)
                elif entry.is_file(follow_symlinks=False):
                    found[path] = entry.stat(follow_symlinks=False)
    return found


def read(path):
    """The content of a file."""
    with open(path, "rb") as file:
        return file.read()


def write(path, data=b"x" * 1000):
    """A file with this content, in folders that are made where they are missing."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def md5(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
