"""Bank statements in OFX 2.x: accounts, their balances and what was posted to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from tasks.reading.unreadable import Unreadable
from tasks.reading.xml import read_xml, text_at

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

#: The largest statement that is read; bytes.
MAX_BYTES = 8 * 1024 * 1024
MAX_TRANSACTIONS = 20_000
#: An amount has a full stop or a comma before its cents, and nothing between its thousands.
_AMOUNT = re.compile(r"([+-]?\d{1,12})(?:[.,](\d{1,4}))?", re.ASCII)
_STATEMENTS = "BANKMSGSRSV1/STMTTRNRS/STMTRS"


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """One posting; the amount is positive where the account gained it."""

    #: What the bank calls it: the same in every statement that it is part of.
    id: str
    #: OFX's word: CREDIT, DIRECTDEP, DEBIT, XFER, INT, …
    kind: str
    posted: date
    amount: Decimal
    name: str
    memo: str


@dataclass(frozen=True, kw_only=True)
class BankAccount:
    """What a statement says of one account."""

    bank_id: str
    account_id: str
    #: OFX's word: CHECKING, SAVINGS, MONEYMRKT, CREDITLINE, CD.
    kind: str
    currency: str
    balance: Decimal | None
    available: Decimal | None
    #: What the statement covers.
    start: date | None
    end: date | None
    transactions: tuple[Transaction, ...]


def read_statements(body: bytes) -> list[BankAccount]:
    """Read the bank accounts of an OFX file.

    Raises:
        Unreadable: it is no OFX, is more than a statement can be, or has none in it.
    """
    root = read_xml(body, most=MAX_BYTES)
    if root.tag != "OFX":
        raise Unreadable("the document is not OFX")
    found = [_account(element) for element in root.findall(_STATEMENTS)]
    if not found:
        raise Unreadable("the document has no bank statement")
    return found


def _account(statement: Element) -> BankAccount:
    posted = statement.findall("BANKTRANLIST/STMTTRN")
    if len(posted) > MAX_TRANSACTIONS:
        raise Unreadable("the statement has too many transactions")
    account_id = text_at(statement, "BANKACCTFROM/ACCTID")
    if not account_id:
        raise Unreadable("the statement does not say of which account it is")
    return BankAccount(
        bank_id=text_at(statement, "BANKACCTFROM/BANKID"),
        account_id=account_id,
        kind=text_at(statement, "BANKACCTFROM/ACCTTYPE"),
        currency=text_at(statement, "CURDEF"),
        balance=_amount_if_any(text_at(statement, "LEDGERBAL/BALAMT")),
        available=_amount_if_any(text_at(statement, "AVAILBAL/BALAMT")),
        start=_day_if_any(text_at(statement, "BANKTRANLIST/DTSTART")),
        end=_day_if_any(text_at(statement, "BANKTRANLIST/DTEND")),
        transactions=tuple(_transaction(one) for one in posted),
    )


def _transaction(posted: Element) -> Transaction:
    made = Transaction(
        id=text_at(posted, "FITID"),
        kind=text_at(posted, "TRNTYPE"),
        posted=_day(text_at(posted, "DTPOSTED")),
        amount=_amount(text_at(posted, "TRNAMT")),
        name=text_at(posted, "NAME") or text_at(posted, "PAYEE/NAME"),
        memo=text_at(posted, "MEMO"),
    )
    if not made.id:
        raise Unreadable("a transaction of the statement has no id")
    return made


def _amount(text: str) -> Decimal:
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise Unreadable("an amount of the statement is none")
    return Decimal(f"{found[1]}.{found[2] or 0}")


def _amount_if_any(text: str) -> Decimal | None:
    return _amount(text) if text else None


def _day(text: str) -> date:
    """Read the day of "20260109", "20260109120000.000[-5:EST]" and the like."""
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007 - the bank's own day
    except ValueError:
        raise Unreadable("a date of the statement is none") from None


def _day_if_any(text: str) -> date | None:
    return _day(text) if text else None
