"""What a member looks like in a file: reading CSV and NDJSON, and checking the fields. Pure."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from functools import lru_cache
from math import inf
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import email_validator
import phonenumbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

#: A member as given: the text of each of `FIELDS`, then everything else as a JSON object.
type_given = tuple[str, ...]

#: The documented fields of a member.
FIELDS = (
    "memberNumber",
    "name",
    "surname",
    "nationalId",
    "birthDate",
    "email",
    "phone",
    "password",
    "weight",
)
#: Longest line that is read; bytes.
MAX_LINE = 1024 * 1024
#: Longest field of a CSV file, and longest member as JSON; characters. Such a member is shorter
#: than a line may be, however it is escaped.
MAX_FIELD = 128 * 1024
#: Longest row of a CSV file, whose quoted fields may have many lines; characters.
MAX_ROW = MAX_LINE
#: Longest member number: it is the key of an index.
MAX_NUMBER = 255
#: Most digits of a weight: the width of the column.
MAX_WEIGHT_DIGITS = 78

#: Stands for a line that is too long; no format can read it as a row.
_TOO_LONG = "x" * (MAX_FIELD + 1) + "\n"

csv.field_size_limit(MAX_FIELD)


class RowRejected(Exception):
    """A row that cannot be stored at all; the message is the word for its error."""


class HeaderRejected(Exception):
    """The first line does not say what the file is; the message says why."""


class _Pieces(io.RawIOBase):
    """A file that comes in pieces, as something that can be buffered."""

    def __init__(self, pieces: Iterable[bytes], skip: int) -> None:
        self._pieces = iter(pieces)
        self._piece = memoryview(b"")
        self._skip = skip

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._piece:
            self._piece = memoryview(next(self._pieces, b""))[self._skip :]
            self._skip = 0
            if not self._piece:
                return 0
        size = min(len(buffer), len(self._piece))
        buffer[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size


class Lines:
    """The lines of a file that comes in pieces, and how far they have been read."""

    def __init__(self, pieces: Iterable[bytes], *, skip: int, offset: int) -> None:
        """Read lines behind the first `skip` bytes of the pieces, which begin at `offset`."""
        self._readline = io.BufferedReader(_Pieces(pieces, skip), MAX_LINE).readline
        #: Where in the file the last line that was handed out ends; bytes.
        self.offset = offset

    def __iter__(self) -> Iterator[str]:
        readline = self._readline
        while line := readline(MAX_LINE):
            self.offset += len(line)
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                yield self._pass_over()
            else:
                yield line.decode("utf-8", "replace")

    def _pass_over(self) -> str:
        while part := self._readline(MAX_LINE):
            self.offset += len(part)
            if part.endswith(b"\n"):
                break
        return _TOO_LONG


def csv_header(lines: Lines) -> tuple[list[str], str]:
    """Read the first row of a CSV file; return the names of its columns and its delimiter.

    Documented fields are recognized in any case, and with blanks, dashes or underscores.

    Raises:
        HeaderRejected: it names no documented field, or one column twice.
    """
    first = next(iter(lines), "").lstrip("\ufeff")
    delimiter = max(",;\t", key=first.count)
    try:
        names = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:
        names = []
    columns = [_KNOWN.get(re.sub(r"[\s_-]", "", name).lower(), name.strip()) for name in names]
    if not set(columns) & set(FIELDS):
        raise HeaderRejected("the first line names no column of members")
    if columns.count("") > 1:
        raise HeaderRejected("the first line has columns without a name")
    if len(set(columns)) < len(columns):
        raise HeaderRejected("the first line names a column twice")
    return columns, delimiter


_KNOWN = {name.lower(): name for name in FIELDS}


class _RowLines:
    """The lines of a CSV file, as many of them for one row as that may have."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self._left = MAX_ROW

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._left -= len(line)
            yield line if self._left >= 0 else _TOO_LONG

    def begin_row(self) -> None:
        """Let the next row have its lines; to be called before each is read."""
        self._left = MAX_ROW


