"""How figures are printed: medians with their range, and the conditions they were got under."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Contestant = TypeVar("Contestant")


class Table(NamedTuple):
    """One figure."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    #: What must be known to read it, a line each.
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        """Write it as Markdown that reads well as it is."""
        lines = [self.head, ["-" * max(3, len(word)) for word in self.head], *self.rows]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.head))]
        lines[1] = ["-" * width for width in widths]
        # The first column holds names, the others numbers.
        shown = [
            "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
            for line in lines
        ]
        return "\n".join(
            [f"### {self.title}", "", *(f"{line} |" for line in shown), "", *self.notes, ""]
        )


def number(value: float) -> str:
    """Write a number with as many digits as its rounds agree on."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def spread(values: Sequence[float], scale: float = 1.0) -> str:
    """Write the median of some rounds, and their range."""
    scaled = [value * scale for value in values]
    if len(scaled) == 1:
        return number(scaled[0])
    return f"{number(median(scaled))} ({number(min(scaled))}-{number(max(scaled))})"


def rotated(contestants: Iterable[Contestant], number: int) -> list[Contestant]:
    """Return contestants in the order of a round: each round another one begins."""
    listed = list(contestants)
    first = number % len(listed)
    return listed[first:] + listed[:first]


def ratio(these: Sequence[float], those: Sequence[float]) -> str:
    """Write how the rounds of one compare with those of another: the median of their ratios.

    Rounds of the same number ran one after the other, so what else the machine was doing at the
    time falls out.
    """
    return f"{median(one / other for one, other in zip(these, those, strict=True)):.2f}"


def conditions(servers: dict[str, str]) -> str:
    """Say what everything ran on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("celery", "flask", "gunicorn", "sqlalchemy")
    )
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    lines = {
        "cores": f"{len(os.sched_getaffinity(0))}, {model}",
        "python": f"{platform.python_version()}; {packages}",
        **servers,
        "load": f"{load} before the first round",
    }
    return "\n".join(f"{name:<11}{value}" for name, value in lines.items())
