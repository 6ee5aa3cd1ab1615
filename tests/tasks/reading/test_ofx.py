from __future__ import annotations

from datetime import date

import pytest

from tasks.reading.ofx import BankAccount, Transaction, read_statements
from tasks.reading.unreadable import Unreadable
from tests.tasks.reading.bank_statements import PAY, RENT, statement
from tests.tasks.reading.statements import money

WHOLE = statement(PAY, RENT)


def test_a_statement_is_read_whole():
    assert read_statements(WHOLE.encode()) == [
        BankAccount(
            bank_id="125000999",
            account_id="1000567801",
            kind="CHECKING",
            currency="USD",
            balance=money("1840.00"),
            available=money("1740.5"),
            start=date(2026, 1, 1),
            end=date(2026, 1, 20),
            transactions=(
                Transaction(
                    id="P1",
                    kind="DIRECTDEP",
                    posted=date(2026, 1, 16),
                    amount=money("2038.42"),
                    name="LAKESIDE GOODS INC PAYROLL",
                    memo="PPD ID J-1",
                ),
                Transaction(
                    id="R1",
                    kind="DEBIT",
                    posted=date(2026, 1, 1),
                    amount=money("-1250.00"),
                    name="OAK & CO",
                    memo="",
                ),
            ),
        )
    ]


def test_balances_and_bounds_may_be_missing():
    bare = "".join(
        line for line in WHOLE.splitlines() if not line.startswith(("<LEDGERBAL", "<AVAILBAL"))
    )
    bare = bare.replace("<DTSTART>20260101</DTSTART>", "").replace("<DTEND>20260120</DTEND>", "")

    (account,) = read_statements(bare.encode())

    assert (account.balance, account.available, account.start, account.end) == (None,) * 4


@pytest.mark.parametrize(
    ("changed", "to", "text"),
    [
        ("<OFX>", "<XFO>", "not XML"),
        ("OFX>", "XFO>", "the document is not OFX"),
        ("BANKMSGSRSV1", "INVSTMTMSGSRSV1", "the document has no bank statement"),
        ("<ACCTID>1000567801</ACCTID>", "", "does not say of which account it is"),
        ("<FITID>P1</FITID>", "", "a transaction of the statement has no id"),
        ("2038.42", "1E9", "an amount of the statement is none"),
        ("2038.42", "NaN", "an amount of the statement is none"),
        ("2038.42", "1234567890123", "an amount of the statement is none"),
        ("2038.42", "", "an amount of the statement is none"),
        ("1840.00", "lots", "an amount of the statement is none"),
        ("20260116120000", "20261316", "a date of the statement is none"),
        ("<DTEND>20260120", "<DTEND>soon", "a date of the statement is none"),
    ],
)
def test_a_file_that_is_no_statement_is_unreadable(changed, to, text):
    assert changed in WHOLE

    with pytest.raises(Unreadable, match=text):
        read_statements(WHOLE.replace(changed, to).encode())


def test_a_statement_has_only_so_many_transactions():
    with pytest.raises(Unreadable, match="too many transactions"):
        read_statements(statement(*["<STMTTRN/>"] * 20_001).encode())


def test_a_statement_with_entities_is_unreadable():
    bomb = WHOLE.replace("<OFX>", '<!DOCTYPE OFX [<!ENTITY a "ha">]><OFX>')

    with pytest.raises(Unreadable, match="entities"):
        read_statements(bomb.encode())
