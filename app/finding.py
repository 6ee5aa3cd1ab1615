"""Which jobs an operator asks for, and which part of a list: what a query says, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import filters
from app.errors import Refused
from app.shapes.fault import Fault
from tasks.watch.search import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.watch.search import Filter

#: Items on a page that does not say.
DEFAULT_LIMIT = 50


def filter_of(query: Mapping[str, str]) -> Filter:
    """Return the filter that a query asks for.

    Raises:
        Refused: a parameter is not what it must be.
    """
    try:
        return filters.read(query)
    except filters.BadParameter as bad:
        raise Refused(Fault.BAD_PARAMETER, str(bad)) from None


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
