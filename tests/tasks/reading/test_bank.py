from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tasks.reading.bank import masked, report_account
from tasks.reading.ofx import BankAccount, Transaction, read_statements
from tests.tasks.reading.bank_statements import PAY, RENT, statement
from tests.tasks.reading.statements import money


def posting(day: date, amount: str, name: str, **more: Any) -> Transaction:
    given = {"id": f"{name}{day}", "kind": "CREDIT", "memo": "", **more}
    return Transaction(posted=day, amount=money(amount), name=name, **given)


def account(*transactions: Transaction) -> BankAccount:
    return BankAccount(
        bank_id="1",
        account_id="1000567801",
        kind="CHECKING",
        currency="USD",
        balance=None,
        available=None,
        start=None,
        end=date(2026, 6, 1),
        transactions=transactions,
    )


def every(days: int, name: str, *amounts: str, **more: Any) -> list[Transaction]:
    first = date(2026, 5, 29) - timedelta(days=days * (len(amounts) - 1))
    return [
        posting(first + timedelta(days=days * place), amount, name, **more)
        for place, amount in enumerate(amounts)
    ]


def streams(*transactions: Transaction, **given: Any) -> list[str]:
    return [
        one["name"] for one in report_account(account(*transactions), **given)["income_streams"]
    ]


def test_an_account_is_reported_with_its_transactions():
    (read,) = read_statements(statement(RENT, PAY).encode())

    assert report_account(read) == {
        "account_number": "****7801",
        "account_type": "CHECKING",
        "currency": "USD",
        "balance": "1840.00",
        "available_balance": "1740.50",
        "start_date": "2026-01-01",
        "end_date": "2026-01-20",
        "transactions": [
            {
                "id": "P1",
                "date": "2026-01-16",
                "amount": "2038.42",
                "type": "DIRECTDEP",
                "description": "LAKESIDE GOODS INC PAYROLL",
                "memo": "PPD ID J-1",
                "is_income": True,
            },
            {
                "id": "R1",
                "date": "2026-01-01",
                "amount": "-1250.00",
                "type": "DEBIT",
                "description": "OAK & CO",
                "memo": "",
                "is_income": False,
            },
        ],
        "income_streams": [
            {
                "name": "LAKESIDE GOODS INC PAYROLL",
                "pay_frequency": None,
                "typical_amount": "2038.42",
                "total_amount": "2038.42",
                "net_income": None,
                "income_unit": None,
                "deposits": 1,
                "first_deposit_at": "2026-01-16",
                "last_deposit_at": "2026-01-16",
                "is_active": True,
            }
        ],
        "is_suspicious": False,
    }


def test_a_stream_says_how_often_and_how_much():
    deposits = every(14, "ACME", "2000.00", "2000.00", "2600.00", "2000.00", "2000.00", "2000.00")

    (stream,) = report_account(account(*deposits))["income_streams"]

    assert stream == {
        "name": "ACME",
        "pay_frequency": "BW",
        "typical_amount": "2000.00",
        "total_amount": "12600.00",
        "net_income": "52000.00",
        "income_unit": "YEARLY",
        "deposits": 6,
        "first_deposit_at": "2026-03-20",
        "last_deposit_at": "2026-05-29",
        "is_active": True,
    }


@pytest.mark.parametrize(
    "deposits",
    [
        every(14, "ACME", "900.00", kind="DIRECTDEP"),
        every(14, "ACME PAYROLL", "900.00"),
        every(14, "ACME DIR DEP 8841", "900.00"),
        every(14, "ACME", "900.00", memo="salary May"),
        every(7, "ACME", "900.00", "950.00", "900.00"),
        every(30, "ACME", "900.00", "900.00", "900.00"),
        every(14, "PAYROLL", "900.00"),
    ],
)
def test_deposits_are_income_that_say_so_or_come_as_pay_does(deposits):
    assert streams(*deposits) == [deposits[-1].name]


@pytest.mark.parametrize(
    "deposits",
    [
        every(14, "ACME", "900.00"),
        every(14, "ACME", "900.00", "900.00"),
        every(14, "ACME", "900.00", "90.00", "2900.00", "15.00"),
        every(3, "ACME", "900.00", "900.00", "900.00", "900.00"),
        every(30, "TRANSFER FROM SAVINGS", "300.00", "300.00", "300.00", kind="XFER"),
        every(30, "INTEREST PAID", "2.17", "2.17", "2.17", kind="INT"),
        every(30, "RENT", "-900.00", "-900.00", "-900.00"),
    ],
)
def test_other_deposits_are_no_income(deposits):
    assert streams(*deposits) == []


@pytest.mark.parametrize(
    ("name", "employer", "is_income"),
    [
        ("LAKESIDE GOODS IN", "Lakeside Goods Inc", True),
        ("Lakeside Goods Inc. 00412", "Lakeside Goods Inc", True),
        ("PAPERMILL LTD", "Lakeside Goods Inc", False),
        ("LAKESIDE GOODS INC", "", False),
        ("LAK", "Lakeside Goods Inc", False),
    ],
)
def test_deposits_of_a_known_employer_are_income(name, employer, is_income):
    deposit = posting(date(2026, 5, 29), "50.00", name)

    assert bool(streams(deposit, employers=[employer])) is is_income


def test_deposits_of_one_payer_are_one_stream_whatever_their_numbers():
    deposits = [
        posting(date(2026, 5, 15), "900.00", "ACME PAYROLL 0417", id="1"),
        posting(date(2026, 5, 29), "900.00", "Acme Payroll A93X", id="2"),
        posting(date(2026, 5, 29), "700.00", "PAPERMILL PAYROLL", id="3"),
    ]

    assert streams(*deposits) == ["Acme Payroll A93X", "PAPERMILL PAYROLL"]


def test_a_stream_that_has_dried_up_is_not_active():
    old = posting(date(2026, 1, 2), "900.00", "ACME PAYROLL")

    (stream,) = report_account(account(old))["income_streams"]

    assert stream["is_active"] is False


def test_a_transaction_that_is_given_twice_counts_once():
    one = posting(date(2026, 5, 29), "900.00", "ACME PAYROLL")

    report = report_account(account(one, one))

    assert report["income_streams"][0]["total_amount"] == "900.00"
    assert report["is_suspicious"] is False


def test_a_transaction_that_is_given_twice_and_differently_is_suspicious():
    one = posting(date(2026, 5, 29), "900.00", "ACME PAYROLL", id="1")
    other = posting(date(2026, 5, 29), "9900.00", "ACME PAYROLL", id="1")

    report = report_account(account(one, other))

    assert report["is_suspicious"] is True
    assert report["income_streams"][0]["total_amount"] == "900.00"


@pytest.mark.parametrize(
    ("number", "shown"), [("1000567801", "****7801"), ("7801", "****"), ("", "****")]
)
def test_an_account_number_is_not_told(number, shown):
    assert masked(number) == shown
