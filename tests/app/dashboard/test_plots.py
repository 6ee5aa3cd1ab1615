from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.dashboard import plots
from app.dashboard.plots import Row, round_up
from tasks.watch.statistics import Lengths

TIMES = [datetime(2026, 2, 28, 4, tzinfo=UTC) + timedelta(minutes=n) for n in range(3)]


def test_numbers_stand_on_one_another_below_a_line():
    plot = plots.counts(
        "p",
        "Jobs",
        TIMES,
        [Row("completed", "good", [4, 0, 1]), Row("failed", "bad", [4, 0, 0])],
        Row("accepted", "line", [8, 8, 0]),
    )

    assert [(layer.look, layer.path) for layer in plot.layers] == [
        ("good", "M1 50h8v50h-8zM21 87.5h8v12.5h-8z"),
        ("bad", "M1 0h8v50h-8z"),
        ("line", "M5 0L15 0L25 100"),
    ]
    assert [(rule.y, rule.label) for rule in plot.rules] == [(100, "0"), (50, "4"), (0, "8")]
    assert plot.legend == [("line", "16 accepted"), ("good", "5 completed"), ("bad", "4 failed")]
    assert plot.texts[0] == "8 accepted, 4 completed, 4 failed"
    assert plot.width == 30


def test_one_among_thousands_can_be_seen():
    plot = plots.counts("p", "Jobs", TIMES[:1], [Row("a", "a", [7999]), Row("b", "b", [1])])

    assert plot.layers[1].path == "M1 0h8v2h-8z"


def test_lengths_are_bars_from_the_median_on_a_scale_of_powers():
    plot = plots.lengths(
        "p",
        "Wait",
        TIMES,
        "wait",
        [Lengths(0.01, 0.1), Lengths(None, None), Lengths(0.5, 0.5)],
    )

    assert [(rule.y, rule.label) for rule in plot.rules] == [
        (100, "10 ms"),
        (50, "100 ms"),
        (0, "1 s"),
    ]
    assert [(layer.look, layer.path) for layer in plot.layers] == [
        ("wait", "M1 50h8v50h-8zM21 15.1h8v2h-8z"),
        ("wait median", "M1 100h8M21 15.1h8"),
    ]
    assert plot.texts == [
        "median 10 ms, 95 % within 100 ms", "nothing", "median 500 ms, 95 % within 500 ms"
    ]  # fmt: skip
    assert plot.legend[0] == ("wait median", "median 10 ms to 500 ms")


def test_labels_that_would_lie_on_one_another_are_left_out():
    plot = plots.lengths("p", "Latency", TIMES[:1], "latency", [Lengths(0.0005, 2_000_000.0)])

    assert [rule.label for rule in plot.rules] == ["1 ms", "100 ms", "10 s", "10 min", "10 d"]


def test_nothing_is_a_plot_as_well():
    empty = plots.counts("p", "Jobs", TIMES, [Row("completed", "good", [0, 0, 0])])
    unmeasured = plots.lengths("p", "Wait", TIMES, "wait", [Lengths(None, None)] * 3)

    assert [layer.path for layer in (*empty.layers, *unmeasured.layers)] == ["", "", ""]
    assert unmeasured.legend == [("", "nothing was measured")]


@pytest.mark.parametrize(
    ("value", "top"), [(0, 2), (1, 2), (3, 4), (5, 6), (9, 10), (11, 20), (41, 60), (1234, 2000)]
)
def test_a_scale_ends_at_a_number_that_has_a_half(value, top):
    assert round_up(value) == top
