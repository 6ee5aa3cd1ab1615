"""The provider's HTTP interface: Dilisense's, and the versions of the lists beside it."""

from __future__ import annotations

import atexit
import hmac
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from config import logs
from config.settings import SettingsInvalid, WatchlistProviderSettings
from tasks.providers.watchlists.question import BadQuestion, Question
from tasks.providers.watchlists.record import as_record
from tasks.providers.watchlists.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

#: Records in one answer at the most; `total_hits` counts all.
MOST_RECORDS = 100


def create_app(settings: WatchlistProviderSettings | None = None) -> Flask:
    """Return the WSGI application, its lists read, watching for newer ones.

    Raises:
        SettingsInvalid: it has no folder of lists, or no key to ask callers for.
        ListRejected: the lists cannot be used.
    """
    settings = settings or WatchlistProviderSettings.from_env()
    if not Path(settings.lists_folder).is_dir():
        raise SettingsInvalid("LISTS_FOLDER is not a folder")
    logs.configure(settings.log_level)
    logging.getLogger("gunicorn.error").addFilter(_without_names)
    shelf = Shelf(Path(settings.lists_folder))
    shelf.start()
    atexit.register(shelf.close)
    return application(shelf, settings.watchlist_key)


def application(shelf: Shelf, key: str) -> Flask:
    """Return the WSGI application over the lists of a shelf."""
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.register_error_handler(BadQuestion, lambda bad: _error(400, str(bad)))
    app.register_error_handler(HTTPException, lambda error: _error(error.code or 500, error.name))
    app.register_error_handler(Exception, _unexpected)

    def check_key() -> Response | None:
        given = request.headers.get("x-api-key", "").encode()
        is_open = request.path == "/healthz"
        if is_open or hmac.compare_digest(given, key.encode()):
            return None
        return _error(401, "the x-api-key is missing or wrong")

    app.before_request(check_key)
    app.add_url_rule("/healthz", "healthz", lambda: jsonify({"status": "ok"}))
    app.add_url_rule("/v1/lists", "lists", lambda: jsonify({"lists": shelf.as_json()}))
    app.add_url_rule("/v1/checkIndividual", "individual", _check(shelf, people=True))
    app.add_url_rule("/v1/checkEntity", "entity", _check(shelf, people=False))
    return app


def _check(shelf: Shelf, *, people: bool) -> Callable[[], Response]:
    def check() -> Response:
        question = Question.read(request.args, people=people)
        # Taken once: the answer names the versions it was made from.
        versions = shelf.versions
        hits = question.answer(versions)
        found = {
            "timestamp": _now(),
            "total_hits": len(hits),
            "found_records": [as_record(hit.entry) for hit in hits[:MOST_RECORDS]],
            "lists": [version.as_json() for version in versions],
        }
        return jsonify(found)

    return check


def _error(status: int, message: str) -> Response:
    body: dict[str, Any] = {"timestamp": _now(), "status": status, "error": message}
    response = jsonify(body)
    response.status_code = status
    return response


def _unexpected(error: Exception) -> Response:
    log.error("request_failed", exc_info=error)
    return _error(500, "the question could not be answered")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_names(record: logging.LogRecord) -> bool:
    """Cut what gunicorn says of a request before its request line, which holds a name."""
    text = str(record.msg)
    if "request" in text.lower():
        record.msg = text.partition(":")[0].partition("%")[0].strip()
        record.args = ()
        record.exc_info = None
    return True
