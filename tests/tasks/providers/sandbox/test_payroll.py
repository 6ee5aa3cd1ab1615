from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tasks.providers.sandbox.payroll import payments
from tests.tasks.providers.sandbox.conftest import JOB

UNTIL = date(2026, 1, 20)


def test_a_year_of_fortnights_has_twenty_six_pay_days():
    paid = payments(JOB, UNTIL)

    assert len(paid) == 26
    assert (paid[0].period.paid, paid[-1].period.paid) == (date(2025, 1, 31), date(2026, 1, 16))
    assert (paid[-1].period.start, paid[-1].period.end) == (date(2025, 12, 29), date(2026, 1, 11))


def test_a_pay_day_is_made_of_lines_that_add_up():
    pay = payments(JOB, UNTIL)[-1]

    lines = [
        (item.label, str(item.amount), str(item.ytd))
        for item in (*pay.earnings, *pay.taxes, *pay.deductions, pay.gross, pay.net)
    ]
    assert lines == [
        ("Regular pay", "2920.00", "5840.00"),
        ("Overtime", "328.50", "328.50"),
        ("Federal income tax", "389.82", "740.22"),
        ("Social Security", "201.41", "382.45"),
        ("Medicare", "47.10", "89.44"),
        ("State income tax", "129.94", "246.74"),
        ("Health insurance", "45.00", "90.00"),
        ("401(k)", "162.43", "308.43"),
        ("Gross pay", "3248.50", "6168.50"),
        ("Net pay", "2272.80", "4311.22"),
    ]


@pytest.mark.parametrize(
    ("frequency", "number", "last", "gross"),
    [
        ("W", 52, ["2025-12-26", "2026-01-02", "2026-01-09", "2026-01-16"], "1000.00"),
        ("BW", 26, ["2025-12-05", "2025-12-19", "2026-01-02", "2026-01-16"], "2000.00"),
        ("SM", 24, ["2025-11-28", "2025-12-15", "2025-12-31", "2026-01-15"], "2166.67"),
        ("M", 12, ["2025-09-30", "2025-10-31", "2025-11-28", "2025-12-31"], "4333.33"),
    ],
)
def test_pay_comes_as_often_as_it_should(frequency, number, last, gross):
    job = replace(JOB, frequency=frequency, hourly=None, salary=Decimal(52000))

    paid = payments(job, UNTIL)

    assert len(paid) == number
    assert [str(pay.period.paid) for pay in paid[-4:]] == last
    assert str(paid[-1].gross.amount) == gross


def test_only_whole_periods_of_the_employment_are_paid():
    job = replace(JOB, hired=date(2025, 12, 1), left=date(2025, 12, 31))

    paid = payments(job, UNTIL)

    assert [str(pay.period.start) for pay in paid] == ["2025-12-01", "2025-12-15"]
    assert paid[0].gross.ytd == paid[0].gross.amount


def test_the_same_day_is_the_same_whenever_it_is_asked_for():
    later = {pay.id: pay for pay in payments(JOB, date(2026, 4, 1))}

    assert [later[pay.id] for pay in payments(JOB, UNTIL)[-5:]] == payments(JOB, UNTIL)[-5:]
