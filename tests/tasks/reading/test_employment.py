from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tasks.reading.employment import Employment, annual_income, report_employment
from tests.tasks.reading.statements import STUB, money, paid

ADA = Employment(
    id="J-1",
    employee="Ada Fielding",
    job_title="Warehouse Lead",
    company="Lakeside Goods Inc",
    pay_rate=money("36.50"),
    pay_unit="HOURLY",
    is_active=True,
    start_date=date(2019, 3, 11),
    end_date=None,
)
UNSTATED = replace(ADA, job_title="", company="", employee="", pay_rate=None, pay_unit="")


def test_an_employment_is_reported_with_its_statements():
    assert report_employment(ADA, {"d-1": STUB}) == {
        "job_title": "Warehouse Lead",
        "company": {"name": "Lakeside Goods Inc"},
        "employee": "Ada Fielding",
        "pay_rate": "36.50",
        "pay_rate_unit": "HOURLY",
        "income": "84461.00",
        "income_unit": "YEARLY",
        "pay_frequency": "BW",
        "is_active": True,
        "start_date": "2019-03-11",
        "end_date": None,
        "statements": [
            {
                "id": "d-1",
                "check_number": "J-1-20260116",
                "pay_date": "2026-01-16",
                "period_start": "2025-12-29",
                "period_end": "2026-01-11",
                "gross_pay": "3248.50",
                "gross_pay_ytd": "6168.50",
                "net_pay": "2766.58",
                "net_pay_ytd": "5248.84",
                "hours": "86.00",
                "earnings": [
                    {"name": "Regular pay", "amount": "2920.00", "amount_ytd": "5840.00"},
                    {"name": "Overtime", "amount": "328.50", "amount_ytd": "328.50"},
                ],
                "taxes": [
                    {"name": "Federal income tax", "amount": "389.82", "amount_ytd": "740.22"},
                    {"name": "Medicare", "amount": "47.10", "amount_ytd": "89.44"},
                ],
                "deductions": [
                    {"name": "Health insurance", "amount": "45.00", "amount_ytd": "90.00"}
                ],
                "is_suspicious": False,
                "suspicions": [],
            }
        ],
        "is_suspicious": False,
    }


def test_the_newest_statement_comes_first():
    stubs = {
        "b": paid("2026-01-02", "1000.00", "1000.00"),
        "a": paid("2026-01-16", "1000.00", "2000.00"),
    }

    report = report_employment(ADA, stubs)

    assert [one["id"] for one in report["statements"]] == ["a", "b"]
    assert report["is_suspicious"] is False


def test_a_suspicious_statement_makes_its_employment_so():
    altered = {
        "a": paid("2026-01-02", "1000.00", "1000.00"),
        "b": replace(
            paid("2026-01-16", "1000.00", "2000.00"), gross=money("1850.00"), net=money("1850.00")
        ),
    }

    report = report_employment(ADA, altered)

    assert report["is_suspicious"] is True
    assert [(one["id"], one["is_suspicious"]) for one in report["statements"]] == [
        ("b", True),
        ("a", False),
    ]
    assert report["statements"][0]["suspicions"] == [
        "the year's gross pay does not follow from the statement before",
        "the year's net pay does not follow from the statement before",
    ]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"employer": "Papermill Ltd"}, "the employer is not the one that the provider names"),
        ({"employee": "Eve Fielding"}, "the employee is not the one that the provider names"),
    ],
)
def test_a_statement_of_somebody_else_is_suspicious(changed, text):
    report = report_employment(ADA, {"d": replace(STUB, **changed)})

    assert report["statements"][0]["suspicions"] == [text]


def test_names_may_be_written_in_another_way():
    same = replace(STUB, employer="LAKESIDE  GOODS INC", employee="")

    assert report_employment(ADA, {"d": same})["is_suspicious"] is False


def test_what_the_provider_does_not_say_statements_do():
    report = report_employment(UNSTATED, {"d": STUB})

    assert report["job_title"] == "Warehouse Lead"
    assert report["company"] == {"name": "Lakeside Goods Inc"}
    assert report["employee"] == "Ada Fielding"
    assert (report["pay_rate"], report["pay_rate_unit"]) == ("3248.50", "PAY_PERIOD")


@pytest.mark.parametrize(
    ("rate", "unit", "income"),
    [("36.50", "HOURLY", "75920.00"), ("84000", "YEARLY", "84000.00")],
)
def test_without_statements_income_is_what_the_provider_states(rate, unit, income):
    report = report_employment(replace(ADA, pay_rate=Decimal(rate), pay_unit=unit), {})

    assert (report["income"], report["income_unit"]) == (income, "YEARLY")
    assert (report["pay_frequency"], report["statements"]) == (None, [])


def test_without_anything_there_is_no_income():
    report = report_employment(UNSTATED, {})

    assert [report[name] for name in ("income", "income_unit", "pay_rate", "pay_rate_unit")] == [
        None
    ] * 4
    assert report["is_suspicious"] is False


def test_annual_income_is_that_of_a_typical_pay_day():
    amounts = ["1000.00", "1000.00", "9000.00", "1000.00", "200.00"]
    stubs = [paid(f"2026-0{n + 1}-02", one, "90000.00") for n, one in enumerate(amounts)]

    assert annual_income(stubs, "BW") == money("26000.00")
    assert annual_income(stubs, "W") == money("52000.00")
    assert annual_income(stubs, None) is None
    assert annual_income([], "M") is None


def test_only_the_last_year_tells_what_is_earned_now():
    newest = paid("2026-01-16", "2000.00", "2000.00")
    older = [
        replace(newest, pay_date=newest.pay_date - timedelta(days=365 + n), gross=money("1000.00"))
        for n in range(3)
    ]

    assert annual_income([newest, *older], "M") == money("24000.00")
