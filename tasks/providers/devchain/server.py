"""HTTP around JSON-RPC: threads of the standard library's server, kept alive."""

from __future__ import annotations

import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tasks.providers.devchain import rpc

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The longest request, bytes.
LONGEST = 5 * 1024 * 1024


class _Request(BaseHTTPRequestHandler):
    """A connection, and the requests that come over it one after the other."""

    protocol_version = "HTTP/1.1"
    #: Head and body of an answer leave in one piece, and at once.
    wbufsize = -1
    disable_nagle_algorithm = True
    #: How long a connection may be silent, seconds.
    timeout = 120
    server: Server

    def do_GET(self) -> None:
        """Say that the node is up."""
        self._answer(HTTPStatus.OK, b"")

    def do_POST(self) -> None:
        """Answer JSON-RPC."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > LONGEST:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            body = self.rfile.read(int(length))
            self._answer(HTTPStatus.OK, rpc.serve(self.server.methods, body))

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer without having read the body, which ends the connection."""
        self.close_connection = True
        self._answer(status, b"")

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write no line about a request."""


class Server(ThreadingHTTPServer):
    """Serves the methods of a node."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], methods: Mapping[str, rpc.Method]) -> None:
        self.methods = methods
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Request)

    def handle_error(self, *_: Any) -> None:
        """Write nothing about a client that went away."""
