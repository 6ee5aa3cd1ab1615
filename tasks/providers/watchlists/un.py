"""The consolidated list of the United Nations Security Council, as XML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tasks.matching.alignment import ListedName
from tasks.providers.watchlists.listed import ENTITY, INDIVIDUAL, Listed, ListRejected, unique
from tasks.providers.watchlists.remarks import LINK, read_date

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

SOURCE = "UN SC"
FILE = "consolidated.xml"

_NAMES = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_ADDRESS = ("STREET", "CITY", "STATE_PROVINCE", "ZIP_CODE", "COUNTRY", "NOTE")
_DOCUMENT = ("TYPE_OF_DOCUMENT", "TYPE_OF_DOCUMENT2", "NUMBER", "ISSUING_COUNTRY", "NOTE")


def read_un(data: bytes) -> tuple[list[Listed], str]:
    """Return the entries of a list, and the day it was made, "yyyy-mm-dd".

    Raises:
        ListRejected: it is cut off, is no such list, or declares a DTD or entities.
    """
    try:
        root = fromstring(data, forbid_dtd=True)
    except ParseError as error:
        raise ListRejected("this is not XML", file=FILE, line=error.position[0]) from None
    except DefusedXmlException:
        raise ListRejected("it declares a DTD or entities", file=FILE) from None
    except (ValueError, LookupError):  # an encoding that does not exist, or is not the declared one
        raise ListRejected("its encoding cannot be read", file=FILE) from None
    made = root.get("dateGenerated", "")[:10]
    if root.tag != "CONSOLIDATED_LIST" or not made:
        raise ListRejected("this is not the UN's consolidated list", file=FILE)
    entries = [*_entries(root, INDIVIDUAL, "INDIVIDUALS"), *_entries(root, ENTITY, "ENTITIES")]
    if not entries:
        raise ListRejected("there are no entries", file=FILE)
    return entries, made


def _entries(root: Element, kind: str, group: str) -> Iterator[Listed]:
    for number, element in enumerate(root.iterfind(f"{group}/{kind}"), 1):
        names = list(_names(element, kind))
        reference = _text(element, "REFERENCE_NUMBER")
        if not names or not reference:
            raise ListRejected(f"entry {number} of {group} has no name or reference", file=FILE)
        yield _entry(element, kind, reference, names)


def _entry(element: Element, kind: str, reference: str, names: list[ListedName]) -> Listed:
    comments = _text(element, "COMMENTS1")
    listed_on = _text(element, "LISTED_ON")
    program = _text(element, "UN_LIST_TYPE")
    return Listed(
        source=SOURCE,
        source_id=reference,
        entity_type=kind,
        name=names[0].name,
        aliases=tuple(dict.fromkeys(names[1:])),
        gender=_text(element, "GENDER").upper(),
        dates_of_birth=unique(_dates_of_birth(element)),
        places_of_birth=unique(_joined(element, f"{kind}_PLACE_OF_BIRTH", _ADDRESS)),
        citizenship=unique(_values(element, "NATIONALITY/VALUE")),
        addresses=unique(_joined(element, f"{kind}_ADDRESS", _ADDRESS)),
        positions=unique(
            iter([*_values(element, "TITLE/VALUE"), *_values(element, "DESIGNATION/VALUE")])
        ),
        identifiers=unique(_joined(element, f"{kind}_DOCUMENT", _DOCUMENT)),
        sanction_details=unique([f"{program} {reference}"]),
        links=unique(LINK.findall(comments)),
        list_date=_day(listed_on),
        remarks=unique([comments]),
    )


def _names(element: Element, kind: str) -> Iterator[ListedName]:
    """Find every name; several may stand in one element with semicolons between them."""
    name = " ".join(filter(None, (_text(element, tag) for tag in _NAMES)))
    scripts = list(_values(element, "NAME_ORIGINAL_SCRIPT"))
    for written in [*(name.split(";") if kind == ENTITY else [name]), *scripts]:
        if written.strip():
            yield ListedName(written.strip())
    for alias in element.iterfind(f"{kind}_ALIAS"):
        is_weak = _text(alias, "QUALITY").lower() == "low"
        for written in _text(alias, "ALIAS_NAME").split(";"):
            if written.strip():
                yield ListedName(written.strip(), is_weak)


def _dates_of_birth(element: Element) -> Iterator[str]:
    for born in element.iterfind("INDIVIDUAL_DATE_OF_BIRTH"):
        first, last = _text(born, "FROM_YEAR"), _text(born, "TO_YEAR")
        written = _text(born, "DATE") or _text(born, "YEAR") or _text(born, "NOTE")
        if first and last:
            yield f"{first}-{last}"
        elif _text(born, "TYPE_OF_DATE") == "APPROXIMATELY":
            yield read_date(f"circa {written}")
        else:
            yield _day(written)
    for alias in element.iterfind("INDIVIDUAL_ALIAS"):
        yield _day(_text(alias, "DATE_OF_BIRTH"))


def _day(text: str) -> str:
    """Write "1973-12-25" as "25/12/1973", and other dates as well as they can be read."""
    if found := re.match(r"(\d{4})-(\d\d)-(\d\d)", text):
        return f"{found[3]}/{found[2]}/{found[1]}"
    return read_date(text)


def _text(element: Element, path: str) -> str:
    return " ".join((element.findtext(path) or "").split())


def _values(element: Element, path: str) -> Iterator[str]:
    for found in element.iterfind(path):
        yield " ".join((found.text or "").split())


def _joined(element: Element, path: str, tags: tuple[str, ...]) -> Iterator[str]:
    for found in element.iterfind(path):
        yield ", ".join(filter(None, (_text(found, tag) for tag in tags)))
