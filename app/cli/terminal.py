"""What a terminal is told: text that cannot command it, tables, lengths of time, and a bar."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

#: The colours of states and of what a check finds.
COLOURS = {
    "running": "cyan",
    "completed": "green",
    "failed": "red",
    "rejected": "yellow",
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
}
#: Columns of a bar.
_BAR = 24


def plain(given: Any) -> str:
    """Return a value as one line that no terminal takes for a command; nothing for None."""
    text = "" if given is None else str(given)
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def coloured(word: str, text: str = "") -> str:
    """Return a text in the colour of a word; the word itself if there is no text."""
    return click.style(text or word, fg=COLOURS.get(word))


def is_terminal() -> bool:
    """Tell whether somebody looks at what is printed."""
    return sys.stdout.isatty()


def width() -> int:
    """Return how many columns there are to write in; beside a terminal as many as it takes."""
    return shutil.get_terminal_size().columns if is_terminal() else 10_000


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows below each other, cut to the terminal; the first column's word has its colour."""
    cells = [list(head), *([plain(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        padded = [text.ljust(size) for text, size in zip(row, widths, strict=True)]
        others = "  ".join(["", *padded[1:]])[: max(0, width() - widths[0])]
        click.echo(f"{coloured(row[0], padded[0])}{others.rstrip()}")


def moment(given: datetime | str | None) -> str:
    """Return a time, or what an API says of it, as a person reads it; always UTC."""
    return str(given or "")[:19].replace("T", " ")


def length(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    whole = max(0, int(seconds))
    if whole < 60:  # noqa: PLR2004
        return f"{whole}s"
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // smaller:02}{name}"
    return f"{whole // 60}m{whole % 60:02}s"


def bar(percent: int | None) -> str:
    """Return a bar that is filled so far; an empty one where nobody knows."""
    filled = _BAR * (percent or 0) // 100
    number = "    " if percent is None else f"{percent:3d} %"
    return f"[{'#' * filled}{'.' * (_BAR - filled)}] {number}"
