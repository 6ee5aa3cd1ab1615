"""Amounts of money, as documents write them and as reports give them."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

#: The unit that amounts are rounded to.
CENT = Decimal("0.01")
#: At most twelve digits, so that no sum of them is too large for anybody.
_DOCUMENTED = re.compile(
    r"(?P<open>\()?(?P<sign>[-+])?\$?(?P<number>\d{1,3}(?:,\d{3}){1,3}|\d{1,12})"
    r"(?P<cents>\.\d{1,4})?(?P<trail>-)?(?P<close>\))?",
    re.ASCII,
)


def read_money(text: str) -> Decimal | None:
    """Return an amount such as "1,234.50", "$12", "(3.00)" or "3.00-"; None for anything else."""
    found = _DOCUMENTED.fullmatch(text.strip())
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    signs = [found["sign"] == "-", bool(found["open"]), bool(found["trail"])]
    if sum(signs) > 1:
        return None
    amount = Decimal(found["number"].replace(",", "") + (found["cents"] or ""))
    return -amount if any(signs) else amount


def rounded(amount: Decimal) -> Decimal:
    """Return an amount in whole cents, halves away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def as_money(amount: Decimal) -> str:
    """Return an amount as a report gives it: "1234.50"."""
    return f"{rounded(amount):f}"


def median(amounts: list[Decimal]) -> Decimal:
    """Return the amount in the middle, in whole cents; there must be one."""
    ordered = sorted(amounts)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return rounded((ordered[middle - 1] + ordered[middle]) / 2)
