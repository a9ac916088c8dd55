"""What the demo prints: short lines that fit 100 columns; colours on a terminal only."""

import os
import sys
import textwrap

WIDTH = 100
LABEL = 9

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def fit(text, width):
    """Cut to so many columns; what cannot be printed is made visible."""
    text = "".join(c if c.isprintable() else "?" for c in text.replace("\t", "  "))
    return text if len(text) <= width else text[:width - 3] + "..."


def plural(count, what, many=None):
    """"1 image", "12 images"."""
    return f"{count:,} {what if count == 1 else many or what + 's'}"


class Screen:
    """Prints, and counts what was checked."""

    def __init__(self, out=sys.stdout):
        self.out = out
        self.colour = out.isatty() and os.environ.get("TERM", "dumb") != "dumb" \
            and not os.environ.get("NO_COLOR")
        self.right = 0
        self.wrong = []
        self.steps = 0

    def _paint(self, text, *names):
        if not self.colour or not names:
            return text
        codes = ";".join(_CODES[name] for name in names)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def line(self, text="", *names, indent=0):
        self.out.write(" " * indent + self._paint(fit(text, WIDTH - indent), *names) + "\n")
        self.out.flush()

    def step(self, title, command=None):
        """A heading, and what a person would have typed."""
        self.steps += 1
        self.line()
        self.line(f"{self.steps}. {title}", "bold")
        if command:
            self.line(f"$ {command}", "cyan", indent=3)

    def fact(self, label, text, *names):
        """One labelled line; an empty label goes on with the one before."""
        head = f"{label:<{LABEL}} "
        self.out.write("   " + self._paint(head, "dim")
                       + self._paint(fit(text, WIDTH - 3 - len(head)), *names) + "\n")
        self.out.flush()

    def facts(self, label, lines, *names):
        for line in lines:
            self.fact(label, line, *names)
            label = ""

    def text(self, label, lines, *names):
        """What a program said, word for word: long lines go on in the next."""
        for line in lines:
            inner = " " * (len(line) - len(line.lstrip()))
            for part in textwrap.wrap(line, WIDTH - LABEL - 4, subsequent_indent=inner + "  "):
                self.fact(label, part, *names)
                label = ""

    def diff(self, label, lines):
        """Changed rows: what went in red, what came in green."""
        for line in lines:
            colour = {"-": ("red",), "+": ("green",)}.get(line[:1], ("dim",))
            self.fact(label, line, *colour)
            label = ""

    def check(self, good, text):
        """What has to be true here. Returns whether it is."""
        if good:
            self.right += 1
            self.fact("ok", text, "green")
        else:
            self.wrong.append(f"step {self.steps}: {text}")
            self.fact("WRONG", text, "red", "bold")
        return good
