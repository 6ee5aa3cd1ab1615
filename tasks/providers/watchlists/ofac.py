"""OFAC's SDN list: four CSV files, as its data specification of 09/25/2023 has them."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from typing import TYPE_CHECKING

from tasks.matching.alignment import ListedName
from tasks.providers.watchlists.listed import (
    AIRCRAFT,
    ENTITY,
    INDIVIDUAL,
    VESSEL,
    Listed,
    ListRejected,
    unique,
)
from tasks.providers.watchlists.remarks import read_remarks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SOURCE = "OFAC SDN"
#: The files, each with the number of its columns.
FILES = {"sdn.csv": 12, "alt.csv": 5, "add.csv": 6, "sdn_comments.csv": 2}

_NULL = "-0-"
#: OFAC ends its files with the end-of-file character of DOS.
_END = "\x1a"
_TYPES = {"": ENTITY, "individual": INDIVIDUAL, "vessel": VESSEL, "aircraft": AIRCRAFT}
_LINK = "https://sanctionssearch.ofac.treas.gov/Details.aspx?id="


def read_ofac(files: Mapping[str, bytes]) -> list[Listed]:
    """Return the entries of a list, given the contents of its files by their names.

    Raises:
        ListRejected: a file is missing, cut off, not as specified, or not in UTF-8.
    """
    rows = {}
    texts = {name: _text(name, files) for name in FILES}
    marked = {name for name, text in texts.items() if text.endswith(_END)}
    for name, text in texts.items():
        if marked and name not in marked:
            raise ListRejected("the end is missing that the other files have", file=name)
        rows[name] = list(_rows(name, text.removesuffix(_END)))
    aliases, addresses = _by_entry(rows["alt.csv"]), _by_entry(rows["add.csv"])
    overflow = {row[0]: row[1] for row in rows["sdn_comments.csv"]}
    entries = [
        _entry(row, overflow.get(row[0], ""), aliases[row[0]], addresses[row[0]])
        for row in rows["sdn.csv"]
    ]
    if not entries:
        raise ListRejected("there are no entries", file="sdn.csv")
    return entries


def _text(name: str, files: Mapping[str, bytes]) -> str:
    if name not in files:
        raise ListRejected("the file is missing", file=name)
    data = files[name]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ListRejected("this is not UTF-8", file=name, line=line) from None
    if not text.endswith(("\n", "\r", _END)):
        line = text.count("\n") + 1
        raise ListRejected("the file ends in the middle of a row", file=name, line=line)
    return text


def _rows(name: str, text: str) -> Iterator[list[str]]:
    """Read rows whose first field is a number, which a header's is not, without null values."""
    width = FILES[name]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if len(row) != width:
                if row:
                    reason = f"a row has {len(row)} fields instead of {width}"
                    raise ListRejected(reason, file=name, line=reader.line_num)
            elif row[0].strip().isdecimal():
                yield ["" if (value := field.strip()) == _NULL else value for field in row]
            elif reader.line_num > 1:
                reason = "a row does not begin with a number"
                raise ListRejected(reason, file=name, line=reader.line_num)
    except csv.Error:
        raise ListRejected("a row cannot be read", file=name, line=reader.line_num) from None


def _by_entry(rows: Sequence[list[str]]) -> defaultdict[str, list[list[str]]]:
    found = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def _entry(
    row: list[str], overflow: str, aliases: list[list[str]], addresses: list[list[str]]
) -> Listed:
    number, name, kind, programs, title, *vessel, remark = row
    # What overflows is given from the character on at which the remark was cut, or once more.
    text = remark if remark.endswith(overflow) else remark + overflow
    remarks = read_remarks(text)
    entity_type = _TYPES.get(kind.lower(), ENTITY)
    reorder = first_name_first if entity_type == INDIVIDUAL else str
    strong = [ListedName(reorder(alias[3])) for alias in aliases if alias[3]]
    weak = [ListedName(reorder(alias), weak=True) for alias in remarks.weak_aliases]
    return Listed(
        source=SOURCE,
        source_id=number,
        entity_type=entity_type,
        name=reorder(name),
        aliases=tuple(strong + weak),
        gender=remarks.gender,
        dates_of_birth=unique(remarks.dates_of_birth),
        places_of_birth=unique(remarks.places_of_birth),
        citizenship=unique(remarks.citizenship),
        addresses=unique(", ".join(filter(None, one[2:])) for one in addresses),
        positions=unique([title]),
        identifiers=unique(remarks.identifiers),
        sanction_details=unique(programs.split("] [")),
        links=unique([_LINK + number, *remarks.links]),
        remarks=unique([*_vessel(vessel), *remarks.others]),
    )


def first_name_first(name: str) -> str:
    """Turn "LAST, First, Jr." into "First Jr. LAST"."""
    last, _, first = name.partition(",")
    return " ".join(f"{first.replace(',', ' ')} {last}".split())


def _vessel(values: list[str]) -> Iterator[str]:
    labels = ("Call sign", "Vessel type", "Tonnage", "Gross registered tonnage", "Flag", "Owner")
    for label, value in zip(labels, values, strict=True):
        if value:
            yield f"{label} {value}"
