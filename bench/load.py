"""A load generator that costs little beside what it loads: raw requests over kept connections."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import select
import socket
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: How long an answer may take before the run is broken off; seconds.
_PATIENCE = 30.0
#: How often connections are tried until every process of the API has its share, and the wait
#: between two tries; seconds.
_TRIES, _PAUSE = 50, 0.02


class LoadFailed(Exception):
    """The API did not answer as it should."""


class Load(NamedTuple):
    """What a stretch of load came to."""

    seconds: float
    #: How long each request took, in the order of the answers; seconds.
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """The latency that this share of the requests did not exceed; seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def get(path: str, *headers: str) -> bytes:
    """Return the bytes of a GET request."""
    lines = [f"GET {path} HTTP/1.1", "Host: bench", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    """Return the bytes of a POST request with a JSON body."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = b""
        self._wanted = 0
        self._sent = 0.0

    def send(self, request: bytes) -> None:
        self._got, self._wanted = b"", 0
        self._sent = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> float | None:
        """Take what has come; return how long the request took once the answer is whole."""
        part = self.socket.recv(65536)
        self._got += part
        if not self._wanted:
            head, end, _ = self._got.partition(b"\r\n\r\n")
            if end:
                if not head.startswith(b"HTTP/1.1 20"):
                    raise LoadFailed(self._got.decode(errors="replace")[:500])
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                self._wanted = len(head) + 4 + int(length)
        if self._wanted and len(self._got) >= self._wanted:
            return time.perf_counter() - self._sent
        if not part:
            raise LoadFailed("the API closed a connection")
        return None

    def ask(self, request: bytes) -> bytes:
        """Send a request and return the body of the answer."""
        self.send(request)
        while self.receive() is None:
            pass
        return self._got.partition(b"\r\n\r\n")[2]


def ask(port: int, request: bytes) -> bytes:
    """Send one request on a connection of its own and return the body of the answer."""
    connection = _Connection(port)
    with contextlib.closing(connection.socket):
        return connection.ask(request)


def one_by_one(
    port: int, requests: Sequence[bytes], *, pause: float
) -> Iterator[tuple[float, bytes]]:
    """Send requests with pauses between them; give when each was sent, and its answer."""
    connection = _Connection(port)
    with contextlib.closing(connection.socket):
        for request in requests:
            at = time.time()
            yield at, connection.ask(request)
            time.sleep(pause)


def alone(port: int, requests: Sequence[bytes], *, seconds: float) -> Load:
    """Send requests over and over for some seconds, each once the one before is answered."""
    connection = _Connection(port)
    latencies = []
    with contextlib.closing(connection.socket):
        began = time.perf_counter()
        for request in itertools.cycle(requests):
            at = time.perf_counter()
            if at - began >= seconds:
                break
            connection.ask(request)
            latencies.append(time.perf_counter() - at)
    return Load(time.perf_counter() - began, latencies)


@contextlib.contextmanager
def _connections(port: int, count: int, processes: int) -> Iterator[list[_Connection]]:
    """Open connections, as many to each process: who accepts one is otherwise up to chance."""
    shares: dict[int, list[_Connection]] = {}
    with contextlib.ExitStack() as stack:
        for _ in range(_TRIES):
            # Several at once: one at a time, the process that is awake would take them all.
            made = [_Connection(port) for _ in range(count * processes)]
            for one in made:
                stack.enter_context(contextlib.closing(one.socket))
            for one in made:
                pid = json.loads(one.ask(get("/bench/process")))["pid"]
                shares.setdefault(pid, []).append(one)
            fair = [share for share in shares.values() if len(share) >= count // processes]
            if len(fair) == processes:
                yield [one for share in fair for one in share[: count // processes]]
                return
            time.sleep(_PAUSE)
        raise LoadFailed("some process of the API takes no connection")


def drive(
    port: int,
    requests: Sequence[bytes],
    *,
    seconds: float | None = None,
    connections: int = 4,
    processes: int = 2,
) -> Load:
    """Send requests for some seconds, over and over, or else each of them once."""
    with _connections(port, connections, processes) as opened, select.epoll() as poll:
        by_number = {one.socket.fileno(): one for one in opened}
        left = iter(requests) if seconds is None else itertools.cycle(requests)
        latencies: list[float] = []
        began = time.perf_counter()
        until = began + (seconds or math.inf)
        waiting = 0
        for at, connection in by_number.items():
            poll.register(at, select.EPOLLIN)
            if request := next(left, None):
                connection.send(request)
                waiting += 1
        while waiting:
            ready = poll.poll(_PATIENCE)
            if not ready:
                raise LoadFailed("the API does not answer")
            for at, _ in ready:
                connection = by_number[at]
                took = connection.receive()
                if took is None:
                    continue
                latencies.append(took)
                following = next(left, None) if time.perf_counter() < until else None
                if following is None:
                    waiting -= 1
                else:
                    connection.send(following)
        return Load(time.perf_counter() - began, latencies)
