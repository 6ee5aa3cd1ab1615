"""Requests as they are answered: how many, and how long they take, by route."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

#: Methods that are told apart; clients may send any word.
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
#: What stands for every path that no route has.
_NO_ROUTE = "none"
_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

#: Where this process counts; under gunicorn in files, which every process of the API can read.
_here = CollectorRegistry()
_answered = Counter(
    "jobspine_http_requests",
    "Requests that were answered.",
    ["method", "route", "status"],
    registry=_here,
)
_took = Histogram(
    "jobspine_http_request_duration_seconds",
    "From the beginning of a request to its answer, without the time to send that.",
    ["method", "route"],
    buckets=_BUCKETS,
    registry=_here,
)


def count_requests(app: Flask) -> None:
    """Count every request of an application, whatever becomes of it."""
    app.before_request(_begin)
    app.after_request(_end)


def counted(folder: str) -> Collector:
    """Return what all processes have counted that share a folder; without one, this process."""
    return MultiProcessCollector(None, path=folder) if folder else _here  # type: ignore[no-untyped-call]


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    method = request.method if request.method in _METHODS else "other"
    route = request.url_rule.rule if request.url_rule else _NO_ROUTE
    answered, took = _of(method, route, response.status_code)
    answered.inc()
    took.observe(time.perf_counter() - g.began)
    return response


@lru_cache(maxsize=1024)
def _of(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return what counts such answers; looking it up costs more than to count."""
    return _answered.labels(method, route, str(status)), _took.labels(method, route)
