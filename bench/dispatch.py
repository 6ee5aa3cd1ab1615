"""dispatch: what it costs to accept a job for good, beside cheaper promises."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.load import drive, post
from bench.report import Table, ratio, rotated, spread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.__main__ import Scale
    from bench.bed import Bed
    from bench.load import Load

#: Enough that both cores are busy while commits are flushed.
_CONNECTIONS = 8
ROUTES = {
    "durable dispatch (ours)": "/bench/dispatch",
    "insert only, nobody rung": "/bench/insert",
    "apply_async, no record": "/bench/apply_async",
    "apply_async, result to be polled": "/bench/apply_async_to_poll",
}


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Load the routes of one application in turn."""
    rounds: dict[str, list[Load]] = {name: [] for name in ROUTES}
    with bed.api() as port:
        for number in range(scale.rounds + 1):
            for name, path in rotated(ROUTES.items(), number):
                bed.clear()
                request = post(path, b'{"n": 1}')
                loaded = drive(port, [request], seconds=scale.seconds, connections=_CONNECTIONS)
                if number:  # the first round fills pools and caches
                    rounds[name].append(loaded)
    bed.clear()
    ours = [load.rate for load in next(iter(rounds.values()))]
    yield Table(
        f"dispatch: POST to 2xx, {_CONNECTIONS} connections",
        ["", "requests/s", "p50 ms", "p99 ms", "durable dispatch is"],
        [
            [
                name,
                spread(rates := [load.rate for load in loads]),
                f"{median(load.quantile(0.5) for load in loads) * 1e3:.2f}",
                f"{median(load.quantile(0.99) for load in loads) * 1e3:.2f}",
                "" if rates == ours else f"{ratio(ours, rates)} x",
            ]
            for name, loads in rounds.items()
        ],
        [
            "Wanted: 0.90 x insert only, 1.00 x apply_async. No worker runs.",
            "Polling a task takes an application with a result store; publishing there costs more.",
        ],
    )
