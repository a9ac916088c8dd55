"""Functions of at most 80 lines (of tests, which may hold their table of cases: 120), files of at
most 700; prints what is usual."""

import re

import house

FUNCTION_MAX = 80
TEST_FUNCTION_MAX = 120
FILE_MAX = 700
SIGNATURE = re.compile(r"^[A-Za-z_][^=;#]*\(", re.DOTALL)


def functions(text):
    """(first line, lines) of each: from the signature to the closing brace in the first column."""
    lines = house.code_only(text).split("\n")
    begin = None
    for i, line in enumerate(lines):
        if line == "{":
            j = i
            while j > 0 and lines[j - 1].strip() and not lines[j - 1].startswith(("}", "#")):
                j -= 1
            begin = j if SIGNATURE.match("\n".join(lines[j:i])) else None
        elif line.startswith("}") and begin is not None:
            yield begin + 1, i - begin + 1
            begin = None


def check(top):
    found = []
    for path in house.sources(top, house.ROOMS + ("tests",), (".c", ".h")):
        text = house.read(top, path)
        lines = text.count("\n")
        if lines > FILE_MAX:
            found.append(f"{path}: {lines} lines; at most {FILE_MAX}")
        is_test = path.startswith("tests/") and not path.startswith(house.SERVER)
        most = TEST_FUNCTION_MAX if is_test else FUNCTION_MAX
        for line, length in functions(text):
            if length > most:
                found.append(f"{path}:{line}: a function of {length} lines; at most {most}")
    return found


def print_figures(top):
    lengths = sorted(
        length
        for path in house.sources(top, house.ROOMS, (".c",))
        for _, length in functions(house.read(top, path))
    )
    if lengths:
        median, p90 = lengths[len(lengths) // 2], lengths[len(lengths) * 9 // 10]
        print(f"{len(lengths)} functions: median {median} lines, p90 {p90}, longest {lengths[-1]}")


if __name__ == "__main__":
    import os

    print_figures(os.environ.get("srcdir", "."))
    LONG = "\nint planted(void)\n{\n" + "    planted();\n" * FUNCTION_MAX + "    return 0;\n}\n"
    house.main(
        check,
        [
            ("base/planted.c", LONG, "a function of 84 lines"),
            ("tests/unit/planted.c", "/* */\n" * (FILE_MAX + 1), "701 lines"),
        ],
    )
