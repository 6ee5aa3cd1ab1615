"""Whether a date of birth fits those on a list, which are often vague."""

from __future__ import annotations

import re
from calendar import monthrange
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

#: How far a date that is "circa" a year may be from it; years.
CIRCA_YEARS = 2


class Agreement(IntEnum):
    """How well a date of birth fits, from the worst up."""

    #: It is another date.
    CONTRADICTS = 0
    #: There is none to compare, or one that cannot be read.
    UNKNOWN = 1
    #: It differs by what a slip makes: another day or month in the year, the two of them swapped,
    #: or one year.
    CLOSE = 2
    #: It is the date, or within what the list says.
    AGREES = 3


#: How many of day, month and year are the same where one of them is a slip.
_ALL_BUT_ONE = 2
_FULL = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_MONTH = re.compile(r"(\d{1,2})/(\d{4})")
_SPAN = re.compile(r"(?:circa )?(\d{4})(?: ?- ?(\d{4}))?")


def compare_dates(asked: date | None, listed: Iterable[str]) -> Agreement:
    """Return how well a date fits the best of the listed ones.

    Listed dates are "dd/mm/yyyy", "mm/yyyy", "yyyy", "circa yyyy" (two years either way) or
    "yyyy-yyyy". A date that cannot be read is unknown: it must not clear anybody.
    """
    if asked is None:
        return Agreement.UNKNOWN
    return max((_compare(asked, text) for text in listed), default=Agreement.UNKNOWN)


def _compare(asked: date, text: str) -> Agreement:
    text = text.strip().lower()
    if found := _FULL.fullmatch(text):
        return _compare_days(asked, int(found[3]), int(found[2]), int(found[1]))
    if found := _ISO.fullmatch(text):
        return _compare_days(asked, int(found[1]), int(found[2]), int(found[3]))
    if found := _MONTH.fullmatch(text):
        month, year = int(found[1]), int(found[2])
        if asked.month != month:
            return Agreement.CLOSE if asked.year == year else Agreement.CONTRADICTS
        return _compare_years(asked.year, year, year)
    if found := _SPAN.fullmatch(text):
        slack = CIRCA_YEARS if text.startswith("circa") else 0
        first, last = int(found[1]), int(found[2] or found[1])
        return _compare_years(asked.year, first - slack, last + slack)
    return Agreement.UNKNOWN


def _compare_days(asked: date, year: int, month: int, day: int) -> Agreement:
    if (asked.year, asked.month, asked.day) == (year, month, day):
        return Agreement.AGREES
    same = (asked.year == year) + (asked.month == month) + (asked.day == day)
    is_one_slip = same == _ALL_BUT_ONE and abs(asked.year - year) <= 1
    if is_one_slip or (asked.year, asked.day, asked.month) == (year, month, day):
        return Agreement.CLOSE
    return Agreement.CONTRADICTS if _is_day(year, month, day) else Agreement.UNKNOWN


def _is_day(year: int, month: int, day: int) -> bool:
    return year > 0 and 0 < month <= 12 and 0 < day <= monthrange(year, month)[1]  # noqa: PLR2004


def _compare_years(asked: int, first: int, last: int) -> Agreement:
    if first <= asked <= last:
        return Agreement.AGREES
    return Agreement.CLOSE if first - 1 <= asked <= last + 1 else Agreement.CONTRADICTS
