"""Objects of files that call themselves "Pure." ask nobody for I/O, time, environment, threads or
logs, and hold no data that changes. Every file of a room says which it is: pure or a shell."""

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile

import house

BANNED = re.compile(
    r"""^(
    open(at)?2?(64)? | creat(64)? | p?(read|write)v?2?(64)? | close | lseek(64)? | f?truncate(64)? |
    f(open|dopen|reopen|read|write)(64)? | std(in|out|err) | v?d?printf | puts | putchar | perror |
    sendfile(64)? | copy_file_range | f?data?sync | fsync | sync | fcntl(64)? | ioctl | mmap(64)? |
    [fl]?statx?(at)?(64)? | f?statfs(64)? | access | faccessat | readlink(at)? | realpath |
    rename(at)?2? | (un)?link(at)? | rmdir | mkdir(at)? | mkstemp(64)? | mkdtemp |
    opendir | fdopendir | readdir(64)? | scandir(64)? | nftw(64)? | ftw(64)? | glob(64)? | getcwd |
    time | gettimeofday | clock | clock_(get|set|mono|real)\w+ | clock_nanosleep | nanosleep | u?sleep | timerfd_\w+ | localtime\w* |
    getenv | secure_getenv | setenv | putenv | unsetenv | environ | setlocale |
    getpid | gettid | get(e)?[ug]id | gethostname | uname | getrandom | s?random | s?rand |
    socket(pair)? | connect | accept4? | bind | listen | send(to|msg)? | recv(from|msg)? |
    poll | ppoll | select | epoll_\w+ | eventfd | pipe2? | inotify_\w+ |
    fork | vfork | execv\w* | posix_spawnp? | system | popen | kill | raise | signal | sigaction |
    pthread_\w+ | thrd_\w+ | mtx_\w+ | cnd_\w+ | sem_\w+ | syscall | v?syslog | log_line |
    curl_\w+ | inotifytools_\w+ | config_\w+ | mdb_\w+ | XML_\w+ | MHD_\w+ | sd_\w+ | sqlite3_\w+ | RAND_\w+
    )$""",
    re.VERBOSE,
)
# What a pure file may have all the same.
ALLOWED = (
    # The seed of its hash, against chosen keys.
    ("base/map.c", r"getrandom"),
    # A library that parses what lies in memory, and the parser that each thread keeps.
    ("uploaders/xml.c", r"XML_\w+|pthread_(once|key_create|[gs]etspecific)|once|kept|keeps"),
    # Tables of constants and the choice of the processor's way, made once by whoever comes first.
    ("base/crc.c", r"pthread_once|\w+_once|best\d\d"),
    ("base/crc_table.c", r"pthread_once|\w+_once|table\d\d"),
    ("base/crc_x86.c", r"pthread_once|\w+_once|fold_(one|all|wide)"),
    ("base/sha256_each.c", r"pthread_once|\w+_once|best_\w+|clock_mono_us"),
)
WRITABLE = re.compile(r"\s(\.t?data|\.t?bss|\.data\.(?!rel\.ro)\S+|\.bss\.\S+|\*COM\*)\s+([0-9a-f]+)\s+(\S+)$")


def kind_of(text):
    """ "pure", "shell" or None, by the file's first comment."""
    comment = house.first_comment(text)
    if re.search(r"\bPure(\.| but )", comment):
        return "pure"
    return "shell" if re.search(r"\bshell\b", comment, re.IGNORECASE) else None


def object_of(build, path):
    """The object of a source; automake puts the library's name before it where flags differ."""
    folder, name = os.path.split(path)
    stem = name[:-2]
    at = os.path.join(build, folder)
    names = os.listdir(at) if os.path.isdir(at) else []
    for other in names:
        if other == stem + ".o" or re.fullmatch(r"lib\w+_a-" + re.escape(stem) + r"\.o", other):
            return os.path.join(at, other)
    return None


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def plain_name(symbol):
    """The function behind a fortified or versioned symbol."""
    symbol = symbol.split("@")[0]
    match = re.fullmatch(r"__(\w+?)(64)?_(chk|2)", symbol)
    if match:
        return match.group(1)
    return re.sub(r"^__isoc99_|^__xpg_", "", symbol)


