"""Does a series grow? A slope that single outliers do not move (Theil and Sen: the median of the
slopes between all pairs), with the bound that it is above at 95 % (Sen 1968: by the order of these
slopes, which takes no bell curve for granted)."""

import math

ONE_SIDED_95 = 1.645
POINTS_MIN = 5  # fewer show nothing at that level


class Trend:
    """slope and least (its lower bound) are per unit of x; median is of the y."""

    def __init__(self, points):
        n = len(points)
        if n < POINTS_MIN:
            raise ValueError(f"{n} points show no trend")
        slopes = sorted((y2 - y1) / (x2 - x1) for i, (x1, y1) in enumerate(points)
                        for x2, y2 in points[i + 1:] if x2 != x1)
        spread = ONE_SIDED_95 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
        self.slope = slopes[len(slopes) // 2]
        self.least = slopes[max(0, math.floor((len(slopes) - spread) / 2))]
        self.span = points[-1][0] - points[0][0]
        self.median = sorted(y for _, y in points)[n // 2]
        self.offset = sorted(y - self.slope * x for x, y in points)[n // 2]

    def grew(self, allowed):
        """Over the whole span, by more than is allowed, and not by chance."""
        return self.least * self.span > allowed
