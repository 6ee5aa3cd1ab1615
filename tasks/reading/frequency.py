"""How often somebody is paid, by the days on which they were."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date

#: Pay days in a year.
A_YEAR = {"W": 52, "BW": 26, "SM": 24, "M": 12}
#: The longest time between two pay days that follow each other, bank holidays included; days.
LONGEST_GAP = {"W": 10, "BW": 18, "SM": 20, "M": 36}
#: The typical time between two pay days; 14 may be a fortnight or half a month. Days.
_WEEK, _HALF, _MONTH = range(5, 10), range(11, 20), range(26, 37)
_FORTNIGHT = 14
#: The share of pay days that fall into one fortnightly rhythm, holidays aside.
_RHYTHMIC = 0.7
#: As many days tell a fortnight from half a month by themselves.
_ENOUGH = 6


def pay_frequency(paid: Iterable[date], periods: Collection[tuple[date, date]] = ()) -> str | None:
    """Return W, BW, SM or M; None where the days do not say.

    Pay periods, each with its first and last day, decide where there are few pay days.
    """
    days = sorted(set(paid))
    if len(days) < _ENOUGH and (told := _by_periods(periods)):
        return told
    if len(days) < 2:  # noqa: PLR2004 - there is nothing between them
        return None
    typical = int(median((later - earlier).days for earlier, later in pairwise(days)))
    if typical in _HALF:
        return "BW" if _are_fortnightly(days) else "SM"
    if typical in _WEEK:
        return "W"
    return "M" if typical in _MONTH else None


def _are_fortnightly(days: Sequence[date]) -> bool:
    rhythms = Counter(day.toordinal() % _FORTNIGHT for day in days)
    return max(rhythms.values()) > _RHYTHMIC * len(days)


def _by_periods(periods: Collection[tuple[date, date]]) -> str | None:
    told = {_of_period(start, end) for start, end in periods}
    return told.pop() if len(told) == 1 else None


def _of_period(start: date, end: date) -> str | None:
    bounds = start.day, (end + timedelta(days=1)).day
    if bounds in {(1, 16), (16, 1)}:
        return "SM"
    days = (end - start).days + 1
    if bounds[0] == bounds[1] and days in _MONTH:
        return "M"
    return {7: "W", _FORTNIGHT: "BW"}.get(days)
