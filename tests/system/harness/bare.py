"""A bare Debian: what is essential, systemd, and what one package depends on. Its files are those of
this host, as dpkg knows them, so it needs no network, and a dependency that the package does not name
is missing there. It is booted by uml.boot_root."""

import os
import re
import subprocess

from .context import Skip

STATUS, INFO = "/var/lib/dpkg/status", "/var/lib/dpkg/info"
SYSTEMD = ("systemd", "systemd-sysv")
# What maintainer scripts make, and users and groups before any package adds its own.
MADE = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/nsswitch.conf", "/usr/bin/awk", "/etc/pam.d",
        "/etc/ssl/openssl.cnf", "/usr/lib/ssl")
MASTERS = "/usr/share/base-passwd"
UNREAD = re.compile(rb"/usr/share/(doc|man|locale|info|lintian|zoneinfo)/.")


def _installed():
    """Package -> its fields, of all that this host has."""
    with open(STATUS, encoding="utf-8") as file:
        texts = file.read().split("\n\n")
    found = {}
    for text in texts:
        fields = dict(re.findall(r"^([A-Z][\w-]*): (.*(?:\n .*)*)", text, re.M))
        if fields.get("Status") == "install ok installed":
            fields["text"] = text.strip("\n") + "\n\n"
            found[fields["Package"]] = fields
    return found


def _alternatives(dependencies):
    """Of "a (>= 1) | b, c": [["a", "b"], ["c"]]."""
    return [[re.split(r"[\s:(]", word.strip())[0] for word in words.split("|")]
            for words in dependencies.split(",") if words.strip()]


def _closure(installed, dependencies):
    """The names of all that is wanted there."""
    provided = {}
    for name, fields in installed.items():
        for words in _alternatives(fields.get("Provides", "")):
            provided.setdefault(words[0], name)

    def choose(words):
        return next((provided.get(word, word) for word in words
                     if word in installed or word in provided), None)

    todo = [name for name, fields in installed.items()
            if fields.get("Essential") == "yes" or fields.get("Priority") == "required"]
    todo += [*SYSTEMD, *map(choose, _alternatives(dependencies))]
    names = set()
    while todo:
        name = todo.pop()
        if name is None or name not in installed:
            raise Skip("this host's packages are no whole Debian")
        if name not in names:
            names.add(name)
            for field in ("Depends", "Pre-Depends"):
                todo += map(choose, _alternatives(installed[name].get(field, "")))
    return names


def _lists(name):
    """dpkg's own files of a package."""
    return [f"{INFO}/{file}" for file in os.listdir(INFO)
            if re.fullmatch(rf"{re.escape(name)}(:\w+)?\.\w+", file)]


def _files(own):
    """What a package has put on this host."""
    with open(next(path for path in own if path.endswith(".list")), "rb") as file:
        return [path for path in file.read().splitlines()
                if path != b"/." and os.path.lexists(path) and not UNREAD.match(path)]


def _copy(paths, root, *options):
    """These of this host's files and directories, alone, there."""
    with subprocess.Popen(["tar", "-C", "/", "-c", "--no-recursion", "--null", "-T", "-", *options],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as packer, \
         subprocess.Popen(["tar", "-C", root, "-x", "-p", "--keep-directory-symlink"],
                          stdin=packer.stdout) as unpacker:
        packer.stdin.write(b"\0".join(path.lstrip(b"/") for path in paths))
        packer.stdin.close()
    assert packer.returncode == 0 and unpacker.returncode == 0, "tar failed"


def _below(path):
    """A path and all beneath it."""
    yield os.fsencode(path)
    for folder, directories, files in os.walk(path):
        for name in directories + files:
            yield os.fsencode(os.path.join(folder, name))


def make(root, dependencies):
    """Make one in the folder `root`, which is not there, for a package with these Depends."""
    if os.geteuid() != 0:
        raise Skip("only root can own the files of a host")
    if not os.path.exists(STATUS):
        raise Skip("this is no Debian")
    installed = _installed()
    names = sorted(_closure(installed, dependencies))
    paths = [os.fsencode(f"{INFO}/format")]
    for name in names:
        own = _lists(name)
        paths += _files(own) + [os.fsencode(path) for path in own]
    for path in MADE:
        paths += [path for path in _below(path) if os.path.lexists(path)]
    os.makedirs(root)
    for link in ("bin", "sbin", "lib", "lib64"):
        os.makedirs(f"{root}/usr/{link}")
        os.symlink(f"usr/{link}", f"{root}/{link}")
    _copy(dict.fromkeys(paths), root)
    for folder in ("dev", "proc", "sys", "run", "tmp", "etc", "var/lib/dpkg/updates",
                   "var/lib/dpkg/triggers"):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    os.chmod(f"{root}/tmp", 0o1777)
    with open(f"{root}/etc/machine-id", "w", encoding="ascii") as file:
        file.write(os.urandom(16).hex() + "\n")  # else it asks on its console who it is
    for name in ("passwd", "group"):
        with open(f"{MASTERS}/{name}.master", encoding="ascii") as master, \
             open(f"{root}/etc/{name}", "w", encoding="ascii") as file:
            file.write(master.read().replace(":*:", ":x:"))
    with open(f"{root}/var/lib/dpkg/status", "w", encoding="utf-8") as file:
        file.writelines(installed[name]["text"] for name in names)
    open(f"{root}/var/lib/dpkg/available", "w", encoding="ascii").close()
    subprocess.run(["systemd-sysusers", f"--root={root}"], check=True, capture_output=True)
    # dpkg finds out anew which triggers its packages have, and what they ask for.
    subprocess.run(["chroot", root, "dpkg", "--configure", "--pending"], check=True,
                   capture_output=True)
