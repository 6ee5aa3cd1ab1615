"""What a caller is told when the node does not do what was asked, in go-ethereum's words."""

from __future__ import annotations

from typing import Any

PARSE, INVALID, NO_METHOD, BAD_PARAMETERS, INTERNAL, REFUSED, REVERTED = (
    -32700,
    -32600,
    -32601,
    -32602,
    -32603,
    -32000,
    3,
)


class Fault(Exception):
    """An error object of JSON-RPC."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def as_json(self) -> dict[str, Any]:
        """Return the error object."""
        found: dict[str, Any] = {"code": self.code, "message": self.message}
        return found if self.data is None else {**found, "data": self.data}


class Refused(Fault):
    """What was asked is understood, and not done."""

    def __init__(self, message: str) -> None:
        super().__init__(REFUSED, message)


class Reverted(Fault):
    """A contract gave up; the data is what it said."""

    def __init__(self, message: str, data: str) -> None:
        super().__init__(REVERTED, message, data)
