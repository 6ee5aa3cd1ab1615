"""Pay statements as text, and as what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tasks.reading.stub import Line, PayStub

#: As the text of a PDF comes out, columns apart.
TEXT = """\
Pay statement
Employer                       Lakeside Goods Inc
Employee                       Ada Fielding
Job title                      Warehouse Lead
Statement number               J-1-20260116
Pay date                       01/16/2026
Pay period                     12/29/2025 to 01/11/2026
Earnings                                  Hours     Rate       Current     Year to date
Regular pay                               80.00    36.50      2,920.00         5,840.00
Overtime                                   6.00    54.75        328.50           328.50
Gross pay                                                     3,248.50         6,168.50
Taxes                                                          Current     Year to date
Federal income tax                                              389.82           740.22
Medicare                                                         47.10            89.44
Total taxes                                                     436.92           829.66
Deductions                                                     Current     Year to date
Health insurance                                                 45.00            90.00
Total deductions                                                 45.00            90.00
Net pay                                                       2,766.58         5,248.84
"""


def money(text: str) -> Decimal:
    """Return an amount."""
    return Decimal(text)


STUB = PayStub(
    employer="Lakeside Goods Inc",
    employee="Ada Fielding",
    job_title="Warehouse Lead",
    number="J-1-20260116",
    pay_date=date(2026, 1, 16),
    period_start=date(2025, 12, 29),
    period_end=date(2026, 1, 11),
    gross=money("3248.50"),
    net=money("2766.58"),
    taxes_total=money("436.92"),
    deductions_total=money("45.00"),
    ytd_gross=money("6168.50"),
    ytd_net=money("5248.84"),
    earnings=(
        Line(
            label="Regular pay",
            amount=money("2920.00"),
            ytd=money("5840.00"),
            hours=money("80.00"),
            rate=money("36.50"),
        ),
        Line(
            label="Overtime",
            amount=money("328.50"),
            ytd=money("328.50"),
            hours=money("6.00"),
            rate=money("54.75"),
        ),
    ),
    taxes=(
        Line(label="Federal income tax", amount=money("389.82"), ytd=money("740.22")),
        Line(label="Medicare", amount=money("47.10"), ytd=money("89.44")),
    ),
    deductions=(Line(label="Health insurance", amount=money("45.00"), ytd=money("90.00")),),
)


def paid(day: str, gross: str, ytd_gross: str, **more: Any) -> PayStub:
    """Return a statement of a fortnight without any taxes."""
    pay_date = date.fromisoformat(day)
    amount, ytd = Decimal(gross), Decimal(ytd_gross)
    given = {
        "pay_date": pay_date,
        "period_start": pay_date - timedelta(days=18),
        "period_end": pay_date - timedelta(days=5),
        "gross": amount,
        "net": amount,
        "taxes_total": Decimal(0),
        "deductions_total": Decimal(0),
        "ytd_gross": ytd,
        "ytd_net": ytd,
        "earnings": (),
        "taxes": (),
        "deductions": (),
    }
    return replace(STUB, **{**given, **more})
