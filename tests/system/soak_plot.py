"""A run of soak.py as an SVG: a strip for each series, with its trend where it is judged."""

from xml.sax.saxutils import escape

WIDTH, STRIP, LEFT, RIGHT, TOP, GAP = 960, 130, 90, 20, 50, 40


def nice(value):
    """A number for an axis."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


class Strip:
    """One series: points all the while, those that are judged, a line through them, a verdict."""

    def __init__(self, title, unit, busy, quiet, trend, failed):
        self.title, self.unit, self.busy, self.quiet = title, unit, busy, quiet
        self.trend, self.failed = trend, failed

    def draw(self, top, span):
        values = [y for _, y in self.busy + self.quiet] or [0]
        high = max(values) * 1.1 or 1

        def at(point):
            x = LEFT + (WIDTH - LEFT - RIGHT) * point[0] / span
            return f"{x:.1f},{top + STRIP - STRIP * min(point[1], high) / high:.1f}"

        colour = "#c0392b" if self.failed else "#2c7a3f"
        said = ""
        if self.trend:
            said = (f": median {nice(self.trend.median)} {self.unit}, grows by "
                    f"{nice(self.trend.slope * 3600)} an hour")
        yield f'<text x="{LEFT}" y="{top - 8}" fill="{colour}">{escape(self.title + said)}</text>'
        yield (f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{STRIP}" '
               'fill="none" stroke="#bbb"/>')
        for share in (0, 0.5, 1):
            yield (f'<text x="{LEFT - 6}" y="{top + STRIP - STRIP * share + 4:.1f}" '
                   f'text-anchor="end" fill="#555">{nice(high * share)}</text>')
        if self.busy:
            yield (f'<polyline fill="none" stroke="#9db4c9" points="'
                   f'{" ".join(at(p) for p in self.busy)}"/>')
        for point in self.quiet:
            x, y = at(point).split(",")
            yield f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>'
        if self.trend and self.quiet:
            ends = [(x, max(0.0, self.trend.offset + self.trend.slope * x))
                    for x in (self.quiet[0][0], self.quiet[-1][0])]
            yield (f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" '
                   f'points="{" ".join(at(p) for p in ends)}"/>')


def write(path, title, strips, span):
    """The file."""
    height = TOP + len(strips) * (STRIP + GAP) + 20
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
             f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>']
    for i, strip in enumerate(strips):
        lines += strip.draw(TOP + i * (STRIP + GAP), max(span, 1))
    lines += [f'<text x="{LEFT}" y="{height - 8}" fill="#555">0 s</text>',
              f'<text x="{WIDTH - RIGHT}" y="{height - 8}" text-anchor="end" fill="#555">'
              f'{span:.0f} s</text>', "</svg>"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
