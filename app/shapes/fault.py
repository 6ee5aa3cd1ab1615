"""The reasons for which a request is refused, before any API has spelled them."""

from __future__ import annotations

from enum import Enum, auto


class Fault(Enum):
    """Why a request is refused."""

    #: No credential, or one that cannot be read or has expired.
    UNAUTHENTICATED = auto()
    #: An API key that nobody gave out, or that was revoked.
    BAD_KEY = auto()
    #: The key may not do this.
    MISSING_SCOPE = auto()
    #: The credential is another tenant's.
    FOREIGN = auto()
    #: The body cannot be read as what it must be.
    BAD_BODY = auto()
    TOO_LARGE = auto()
    #: A parameter in the path or the query.
    BAD_PARAMETER = auto()
    NO_ORGANIZATION = auto()
    NO_JOB = auto()
    MEMBER_LIMIT = auto()
    #: The idempotency key came with another request before.
    KEY_REUSED = auto()
    #: The same request is being processed at this moment.
    TWIN_IN_FLIGHT = auto()
    NO_SUCH_PATH = auto()
    NO_SUCH_METHOD = auto()
    #: PostgreSQL is away; nothing was accepted.
    UNAVAILABLE = auto()
    #: A defect of ours.
    BROKEN = auto()
