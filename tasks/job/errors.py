"""What can go wrong with a job; the docstring of a complaint is its default message."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Complaint(Exception):
    """Something about a job is not as it should be."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class PayloadInvalid(Complaint):
    """The payload does not fit the job type."""


class GateHeld(Complaint):
    """Another job of this type is in flight."""

    def __init__(self, holder: str) -> None:
        super().__init__()
        #: The id of the job that holds the gate.
        self.holder = holder


class KeyReused(Complaint):
    """The idempotency key was used with a different request."""


class TwinInFlight(Complaint):
    """A request with the same idempotency key is being processed."""


class ClaimLost(Complaint):
    """This attempt no longer holds its job."""


class Cancelled(Complaint):
    """Somebody asked for this job to be cancelled.

    A handler may raise it where `ctx.cancelled()` says so, to end between two steps.
    """


class NotRepeatable(Complaint):
    """This job cannot be run again."""


class JobTypeFaulty(Complaint):
    """A job type is declared wrongly."""


class Permanent(Complaint):
    """A handler raises this when no further attempt can help.

    `code` is a short word for programs, `text` one line for people. Neither may hold secrets
    or personal data: both are shown to whoever may see the job.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Temporary(Complaint):
    """A handler raises this when a later attempt may help; the bound decides when to give up.

    The text is one line for people, of which the same is true as of `Permanent`'s. `code` is a
    word of few, by which failed attempts are counted.
    """

    def __init__(self, text: str, *, after: float = 0.0, code: str = "temporary") -> None:
        super().__init__(text)
        self.code = code
        #: The next attempt comes no sooner than in so many seconds.
        self.after = after


class Wait(Complaint):
    """A handler raises this to be called again later, holding no slot and no lease."""

    def __init__(self, until: datetime | float) -> None:
        super().__init__()
        #: A time, or a number of seconds from now.
        self.until = until
