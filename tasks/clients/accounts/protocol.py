"""What every payroll provider and bank can be asked, one step at a time.

Whatever a step returns can be kept as JSON by `tasks.reading.keep`, so that another process may
go on with the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date  # noqa: TC003 - `keep` looks at the fields' types
from decimal import Decimal  # noqa: TC003 - likewise
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeAlias

from tasks.job.errors import Complaint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.reading.employment import Employment

#: The documented words for how a connection fails.
Word: TypeAlias = Literal[
    "error",
    "login_error",
    "account_locked",
    "mfa_error",
    "config_error",
    "no_data",
    "unavailable",
    "unable_to_reset",
    "not_supported",
]


class AccountFailed(Complaint):
    """The connection has failed for good; the text is for people and quotes no data."""

    def __init__(self, word: Word, text: str) -> None:
        super().__init__(text)
        self.word: Word = word


class AccountAway(Complaint):
    """The provider cannot be reached or is out of service; a later try may do better."""

    def __init__(self, text: str, *, after: float = 0.0) -> None:
        super().__init__(text)
        #: How long it asks to be left alone; seconds.
        self.after = after


class SessionEnded(Complaint):
    """The session is over: sign in again."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What somebody signs in with."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    #: The id of their company, where the provider asks for it.
    company: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody is signed in. It is as secret as a password."""

    token: str = field(repr=False)
    #: How long it lasts unless the provider ends it sooner; seconds from the sign-in.
    seconds: float


@dataclass(frozen=True, kw_only=True)
class MfaNeeded:
    """A code is asked for; this goes with the answer, and is as secret as a password."""

    challenge: str = field(repr=False)
    token: str = field(default="", repr=False)
    #: What the provider says of the code, for whoever has to enter it.
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document that can be fetched. The id is the same each time, and says nothing secret."""

    id: str
    #: "pay_stub" or "bank_statement".
    kind: str
    #: The id of the employment that it is about; nothing for a bank's.
    employment: str = ""
    #: The pay day; None for a bank's.
    day: date | None = None
    #: Where the provider has it: for the connector alone.
    place: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class NotReady:
    """The document is being made; ask again after so many seconds."""

    after: float


@dataclass(frozen=True, kw_only=True)
class Allotment:
    """A bank account, and how much of the pay goes there: a share or an amount."""

    routing_number: str = field(repr=False)
    account_number: str = field(repr=False)
    #: "checking" or "savings".
    account_type: str
    #: Per cent; those of one employment may add up to a hundred.
    percent: Decimal | None = None
    #: Of each pay day, in the currency that it is paid in.
    amount: Decimal | None = None


class Connector(Protocol):
    """One provider. It is a context, in which connections are kept open.

    Every method may raise `AccountFailed` and `AccountAway`; those that are given a session may
    raise `SessionEnded`.
    """

    def __enter__(self) -> Self:
        """Open it; one thread uses it at a time."""

    def __exit__(self, *error: object) -> None:
        """Close its connections."""

    def features(self, session: Session | None = None) -> frozenset[str]:
        """Return the products that can be had: of the provider, or by whoever is signed in."""

    def login(self, credentials: Credentials) -> Session | MfaNeeded:
        """Sign in."""

    def answer_code(self, state: MfaNeeded, code: str) -> Session:
        """Finish signing in with the code that was sent."""

    def employments(self, session: Session) -> list[Employment]:
        """Return the employments; a bank knows of none. No account or employment is `no_data`."""

    def documents(self, session: Session) -> list[Document]:
        """Return the pay statements or bank statements, the newest first."""

    def fetch(self, session: Session, document: Document) -> bytes | NotReady:
        """Return a document as the provider has it."""

    def switch_deposit(
        self, session: Session, employment: str, allotments: Sequence[Allotment]
    ) -> None:
        """Have pay go to these accounts and no others; doing it twice changes nothing."""
