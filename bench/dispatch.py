"""dispatch: what it costs to accept a job for good, beside cheaper promises."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.load import drive, post
from bench.report import Table, ratio, spread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.__main__ import Scale
    from bench.bed import Bed
    from bench.load import Load

ROUTES = {
    "durable dispatch (ours)": "/bench/dispatch",
    "insert only, nobody rung": "/bench/insert",
    "apply_async only, no record": "/bench/apply_async",
}


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Load three routes of one application in turn."""
    rounds: dict[str, list[Load]] = {name: [] for name in ROUTES}
    with bed.api() as port:
        for number in range(scale.rounds + 1):
            for name, path in ROUTES.items():
                bed.clear()
                request = post(path, b'{"n": 1}')
                loaded = drive(port, [request], seconds=scale.seconds)
                if number:  # the first round fills pools and caches
                    rounds[name].append(loaded)
    bed.clear()
    ours, insert, publish = ([load.rate for load in loads] for loads in rounds.values())
    yield Table(
        "dispatch: POST to 2xx, 4 connections",
        ["", "requests/s", "p50 ms", "p99 ms", "durable dispatch is"],
        [
            [
                name,
                spread([load.rate for load in loads]),
                f"{median(load.quantile(0.5) for load in loads) * 1e3:.2f}",
                f"{median(load.quantile(0.99) for load in loads) * 1e3:.2f}",
                "" if other is ours else f"{ratio(ours, other)} x",
            ]
            for (name, loads), other in zip(rounds.items(), (ours, insert, publish), strict=True)
        ],
        ["Wanted: 0.90 x insert only, 1.00 x apply_async. No worker runs."],
    )
