"""Small plots as shapes: what is drawn where, for a template to write as SVG.

A plot is `HEIGHT` high and `SLOT` wide for each slot of time, and is stretched to where it stands.
All bars of a kind are one path, since a page of plots is sent every few seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING, NamedTuple

from app.dashboard.formatting import length, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from tasks.watch.statistics import Lengths

#: How high a plot is, and how wide a slot and its bar are.
HEIGHT, SLOT, BAR = 100.0, 10.0, 8.0
#: The least distance of two rules with their labels.
_APART = 18.0
#: The least height of a bar that stands for something.
_LEAST = 2.0
#: What a scale of lengths is divided at; seconds.
_TICKS = {
    0.001: "1 ms", 0.01: "10 ms", 0.1: "100 ms", 1.0: "1 s", 10.0: "10 s", 60.0: "1 min",
    600.0: "10 min", 3600.0: "1 h", 36_000.0: "10 h", 86_400.0: "1 d", 864_000.0: "10 d",
}  # fmt: skip


class Row(NamedTuple):
    """Numbers, one for each slot."""

    name: str
    #: The class that says what they look like.
    look: str
    values: Sequence[int]


class Layer(NamedTuple):
    """Shapes of one look, as the data of an SVG path."""

    look: str
    path: str


class Rule(NamedTuple):
    """A line across a plot, with what it stands for."""

    y: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """What is drawn."""

    #: Apart from those of all other plots of a page.
    id: str
    title: str
    #: What it shows, in words: those that explain a look with that look.
    legend: Sequence[tuple[str, str]]
    layers: Sequence[Layer]
    rules: Sequence[Rule]
    #: What each slot says to whoever points at it, and when it begins.
    texts: Sequence[str]
    times: Sequence[datetime]

    @property
    def width(self) -> float:
        """How wide it is."""
        return SLOT * len(self.times)


def counts(
    plot_id: str,
    title: str,
    times: Sequence[datetime],
    stacked: Sequence[Row],
    line: Row | None = None,
) -> Plot:
    """Plot numbers as bars on top of each other, and some as a line before them."""
    rows = [*([line] if line else ()), *stacked]
    sums = [sum(of_slot) for of_slot in zip(*(row.values for row in stacked), strict=True)]
    top = round_up(max([*sums, *(line.values if line else ())], default=0))
    layers, below = [], [0] * len(times)
    for row in stacked:
        above = [low + value for low, value in zip(below, row.values, strict=True)]
        bars = (
            (low / top, high / top) if high > low else None
            for low, high in zip(below, above, strict=True)
        )
        layers.append(Layer(row.look, _bars(bars)))
        below = above
    if line:
        layers.append(Layer(line.look, _steps(value / top for value in line.values)))
    return Plot(
        id=plot_id,
        title=title,
        legend=[(row.look, f"{number(sum(row.values))} {row.name}") for row in rows],
        layers=layers,
        rules=[Rule(_y(share), number(int(top * share))) for share in (0.0, 0.5, 1.0)],
        texts=[
            ", ".join(f"{number(row.values[at])} {row.name}" for row in rows)
            for at in range(len(times))
        ],
        times=times,
    )


def lengths(
    plot_id: str, title: str, times: Sequence[datetime], look: str, measured: Sequence[Lengths]
) -> Plot:
    """Plot quantiles of a length of time: bars from the median to what 95 % did not exceed."""
    known = [(one.p50, one.p95) for one in measured if one.p50 and one.p95]
    scale = _scale(
        min((low for low, _ in known), default=0.01), max((h for _, h in known), default=1.0)
    )

    def share(seconds: float) -> float:
        low, high = log10(scale[0]), log10(scale[-1])
        return min(1.0, max(0.0, (log10(seconds) - low) / (high - low)))

    spans = [(share(one.p50), share(one.p95)) if one.p50 and one.p95 else None for one in measured]
    return Plot(
        id=plot_id,
        title=title,
        legend=_said(known, look),
        layers=[Layer(look, _bars(spans)), Layer(f"{look} median", _caps(spans))],
        rules=_apart([Rule(_y(share(tick)), _TICKS[tick]) for tick in scale]),
        texts=[
            f"median {length(one.p50)}, 95 % within {length(one.p95)}"
            if one.p50 is not None and one.p95 is not None
            else "nothing"
            for one in measured
        ],
        times=times,
    )


def spark(values: Sequence[int]) -> str:
    """Return the path of a line through numbers, as high as the highest of them."""
    top = max([1, *values])
    return _steps(value / top for value in values)


def round_up(value: float) -> int:
    """Return the next of 2, 4, 6, 8, 10, 20, 40 and so on: of each there is a half to write."""
    power = 10 ** max(0, floor(log10(max(value, 1))))
    return next(int(step * power) for step in (1, 2, 4, 6, 8, 10) if step * power >= max(value, 2))


def _scale(low: float, high: float) -> list[float]:
    """Return the ticks from at or below one length to above another."""
    ticks = list(_TICKS)
    first = max((at for at, tick in enumerate(ticks) if tick <= low), default=0)
    last = min((at for at, tick in enumerate(ticks) if tick > high), default=len(ticks) - 1)
    return ticks[first : max(last, first + 1) + 1]


def _said(known: Sequence[tuple[float, float]], look: str) -> list[tuple[str, str]]:
    if not known:
        return [("", "nothing was measured")]
    medians, most = [low for low, _ in known], max(high for _, high in known)
    return [
        (f"{look} median", f"median {length(min(medians))} to {length(max(medians))}"),
        (look, f"95 % within {length(most)} at the most"),
    ]


def _apart(rules: Sequence[Rule]) -> list[Rule]:
    """Return rules from below, without those that stand too near to one another or the top."""
    kept = [rules[0]]
    for rule in rules[1:-1]:
        if min(kept[-1].y - rule.y, rule.y - rules[-1].y) >= _APART:
            kept.append(rule)
    return [*kept, rules[-1]]


def _y(share: float) -> float:
    return round(HEIGHT * (1 - share), 1)


def _bars(spans: Iterable[tuple[float, float] | None]) -> str:
    """Return a path of bars from one share of the height to another, where there is one."""
    path = []
    for at, span in enumerate(spans):
        if span is not None:
            tall = max(_LEAST, HEIGHT * (span[1] - span[0]))
            top = min(_y(span[1]), HEIGHT - tall)
            path.append(f"M{at * SLOT + 1:g} {top:g}h{BAR:g}v{round(tall, 1):g}h-{BAR:g}z")
    return "".join(path)


def _caps(spans: Iterable[tuple[float, float] | None]) -> str:
    """Return a path of marks at the lower ends of bars."""
    return "".join(
        f"M{at * SLOT + 1:g} {_y(span[0]):g}h{BAR:g}" for at, span in enumerate(spans) if span
    )


def _steps(shares: Iterable[float]) -> str:
    """Return a path of a line through the middles of slots."""
    points = [f"{at * SLOT + SLOT / 2:g} {_y(share):g}" for at, share in enumerate(shares)]
    return f"M{'L'.join(points)}"
