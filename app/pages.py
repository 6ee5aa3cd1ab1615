"""Numbered pages, as the voting API has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from app.errors import Refused
from app.shapes.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Items on a page that does not say, and on the largest.
DEFAULT_LIMIT, MAX_LIMIT = 10, 100


#: A number of a length that a list can have.
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


class Page(NamedTuple):
    """A page that exists."""

    number: int
    limit: int
    last: int

    @property
    def offset(self) -> int:
        """How many items stand before it."""
        return (self.number - 1) * self.limit


def page_of(query: Mapping[str, str], total: int) -> Page:
    """Return the page that a query asks for, of a list of so many items.

    Raises:
        Refused: a number is none, or the page is past the last.
    """
    limit = _number(query, "limit", DEFAULT_LIMIT)
    limit = min(limit, MAX_LIMIT) if limit > 0 else DEFAULT_LIMIT
    number = _number(query, "page", 1)
    last = max(1, -(-total // limit))
    if not 1 <= number <= last:
        text = "page is past the last" if number > last else "pages begin with 1"
        raise Refused(Fault.BAD_PARAMETER, text)
    return Page(number, limit, last)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    raw = query.get(name, "")
    if raw == "":
        return default
    if not _NUMBER.fullmatch(raw):
        raise Refused(Fault.BAD_PARAMETER, f"{name} is not a number")
    return int(raw)
