"""What the commands about jobs share: how jobs are meant, by their id or by a filter."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from app import filters
from app.cli.group import Group

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tasks.watch.search import Filter

Function = TypeVar("Function", bound="Callable[..., Any]")

jobs = Group("jobs", help="Jobs of every API: find, watch, cancel and run them again.")

#: The words of a filter, as `/ops/v1/jobs` has them, and what they mean.
_WORDS = {
    "type": "Types, with commas between them.",
    "state": "States, with commas between them.",
    "api": "The API whose types they have.",
    "tenant": "Whose they are.",
    "id": "What their ids begin with.",
    "code": "Why they failed, as a word.",
    "error": "Their error, with `#` for every number, as failures are grouped.",
    "since": "Recorded at or after a time (RFC 3339), or so long ago: 90s, 30m, 12h, 7d.",
    "until": "Recorded before a time, likewise.",
}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Complaint(click.ClickException):
    """What was asked for makes no sense; one line says why."""

    exit_code = 2


class NoSuchJob(click.ClickException):
    """There is no such job."""

    def __init__(self, job_id: str) -> None:
        shown = job_id if job_id.isprintable() else "of this id"
        super().__init__(f"there is no job {shown}")


def filtering(command: Function) -> Function:
    """Give a command the options of a filter; they come as the keyword `query`."""
    for name, meaning in reversed(_WORDS.items()):
        command = click.option(f"--{name}", f"query_{name}", default="", help=meaning)(command)
    return command


def query_of(options: Mapping[str, str]) -> dict[str, str]:
    """Return the words of a filter that were given among a command's options."""
    given = {name.removeprefix("query_"): value for name, value in options.items()}
    return {name: value for name, value in given.items() if value}


def filter_of(query: Mapping[str, str]) -> Filter:
    """Return the filter that is meant.

    Raises:
        Complaint: a word is not what it must be.
    """
    times = {name: _ago(query[name]) for name in ("since", "until") if name in query}
    try:
        return filters.read({**query, **times})
    except filters.BadParameter as bad:
        raise Complaint(str(bad)) from None


def _ago(given: str) -> str:
    """Return the time that was so long ago; whatever is no length stays as it is."""
    length = re.fullmatch(r"(\d{1,6})([smhd])", given)
    if length is None:
        return given
    ago = timedelta(**{_UNITS[length[2]]: int(length[1])})
    return (datetime.now(UTC) - ago).isoformat()
