"""Requests as they are answered: how many, and how long they take, by route."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask
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
    # Around Flask, whose hooks cost as much as all the counting.
    app.wsgi_app = _Counted(app.wsgi_app)  # type: ignore[method-assign]


def counted(folder: str) -> Collector:
    """Return what all processes have counted that share a folder; without one, this process."""
    return MultiProcessCollector(None, path=folder) if folder else _here  # type: ignore[no-untyped-call]


class _Counted:
    """An application whose answers are counted as it gives them."""

    def __init__(self, wrapped: WSGIApplication) -> None:
        self._wrapped = wrapped

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()

        def start(status: str, headers: list[tuple[str, str]], *failed: Any) -> Any:
            method = environ["REQUEST_METHOD"]
            rule = environ["werkzeug.request"].url_rule
            answered, took = _of(
                method if method in _METHODS else "other",
                rule.rule if rule else _NO_ROUTE,
                status[:3],
            )
            answered.inc()
            took.observe(time.perf_counter() - began)
            return start_response(status, headers, *failed)

        return self._wrapped(environ, start)


@lru_cache(maxsize=1024)
def _of(method: str, route: str, status: str) -> tuple[Counter, Histogram]:
    """Return what counts such answers; looking it up costs more than to count."""
    return _answered.labels(method, route, status), _took.labels(method, route)
