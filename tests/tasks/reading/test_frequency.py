from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.reading.frequency import pay_frequency


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def every(days: int, number: int, first: date = date(2026, 1, 2)) -> list[date]:
    return [first + timedelta(days=days * place) for place in range(number)]


def banking_day(day: date) -> date:
    return day - timedelta(days=max(0, day.weekday() - 4))


def in_months(year: int, number: int, *in_month: int) -> list[date]:
    found = []
    for place in range(number):
        month = date(year + place // 12, place % 12 + 1, 1)
        last = monthrange(month.year, month.month)[1]
        found += [banking_day(month.replace(day=min(last, day))) for day in in_month]
    return found


@pytest.mark.parametrize(
    ("paid", "frequency"),
    [
        (every(7, 2), "W"),
        (every(14, 2), "BW"),
        (every(7, 52), "W"),
        (every(14, 26), "BW"),
        (in_months(2026, 12, 15, 31), "SM"),
        (in_months(2026, 12, 5, 20), "SM"),
        (in_months(2026, 12, 31), "M"),
        (in_months(2026, 2, 28), "M"),
        # A holiday brings one pay day forward.
        (days("2025-12-05", "2025-12-19", "2026-01-01", "2026-01-16", "2026-01-30"), "BW"),
        (days("2025-12-19", "2025-12-24", "2026-01-02", "2026-01-09"), "W"),
        # A statement is missing.
        ([*every(14, 6), *every(14, 6, date(2026, 4, 10))], "BW"),
        # A bonus on a day of its own.
        ([*every(14, 12), date(2026, 2, 3)], "BW"),
    ],
)
def test_pay_days_tell_how_often_somebody_is_paid(paid, frequency):
    assert pay_frequency(paid) == frequency


@pytest.mark.parametrize(
    "paid",
    [
        [],
        every(7, 1),
        [date(2026, 1, 2)] * 3,
        every(1, 9),
        every(24, 9),
        every(91, 4),
        every(365, 3),
    ],
)
def test_days_that_do_not_tell_tell_nothing(paid):
    assert pay_frequency(paid) is None


@pytest.mark.parametrize(
    ("start", "end", "frequency"),
    [
        ("2026-01-05", "2026-01-11", "W"),
        ("2026-01-05", "2026-01-18", "BW"),
        ("2026-01-01", "2026-01-15", "SM"),
        ("2026-02-16", "2026-02-28", "SM"),
        ("2028-02-16", "2028-02-29", "SM"),
        ("2026-02-01", "2026-02-28", "M"),
        ("2026-01-16", "2026-02-15", "M"),
        ("2026-01-05", "2026-01-05", None),
        ("2026-01-01", "2026-12-31", None),
    ],
)
def test_a_single_statement_tells_by_its_period(start, end, frequency):
    period = tuple(days(start, end))

    assert pay_frequency([date(2026, 3, 1)], {period}) == frequency


def test_periods_decide_where_pay_days_are_few():
    paid = days("2026-05-15", "2026-05-29")
    periods = {tuple(days("2026-05-01", "2026-05-15")), tuple(days("2026-05-16", "2026-05-31"))}

    assert pay_frequency(paid) == "BW"
    assert pay_frequency(paid, periods) == "SM"


@settings(deadline=None)  # a busy machine is no fault
@given(
    st.dates(date(2000, 1, 1), date(2040, 1, 1)),
    st.sampled_from([(7, "W"), (14, "BW")]),
    st.integers(min_value=6, max_value=53),
)
def test_weeks_and_fortnights_are_told_wherever_they_begin(first, rhythm, number):
    assert pay_frequency(every(rhythm[0], number, first)) == rhythm[1]


@settings(deadline=None)  # a busy machine is no fault
@given(
    st.integers(min_value=2000, max_value=2040),
    st.sampled_from(
        [((15, 31), "SM"), ((1, 16), "SM"), ((5, 20), "SM"), ((31,), "M"), ((1,), "M")]
    ),
    st.integers(min_value=3, max_value=24),
)
def test_months_and_their_halves_are_told_with_weekends_in_them(year, in_month, months):
    assert pay_frequency(in_months(year, months, *in_month[0])) == in_month[1]
