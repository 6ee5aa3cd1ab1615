"""A node before the node: it answers what a test says, or passes calls on to a real one."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    #: Answers the body of a request with a status and a body.
    Behaviour = Callable[[bytes], tuple[int, bytes]]


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    node: FrontNode

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.node.note(body)
        status, answer = self.node.does(body)
        head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(answer)}\r\n\r\n"
        try:
            self.wfile.write(head.encode() + answer)
        except OSError:  # the client's patience is the point of some tests
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


class FrontNode:
    """Where a process of the service believes that its node is."""

    def __init__(self, does: Behaviour) -> None:
        self.does = does
        #: Every call that came in: its method and its parameters.
        self.calls: list[tuple[str, list[Any]]] = []
        #: How many requests they came in.
        self.requests = 0
        self.closing = threading.Event()
        bound = type("Bound", (_Request,), {"node": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def note(self, body: bytes) -> None:
        """Remember what was asked."""
        asked = json.loads(body)
        self.requests += 1
        for call in asked if isinstance(asked, list) else [asked]:
            self.calls.append((call["method"], call["params"]))

    def close(self) -> None:
        """Let go of whoever is kept waiting, and stop."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def passes_on(url: str) -> Behaviour:
    """Pass requests on to a real node."""

    def ask(body: bytes) -> tuple[int, bytes]:
        try:
            answer = httpx.post(url, content=body, headers={"Content-Type": "application/json"})
        except httpx.HTTPError:
            return 502, b"bad gateway"
        return answer.status_code, answer.content

    return ask


def answers(**by_method: Any) -> Behaviour:
    """Answer each method with a value; with an error where the value is an exception's text."""

    def one(call: dict[str, Any]) -> dict[str, Any]:
        given = by_method[call["method"]]
        given = given(*call["params"]) if callable(given) else given
        said = {"error": given.args[0]} if isinstance(given, Exception) else {"result": given}
        return {"jsonrpc": "2.0", "id": call["id"], **said}

    def ask(body: bytes) -> tuple[int, bytes]:
        asked = json.loads(body)
        is_batch = isinstance(asked, list)
        # In another order than asked, as a node may.
        said = [one(call) for call in reversed(asked)] if is_batch else one(asked)
        return 200, json.dumps(said).encode()

    return ask


def refuses(body: bytes) -> tuple[int, bytes]:
    """Answer every call with an error."""
    asked = json.loads(body)
    error = {"code": -32000, "message": "not yet"}
    said = [
        {"jsonrpc": "2.0", "id": call["id"], "error": error}
        for call in (asked if isinstance(asked, list) else [asked])
    ]
    return 200, json.dumps(said if isinstance(asked, list) else said[0]).encode()


def says(status: int, body: bytes = b"") -> Behaviour:
    """Answer everything with the same."""
    return lambda _: (status, body)


@pytest.fixture
def start_front() -> Iterator[Callable[[Behaviour], FrontNode]]:
    """Start a node that behaves as is said."""
    started: list[FrontNode] = []

    def start(does: Behaviour) -> FrontNode:
        started.append(FrontNode(does))
        return started[-1]

    yield start
    for node in started:
        node.close()
