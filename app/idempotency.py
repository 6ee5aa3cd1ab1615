"""`Idempotency-Key` on requests that dispatch: the same for every API."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app.errors import Refused
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.job import idempotency
from tasks.job.dispatch import dispatching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tasks.job.dispatch import Dispatch

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


def answer_once(
    scope: str,
    value: str | None,
    asked: Sequence[Any],
    make: Callable[[Dispatch], dict[str, Any]],
) -> dict[str, Any]:
    """Return what `make` answers, or what the same request got before with the same key.

    `asked` is everything that makes two requests the same. What `make` dispatches and writes
    commits together with its answer.

    Raises:
        Refused, KeyReused, TwinInFlight: as the use of a key.
    """
    fingerprint = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    with use_of_key(scope, value) as key:
        known = key.answer_to(fingerprint) if key else None
        if known is not None:
            return known
        with dispatching(wiring().database, wiring().ringer) as dispatch:
            answer = make(dispatch)
            if key:
                key.remember(dispatch.connection, fingerprint, answer)
    return answer
