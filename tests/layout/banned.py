"""Functions that the shipping code does not call, and marks of unfinished work."""

import re

import house

BANNED = {
    "strcpy": "memcpy with a checked length",
    "strcat": "struct buf",
    "strncpy": "memcpy with a checked length",
    "strncat": "struct buf",
    "sprintf": "snprintf or buf_appendf",
    "vsprintf": "vsnprintf",
    "gets": "read",
    "scanf": "a parser",
    "fscanf": "a parser",
    "strtok": "strcspn",
    "atoi": "strtoll with its end checked",
    "atol": "strtoll with its end checked",
    "atoll": "strtoll with its end checked",
    "alloca": "a buffer with a ceiling",
    "system": "posix_spawn without a shell",
    "popen": "posix_spawn without a shell",
    "vfork": "posix_spawn",
    "mktemp": "mkstemp",
    "tmpnam": "mkstemp",
    "tempnam": "mkstemp",
    "rand": "a seed that is passed in",
    "srand": "a seed that is passed in",
    "random": "a seed that is passed in",
    "signal": "sigaction or signalfd",
    "setjmp": "a code that is returned",
    "longjmp": "a code that is returned",
    "localtime": "clock.h",
    "gmtime": "gmtime_r",
    "ctime": "clock.h",
    "asctime": "clock.h",
    "strerror": "err_name, which is safe with threads",
    "usleep": "a deadline of the loop",
}
# What overruns a buffer is banned in the test server, too.
OVERRUNS = ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "strtok", "alloca")
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\((?!SIGPIPE, SIG_IGN\))")
# Joined here so that this file does not find itself.
MARK = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")


def check(top):
    found = []
    for path in house.sources(top, house.ROOMS + (house.SERVER,), (".c", ".h")):
        text = house.code_only(house.read(top, path))
        for match in CALL.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            name = match.group(1)
            if path.startswith(house.SERVER) and name not in OVERRUNS:
                continue
            found.append(f"{path}:{line}: {name}() is banned; use {BANNED[name]}")
    for path in house.sources(top, house.ROOMS + ("tests",), (".c", ".h", ".py", ".mk", ".md")):
        text = house.read(top, path)
        for match in MARK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{line}: {match.group(1)}: a mark of unfinished work")
    return found


if __name__ == "__main__":
    house.main(
        check,
        [
            ("base/planted.c", "void f(char *a)\n{\n    strcpy(a, a);\n}\n", "strcpy() is banned"),
            ("agent/planted.c", "int g(void)\n{\n    return atoi(\"1\");\n}\n", "atoi() is banned"),
            ("tests/unit/planted.c", "/* TO" + "DO: more */\n", "unfinished"),
        ],
    )
