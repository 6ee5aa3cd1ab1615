"""Bank accounts as a report gives them, with the deposits among them that are income."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tasks.reading.frequency import A_YEAR, LONGEST_GAP, pay_frequency
from tasks.reading.money import as_money, median

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tasks.reading.ofx import BankAccount, Transaction

#: OFX's words for deposits that are no pay, whatever they are called.
_NO_PAY = {"XFER", "INT", "DIV", "FEE", "SRVCHG", "REVERSAL"}
#: Words of a deposit's name or memo that say that it is pay.
_PAY_WORDS = re.compile(r"\b(payroll|salary|wages?|dir(ect)? ?dep(osit)?)\b", re.IGNORECASE)
#: What differs between two deposits of one employer: the words for pay, and numbers.
_NOISE = re.compile(r"\b(\w*\d\w*|ppd|ach|id|payment)\b|[\W_]")
#: Letters that tell a name.
_TELLING = 4
#: Deposits that tell a rhythm; days of one week or fortnight may be chance.
_REGULAR = 3
#: The share of an amount by which most deposits of a regular income differ at the most.
_STEADY = Decimal("0.25")


def report_account(account: BankAccount, *, employers: Iterable[str] = ()) -> dict[str, Any]:
    """Return an account with its transactions, the newest first, and its streams of income.

    Deposits are income that come from a known employer, say so themselves, or are as regular and
    as steady as pay. A transaction that the bank gives twice counts once.
    """
    postings, is_suspicious = _once_each(account.transactions)
    streams = _streams(postings, {_payer(name) for name in employers})
    income = {one.id for stream in streams for one in stream}
    newest_first = sorted(postings, key=lambda one: (one.posted, one.id), reverse=True)
    return {
        "account_number": masked(account.account_id),
        "account_type": account.kind,
        "currency": account.currency,
        "balance": None if account.balance is None else as_money(account.balance),
        "available_balance": None if account.available is None else as_money(account.available),
        "start_date": account.start.isoformat() if account.start else None,
        "end_date": account.end.isoformat() if account.end else None,
        "transactions": [_transaction(one, one.id in income) for one in newest_first],
        "income_streams": [_stream(stream, account) for stream in streams],
        "is_suspicious": is_suspicious,
    }


def masked(number: str) -> str:
    """Return the last four characters of an account number, which do not tell it."""
    return f"****{number[-4:]}" if len(number) > 4 else "****"  # noqa: PLR2004


def _once_each(transactions: Sequence[Transaction]) -> tuple[list[Transaction], bool]:
    """Return each posting once, and whether one was given twice and differently."""
    kept: dict[str, Transaction] = {}
    for one in transactions:
        kept.setdefault(one.id, one)
    return list(kept.values()), any(kept[one.id] != one for one in transactions)


def _streams(postings: Iterable[Transaction], employers: set[str]) -> list[list[Transaction]]:
    by_payer: defaultdict[str, list[Transaction]] = defaultdict(list)
    for one in sorted(postings, key=lambda one: (one.posted, one.id)):
        if one.amount > 0 and one.kind not in _NO_PAY:
            by_payer[_payer(one.name)].append(one)
    return [
        deposits
        for payer, deposits in by_payer.items()
        if _is_stated(payer, deposits, employers) or _is_regular(deposits)
    ]


def _payer(name: str) -> str:
    """Return what deposits of one payer have in common: its name without all the rest."""
    return " ".join(_NOISE.sub(" ", _PAY_WORDS.sub(" ", name.casefold())).split())


def _is_stated(payer: str, deposits: Sequence[Transaction], employers: set[str]) -> bool:
    says_so = all(
        one.kind == "DIRECTDEP" or _PAY_WORDS.search(f"{one.name} {one.memo}") for one in deposits
    )
    return says_so or any(_is_same(payer, one) for one in employers)


def _is_same(payer: str, employer: str) -> bool:
    """Tell whether two names are one; banks cut names off, and add to them."""
    shorter, longer = sorted((payer, employer), key=len)
    return len(shorter) >= _TELLING and longer.startswith(shorter)


def _is_regular(deposits: Sequence[Transaction]) -> bool:
    if len(deposits) < _REGULAR or pay_frequency(one.posted for one in deposits) is None:
        return False
    typical = median([one.amount for one in deposits])
    steady = sum(abs(one.amount - typical) <= _STEADY * typical for one in deposits)
    return 4 * steady >= 3 * len(deposits)


def _stream(deposits: Sequence[Transaction], account: BankAccount) -> dict[str, Any]:
    frequency = pay_frequency(one.posted for one in deposits)
    typical = median([one.amount for one in deposits])
    newest = deposits[-1]
    until = account.end or newest.posted
    annual = None if frequency is None else typical * A_YEAR[frequency]
    return {
        "name": newest.name,
        "pay_frequency": frequency,
        "typical_amount": as_money(typical),
        "total_amount": as_money(sum((one.amount for one in deposits), Decimal(0))),
        #: Of net pay: a bank does not see what was withheld.
        "net_income": None if annual is None else as_money(annual),
        "income_unit": None if annual is None else "YEARLY",
        "deposits": len(deposits),
        "first_deposit_at": deposits[0].posted.isoformat(),
        "last_deposit_at": newest.posted.isoformat(),
        "is_active": (until - newest.posted).days <= LONGEST_GAP.get(frequency or "M", 0),
    }


def _transaction(one: Transaction, is_income: bool) -> dict[str, Any]:  # noqa: FBT001
    return {
        "id": one.id,
        "date": one.posted.isoformat(),
        "amount": as_money(one.amount),
        "type": one.kind,
        "description": one.name,
        "memo": one.memo,
        "is_income": is_income,
    }
