"""What a member looks like in a file: reading CSV and NDJSON. Pure."""

from __future__ import annotations

import csv
import io
import json
import re
from math import inf
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
