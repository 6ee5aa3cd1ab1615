"""A pay statement: what it says, once its text is taken apart by labels and columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal  # noqa: TC003 - `keep` looks at the fields' types
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.reading.money import read_money
from tasks.reading.pdf import lines_of
from tasks.reading.text import printable
from tasks.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: What an employer may call what we look for, in small letters and without a colon.
_FIELDS = {
    "employer": "employer",
    "company": "employer",
    "employee": "employee",
    "employee name": "employee",
    "job title": "job_title",
    "position": "job_title",
    "statement number": "number",
    "check number": "number",
    "pay date": "pay_date",
    "check date": "pay_date",
    "payment date": "pay_date",
    "pay period": "period",
    "period": "period",
    "period start": "period_start",
    "period beginning": "period_start",
    "period end": "period_end",
    "period ending": "period_end",
}
_SECTIONS = {
    "earnings": "earnings",
    "taxes": "taxes",
    "employee taxes": "taxes",
    "deductions": "deductions",
    "employee deductions": "deductions",
}
_TOTALS = {
    "gross pay": "gross",
    "total gross": "gross",
    "gross earnings": "gross",
    "total earnings": "gross",
    "total taxes": "taxes",
    "total deductions": "deductions",
    "net pay": "net",
    "take home pay": "net",
}
#: The years that a pay day can be in.
_YEARS = range(1950, 2101)
_DATES = ("%m/%d/%Y", "%Y-%m-%d", "%b %d, %Y", "%B %d, %Y")
_GAP = re.compile(r"\s{2,}")
_TO = re.compile(r"\s+(?:to|through|-|\u2013)\s+")
#: Lines of one section at the most.
_MOST_LINES = 200


@dataclass(frozen=True, kw_only=True)
class Line:
    """One kind of earning, tax or deduction."""

    label: str
    amount: Decimal
    #: Since the first of January; None where the statement does not say.
    ytd: Decimal | None
    #: Only of earnings, and only where the statement says.
    hours: Decimal | None = None
    rate: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class PayStub:
    """One pay statement. What it does not say is empty or None; taxes are positive amounts."""

    employer: str
    employee: str
    job_title: str
    number: str
    pay_date: date
    period_start: date | None
    period_end: date | None
    gross: Decimal
    net: Decimal
    #: The totals as the statement has them.
    taxes_total: Decimal | None
    deductions_total: Decimal | None
    ytd_gross: Decimal | None
    ytd_net: Decimal | None
    earnings: tuple[Line, ...]
    taxes: tuple[Line, ...]
    deductions: tuple[Line, ...]
    #: What it says twice and differently.
    ambiguous: tuple[str, ...] = ()


class _Total(NamedTuple):
    amount: Decimal
    ytd: Decimal | None


def read_stub(pdf: bytes) -> PayStub:
    """Read a pay statement.

    Raises:
        Unreadable: it is no PDF that can be read, or no pay statement.
    """
    return parse_stub(lines_of(pdf))


def parse_stub(lines: Iterable[str]) -> PayStub:
    """Read the lines of a pay statement, whose columns are two or more blanks apart.

    Raises:
        Unreadable: it has no pay date, gross pay or net pay, or a date or total that is none.
    """
    found = _Found()
    for line in lines:
        found.take([cell for cell in _GAP.split(line.strip()) if cell])
    return found.stub()


class _Found:
    """What the lines so far have said."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._totals: dict[str, _Total] = {}
        self._lines: dict[str, list[Line]] = {"earnings": [], "taxes": [], "deductions": []}
        self._section = ""
        self._ambiguous: dict[str, None] = {}

    def take(self, cells: Sequence[str]) -> None:
        """Take in one line."""
        if not cells:
            return
        label, amounts = cells[0].rstrip(":").lower(), _amounts(cells[1:])
        if label in _TOTALS:
            self._total(_TOTALS[label], amounts)
        elif label in _SECTIONS and not amounts:
            self._section = _SECTIONS[label]
        elif fields := dict(_labelled(cells)):
            for name, value in fields.items():
                self._once(self._fields, name, value)
        elif self._section and amounts:
            self._line(cells[0], amounts)

    def _total(self, name: str, amounts: Sequence[Decimal]) -> None:
        if not amounts:
            raise Unreadable("a total of the pay statement is no amount")
        # A single amount is that of the period.
        total = _Total(amounts[0], None) if len(amounts) == 1 else _Total(*amounts[-2:])
        self._once(self._totals, name, total)

    def _line(self, label: str, amounts: Sequence[Decimal]) -> None:
        lines = self._lines[self._section]
        if len(lines) == _MOST_LINES:
            raise Unreadable("the pay statement has too many lines")
        amount, ytd = (amounts[0], None) if len(amounts) == 1 else amounts[-2:]
        hours, rate = (*amounts[:-2], None, None)[:2]
        lines.append(
            Line(label=printable(label), amount=amount, ytd=ytd, hours=hours, rate=rate),
        )

    def _once(self, kept: dict[str, Any], name: str, value: Any) -> None:
        if kept.setdefault(name, value) != value:
            self._ambiguous[name] = None

    def stub(self) -> PayStub:
        """Return all of it as a statement."""
        fields, totals = self._fields, self._totals
        if "pay_date" not in fields:
            raise Unreadable("the document is no pay statement: it has no pay date")
        if not {"gross", "net"} <= totals.keys():
            raise Unreadable("the document is no pay statement: it has no gross or no net pay")
        period = _TO.split(fields.get("period", ""))
        start, end = period if len(period) == 2 else ("", "")  # noqa: PLR2004 - from, to
        taxes, deductions = totals.get("taxes"), totals.get("deductions")
        return PayStub(
            employer=printable(fields.get("employer")),
            employee=printable(fields.get("employee")),
            job_title=printable(fields.get("job_title")),
            number=printable(fields.get("number")),
            pay_date=_date(fields["pay_date"]),
            period_start=_date_if_any(fields.get("period_start", start)),
            period_end=_date_if_any(fields.get("period_end", end)),
            gross=totals["gross"].amount,
            net=totals["net"].amount,
            taxes_total=taxes.amount if taxes else None,
            deductions_total=deductions.amount if deductions else None,
            ytd_gross=totals["gross"].ytd,
            ytd_net=totals["net"].ytd,
            earnings=tuple(self._lines["earnings"]),
            taxes=tuple(self._lines["taxes"]),
            deductions=tuple(self._lines["deductions"]),
            ambiguous=tuple(self._ambiguous),
        )


def _amounts(cells: Iterable[str]) -> list[Decimal]:
    """Return the cells that are amounts, if all of them are or stand for none."""
    read = [read_money(cell) for cell in cells if cell not in {"-", "\u2013"}]
    amounts = [amount for amount in read if amount is not None]
    return amounts if len(amounts) == len(read) else []


def _labelled(cells: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Find "Label: value" in one cell, or a label in one and its value in the next."""
    for cell, following in zip(cells, [*cells[1:], ""], strict=True):
        label, colon, value = cell.partition(":")
        name = _FIELDS.get(label.strip().lower())
        if name and (value.strip() or following):
            yield name, value.strip() if colon and value.strip() else following


def _date(text: str) -> date:
    for form in _DATES:
        try:
            day = datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        if day.year in _YEARS:
            return day
    raise Unreadable("a date of the pay statement is none")


def _date_if_any(text: str) -> date | None:
    return _date(text) if text else None
