"""The reasons for which a request is refused, before any API has spelled them."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Words = TypeVar("Words")


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
    NO_GROUP = auto()
    NO_CENSUS = auto()
    NO_PARTICIPANT = auto()
    #: A census that is final, or one that is not and would have to be.
    BAD_CENSUS = auto()
    #: There is no such process, or none that is on chain.
    NO_PROCESS = auto()
    #: Another job is on its way to publish the process.
    PUBLISH_IN_FLIGHT = auto()
    #: A signed payload that the chain would not take.
    BAD_TRANSACTION = auto()
    #: As many jobs as there may be wait for the chain.
    QUEUE_FULL = auto()
    #: Nothing of the caller's is there; what is somebody else's counts as nothing.
    NOT_FOUND = auto()
    #: Values that can be read and are not what they must be; the details say which.
    INVALID = auto()
    #: An id that somebody has registered already.
    TAKEN = auto()
    #: What cannot be done again before it is over.
    IN_FLIGHT = auto()
    #: A token that was good once: its time is over, or it was used.
    TOKEN_EXPIRED = auto()
    #: The caller asks too often.
    THROTTLED = auto()
    #: Secrets cannot be kept, since nobody has given this service a key to seal them with.
    NO_SECRETS = auto()
    #: Another job of the type is in flight in the same scope.
    GATE_HELD = auto()
    #: The idempotency key came with another request before.
    KEY_REUSED = auto()
    #: The same request is being processed at this moment.
    TWIN_IN_FLIGHT = auto()
    #: An operator's order that cannot be carried out.
    NOT_POSSIBLE = auto()
    #: An operator's order about another number of jobs than it says.
    COUNT_DIFFERS = auto()
    NO_SUCH_PATH = auto()
    NO_SUCH_METHOD = auto()
    #: PostgreSQL is away; nothing was accepted.
    UNAVAILABLE = auto()
    #: A defect of ours.
    BROKEN = auto()


#: What may happen to a request whichever API it is for.
ANYWHERE = frozenset(
    {
        Fault.UNAUTHENTICATED,
        Fault.BAD_BODY,
        Fault.TOO_LARGE,
        Fault.BAD_PARAMETER,
        Fault.KEY_REUSED,
        Fault.TWIN_IN_FLIGHT,
        Fault.NO_SUCH_PATH,
        Fault.NO_SUCH_METHOD,
        Fault.UNAVAILABLE,
        Fault.BROKEN,
    }
)


def error_words(words: Mapping[Fault, Words]) -> Mapping[Fault, Words]:
    """Return the table if it has words for every fault that may happen anywhere.

    Raises:
        LookupError: at import, when a fault has none.
    """
    missing = ANYWHERE - set(words)
    if missing:
        raise LookupError(f"no error for {sorted(fault.name for fault in missing)}")
    return words
