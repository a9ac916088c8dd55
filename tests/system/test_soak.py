"""The soak, short, and the rule by which it judges: neither noise nor outliers are growth, growth is."""

import os
import random
import xml.dom.minidom

from harness import deadline, on
from harness.prom import Figures
from harness.seeds import seed
from soak import JUDGED, Soak, quantile, report
from trend import Trend

SHORT_S = 30


def series(n, slope, noise, number, outliers=0):
    chance = random.Random(number)
    points = [(20.0 * i, 100 + slope * 20 * i + chance.gauss(0, noise)) for i in range(n)]
    for i in chance.sample(range(n), outliers):
        points[i] = points[i][0], points[i][1] + 500
    return points


@on("s3d")
def test_what_grows_is_told_from_what_only_wavers(_):
    for number in range(40):
        flat = Trend(series(40, 0, 3, number))
        assert not flat.grew(2.5), vars(flat)
        struck = Trend(series(40, 0, 3, number, outliers=8))
        assert not struck.grew(2.5), vars(struck)
        assert Trend(series(40, 0.02, 3, number)).grew(5), number        # by 16 over all
        assert Trend(series(40, 0.02, 3, number, outliers=6)).grew(4), number
        assert not Trend(series(40, -0.02, 3, number)).grew(0), number
    assert Trend([(i, i) for i in range(5)]).grew(3.9)
    step = Trend([(i, 0 if i < 3 else 50) for i in range(30)])  # once, early: no growth
    assert not step.grew(1) and step.slope == 0


@on("s3d")
def test_quantiles_are_of_what_landed_between_two_looks(_):
    text = 'lockstep_mapping_change_seconds_bucket{mapping="%s",le="%s"} %d\n' * 6
    before = Figures(text % ("a", "1", 5, "a", "2", 5, "a", "+Inf", 5,
                             "b", "1", 0, "b", "2", 0, "b", "+Inf", 0))
    after = Figures(text % ("a", "1", 5, "a", "2", 15, "a", "+Inf", 15,
                            "b", "1", 10, "b", "2", 10, "b", "+Inf", 10))
    assert quantile(before, after, 0.25) == 0.5 and quantile(before, after, 0.75) == 1.5
    assert quantile(after, after, 0.5) is None
    late = Figures(text % ("a", "1", 5, "a", "2", 15, "a", "+Inf", 35,
                           "b", "1", 10, "b", "2", 10, "b", "+Inf", 10))
    assert quantile(after, late, 0.5) == 2.0  # no class says more


@on("s3d")
@deadline(300)
def test_half_a_minute_of_mixed_load_shows_no_growth(ctx):
    run = Soak(ctx, SHORT_S, seed()).run()
    verdicts = run.judge()
    plot = ctx.path("soak.svg")
    run.plot(plot, verdicts)
    assert {name for name, _, _, _ in verdicts} == set(JUDGED)
    assert len(xml.dom.minidom.parse(plot).getElementsByTagName("rect")) == len(JUDGED) + 1
    assert os.path.getsize(plot) > 5000 and len(run.samples) > SHORT_S
    assert report(run, verdicts), "it grows"
    run.check()
