"""The screening API's envelope around an answer to the request at hand."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Response, g, jsonify, request

from app.shapes import screening as shape

if TYPE_CHECKING:
    from app.shapes.fault import Fault


def success(status: int, message: str, data: Any, *, trace: str | None = None) -> Response:
    """Return a good answer; `trace` where the path does not name it."""
    response = jsonify(shape.envelope(_asked(), status, message, trace=trace, data=data))
    response.status_code = status
    return response


def error(fault: Fault, detail: str = "", **more: Any) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the envelope of an error."""
    return shape.error(_asked(), fault, detail, **more)


def _asked() -> shape.Asked:
    rule = request.url_rule.rule if request.url_rule else request.path
    return shape.Asked(
        at=datetime.now(UTC),
        service_uid=g.get("service_uid"),
        path=re.sub(r"<(?:\w+:)?(\w+)>", r":\1", rule),
        parameters=request.view_args or {},
    )
