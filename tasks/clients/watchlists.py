"""Watchlist providers: who is on a sanctions list, as Dilisense's format answers it.

The hosted provider and the project's own `watchlist-provider` differ in a URL and a key.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import httpx

from tasks.clients.watchlist_answers import ProviderFailed, decode, decode_lists, too_large

if TYPE_CHECKING:
    from datetime import date

    from tasks.clients.watchlist_answers import Answer, SearchedList

#: How often a provider is asked about one subject at the most.
TRIES = 3
#: The wait before the second try; it doubles; seconds.
PAUSE_SECONDS = 0.2
#: The longest that a provider is left alone because it asks for that; seconds.
LONGEST_PAUSE = 300.0
#: The largest answer that is read; bytes. A name that has so many records is no name.
MAX_ANSWER_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom to ask about."""

    id: str
    name: str
    #: None where nobody said what it is: then people and all others are searched.
    is_person: bool | None
    date_of_birth: date | None


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
        return None if body is None else decode_lists(body)

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
            raise too_large()
    return bytes(body)
