"""Bodies of requests: they may break off, be too large, no JSON, or not what a schema expects."""

from __future__ import annotations

import json
import sys
from typing import IO, TYPE_CHECKING, Any, cast

from flask import Request, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.utils import cached_property

from app.errors import Refused
from app.shapes.fault import Fault
from app.shapes.incoming import first_complaint
from app.wiring import wiring

if TYPE_CHECKING:
    from collections.abc import Callable

    from marshmallow import Schema


class _Body:
    """What a server gives as the body of a request."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Read up to so many bytes, or all.

        Raises:
            Refused: the rest will not come, or cannot be read.
        """
        try:
            return self._stream.read(size)
        except HTTPException:
            raise
        except Exception:  # noqa: BLE001 - every server has errors of its own for it
            raise Refused(Fault.BAD_BODY, "incomplete") from None


class WholeRequest(Request):
    """A request that is refused where its body breaks off."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body, to be read once."""
        body: Any = _Body(super().stream)
        return cast("IO[bytes]", body)


def read_body(advice: str = "", *, most: int | None = None) -> bytes:
    """Return the body of this request, as far as bodies are held in memory, or less.

    Raises:
        Refused: it is larger; the advice says what to do instead.
    """
    most = min(most or sys.maxsize, wiring().settings.max_json_bytes)
    body = request.stream.read(most + 1)
    if len(body) > most:
        raise Refused(Fault.TOO_LARGE, advice)
    return body


def read_object(*, most: int | None = None) -> dict[str, Any]:
    """Return the JSON object that is the body of this request; nothing is an empty one.

    Raises:
        Refused: it is none, or larger than bodies may be.
    """
    try:
        text = read_body(most=most).decode("utf-8-sig") or "{}"
        given = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise Refused(Fault.BAD_BODY) from None
    if not isinstance(given, dict):
        raise Refused(Fault.BAD_BODY)
    return given


def _malformed(found: Any) -> Refused:
    return Refused(Fault.BAD_BODY, first_complaint(found))


def read_fields(
    schema: Schema, refused: Callable[[Any], Refused] = _malformed, *, most: int | None = None
) -> dict[str, Any]:
    """Return the JSON object that is the body of this request as a schema reads it.

    `refused` is how an API says what the schema found wrong, if it says more than what came first.

    Raises:
        Refused: it is no object, larger than bodies may be, or does not fit.
    """
    given = read_object(most=most)
    try:
        values: dict[str, Any] = schema.load(given)
    except ValidationError as error:
        raise refused(error.messages) from None
    return values


def refuse_constant(_: str) -> None:
    """Refuse NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError
