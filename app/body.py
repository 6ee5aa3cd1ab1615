"""Requests whose body may break off: the client left, fell silent, or wrote no chunks."""

from __future__ import annotations

from typing import IO, Any, cast

from flask import Request
from werkzeug.exceptions import HTTPException
from werkzeug.utils import cached_property

from app.errors import Refused
from app.shapes.fault import Fault


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
