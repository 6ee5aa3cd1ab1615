"""What a bank has booked for somebody: their pay coming in, and what they spend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tasks.providers.sandbox.papers import today
from tasks.providers.sandbox.payroll import payments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.providers.sandbox.people import Person

ROUTING_NUMBER = "125000999"
CHECKING, SAVINGS = "CHECKING", "SAVINGS"
_OPENING = {CHECKING: Decimal("1840.00"), SAVINGS: Decimal("5200.00")}
_NUMBERS = {CHECKING: "1000567801", SAVINGS: "1000567819"}


@dataclass(frozen=True, kw_only=True)
class Posting:
    """A transaction of an account."""

    id: str
    kind: str
    day: date
    amount: Decimal
    name: str
    memo: str = ""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """The last year of one account."""

    number: str
    kind: str
    start: date
    end: date
    balance: Decimal
    postings: tuple[Posting, ...]


def statements(person: Person) -> list[Statement]:
    """Return the statements of somebody's accounts; none where they have no account."""
    if not person.jobs:
        return []
    end = today(person)
    start = end - timedelta(days=365)
    made = []
    for kind in person.accounts:
        several = sorted(_postings(person, kind, start, end), key=lambda one: (one.day, one.id))
        balance = _OPENING[kind] + sum(one.amount for one in several)
        made.append(
            Statement(
                number=_NUMBERS[kind],
                kind=kind,
                start=start,
                end=end,
                balance=balance,
                postings=tuple(several),
            )
        )
    return made


def _postings(person: Person, kind: str, start: date, end: date) -> Iterator[Posting]:
    firsts = [day for day in _days(start, end) if day.day == 1]
    for day in firsts:
        at = f"{day:%Y%m%d}"
        if kind == CHECKING:
            yield _posting(f"R{at}", "DEBIT", day, "-1250.00", "OAK STREET PROPERTIES")
            yield _posting(f"S{at}", "XFER", day, "-300.00", "TRANSFER TO SAVINGS")
        else:
            yield _posting(f"S{at}", "XFER", day, "300.00", "TRANSFER FROM CHECKING")
            yield _posting(f"I{at}", "INT", day, "2.17", "INTEREST PAID")
    if kind == CHECKING:
        yield from _pay(person, end)
        for day in _days(start, end):
            if day.weekday() == 5:  # noqa: PLR2004 - a Saturday
                amount = Decimal(-6000 - day.toordinal() * 37 % 4000) / 100
                yield _posting(f"G{day:%Y%m%d}", "POS", day, str(amount), "CORNER GROCERY")


def _pay(person: Person, end: date) -> Iterator[Posting]:
    for job in person.jobs:
        for pay in payments(job, end):
            yield Posting(
                id=f"P{pay.id}",
                kind="DIRECTDEP",
                day=pay.period.paid,
                amount=pay.net.amount,
                # Banks cut names off.
                name=f"{job.employer.upper()} PAYROLL"[:32],
                memo=f"PPD ID {job.id}",
            )


def _posting(made: str, kind: str, day: date, amount: str, name: str) -> Posting:
    return Posting(id=made, kind=kind, day=day, amount=Decimal(amount), name=name)


def _days(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=number) for number in range(1, (end - start).days + 1))
