"""Which jobs an operator asks for, and which part of a list: what a query says, checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.errors import Refused
from app.shapes.fault import Fault
from tasks.job.states import State
from tasks.watch.search import MAX_LIMIT, Filter

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Items on a page that does not say.
DEFAULT_LIMIT = 50
#: The longest parameter, and the longest line of an error; characters.
_LONGEST, _LONGEST_ERROR = 255, 500


def filter_of(query: Mapping[str, str]) -> Filter:
    """Return the filter that a query asks for.

    Raises:
        Refused: a parameter is not what it must be.
    """
    for name, value in query.items():
        most = _LONGEST_ERROR if name == "error" else _LONGEST
        if len(value) > most or not value.isprintable():
            raise Refused(Fault.BAD_PARAMETER, f"{name} is not a text of up to {most} letters")
    try:
        states = tuple(State(word) for word in _words(query.get("state", "")))
    except ValueError:
        raise Refused(Fault.BAD_PARAMETER, "state is none of the five") from None
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
        raise Refused(Fault.BAD_PARAMETER, f"{name} is not a time as RFC 3339 has it") from None
    return found


def number(query: Mapping[str, str], name: str, default: int | None, *, most: int) -> int | None:
    """Return a parameter that is a number from 1 on.

    Raises:
        Refused: it is not.
    """
    given = query.get(name, "")
    if not given:
        return default
    is_number = given.isascii() and given.isdigit() and len(given) <= len(str(most))
    if not is_number or not 1 <= int(given) <= most:
        raise Refused(Fault.BAD_PARAMETER, f"{name} is not from 1 to {most}")
    return int(given)


def part(query: Mapping[str, str]) -> tuple[int, int | None]:
    """Return how many items are asked for, and behind which one.

    Raises:
        Refused: a number is none.
    """
    limit = number(query, "limit", DEFAULT_LIMIT, most=MAX_LIMIT) or DEFAULT_LIMIT
    return limit, number(query, "before", None, most=2**63 - 1)