def is_allowed(path, name):
    return any(path == of and re.fullmatch(pattern, name) for of, pattern in ALLOWED)


def object_faults(path, obj):
    """What this object asks for or holds that a pure one may not."""
    undefined = {line.split()[-1] for line in output_of("nm", "-u", obj).splitlines() if line}
    if any(symbol.startswith(("__asan_", "__tsan_", "__ubsan_")) for symbol in undefined):
        return
    for symbol in sorted(undefined):
        name = plain_name(symbol)
        if BANNED.match(name) and not is_allowed(path, name):
            yield f"{path}: is pure, but uses {symbol}"
    for line in output_of("objdump", "-t", obj).splitlines():
        match = WRITABLE.search(line)
        is_data = match and int(match.group(2), 16) > 0 and " O " in line
        if is_data and not is_allowed(path, match.group(3)):
            yield f"{path}: is pure, but {match.group(3)} can change"


def check_in(build):
    def check(top):
        found = []
        for path in house.sources(top, house.ROOMS, (".c",)):
            kind = kind_of(house.read(top, path))
            if kind is None:
                found.append(f'{path}: its first comment says neither "Pure." nor "Shell."')
            if kind != "pure":
                continue
            obj = object_of(build, path) or object_of(top, path)
            if obj is None:
                found.append(f"{path}: has no object in the build")
            else:
                found.extend(object_faults(path, obj))
        return found

    return check


CASES = {
    "reads": "#include <unistd.h>\nlong f(char *p);\nlong f(char *p)\n{\n    return read(0, p, 9);\n}\n",
    "timed": "#include <time.h>\nlong f(void);\nlong f(void)\n{\n    return time(0);\n}\n",
    "keeps": "int f(void);\nint f(void)\n{\n    static int n;\n    return n++;\n}\n",
    "fortified": "#include <stdio.h>\nvoid f(int n);\nvoid f(int n)\n{\n    printf(\"%d %d\", n, n);\n}\n",
    "clean": "int f(int n);\nint f(int n)\n{\n    return n + 1;\n}\n",
}


@functools.cache
def object_of_case(name):
    """The bytes of what a case compiles to."""
    flags = ["-O2", "-D_FORTIFY_SOURCE=2", "-fPIE", "-c"]
    compiler = os.environ.get("CC", "cc").split()
    with tempfile.TemporaryDirectory(prefix="layout.") as folder:
        source, obj = os.path.join(folder, name + ".c"), os.path.join(folder, name + ".o")
        with open(source, "w", encoding="utf-8") as f:
            f.write(CASES[name])
        subprocess.run(compiler + flags + [source, "-o", obj], check=True)
        with open(obj, "rb") as f:
            return f.read()


def spoil_with_objects(top):
    """A tree in which what is planted is compiled, so that its object is there."""
    del top
    to = tempfile.mkdtemp(prefix="layout.")
    os.makedirs(os.path.join(to, "base"))
    for name in CASES:
        stem = os.path.join(to, "base", name)
        with open(stem + ".o", "wb") as f:
            f.write(object_of_case(name))
        with open(stem + ".c", "w", encoding="utf-8") as f:
            f.write("/* Shell. */\n" if name == "clean" else "")
    return to


if __name__ == "__main__":
    PURE = "/* Planted. Pure. */\n"
    try:
        house.main(
            check_in("."),
            [
                ("base/reads.c", PURE, "uses read"),
                ("base/timed.c", PURE, "uses time"),
                ("base/keeps.c", PURE, "n.0 can change"),
                ("base/fortified.c", PURE, "uses __printf_chk"),
                ("base/silent.c", "/* Planted. */\n", "says neither"),
                ("base/unbuilt.c", PURE, "has no object"),
            ],
            spoil_with_objects,
        )
    except FileNotFoundError as missing:
        print(f"skipped: {missing}")
        shutil.rmtree("__pycache__", ignore_errors=True)
        sys.exit(77)
