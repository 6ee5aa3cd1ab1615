"""A span for every request, under the one that its caller names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, g, request

from config import tracing

if TYPE_CHECKING:
    from config.settings import Settings

#: The lowest status that says that we failed.
_OUR_FAULT = 500


def trace_requests(app: Flask, settings: Settings) -> None:
    """Have an application's requests traced, if the settings say where spans go."""
    tracing.start(settings, "jobspine-api")
    if tracing.is_on():
        app.before_request(_begin)
        app.after_request(_note)
        app.teardown_request(_end)


def _begin() -> None:
    route = request.url_rule.rule if request.url_rule else ""
    g.tracing = tracing.span(
        f"{request.method} {route}".rstrip(),
        "SERVER",
        parent=request.headers.get(tracing.HEADER),
        # Not the path: it holds ids, and whatever else a client puts there.
        attributes={"http.request.method": request.method, "http.route": route},
    )
    g.span = g.tracing.__enter__()


def _note(response: Response) -> Response:
    g.span.note({"http.response.status_code": response.status_code})
    if response.status_code >= _OUR_FAULT:
        g.span.fail(str(response.status_code))
    return response


def _end(_error: BaseException | None) -> None:
    if "tracing" in g:
        g.tracing.__exit__(None, None, None)
