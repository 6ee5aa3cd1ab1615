"""`Idempotency-Key` on requests that dispatch: the same for every API."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.errors import Refused
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.job import idempotency

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The longest key; characters.
_LONGEST = 255


@contextmanager
def use_of_key(scope: str, value: str | None) -> Iterator[idempotency.Key | None]:
    """Give the use of a request's key within a scope of its caller; None without a key.

    Raises:
        Refused: it is no key.
        TwinInFlight: another request with it is being processed.
    """
    if value is None:
        yield None
        return
    if not 0 < len(value) <= _LONGEST or not value.isprintable():
        raise Refused(Fault.BAD_PARAMETER, "Idempotency-Key must have 1 to 255 characters")
    with idempotency.using(wiring().database, scope, value) as key:
        yield key
