"""Who includes whom: rooms only themselves and base/, nobody agent/, and each foreign library in one
file."""

import collections
import re

import house

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# Headers that one .c file of the shipping code may know, and one of the test server.
SINGLE = (
    "inotifytools/inotifytools.h",
    "libconfig.h",
    "lmdb.h",
    "expat.h",
    "jansson.h",
    "sqlite3.h",
    "microhttpd.h",
)
# The shell of connections.
CURL_FILES = 1


def includes(top, path):
    """(line, bracket, header) of each."""
    text = house.read(top, path)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(2)) + 1, match.group(1), match.group(2)


def room_fault(path, header):
    """Why this file may not include this header of ours; None if it may."""
    room, other = house.room_of(path), house.room_of(header)
    if "/" not in header:
        return "is not written from the top"
    if room in ("agent", "tests"):
        return "is of the tests" if other == "tests" and room != "tests" else None
    if other in (room, "base"):
        return None
    return "is of another room than base/"


def check_foreign(users):
    """Faults of foreign headers: users maps a header to the files that include it."""
    for header in SINGLE:
        for server in (False, True):
            files = [p for p in users[header] if p.startswith(house.SERVER) == server]
            if len(files) > 1:
                yield f"{files[1]}: includes <{header}>, as {files[0]} does; one file may know it"
            for path in files:
                if path.endswith(".h"):
                    yield f"{path}: a header includes <{header}>"
    for header in [h for h in users if h.startswith("curl/")]:
        files = [p for p in users[header] if not p.startswith(house.SERVER)]
        if len(files) > CURL_FILES:
            yield f"{files[-1]}: includes <{header}>; {CURL_FILES} file may know it: {files}"
        for path in files:
            if house.room_of(path) != "uploaders" or path.endswith(".h"):
                yield f"{path}: includes <{header}>, which is for shells of uploaders/"
    for header in [h for h in users if h.startswith("openssl/")]:
        for path in users[header]:
            if house.room_of(path) != "base" and not path.startswith("tests/"):
                yield f"{path}: includes <{header}>, which is for base/"


def check(top):
    found = []
    users = collections.defaultdict(list)
    for path in house.sources(top, house.ROOMS + ("tests",), (".c", ".h")):
        for line, bracket, header in includes(top, path):
            if bracket == "<":
                if not path.startswith("tests/") or path.startswith(house.SERVER):
                    users[header].append(path)
            else:
                fault = room_fault(path, header)
                if fault:
                    found.append(f'{path}:{line}: "{header}" {fault}')
    found.extend(check_foreign(users))
    return found


if __name__ == "__main__":
    house.main(
        check,
        [
            ("journal/planted.c", '#include "lists/lists.h"\n', "another room"),
            ("base/planted.c", '#include "conf/conf.h"\n', "another room"),
            ("lists/planted.h", '#include "agent/agent.h"\n', "another room"),
            ("agent/planted.c", '#include "tests/unit/unit.h"\n', "is of the tests"),
            ("conf/planted.c", '#include "conf.h"\n', "from the top"),
            ("conf/planted.c", "#include <libconfig.h>\n", "libconfig.h"),
            ("watchers/planted.h", "#include <inotifytools/inotifytools.h>\n", "header includes"),
            ("agent/planted.c", "#include <curl/curl.h>\n", "shells of uploaders"),
            ("lists/planted.c", "#include <openssl/evp.h>\n", "for base/"),
        ],
    )