def read_csv(
    lines: Lines, columns: Sequence[str], delimiter: str
) -> Iterator[type_given | RowRejected]:
    """Read the rows behind the header."""
    bounded = _RowLines(lines)
    reader = csv.reader(bounded, delimiter=delimiter)
    width = len(columns)
    pick = itemgetter(*(columns.index(f) if f in columns else width for f in FIELDS), width + 1)
    unknown = [(name, at) for at, name in enumerate(columns) if name not in FIELDS]
    while True:
        bounded.begin_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield RowRejected("malformed-row")
            continue
        if len(row) != width:
            if row:  # a blank line is no row
                yield RowRejected("wrong-number-of-fields")
            continue
        row.append("")
        row.append(
            json.dumps({name: row[at] for name, at in unknown if row[at]}, ensure_ascii=False)
            if unknown
            else "{}"
        )
        yield pick(row)


def count_csv(lines: Iterable[str], delimiter: str) -> int:
    """Return how many rows `read_csv` reads, bad ones included."""
    bounded = _RowLines(lines)
    reader = csv.reader(bounded, delimiter=delimiter)
    count = 0
    while True:
        bounded.begin_row()
        try:
            for row in reader:
                bounded.begin_row()
                if row:  # a blank line is no row
                    count += 1
        except csv.Error:
            count += 1
        else:
            return count


def count_ndjson(lines: Iterable[str]) -> int:
    """Return how many rows `read_ndjson` reads, bad ones included."""
    return sum(1 for line in lines if not line.isspace())


def read_ndjson(lines: Iterable[str]) -> Iterator[type_given | RowRejected]:
    """Read one JSON object a line."""
    for line in lines:
        if not line.isspace():
            try:
                yield from_object(json.loads(line.lstrip("\ufeff"), parse_float=short_number))
            except (ValueError, RecursionError):
                yield RowRejected("malformed-row")
            except RowRejected as rejected:
                yield rejected


#: What a number that is no whole one lies between, if it is not zero.
_SMALLEST, _LARGEST = 1e-30, 1e30


def short_number(text: str) -> float:
    """Decode a number of JSON; one that would be very long without its exponent is an infinity.

    PostgreSQL writes every digit: a list of 1e308 would be read as sixty times what came in.
    """
    value = float(text)
    return value if value == 0 or _SMALLEST < abs(value) < _LARGEST else inf


#: A NUL as JSON escapes it, and not a backslash before the same letters.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def from_object(given: Any) -> type_given:
    """Turn a JSON object, decoded with `short_number`, into a member.

    Raises:
        RowRejected: it is no object, a field has another type, or a text cannot be stored.
    """
    if not isinstance(given, dict):
        raise RowRejected("malformed-row")
    other = given.pop("other", None)
    if other is None:
        other = {}
    values = [given.pop(name, None) for name in FIELDS]
    weight = values[-1]
    if isinstance(weight, int) and not isinstance(weight, bool):
        try:
            values[-1] = str(weight)
        except ValueError:  # more digits than Python is willing to write
            raise RowRejected("invalid-weight") from None
    if not isinstance(other, dict) or any(not isinstance(v, str | None) for v in values):
        raise RowRejected("wrong-type")
    try:
        rest = json.dumps({**other, **given}, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):  # a number beyond a float, or nested without end
        raise RowRejected("malformed-row") from None
    texts = (*(value or "" for value in values), rest)
    if sum(map(len, texts)) > MAX_FIELD:
        raise RowRejected("too-long")
    if ("\\u0000" in rest and _NUL.search(rest)) or any(
        "\0" in value or not _is_encodable(value) for value in texts
    ):
        raise RowRejected("invalid-character")
    return texts


def as_ndjson(member: type_given) -> bytes:
    """Write a member as a line that `read_ndjson` reads."""
    fields = json.dumps(dict(zip(FIELDS, member[:-1], strict=True)), ensure_ascii=False)
    return f'{fields[:-1]}, "other": {member[-1]}}}\n'.encode()


def _is_encodable(value: str) -> bool:
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


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
