"""Send a webhook to an address that a stranger chose, without being led where it must not go.

A name may lead to any address, and to another one a moment later, so what is checked is the very
address that is connected to. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import httpcore
import httpx

from tasks.job.errors import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: How long a receiver has for everything: to be found, to be reached, to answer; seconds.
LIMIT_SECONDS = 10.0
#: How long one of a receiver's addresses has to be reached, so that there is time for another.
_CONNECT_SECONDS = 4.0
#: The most that is read of an answer, of which only the status counts; bytes.
MAX_ANSWER_BYTES = 64 * 1024
#: The longest address; characters.
MAX_URL_LENGTH = 2000
_SCHEMES = ("http", "https")
_PORTS = range(1, 65536)
#: Networks that count as public in Python's tables and lead elsewhere: IPv4 inside of IPv6,
#: which a gateway may unwrap, and what the tables of some versions lack.
_LEADS_ELSEWHERE = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),
        *("fec0::/10", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24"),
    )
)


class UrlRefused(Complaint):
    """The address is none that webhooks go to; the text says why and does not quote it."""


class Outcome(NamedTuple):
    """How a try went."""

    #: The status of the answer, if there was one.
    code: int | None
    #: Why it does not count as received, in one line that quotes neither address nor content.
    reason: str | None
    seconds: float


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the internet at large."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    is_odd = ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_link_local
    leads_elsewhere = any(
        ip.version == network.version and ip in network for network in _LEADS_ELSEWHERE
    )
    return ip.is_global and not is_odd and not leads_elsewhere


def read_url(url: str, *, may_be_private: bool) -> httpx.URL:
    """Return an address if webhooks may go to it, as far as one can tell without asking for it.

    Raises:
        UrlRefused: it is none, or they may not.
    """
    try:
        read = httpx.URL(url) if len(url) <= MAX_URL_LENGTH else None
    except (httpx.InvalidURL, ValueError):
        read = None
    if read is None or not read.host or not (read.port is None or read.port in _PORTS):
        raise UrlRefused("not an address")
    if read.scheme not in _SCHEMES:
        raise UrlRefused("neither http nor https")
    if read.userinfo:
        raise UrlRefused("with a user or a password in it")
    with contextlib.suppress(ValueError):  # a name: what it leads to is checked when it is sent
        if not may_be_private and not is_public(read.host):
            raise UrlRefused("not a public address")
    return read


def send(url: str, body: bytes, headers: Mapping[str, str], *, may_be_private: bool) -> Outcome:
    """Send a body once, and return how that went; a 2xx within the time limit is a receipt."""
    began = time.monotonic()
    try:
        code = asyncio.run(
            _post(
                read_url(url, may_be_private=may_be_private),
                body,
                headers,
                _Backend(may_be_private=may_be_private),
            )
        )
        reason = None if httpx.codes.is_success(code) else f"the receiver answered {code}"
    except (
        Complaint,
        TimeoutError,
        httpcore.ProtocolError,
        httpcore.NetworkError,
        httpcore.TimeoutException,
    ) as error:
        code, reason = None, _why(error)
    return Outcome(code, reason, time.monotonic() - began)


def _why(error: Exception) -> str:
    if isinstance(error, UrlRefused):
        return f"the address is {error}"
    if isinstance(error, Complaint):
        return str(error)
    if isinstance(error, TimeoutError | httpcore.TimeoutException):
        return "the receiver did not answer in time"
    if isinstance(error, httpcore.ProtocolError):
        return "the receiver's answer cannot be read"
    if isinstance(error.__context__, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return "the receiver's certificate is not valid for its name"
    return "the receiver could not be reached"


async def _post(
    url: httpx.URL, body: bytes, headers: Mapping[str, str], backend: httpcore.AsyncNetworkBackend
) -> int:
    target = httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
    sent = {
        "Host": url.netloc.decode(),
        "User-Agent": "Jobspine-Webhooks",
        "Accept": "*/*",
        "Connection": "close",
        **headers,
    }
    async with (
        asyncio.timeout(LIMIT_SECONDS),
        httpcore.AsyncConnectionPool(ssl_context=_trust(), network_backend=backend) as pool,
        pool.stream("POST", target, headers=list(sent.items()), content=body) as answer,
    ):
        read = 0
        async for part in answer.aiter_stream():
            read += len(part)
            if read > MAX_ANSWER_BYTES:
                break
        return int(answer.status)


@cache
def _trust() -> ssl.SSLContext:
    """Return whom to trust: the usual authorities, or those that SSL_CERT_FILE names."""
    return httpx.create_ssl_context()


class _Backend(httpcore.AnyIOBackend):
    """Connects to names by their addresses, of which it takes none that it must not."""

    def __init__(self, *, may_be_private: bool) -> None:
        super().__init__()
        self._may_be_private = may_be_private

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> Any:
        """Connect to the first address of a host that may be and can be reached.

        Raises:
            UrlRefused: it has none but such as must not be connected to.
            Complaint, httpcore.ConnectError, httpcore.ConnectTimeout: it cannot be reached.
        """
        found = await _addresses(host, port)
        allowed = [one for one in found if self._may_be_private or is_public(one)]
        if not allowed:
            raise UrlRefused("not a public address")
        failed: Exception | None = None
        for address in allowed:
            try:
                return await super().connect_tcp(address, port, timeout=_CONNECT_SECONDS)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or AssertionError


async def _addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host.

    In a thread that nobody waits for: asyncio's own would hold up the end of the loop for as long
    as a name server takes.

    Raises:
        Complaint: nobody knows any.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def tell(addresses: Iterable[str]) -> None:
        if not found.done():
            found.set_result(list(addresses))

    def look() -> None:
        try:
            known = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            known = []
        with contextlib.suppress(RuntimeError):  # the time was up, the loop is closed
            # A name may lead to one address several times.
            loop.call_soon_threadsafe(tell, dict.fromkeys(str(one[4][0]) for one in known))

    threading.Thread(target=look, name="resolver", daemon=True).start()
    addresses = await found
    if not addresses:
        raise Complaint("the receiver's name is not known")
    return addresses
