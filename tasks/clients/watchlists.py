"""Watchlist providers: who is on a sanctions list, as Dilisense's format answers it.

The hosted provider and the project's own `watchlist-provider` differ in a URL and a key.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, Self

import httpx

from tasks.job.errors import Complaint
from tasks.matching.alignment import ListedName
from tasks.reading.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: How often a provider is asked about one subject at the most.
TRIES = 3
#: The wait before the second try; it doubles; seconds.
PAUSE_SECONDS = 0.2
#: The longest that a provider is left alone because it asks for that; seconds.
LONGEST_PAUSE = 300.0
#: The largest answer that is read; bytes. A name that has so many records is no name.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
#: The most names, aliases among them, that an answer may have: each is compared, and for as long
#: as that takes no other subject of the run is heard.
MAX_NAMES = 5_000
#: Letters of all these names together, since a name of many words takes longer.
MAX_LETTERS = 200_000
#: Values of one kind that are kept with a hit, at the most.
_MOST = 20


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom to ask about."""

    id: str
    name: str
    #: None where nobody said what it is: then people and all others are searched.
    is_person: bool | None
    date_of_birth: date | None


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


class Watchlists(Protocol):
    """Whoever can be asked about subjects."""

    async def check(self, subject: Subject) -> Answer:
        """Return the records whose names are like the subject's.

        Raises:
            ProviderFailed: nobody knows.
        """


class Dilisense:
    """A provider over HTTP; an asynchronous context that keeps its connections."""

    def __init__(self, url: str, key: str, *, try_seconds: float, connections: int) -> None:
        self._try_seconds = try_seconds
        self._host = httpx.URL(url).host
        #: The provider's wish to be left alone, and until when by the clock of the loop.
        self._wish: ProviderFailed | None = None
        self._quiet_until = 0.0
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"x-api-key": key, "Accept": "application/json"},
            limits=httpx.Limits(max_connections=connections),
            timeout=try_seconds,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def check(self, subject: Subject) -> Answer:
        """Ask, and ask again where that can help: after time-outs, 429 and 5xx.

        A provider that wants to be left alone is, whoever else is to be asked about; for longer
        than a try takes it is left to a later attempt at the run.
        """
        pause = PAUSE_SECONDS
        for tries_left in reversed(range(TRIES)):
            await self._leave_alone()
            try:
                return await self._try(subject)
            except ProviderFailed as failed:
                self._heed(failed)
                if not failed.retriable or not tries_left:
                    raise
            await asyncio.sleep(pause)
            pause *= 2
        raise AssertionError  # the last try returns or raises

    async def lists(self) -> list[SearchedList] | None:
        """Return the lists that are searched; None where the provider does not tell.

        Raises:
            ProviderFailed: nobody knows.
        """
        body = await self._get("/v1/lists")
        if body is None:
            return None
        try:
            return [_searched(one) for one in json.loads(body)["lists"]]
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            raise _unreadable() from None

    def _heed(self, failed: ProviderFailed) -> None:
        until = asyncio.get_running_loop().time() + failed.after
        if failed.after and until > self._quiet_until:
            self._wish, self._quiet_until = failed, until

    async def _leave_alone(self) -> None:
        """Wait for as long as the provider asked to be left alone, unless that is too long."""
        left = self._quiet_until - asyncio.get_running_loop().time()
        if self._wish is None or left <= 0:
            return
        if left > self._try_seconds:
            raise ProviderFailed(str(self._wish), retriable=True, after=left)
        await asyncio.sleep(left)

    async def _try(self, subject: Subject) -> Answer:
        # The name alone: dates of birth are compared here, so they need not travel in a URL.
        among = "search_all" if subject.is_person is None else "names"
        path = "/v1/checkEntity" if subject.is_person is False else "/v1/checkIndividual"
        body = await self._get(path, **{among: subject.name, "fuzzy_search": "1"})
        if body is None:
            raise ProviderFailed(f"the provider answered {httpx.codes.NOT_FOUND.value}")
        return decode(body, self._host)

    async def _get(self, path: str, **asked: str) -> bytes | None:
        """Return what is at a path, or None where nothing is."""
        try:
            # The client's own time-outs are for each read; one that dribbles meets this one.
            async with (
                asyncio.timeout(self._try_seconds),
                self._client.stream("GET", path, params=asked) as response,
            ):
                if response.status_code == httpx.codes.NOT_FOUND:
                    return None
                _check_status(response)
                return await _read(response)
        except (TimeoutError, httpx.TimeoutException):
            raise timed_out() from None
        except httpx.HTTPError:
            raise ProviderFailed("the provider could not be reached", retriable=True) from None


def timed_out() -> ProviderFailed:
    """Return the failure of a provider that took too long."""
    text = "the provider did not answer in time"
    return ProviderFailed(text, status="timeout", retriable=True)


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == httpx.codes.OK:
        return
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise ProviderFailed("the provider refused our key")
    retriable = status == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error
    after = response.headers.get("Retry-After", "")
    raise ProviderFailed(
        f"the provider answered {status}",
        retriable=retriable,
        after=min(float(after), LONGEST_PAUSE) if after.isdecimal() else 0.0,
    )


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> ProviderFailed:
    return ProviderFailed("the provider's answer is too large")


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


def _unreadable() -> ProviderFailed:
    return ProviderFailed("the provider's answer cannot be read")


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
    found = given.get("found_records") or []
    total = given.get("total_hits", len(found))
    if not {"total_hits", "found_records"} & given.keys() or total > len(found):
        raise ValueError
    names = [name for one in found for name in _names_of(one)]
    if len(names) > MAX_NAMES or sum(map(len, names)) > MAX_LETTERS:
        raise _too_large()
    return list(found)


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
