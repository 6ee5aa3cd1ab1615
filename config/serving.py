"""What our servers under gunicorn share: how long they wait for a client, and what they write."""

from __future__ import annotations

import json
import socket
import struct
from typing import TYPE_CHECKING, Any

from gunicorn import glogging, util
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import ThreadWorker

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long a client may be silent in the middle of a request, or leave its answer untaken; seconds.
SILENCE_SECONDS = 30.0


class Logger(glogging.Logger):  # type: ignore[misc]
    """Sends gunicorn's lines where all others go, in the same form."""

    def setup(self, cfg: Any) -> None:
        """Leave the lines to the root logger."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Worker(ThreadWorker):  # type: ignore[misc]
    """Serves requests by threads, and says of those that it cannot read no more than that."""

    def handle_error(self, _req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        """Refuse what is no request of HTTP.

        gunicorn's own line and page quote what it could not read, which may hold a credential.
        """
        status, reason = 500, "Internal Server Error"
        if isinstance(exc, LimitRequestLine):
            status, reason = 414, "URI Too Long"
        elif isinstance(exc, LimitRequestHeaders):
            status, reason = 431, "Request Header Fields Too Large"
        elif isinstance(exc, ParseException):
            status, reason = 400, "Bad Request"
        self.log.warning("request_unreadable", exc_info=exc)
        # In no API's own form: which one was meant stands in what could not be read.
        body = json.dumps({"error": reason})
        head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            util.write_nonblock(client, (head + body).encode())
        except OSError:
            self.log.debug("Failed to send error message.")


def not_waiting_longer(seconds: float) -> Callable[[Any], None]:
    """Return the hook `when_ready` that ends connections whose client is silent for so long.

    A thread that waits for the rest of a request serves nobody else, and gunicorn lets it wait for
    ever. The kernel gives the limit of a listening socket to every connection that it accepts.
    """
    limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))

    def when_ready(server: Any) -> None:
        for listener in server.LISTENERS:
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    return when_ready
