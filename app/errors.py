"""How a request is refused: noticed anywhere, spelled by the shape of its API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from app import envelope
from app.shapes import credentials, income, ops, voting
from app.shapes.fault import Fault
from config.database import is_away
from tasks.job.errors import GateHeld, KeyReused, TwinInFlight
from tasks.records.members import LimitReached

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

#: When a client may ask again while PostgreSQL is away, while another job is in flight, or while
#: too many wait for the chain; seconds.
RETRY_AFTER = {
    Fault.UNAVAILABLE: "1",
    Fault.GATE_HELD: "2",
    Fault.PUBLISH_IN_FLIGHT: "2",
    Fault.IN_FLIGHT: "2",
    Fault.QUEUE_FULL: "5",
}


class _Speaker(NamedTuple):
    """How an API tells its callers that they are refused."""

    #: What its paths begin with.
    paths: re.Pattern[str]
    error: Callable[..., tuple[int, dict[str, Any]]]
    #: How it asks for credentials; Basic must name a realm.
    challenge: str


#: The first whose paths fit speaks.
_SPEAKERS = (
    _Speaker(re.compile("/ops/"), ops.error, "Bearer"),
    _Speaker(re.compile("/v5/"), envelope.error, 'Basic realm="screening"'),
    _Speaker(
        re.compile(
            r"/(dids|registries|revocationStatus|schemas|webhooks)(/|\Z)"
            rf"|/jobs/{credentials.JOB_ID}/?\Z"
        ),
        credentials.error,
        "Bearer",
    ),
    _Speaker(re.compile("/v1/"), income.error, 'Keys realm="income"'),
    _Speaker(re.compile("/"), voting.error, "Bearer"),
)


class Refused(Exception):
    """A request that gets an error. The detail is for the caller and quotes no data of theirs."""

    def __init__(self, fault: Fault, detail: str = "", **more: Any) -> None:
        super().__init__(fault.name)
        self.fault = fault
        self.detail = detail
        #: What one API's errors say beside that.
        self.more = more


def answer(fault: Fault, detail: str = "", *, retry_after: str = "", **more: Any) -> Response:
    """Return the response for a fault, in the form of the API that the request is for.

    `retry_after` says in how many seconds it may be different, where the fault alone does not.
    """
    # An id that was left out is still an error of the API that it was left out of.
    path = re.sub("//+", "/", request.path)
    speaker = next(one for one in _SPEAKERS if one.paths.match(path))
    status, body = speaker.error(fault, detail, **more)
    response = jsonify(body)
    response.status_code = status
    if fault is Fault.UNAUTHENTICATED or fault is Fault.BAD_KEY:
        response.headers["WWW-Authenticate"] = speaker.challenge
    if after := retry_after or RETRY_AFTER.get(fault):
        response.headers["Retry-After"] = after
    return response


def handle_errors(app: Flask) -> None:
    """Have an application answer every error in its documented form."""
    app.register_error_handler(
        Refused, lambda refused: answer(refused.fault, refused.detail, **refused.more)
    )
    app.register_error_handler(GateHeld, lambda held: answer(Fault.GATE_HELD, conflict=held.holder))
    app.register_error_handler(KeyReused, lambda _: answer(Fault.KEY_REUSED))
    app.register_error_handler(TwinInFlight, lambda _: answer(Fault.TWIN_IN_FLIGHT))
    app.register_error_handler(LimitReached, lambda _: answer(Fault.MEMBER_LIMIT))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _http(error: HTTPException) -> Response:
    if isinstance(error, NotFound):
        return answer(Fault.NO_SUCH_PATH)
    if isinstance(error, MethodNotAllowed):
        response = answer(Fault.NO_SUCH_METHOD)
        response.headers["Allow"] = ", ".join(error.valid_methods or ())
        return response
    if isinstance(error, RequestEntityTooLarge):
        return answer(Fault.TOO_LARGE)
    return answer(Fault.BAD_BODY if (error.code or 500) < 500 else Fault.BROKEN)  # noqa: PLR2004


def _unexpected(error: Exception) -> Response:
    if is_away(error):
        log.warning("postgresql_away", error=type(error).__name__)
        return answer(Fault.UNAVAILABLE)
    log.error("request_failed", exc_info=error)
    return answer(Fault.BROKEN)
