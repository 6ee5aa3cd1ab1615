from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.reading.checks import suspicions
from tests.tasks.reading.statements import STUB, money, paid

EARNED, TAXED = STUB.earnings[0], STUB.taxes[0]
GROSS = "the year's gross pay does not follow from the statement before"
NET = "the year's net pay does not follow from the statement before"


def alone(**changed):
    return suspicions([replace(STUB, **changed)], "BW").get(0, [])


def test_a_statement_that_adds_up_is_not_suspicious():
    assert alone() == []


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            {"earnings": (replace(EARNED, amount=money("3000.00")), STUB.earnings[1])},
            "the earnings do not add up to their total",
        ),
        (
            {"taxes": (replace(TAXED, amount=money("1.00")), STUB.taxes[1])},
            "the taxes do not add up to their total",
        ),
        (
            {"deductions": (replace(STUB.deductions[0], amount=money("46.00")),)},
            "the deductions do not add up to their total",
        ),
        ({"net": money("3248.50")}, "net pay is not gross pay less taxes and deductions"),
        (
            {"earnings": (replace(EARNED, hours=money("60.00")), STUB.earnings[1])},
            "the hours of regular pay do not add up to their total",
        ),
        ({"ytd_gross": money("3000.00")}, "gross pay is more than that of the year to date"),
        ({"ytd_gross": money("6000.00")}, "gross pay is more than that of the year to date"),
        ({"ytd_net": money("2000.00")}, "net pay is more than that of the year to date"),
        ({"period_end": date(2025, 12, 1)}, "the pay period ends before it begins"),
        ({"ambiguous": ("net",)}, "it states something twice and differently"),
    ],
)
def test_a_statement_that_contradicts_itself_is_suspicious(changed, text):
    assert text in alone(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"net": money("2766.57")},
        {"taxes_total": None, "deductions_total": None},
        {"earnings": (), "taxes": (), "deductions": ()},
        {"ytd_gross": None, "ytd_net": None},
        {"period_start": None},
    ],
)
def test_cents_and_what_is_left_out_are_not_suspicious(changed):
    assert alone(**changed) == []


def test_running_sums_follow_from_each_other_in_any_order():
    stubs = [
        paid("2026-01-02", "1000.00", "1000.00"),
        paid("2026-01-16", "1100.00", "2100.00"),
        paid("2026-01-30", "1000.00", "3100.00"),
    ]

    assert suspicions(stubs, "BW") == {}
    assert suspicions(stubs[::-1], "BW") == {}


@pytest.mark.parametrize("ytd", ["2000.00", "2600.00"])
def test_a_running_sum_that_does_not_follow_is_suspicious(ytd):
    stubs = [paid("2026-01-02", "1000.00", "1000.00"), paid("2026-01-16", "1100.00", ytd)]

    assert suspicions(stubs, "BW") == {1: [GROSS, NET]}


def test_sums_begin_anew_with_the_year():
    stubs = [paid("2025-12-19", "1000.00", "26000.00"), paid("2026-01-02", "1000.00", "1000.00")]

    assert suspicions(stubs, "BW") == {}
    assert suspicions([stubs[0], replace(stubs[1], ytd_gross=money("27000.00"))], "BW") == {
        1: [GROSS]
    }


@pytest.mark.parametrize(("ytd", "found"), [("3000.00", {}), ("1500.00", {1: [GROSS, NET]})])
def test_a_missing_statement_is_no_contradiction_but_a_lower_sum_is(ytd, found):
    stubs = [paid("2026-01-02", "1000.00", "1000.00"), paid("2026-01-30", "1000.00", ytd)]

    assert suspicions(stubs, "BW") == found


def test_pay_before_the_first_day_of_work_is_suspicious():
    first = paid("2026-03-13", "1000.00", "4000.00")
    text = "there was pay before the first day of work"

    assert suspicions([first], "BW", hired=date(2026, 2, 25)) == {0: [text]}
    assert suspicions([first], "BW", hired=date(2019, 1, 1)) == {}
    honest = replace(first, ytd_gross=money("1000.00"))
    assert suspicions([honest], "BW", hired=date(2026, 2, 25)) == {}


def test_two_statements_of_one_day_are_not_compared():
    stubs = [paid("2026-01-02", "1000.00", "1000.00"), paid("2026-01-02", "500.00", "1500.00")]

    assert suspicions(stubs, "BW") == {}


@settings(deadline=None)  # a busy machine is no fault
@given(
    st.lists(st.decimals(min_value=1, max_value=9999, places=2), min_size=2, max_size=13),
    st.data(),
)
def test_one_altered_amount_is_always_found(amounts, data):
    days = [f"2026-{day:%m-%d}" for day in (date.fromordinal(739617 + 14 * n) for n in range(13))]
    sums = [sum(amounts[: place + 1], Decimal(0)) for place in range(len(amounts))]
    stubs = [paid(*one) for one in zip(days, map(str, amounts), map(str, sums), strict=False)]
    assert suspicions(stubs, "BW") == {}
    place = data.draw(st.integers(min_value=1, max_value=len(stubs) - 1))
    more = stubs[place].gross + data.draw(st.decimals(min_value=1, max_value=999, places=2))

    stubs[place] = replace(stubs[place], gross=more, net=more)

    assert place in suspicions(stubs, "BW")
