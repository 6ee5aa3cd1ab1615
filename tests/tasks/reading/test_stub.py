from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tasks.reading.stub import parse_stub, read_stub
from tasks.reading.unreadable import Unreadable
from tests.tasks.reading.papers import printed
from tests.tasks.reading.statements import STUB, TEXT, money


def read(text: str):
    return parse_stub(text.splitlines())


def test_a_pay_statement_is_read_whole():
    assert read(TEXT) == STUB


def test_a_pay_statement_on_paper_is_read_by_its_columns():
    pdf = printed(
        ((54, "Pay date"), (170, "01/16/2026")),
        ((54, "Earnings"), (300, "Current"), (450, "Year to date")),
        ((54, "Salary"), (300, "2,500.00"), (450, "2,500.00")),
        ((54, "Gross pay"), (300, "2,500.00"), (450, "2,500.00")),
        ((54, "Net pay"), (300, "2,500.00"), (450, "2,500.00")),
    )

    stub = read_stub(pdf)

    assert (stub.pay_date, stub.gross, stub.ytd_gross) == (
        date(2026, 1, 16),
        money("2500.00"),
        money("2500.00"),
    )
    assert [line.label for line in stub.earnings] == ["Salary"]


def test_an_employer_may_use_other_words_and_another_layout():
    stub = read(
        "Company: Papermill Ltd     Employee Name: Bo Reed\n"
        "Check Date: Jan 16, 2026     Check Number: 0042\n"
        "Period Beginning   2026-01-01     Period Ending   2026-01-15\n"
        "Position:  Clerk\n"
        "Gross Earnings:    $1,000.00\n"
        "Net Pay:           $1,000.00\n"
    )

    assert (stub.employer, stub.employee, stub.job_title) == ("Papermill Ltd", "Bo Reed", "Clerk")
    assert (stub.number, stub.pay_date) == ("0042", date(2026, 1, 16))
    assert (stub.period_start, stub.period_end) == (date(2026, 1, 1), date(2026, 1, 15))
    assert (stub.gross, stub.ytd_gross, stub.taxes_total) == (money("1000.00"), None, None)


@pytest.mark.parametrize(
    ("line", "hours", "amount", "ytd"),
    [
        ("Bonus    500.00", None, "500.00", None),
        ("Bonus    500.00    750.00", None, "500.00", "750.00"),
        ("Bonus    -    -    500.00    750.00", None, "500.00", "750.00"),
        ("Bonus    8.00    500.00    750.00", "8.00", "500.00", "750.00"),
        ("Advance    (500.00)    -750.00", None, "-500.00", "-750.00"),
    ],
)
def test_a_line_may_leave_columns_out(line, hours, amount, ytd):
    stub = read(TEXT.replace("Gross pay ", f"{line}\nGross pay "))

    found = stub.earnings[-1]
    assert (found.label, found.hours) == (line.split()[0], money(hours) if hours else None)
    assert (found.amount, found.ytd) == (money(amount), money(ytd) if ytd else None)


@pytest.mark.parametrize(
    ("again", "what"),
    [
        ("Gross pay    9,248.50    6,168.50", "gross"),
        ("Net pay      9,766.58    5,248.84", "net"),
        ("Pay date     01/17/2026", "pay_date"),
        ("Employee     Eve Fielding", "employee"),
    ],
)
def test_what_is_stated_twice_and_differently_is_told(again, what):
    assert read(TEXT + again) == replace(STUB, ambiguous=(what,))


def test_what_is_stated_twice_and_alike_is_fine():
    assert read(TEXT + TEXT.splitlines()[-1]) == STUB


@pytest.mark.parametrize(
    ("changed", "to", "text"),
    [
        ("Pay date ", "Weather ", "it has no pay date"),
        ("Gross pay ", "Gross weight ", "it has no gross or no net pay"),
        ("Net pay ", "Net weight ", "it has no gross or no net pay"),
        ("01/16/2026", "16/01/2026", "a date of the pay statement is none"),
        ("01/16/2026", "01/16/1026", "a date of the pay statement is none"),
        ("12/29/2025", "yesterday", "a date of the pay statement is none"),
        ("12/29/2025", "12/31/9999", "a date of the pay statement is none"),
        ("2,766.58         5,248.84", "much", "a total of the pay statement is no amount"),
    ],
)
def test_a_document_that_is_no_pay_statement_is_unreadable(changed, to, text):
    assert changed in TEXT

    with pytest.raises(Unreadable, match=text):
        read(TEXT.replace(changed, to))


def test_a_statement_has_only_so_many_lines():
    with pytest.raises(Unreadable, match="too many lines"):
        read("Earnings\n" + "Regular pay    1.00\n" * 201)


def test_nothing_is_no_pay_statement():
    with pytest.raises(Unreadable, match="no pay date"):
        read("")
