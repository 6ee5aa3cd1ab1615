"""OFAC's remarks: the one column that holds birth dates, nationalities, numbers, weak aliases."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_ALIAS = re.compile(r"(?:alt\. )?[afn]\.k\.a\. '(.*)'")
_FACT = re.compile(
    r"(?:alt\. )?(?P<what>DOB|POB|nationality|citizen|Gender|Title:?) (?P<value>.+)", re.DOTALL
)
_IDENTIFIER = re.compile(
    r"(?:alt\. )?(?:Passport|SSN|C\.?U\.?R\.?P|R\.?F\.?C|NIT|RUC|RIF|D\.?N\.?I|Cedula|MMSI"
    r"|V\.?A\.?T|Folio|Digital Currency Address|[^:;]*?(?: No\.| Number| Code| ID| IMO)) .*\d",
    re.DOTALL,
)
LINK = re.compile(r"https?://[^\s;]+[^\s;.,)]")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DAY = re.compile(rf"(\d\d?) ({'|'.join(_MONTHS)})[a-z.]* (\d{{4}})")
_MONTH = re.compile(rf"({'|'.join(_MONTHS)})[a-z.]* (\d{{4}})")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")


@dataclass
class Remarks:
    """What was found in a remark."""

    weak_aliases: list[str] = field(default_factory=list)
    dates_of_birth: list[str] = field(default_factory=list)
    places_of_birth: list[str] = field(default_factory=list)
    citizenship: list[str] = field(default_factory=list)
    gender: str = ""
    identifiers: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def read_remarks(text: str) -> Remarks:
    """Take a remark apart; what is not recognized is kept as it is."""
    found = Remarks(links=LINK.findall(text))
    for written in text.split(";"):
        part = written.strip().removesuffix(".")
        if alias := _ALIAS.fullmatch(part):
            found.weak_aliases.append(alias[1])
        elif fact := _FACT.fullmatch(part):
            _take(found, fact["what"], fact["value"], part)
        elif _IDENTIFIER.match(part):
            found.identifiers.append(part)
        elif part:
            found.others.append(part)
    return found


def _take(found: Remarks, what: str, value: str, part: str) -> None:
    if what == "DOB" and (born := read_date(value)):
        found.dates_of_birth.append(born)
    elif what == "POB":
        found.places_of_birth.append(value)
    elif what in {"nationality", "citizen"}:
        found.citizenship.append(value)
    elif what == "Gender":
        found.gender = value.upper()
    else:
        found.others.append(part)


def read_date(text: str) -> str:
    """Write a date of birth as the provider sends it; empty when it holds no year.

    "07 Oct 1952", "Oct 1952", "1952", "circa 1952" and "1952 to 1955" are known; spans of days or
    months are widened to their years, which can only let more people pass as possible matches.
    """
    years = _YEAR.findall(text)
    if not years:
        return ""
    if len(years) > 1:
        return f"{min(years)}-{max(years)}"
    if "circa" in text.lower() or "approx" in text.lower():
        return f"circa {years[0]}"
    if day := _DAY.search(text):
        return f"{int(day[1]):02}/{_MONTHS.index(day[2]) + 1:02}/{day[3]}"
    if month := _MONTH.search(text):
        return f"{_MONTHS.index(month[1]) + 1:02}/{month[2]}"
    return str(years[0])
