"""Invented members, as many as are wanted, always the same."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = b"memberNumber,name,surname,nationalId,birthDate,email,phone,weight\n"
_NAMES = ["Amina", "Bjarke", "Chiyo", "Dario", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas"]
_SURNAMES = ["Okafor", "Lindqvist", "Hayashi", "Conti", "Demir", "Haddad", "Nowak", "Marchand"]
_DOMAINS = ["example.org", "example.com", "mail.example.net"]


def member_rows(count: int, *, bad: float = 0.02) -> Iterator[bytes]:
    """Make the lines of a CSV file without its header; a share of `bad` e-mails is none."""
    dice = random.Random(20261123)
    for number in range(1, count + 1):
        name, surname = dice.choice(_NAMES), dice.choice(_SURNAMES)
        born = f"{dice.randint(1930, 2007)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
        at = "@" if dice.random() >= bad else " at "
        email = f"{name}.{surname}{number}{at}{dice.choice(_DOMAINS)}".lower()
        phone = f"+1202{dice.randint(2000000, 9999999)}"
        yield (
            f"M{number:08},{name},{surname},{dice.randint(10**7, 10**8)},{born},{email},{phone},1\n"
        ).encode()
