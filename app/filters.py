"""Which jobs an operator asks for: the words of the filter, wherever they ask."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tasks.job.states import State
from tasks.watch.search import Filter

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The longest word, and the longest line of an error; characters.
_LONGEST, _LONGEST_ERROR = 255, 500


class BadParameter(Exception):
    """A parameter is not what it must be; the message names it and quotes nothing."""


def read(query: Mapping[str, str]) -> Filter:
    """Return the filter that words ask for; those that are empty or missing exclude nothing.

    Raises:
        BadParameter: a word is not what it must be.
    """
    for name, value in query.items():
        most = _LONGEST_ERROR if name == "error" else _LONGEST
        if len(value) > most or not value.isprintable():
            raise BadParameter(f"{name} is not a text of up to {most} letters")
    try:
        states = tuple(State(word) for word in _words(query.get("state", "")))
    except ValueError:
        raise BadParameter(f"state is none of {', '.join(State)}") from None
    return Filter(
        types=_words(query.get("type", "")),
        states=states,
        api=query.get("api", ""),
        tenant=query.get("tenant", ""),
        id_prefix=query.get("id", ""),
        code=query.get("code", ""),
        error=query.get("error", ""),
        since=_time(query, "since"),
        until=_time(query, "until"),
    )


def _words(given: str) -> tuple[str, ...]:
    return tuple(word for word in given.split(",") if word)


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    if not query.get(name):
        return None
    try:
        given = datetime.fromisoformat(query[name])
        # One without an offset is UTC; PostgreSQL has no time near the ends of Python's.
        found = given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadParameter(f"{name} is not a time as RFC 3339 has it") from None
    return found
