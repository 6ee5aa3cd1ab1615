"""What the fields of a member must be: e-mail, phone, birth date, weight. Pure."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import email_validator
import phonenumbers

from tasks.records.member_rows import RowRejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.records.member_rows import type_given

#: Longest member number: it is the key of an index.
MAX_NUMBER = 255
#: Most digits of a weight: the width of the column.
MAX_WEIGHT_DIGITS = 78


class Checker:
    """Checks the fields of members as documented."""

    def __init__(self, *, country: str, hash_password: Callable[[str], str]) -> None:
        """National phone numbers are read as of `country`; passwords are kept hashed."""
        self._country = country or None
        self._hash = hash_password

    def check(self, member: type_given) -> tuple[type_given, list[str]]:
        """Return the member as it is stored, and a word for each field that was blanked.

        The words come in the documented order: e-mail, phone, birth date.

        Raises:
            RowRejected: the member cannot be stored.
        """
        number, name, surname, national_id, birth, email, phone, password, weight, other = member
        if len(number) > MAX_NUMBER:
            raise RowRejected("invalid-membernumber")
        if weight == "":
            weight = "1"
        elif not (weight.isdigit() and weight.isascii() and len(weight) <= MAX_WEIGHT_DIGITS):
            raise RowRejected("invalid-weight")
        errors = []
        if email and not is_email(email):
            email = ""
            errors.append("invalid-email")
        if phone and not is_phone(phone, self._country):
            phone = ""
            errors.append("invalid-phone")
        if birth and not is_birth_date(birth):
            birth = ""
            errors.append("invalid-birthdate")
        if password:
            password = self._hash(password)
        return (
            (number, name, surname, national_id, birth, email, phone, password, weight, other),
            errors,
        )


#: Addresses that need no closer look at what stands before the @.
_LONG_EMAIL = 250
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9_%+-]{1,32}(?:\.[A-Za-z0-9_%+-]{1,30})?@(.+\..+)", re.ASCII)


def is_email(value: str) -> bool:
    """Tell whether a text is an e-mail address with a domain of at least two labels."""
    plain = _PLAIN_EMAIL.fullmatch(value)
    if plain and len(value) < _LONG_EMAIL:
        return _is_mail_domain(plain[1])
    return "." in value.rpartition("@")[2] and _is_email(value)


@lru_cache(4096)
def _is_mail_domain(domain: str) -> bool:
    return _is_email(f"a@{domain}")


def _is_email(value: str) -> bool:
    try:
        # Whether mail would arrive is not the question: no look-ups, reserved names are fine.
        email_validator.validate_email(
            value, check_deliverability=False, globally_deliverable=False
        )
    except email_validator.EmailNotValidError:
        return False
    return True


_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{4,24}", re.ASCII)
_NO_PUNCTUATION = str.maketrans("", "", " ()./-")


def is_phone(value: str, country: str | None) -> bool:
    """Tell whether a text is a possible phone number: of a length that its country has.

    Without a country, only numbers with a country code are possible.
    """
    if value[:1] == "(":
        value = value[1:]
    if not _PHONE.fullmatch(value):
        return False
    digits = value.translate(_NO_PUNCTUATION)
    # The first digits name the country, and with the length they decide.
    return _is_possible_phone(digits[:6].ljust(len(digits), "5"), country)


@lru_cache(65536)
def _is_possible_phone(digits: str, country: str | None) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(digits, country))
    except phonenumbers.NumberParseException:
        return False


_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def is_birth_date(value: str) -> bool:
    """Tell whether a text is a day of the calendar, YYYY-MM-DD, that is not to come."""
    return _is_day_until(value, date.today())  # noqa: DTZ011 - a birth day has no time zone


@lru_cache(65536)
def _is_day_until(value: str, today: date) -> bool:
    try:
        return bool(_DATE.fullmatch(value)) and date.fromisoformat(value) <= today
    except ValueError:
        return False
