from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.reading.money import as_money, median, read_money


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,234.50", "1234.50"),
        ("1234.5", "1234.5"),
        ("$12", "12"),
        ("36.5000", "36.5000"),
        ("0.00", "0.00"),
        ("-3.00", "-3.00"),
        ("-$3.00", "-3.00"),
        ("(3.00)", "-3.00"),
        ("3.00-", "-3.00"),
        ("999,999,999,999.99", "999999999999.99"),
    ],
)
def test_an_amount_is_read_as_documents_write_it(text, amount):
    assert read_money(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "pay", "1,23.00", "12,34", "1.2.3", "(3.00", "3.00)", "-(3.00)", "--3", "1e9"),
        *("NaN", "Infinity", "1234567890123", "1.23456", "80 hours", "01/16/2026", "$", "\u0663"),
    ],
)
def test_what_is_no_amount_is_none(text):
    assert read_money(text) is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1234.5", "1234.50"), ("0", "0.00"), ("-3", "-3.00"), ("1.005", "1.01"), ("1E+3", "1000.00")],
)
def test_a_report_gives_amounts_with_two_decimals(amount, text):
    assert as_money(Decimal(amount)) == text


@given(st.decimals(min_value=-(10**11), max_value=10**11, places=2))
def test_what_is_printed_is_read_again(amount):
    assert read_money(f"{amount:,.2f}") == amount


@pytest.mark.parametrize(
    ("amounts", "middle"), [("5", "5"), ("1 9 5", "5"), ("1 2", "1.50"), ("0.01 0.02", "0.02")]
)
def test_the_median_is_the_amount_in_the_middle(amounts, middle):
    assert median([Decimal(one) for one in amounts.split()]) == Decimal(middle)
