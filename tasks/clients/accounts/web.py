"""HTTP with whoever cannot be trusted: every answer has a deadline, a limit and one sender."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Self

import httpx

from tasks.clients.accounts.protocol import AccountAway, AccountFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The largest page that is read, and the largest document; bytes.
MAX_PAGE_BYTES = 1024 * 1024
MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
#: How long all requests of one attempt may take together; seconds. It is less than the job's time
#: limit, so that an attempt at a provider which is slow in everything ends, and is not ended.
LONGEST_SECONDS = 150.0
#: The longest that a provider is heard when it says how long to wait; seconds.
LONGEST_PAUSE = 300.0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer that was read to its end."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the object that was sent.

        Raises:
            AccountFailed: it is none.
        """
        try:
            given = json.loads(self.body)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            raise unreadable()
        return given

    @property
    def after(self) -> float:
        """Return how long the sender asks to be left alone; seconds."""
        after = self.headers.get("Retry-After", "")
        return min(float(after), LONGEST_PAUSE) if after.isdecimal() else 0.0


class Web:
    """Requests to one server, which keep their connections open and no cookies."""

    def __init__(self, url: str, *, seconds: float, longest: float = LONGEST_SECONDS) -> None:
        """Give each request so many seconds, and all of them together the longest."""
        self._url, self._seconds = url.rstrip("/"), seconds
        self._ends_at = time.monotonic() + longest
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(
            # What is not compressed cannot turn out to be larger than it was.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=seconds,
            trust_env=False,
        )
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def send(self, method: str, path: str, *, most: int = MAX_PAGE_BYTES, **given: Any) -> Reply:
        """Return the answer to a request, if its status is below 500 and no redirection.

        Raises:
            AccountAway: nobody answered in time, or the server is out of service.
            AccountFailed: the answer is too large, or leads elsewhere.
        """
        reply = self._runner.run(self._send(method, path, most, given))
        if reply.status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise AccountAway("the provider is out of service", after=reply.after)
        if reply.status == httpx.codes.TOO_MANY_REQUESTS:
            raise AccountAway("the provider asks for fewer requests", after=reply.after)
        return reply

    async def _send(self, method: str, path: str, most: int, given: Mapping[str, Any]) -> Reply:
        url = f"{self._url}/{path}" if path else self._url
        seconds = min(self._seconds, self._ends_at - time.monotonic())
        try:
            # The client's own time-outs are for each read; one that dribbles meets this one.
            async with (
                asyncio.timeout(seconds),
                self._client.stream(method, url, **given) as response,
            ):
                return await _read(response, most)
        except (TimeoutError, httpx.TimeoutException):
            raise AccountAway("the provider did not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise AccountAway("the provider could not be reached") from None


async def _read(response: httpx.Response, most: int) -> Reply:
    if response.has_redirect_location or response.is_redirect:
        raise AccountFailed("error", "the provider sends us elsewhere")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise unreadable()
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > most:
        raise too_large()
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > most:
            raise too_large()
    return Reply(status=response.status_code, headers=response.headers, body=bytes(body))


def too_large() -> AccountFailed:
    """Return the failure of an answer that is more than anybody needs."""
    return AccountFailed("error", "the provider's answer is too large")


def unreadable() -> AccountFailed:
    """Return the failure of an answer that is not what was agreed."""
    return AccountFailed("error", "the provider's answer cannot be read")
