"""A provider that does, for each name or path, what a test says; it runs in a thread."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    #: Answers a request, in whatever way.
    Behaviour = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """A request that was made to the provider, and ways to answer it."""

    provider: Provider

    def do_GET(self) -> None:
        """Answer as the provider was told for this name, or else this path."""
        url = urlsplit(self.path)
        given = parse_qs(url.query, keep_blank_values=True)
        self.name = (given.get("names") or given.get("search_all") or [url.path])[0]
        self.provider.note(url.path, given, dict(self.headers), self.name)
        # A client that ran out of patience is no fault of the provider's.
        with contextlib.suppress(OSError):
            self.provider.behaviour(self.name)(self)

    def do_POST(self) -> None:
        """Answer as the provider was told for this path."""
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        """Write nothing."""

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Provider:
    """The provider: what it was asked, and what it does about it."""

    #: What a request is here.
    request: type[Request] = Request

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.parameters: list[dict[str, list[str]]] = []
        self.headers: list[dict[str, str]] = []
        #: How often each name was asked about, or each path was asked for.
        self.asked: Counter[str] = Counter()
        #: What happens to names and paths; to all others, `otherwise`.
        self.does: dict[str, Behaviour] = {}
        self.otherwise: Behaviour = found()
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, on the same port as before."""
        bound = type("BoundRequest", (self.request,), {"provider": self})
        self._server = _Server(("127.0.0.1", self._port), bound)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def close(self) -> None:
        """Let go of whoever is kept waiting, and stop."""
        self.closing.set()
        self.stop()

    def behaviour(self, name: str) -> Behaviour:
        """Return what is done to a name."""
        return self.does.get(name, self.otherwise)

    def note(self, path: str, given: dict[str, list[str]], headers: Any, name: str) -> None:
        """Remember a request."""
        with self._lock:
            self.paths.append(path)
            self.parameters.append(given)
            self.headers.append({key.lower(): value for key, value in headers.items()})
            self.asked[name] += 1


def listed(name: str, **more: Any) -> dict[str, Any]:
    """Return a record of a sanctioned person."""
    return {
        "id": f"SDN-{name}",
        "source_type": "SANCTION",
        "source_id": "us_ofac_sdn",
        "entity_type": "INDIVIDUAL",
        "name": name,
        **more,
    }


def found(*records: dict[str, Any]) -> Behaviour:
    """Answer with these records."""
    return says({"timestamp": "now", "total_hits": len(records), "found_records": records})


def says(given: Any) -> Behaviour:
    """Answer with this as JSON; with bytes as they are."""
    body = given if isinstance(given, bytes) else json.dumps(given).encode()
    return lambda request: request.reply(200, body, Content_Type="application/json")


def is_listed(request: Request) -> None:
    """Answer that whoever is asked about is on a list."""
    found(listed(request.name))(request)


def fails(status: int, **headers: str) -> Behaviour:
    """Answer with an error."""
    return lambda request: request.reply(status, b'{"error": "no"}', **headers)


def hangs(request: Request) -> None:
    """Never answer."""
    request.provider.closing.wait()


def dribbles(request: Request) -> None:
    """Send one byte a second of an answer, from its first line on."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000
    for byte in answer:
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        if request.provider.closing.wait(1):
            return


def dribbles_a_body(request: Request) -> None:
    """Send the head at once, and then one byte a second."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    while not request.provider.closing.wait(1):
        request.wfile.write(b" ")


def hangs_up(request: Request) -> None:
    """Close the connection without a word."""
    request.close_connection = True


def floods(request: Request) -> None:
    """Send a million records."""
    record = json.dumps(listed("Somebody Else")).encode() + b","
    request.send_response(200)
    request.end_headers()
    request.wfile.write(b'{"found_records": [')
    for _ in range(1000):
        request.wfile.write(record * 1000)


class Holding:
    """Keep whoever asks waiting until it is let go, then go on as told."""

    def __init__(self, then: Behaviour) -> None:
        self._then = then
        self.free = threading.Event()

    def __call__(self, request: Request) -> None:
        """Wait, then answer."""
        while not self.free.wait(0.05):
            if request.provider.closing.is_set():
                return
        self._then(request)


class InTurn:
    """Behave in one way after the other, and stay with the last."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._left = list(behaviours)

    def __call__(self, request: Request) -> None:
        """Answer in the next way."""
        behaviour = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        behaviour(request)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A watchlist provider that knows of nobody until it is told otherwise."""
    made = Provider()
    yield made
    made.close()
