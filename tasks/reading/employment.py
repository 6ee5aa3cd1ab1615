"""An employment as a report gives it: what the provider says, and what its statements show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tasks.reading.checks import suspicions
from tasks.reading.frequency import A_YEAR, pay_frequency
from tasks.reading.money import as_money, median

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.reading.stub import Line, PayStub

#: Statements that tell what is earned now: those of the last year.
_A_YEAR = timedelta(days=365)
#: What hourly pay is multiplied by where no statement tells the hours: forty a week.
_HOURS_A_YEAR = 2080


@dataclass(frozen=True, kw_only=True)
class Employment:
    """What a payroll provider says of one employment."""

    #: What the provider calls it.
    id: str
    employee: str
    job_title: str
    company: str
    #: Money for an hour or a year, and which; None where the provider does not say.
    pay_rate: Decimal | None
    #: "HOURLY" or "YEARLY", or nothing.
    pay_unit: str
    is_active: bool
    start_date: date | None
    end_date: date | None


def report_employment(employment: Employment, documents: Mapping[str, PayStub]) -> dict[str, Any]:
    """Return an employment with its statements, given by the ids of their documents.

    Statements are sorted by their pay dates, the newest first.
    """
    ids = sorted(documents, key=lambda one: (documents[one].pay_date, one), reverse=True)
    stubs = [documents[one] for one in ids]
    frequency = _frequency(stubs)
    wrong = suspicions(stubs, frequency, hired=employment.start_date)
    for place, stub in enumerate(stubs):
        if texts := list(_other_people(employment, stub)):
            wrong[place] = [*wrong.get(place, []), *texts]
    statements = [
        _statement(one, stub, wrong.get(place, []))
        for place, (one, stub) in enumerate(zip(ids, stubs, strict=True))
    ]
    return {
        "job_title": employment.job_title or _said(stubs, "job_title"),
        "company": {"name": employment.company or _said(stubs, "employer")},
        "employee": employment.employee or _said(stubs, "employee"),
        **_income(employment, stubs, frequency),
        "pay_frequency": frequency,
        "is_active": employment.is_active,
        "start_date": _day(employment.start_date),
        "end_date": _day(employment.end_date),
        "statements": statements,
        "is_suspicious": any(statement["is_suspicious"] for statement in statements),
    }


def annual_income(stubs: Sequence[PayStub], frequency: str | None) -> Decimal | None:
    """Return a year's gross pay, by the typical pay day of the statements' last year.

    The typical one is that in the middle, so that a bonus or a day off changes nothing.
    """
    if not stubs or frequency is None:
        return None
    newest = max(stub.pay_date for stub in stubs)
    recent = [stub.gross for stub in stubs if newest - stub.pay_date < _A_YEAR]
    return median(recent) * A_YEAR[frequency]


def _frequency(stubs: Sequence[PayStub]) -> str | None:
    periods = {
        (stub.period_start, stub.period_end)
        for stub in stubs
        if stub.period_start and stub.period_end
    }
    return pay_frequency([stub.pay_date for stub in stubs], periods)


def _income(
    employment: Employment, stubs: Sequence[PayStub], frequency: str | None
) -> dict[str, str | None]:
    """Return pay and annual income: by the statements, or else as the provider states it."""
    income, rate = annual_income(stubs, frequency), employment.pay_rate
    unit = employment.pay_unit or None
    if income is None and rate is not None:
        income = {"HOURLY": rate * _HOURS_A_YEAR, "YEARLY": rate}.get(employment.pay_unit)
    if rate is None and stubs:
        rate, unit = stubs[0].gross, "PAY_PERIOD"
    return {
        "pay_rate": None if rate is None else as_money(rate),
        "pay_rate_unit": unit,
        "income": None if income is None else as_money(income),
        "income_unit": None if income is None else "YEARLY",
    }


def _other_people(employment: Employment, stub: PayStub) -> list[str]:
    """Say where a statement speaks of somebody else than the provider does."""
    pairs = (
        ("employer", employment.company, stub.employer),
        ("employee", employment.employee, stub.employee),
    )
    return [
        f"the {who} is not the one that the provider names"
        for who, stated, printed in pairs
        if stated and printed and stated.casefold().split() != printed.casefold().split()
    ]


def _statement(document: str, stub: PayStub, wrong: list[str]) -> dict[str, Any]:
    return {
        "id": document,
        "check_number": stub.number or None,
        "pay_date": _day(stub.pay_date),
        "period_start": _day(stub.period_start),
        "period_end": _day(stub.period_end),
        "gross_pay": as_money(stub.gross),
        "gross_pay_ytd": _money(stub.ytd_gross),
        "net_pay": as_money(stub.net),
        "net_pay_ytd": _money(stub.ytd_net),
        "hours": _hours(stub),
        "earnings": [_line(line) for line in stub.earnings],
        "taxes": [_line(line) for line in stub.taxes],
        "deductions": [_line(line) for line in stub.deductions],
        "is_suspicious": bool(wrong),
        "suspicions": wrong,
    }


def _line(line: Line) -> dict[str, str | None]:
    return {"name": line.label, "amount": as_money(line.amount), "amount_ytd": _money(line.ytd)}


def _hours(stub: PayStub) -> str | None:
    hours = [line.hours for line in stub.earnings if line.hours is not None]
    return as_money(sum(hours, Decimal(0))) if hours else None


def _said(stubs: Sequence[PayStub], name: str) -> str:
    """Return what the newest statement that says it says."""
    return next((said for stub in stubs if (said := str(getattr(stub, name)))), "")


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else as_money(amount)
