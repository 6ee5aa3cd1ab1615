"""observed: what it costs in throughput to be watched."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from bench.bed import wait_until
from bench.jobs import WARM, Ours, drain, through
from bench.report import Table, ratio, rotated, spread
from config.stack import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.__main__ import Scale
    from bench.bed import Bed

_TOKEN = "for-this-figure-only"
#: How often the metrics are read; seconds.
_SCRAPE = 1.0


class _Way(NamedTuple):
    """A way to be watched."""

    name: str
    environment: dict[str, str]
    #: Whether the metrics are read, and Flower runs beside.
    is_scraped: bool = False
    has_flower: bool = False


class _Taken(NamedTuple):
    """Jobs per second, and seconds that processors were busy for one."""

    drain: float
    drain_busy: float
    through: float
    through_busy: float


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Run the same no-op jobs while they are watched in every way, in turn."""
    port = free_port()
    spans = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
    events = {"CELERY_EVENTS": "true"}
    ways = [
        _Way("by nobody", {}),
        _Way(f"metrics read every {_SCRAPE:.0f} s", {"METRICS_TOKEN": _TOKEN}, is_scraped=True),
        _Way("spans of everything", spans),
        _Way("events, nobody listens", events),
        _Way("events, Flower listens", events, has_flower=True),
    ]
    rounds: dict[str, list[_Taken]] = {way.name: [] for way in ways}
    # Who collects spans is a process of its own, as it would be.
    with bed.process(["bench.observed", str(port)]):
        for number in range(scale.job_rounds):
            for way in rotated(ways, number):
                rounds[way.name].append(_take(bed, way, scale.noops))
    bed.clear()
    yield _table(rounds, scale.noops)


def _take(bed: Bed, way: _Way, count: int) -> _Taken:
    work = Ours(bed)
    bed.clear()
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(bed.api(**way.environment))
        stack.enter_context(bed.workers(**way.environment))
        if way.is_scraped:
            stack.enter_context(_scraping(port))
        if way.has_flower:
            stack.enter_context(_flower(bed, way))
        drain(bed, work, WARM)
        began = _busy()
        drained = drain(bed, work, count)
        between = _busy()
        went_through = through(bed, work, port, count)
        ended = _busy()
        return _Taken(drained, (between - began) / count, went_through, (ended - between) / count)


def _busy() -> float:
    """Return how long processors have worked for everything but this process; seconds."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            # Of those that have ended their parents know.
            total += sum(process.cpu_times()[:4])
    return total


@contextlib.contextmanager
def _flower(bed: Bed, way: _Way) -> Iterator[None]:
    """Run Flower for as long as a block."""
    port = free_port()
    command = ["celery", "--quiet", "-A", "workers", "flower"]
    options = ["--address=127.0.0.1", f"--port={port}", "--read_only"]
    with bed.process([*command, *options], **way.environment):
        wait_until(lambda: _listens(port), "Flower listens")
        yield


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def _scraping(port: int) -> Iterator[None]:
    """Read the metrics every second for as long as a block."""
    enough = threading.Event()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {_TOKEN}"}
    )

    def scrape() -> None:
        while not enough.wait(_SCRAPE):
            urllib.request.urlopen(asked, timeout=10).read()

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def _table(rounds: dict[str, list[_Taken]], count: int) -> Table:
    def of(field: str) -> dict[str, list[float]]:
        return {name: [getattr(one, field) for one in found] for name, found in rounds.items()}

    drains, throughs = of("drain"), of("through")
    drain_busy, through_busy = of("drain_busy"), of("through_busy")
    alone = next(iter(rounds))
    half = ["jobs/s", "of unwatched", "processor ms a job", "of unwatched"]
    return Table(
        f"observed: {count:,} no-op jobs, watched",
        ["", f"drain: {half[0]}", *half[1:], f"from HTTP: {half[0]}", *half[1:]],
        [
            [
                name,
                spread(drains[name]),
                f"{ratio(drains[name], drains[alone])} x",
                spread(drain_busy[name], 1e3),
                f"{ratio(drain_busy[name], drain_busy[alone])} x",
                spread(throughs[name]),
                f"{ratio(throughs[name], throughs[alone])} x",
                spread(through_busy[name], 1e3),
                f"{ratio(through_busy[name], through_busy[alone])} x",
            ]
            for name in rounds
        ],
        [
            "Processors: what everything used together, PostgreSQL, Redis, Flower and who collects",
            "spans included, the load generator left out. Requests are counted in every case.",
        ],
    )


class _Collect(BaseHTTPRequestHandler):
    """Takes spans and throws them away."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Collect).serve_forever()
