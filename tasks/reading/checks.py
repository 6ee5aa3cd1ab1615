"""Whether pay statements agree with themselves and with those before them."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from tasks.reading.frequency import LONGEST_GAP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from tasks.reading.stub import Line, PayStub

#: What sums may be off by: payroll programs round hours and rates separately.
TOLERANCE = Decimal("0.02")


def suspicions(
    stubs: Sequence[PayStub], frequency: str | None, *, hired: date | None = None
) -> dict[int, list[str]]:
    """Say what is wrong with statements of one employment, by their places in the sequence.

    The frequency tells a statement that is missing from one that does not add up; the first
    statement of somebody who was hired that year has nothing before it.
    """
    found = {place: list(_within(stub)) for place, stub in enumerate(stubs)}
    order = sorted(range(len(stubs)), key=lambda place: stubs[place].pay_date)
    for place in order[:1]:
        found[place] += _of_first(stubs[place], hired)
    for earlier, later in pairwise(order):
        found[later] += _between(stubs[earlier], stubs[later], frequency)
    return {place: texts for place, texts in found.items() if texts}


def _within(stub: PayStub) -> Iterator[str]:
    """Compare the lines of a statement with its totals, and these with each other."""
    if stub.ambiguous:
        yield "it states something twice and differently"
    for name, lines, total in _sums(stub):
        if lines and total is not None and _differ(sum(lines), total):
            yield f"the {name} do not add up to their total"
    taxes = _total(stub.taxes_total, stub.taxes)
    deductions = _total(stub.deductions_total, stub.deductions)
    if _differ(stub.gross - taxes - deductions, stub.net):
        yield "net pay is not gross pay less taxes and deductions"
    of_year = sum((line.ytd or Decimal(0) for line in stub.earnings), Decimal(0))
    if stub.ytd_gross is not None and stub.ytd_gross < max(stub.gross, of_year) - TOLERANCE:
        yield "gross pay is more than that of the year to date"
    if stub.ytd_net is not None and stub.ytd_net < stub.net - TOLERANCE:
        yield "net pay is more than that of the year to date"
    if stub.period_start and stub.period_end and stub.period_start > stub.period_end:
        yield "the pay period ends before it begins"


def _sums(stub: PayStub) -> Iterator[tuple[str, list[Decimal], Decimal | None]]:
    yield "earnings", [line.amount for line in stub.earnings], stub.gross
    yield "taxes", [line.amount for line in stub.taxes], stub.taxes_total
    yield "deductions", [line.amount for line in stub.deductions], stub.deductions_total
    for line in stub.earnings:
        if line.hours is not None and line.rate is not None:
            yield f"hours of {line.label.lower()}", [line.hours * line.rate], line.amount


def _total(stated: Decimal | None, lines: Iterable[Line]) -> Decimal:
    return stated if stated is not None else sum((line.amount for line in lines), Decimal(0))


def _of_first(stub: PayStub, hired: date | None) -> Iterator[str]:
    """Look at the first statement: after a hire there was no pay before it."""
    starts = stub.period_start
    is_first_pay = hired is not None and starts is not None and hired >= starts
    if is_first_pay and stub.ytd_gross is not None and _differ(stub.ytd_gross, stub.gross):
        yield "there was pay before the first day of work"


def _between(earlier: PayStub, later: PayStub, frequency: str | None) -> Iterator[str]:
    """Compare the running sums of a statement with those of the one before it."""
    if earlier.pay_date == later.pay_date:
        return  # one of them may be a bonus; which came first is not known
    is_next = (later.pay_date - earlier.pay_date).days <= LONGEST_GAP.get(frequency or "", 0)
    is_same_year = earlier.pay_date.year == later.pay_date.year
    for name, before, now, amount in (
        ("gross", earlier.ytd_gross, later.ytd_gross, later.gross),
        ("net", earlier.ytd_net, later.ytd_net, later.net),
    ):
        if before is None or now is None:
            continue
        expected = before + amount if is_same_year else amount
        if (is_next and _differ(now, expected)) or now < expected - TOLERANCE:
            yield f"the year's {name} pay does not follow from the statement before"


def _differ(one: Decimal | int, other: Decimal) -> bool:
    return abs(one - other) > TOLERANCE
