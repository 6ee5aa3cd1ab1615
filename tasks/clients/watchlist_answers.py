"""What watchlist providers answer in Dilisense's format, read so that no garbled answer clears."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from tasks.job.errors import Complaint
from tasks.matching.alignment import ListedName
from tasks.reading.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: The most names, aliases among them, that an answer may have: each is compared, and for as long
#: as that takes no other subject of the run is heard.
MAX_NAMES = 5_000
#: Letters of all these names together, since a name of many words takes longer.
MAX_LETTERS = 200_000
#: Values of one kind that are kept with a hit, at the most.
_MOST = 20


@dataclass(frozen=True, kw_only=True)
class Record:
    """Somebody on a list. What a provider leaves out is empty."""

    id: str
    #: SANCTION, PEP, CRIMINAL or OTHER.
    source_type: str
    #: The list that it is on, and what it is called there.
    source: str
    source_id: str
    entity_type: str
    name: str
    aliases: tuple[ListedName, ...] = ()
    #: As the provider writes them.
    dates_of_birth: tuple[str, ...] = ()
    #: What a person who looks at a hit wants to read.
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a provider knows of a name."""

    records: tuple[Record, ...]
    #: The lists that were searched, each with its version where the provider tells.
    sources: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class SearchedList:
    """A list that a provider searches."""

    name: str
    #: When it was made; None where the provider has none.
    as_of: date | None
    #: Why a newer version is not used; empty if there is none.
    refused: str


class ProviderFailed(Complaint):
    """The provider gave no answer that can be used; the text is for people and names nobody."""

    def __init__(
        self, text: str, *, status: str = "error", retriable: bool = False, after: float = 0.0
    ) -> None:
        super().__init__(text)
        #: `timeout` or `error`, for the document.
        self.status = status
        self.retriable = retriable
        #: How long the provider asks to be left alone; seconds, `LONGEST_PAUSE` at the most.
        self.after = after


def too_large() -> ProviderFailed:
    """Return the failure of a provider that says more than can be read."""
    return ProviderFailed("the provider's answer is too large")


def _unreadable() -> ProviderFailed:
    return ProviderFailed("the provider's answer cannot be read")


def decode(body: bytes, host: str) -> Answer:
    """Read an answer.

    Raises:
        ProviderFailed: it is not what the format says.
    """
    try:
        given = json.loads(body)
        found = _found(given)
        lists = given.get("lists") or [{"name": host}]
        sources = tuple(_source(one) for one in lists)
        return Answer(records=tuple(_record(one) for one in found), sources=sources)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise _unreadable() from None


def decode_lists(body: bytes) -> list[SearchedList]:
    """Read which lists are searched.

    Raises:
        ProviderFailed: it is not what the format says.
    """
    try:
        return [_searched(one) for one in json.loads(body)["lists"]]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise _unreadable() from None


def _searched(given: Mapping[str, Any]) -> SearchedList:
    as_of, refused = given.get("as_of"), given.get("refused")
    return SearchedList(
        name=printable(given["name"]),
        as_of=date.fromisoformat(as_of) if as_of else None,
        refused=printable(refused["reason"]) if refused else "",
    )


def _found(given: Mapping[str, Any]) -> list[Any]:
    """Return what an answer has found, if it says all of it and is not too much.

    What does not say that it found nobody clears nobody; nor does an answer that was cut off.
    """
    found = given.get("found_records")
    total = given.get("total_hits", len(found) if isinstance(found, list) else None)
    found = [] if found is None else found
    if not isinstance(found, list) or not isinstance(total, int) or not 0 <= total <= len(found):
        raise ValueError
    names = [name for one in found for name in _names_of(one)]
    if len(names) > MAX_NAMES or sum(map(len, names)) > MAX_LETTERS:
        raise too_large()
    return found


def _names_of(record: Mapping[str, Any]) -> Iterator[str]:
    yield str(record["name"])
    for aliases in (record.get("alias_names"), record.get("weak_alias_names")):
        yield from map(str, [aliases] if isinstance(aliases, str) else aliases or ())


def _record(given: Mapping[str, Any]) -> Record:
    name = printable(given["name"])
    if not name:
        raise ValueError
    aliases = [ListedName(alias) for alias in _texts(given.get("alias_names"))]
    aliases += [ListedName(alias, weak=True) for alias in _texts(given.get("weak_alias_names"))]
    source_type = printable(given.get("source_type")).upper()
    details = {
        "citizenship": _texts(given.get("citizenship")),
        "sanctionDetails": _texts(given.get("sanction_details")),
        "addresses": _texts(given.get("address")),
        "links": _texts(given.get("links")),
    }
    return Record(
        id=printable(given.get("id") or given.get("source_id")),
        source_type=source_type or "OTHER",
        source=printable(given.get("source") or given.get("source_id")),
        source_id=printable(given.get("source_id")),
        entity_type=printable(given.get("entity_type")).upper(),
        name=name,
        aliases=tuple(aliases),
        dates_of_birth=tuple(_texts(given.get("date_of_birth"))),
        details={word: texts[:_MOST] for word, texts in details.items() if texts},
    )


def _source(given: Mapping[str, Any]) -> dict[str, Any]:
    name = printable(given["name"])
    if not name:
        raise ValueError
    more = {
        word: value if isinstance(value, int) else printable(value)
        for word, value in given.items()
        if value is not None
    }
    return {**more, "name": name}


def _texts(given: Sequence[Any] | str | None) -> list[str]:
    several = [given] if isinstance(given, str) else given or ()
    return [text for text in map(printable, several) if text]
