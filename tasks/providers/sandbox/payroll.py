"""What somebody was paid: pay days, pay, and the year's running sums."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tasks.providers.sandbox.people import Job

#: A Sunday on which a week and a fortnight end.
_ANCHOR = date(2020, 1, 5)
#: A week's pay comes on the Friday after it.
_PAY_DELAY = timedelta(days=5)
_FRIDAY = 4
_DAY, _YEAR = timedelta(days=1), timedelta(days=365)
PAYDAYS = {"W": 52, "BW": 26, "SM": 24, "M": 12}
_HOURS_A_YEAR = Decimal(2080)
_OVERTIME_RATE = Decimal("1.5")
#: Hours of overtime, in turn.
_OVERTIME = tuple(map(Decimal, ("0", "4", "0", "2.5", "0", "0", "6")))
_TAXES = {
    "Federal income tax": Decimal("0.1200"),
    "Social Security": Decimal("0.0620"),
    "Medicare": Decimal("0.0145"),
    "State income tax": Decimal("0.0400"),
}
_HEALTH, _RETIREMENT = Decimal("45.00"), Decimal("0.05")


class Period(NamedTuple):
    """The days that are paid for at once, and the day on which they are."""

    start: date
    end: date
    paid: date


@dataclass(frozen=True)
class Item:
    """A line of a pay statement, with its sum of the year."""

    label: str
    amount: Decimal
    ytd: Decimal = Decimal(0)
    hours: Decimal | None = None
    rate: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Pay:
    """One pay day."""

    job: Job
    period: Period
    earnings: tuple[Item, ...]
    taxes: tuple[Item, ...]
    deductions: tuple[Item, ...]
    gross: Item
    net: Item

    @property
    def id(self) -> str:
        """Return what tells this pay day from all others of the employee."""
        return f"{self.job.id}-{self.period.paid:%Y%m%d}"


def payments(job: Job, until: date) -> list[Pay]:
    """Return the pay days of the year up to a day, the oldest first."""
    since = until - _YEAR
    made = []
    sums: dict[str, Decimal] = {}
    year = 0
    for place, period in enumerate(_periods(job, since.year, until)):
        if period.paid.year != year:
            sums, year = {}, period.paid.year
        pay = _pay(job, period, place, sums)
        if period.paid > since:
            made.append(pay)
    return made


def _periods(job: Job, year: int, until: date) -> Iterator[Period]:
    """Return whole pay periods of an employment that are paid since a year began."""
    several = _weeks(job, year) if job.frequency in {"W", "BW"} else _months(job, year)
    for period in several:
        if period.paid > until or (job.left and period.end > job.left):
            return
        if period.paid.year >= year and period.start >= job.hired:
            yield period


def _weeks(job: Job, year: int) -> Iterator[Period]:
    days = 7 if job.frequency == "W" else 14
    first = date(year, 1, 1) - _PAY_DELAY
    end = _ANCHOR + timedelta(days=((first - _ANCHOR).days // days) * days)
    while True:
        yield Period(end - timedelta(days=days - 1), end, end + _PAY_DELAY)
        end += timedelta(days=days)


def _months(job: Job, year: int) -> Iterator[Period]:
    while True:
        for month in range(1, 13):
            first, last = date(year, month, 1), date(year, month, monthrange(year, month)[1])
            if job.frequency == "M":
                yield Period(first, last, _banking_day(last))
            else:
                middle = date(year, month, 15)
                yield Period(first, middle, _banking_day(middle))
                yield Period(middle + _DAY, last, _banking_day(last))
        year += 1


def _banking_day(day: date) -> date:
    return day - timedelta(days=max(0, day.weekday() - _FRIDAY))


def _pay(job: Job, period: Period, place: int, sums: dict[str, Decimal]) -> Pay:
    earnings = _summed(_earnings(job, place), sums)
    gross = sum((item.amount for item in earnings), Decimal(0))
    taxes = _summed((Item(label, _cents(gross * rate)) for label, rate in _TAXES.items()), sums)
    withheld = [Item("Health insurance", _HEALTH), Item("401(k)", _cents(gross * _RETIREMENT))]
    deductions = _summed(withheld, sums)
    kept = gross - sum(item.amount for item in (*taxes, *deductions))
    totals = _summed([Item("Gross pay", gross), Item("Net pay", kept)], sums)
    return Pay(
        job=job,
        period=period,
        earnings=earnings,
        taxes=taxes,
        deductions=deductions,
        gross=totals[0],
        net=totals[1],
    )


def _earnings(job: Job, place: int) -> Iterator[Item]:
    paydays = PAYDAYS[job.frequency]
    if job.hourly is None:
        yield Item("Salary", _cents((job.salary or Decimal(0)) / paydays))
        return
    hours, rate = _cents(_HOURS_A_YEAR / paydays), job.hourly
    yield Item("Regular pay", _cents(hours * rate), hours=hours, rate=rate)
    if extra := _OVERTIME[place % len(_OVERTIME)]:
        rate = _cents(rate * _OVERTIME_RATE)
        yield Item("Overtime", _cents(extra * rate), hours=extra, rate=rate)


def _summed(items: Iterable[Item], sums: dict[str, Decimal]) -> tuple[Item, ...]:
    """Return the items with their sums of the year, which they are added to."""
    made = []
    for item in items:
        sums[item.label] = sums.get(item.label, Decimal(0)) + item.amount
        made.append(Item(item.label, item.amount, sums[item.label], item.hours, item.rate))
    return tuple(made)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
