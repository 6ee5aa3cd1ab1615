"""Who has an account: their companies, their jobs, and the state that each account is in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Papers(StrEnum):
    """The state of somebody's documents."""

    GOOD = "good"
    #: Made only once they are asked for.
    SLOW = "slow"
    #: Cut off in the middle.
    TORN = "torn"
    #: With a password on them.
    ENCRYPTED = "encrypted"
    #: The newest one says more than was paid.
    ALTERED = "altered"
    #: Hundreds of megabytes each.
    VAST = "vast"


@dataclass(frozen=True, kw_only=True)
class Company:
    """A tenant of a payroll provider, or a branch of a bank."""

    id: str
    name: str
    #: What it has booked.
    features: tuple[str, ...]
    #: Whether nobody can be served just now.
    is_down: bool = False


@dataclass(frozen=True, kw_only=True)
class Job:
    """An employment, and what is paid for it."""

    id: str
    title: str
    employer: str
    hired: date
    left: date | None = None
    #: W, BW, SM or M: how often pay comes.
    frequency: str = "BW"
    #: Either for an hour, or for a year.
    hourly: Decimal | None = None
    salary: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with an account, as it was set up; what happens to it is kept apart."""

    name: str
    #: The id of their company, which may be gone.
    company: str
    jobs: tuple[Job, ...] = ()
    #: Whether a code is asked for. "sent" makes a new one each time; others are a test device's,
    #: which always shows the same.
    code: str = ""
    #: Whether the password must be changed first, and whether that can be done online.
    password_expired: bool = False
    can_reset: bool = True
    papers: Papers = Papers.GOOD
    #: The last day that anything was paid on; None for today.
    paid_until: date | None = None
    #: Whether the bank lets the account be read by programs.
    can_download: bool = True
    #: Their accounts at a bank, in OFX's words.
    accounts: tuple[str, ...] = ("CHECKING", "SAVINGS")

    def as_json(self) -> str:
        """Return what can be stored."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, stored: str | dict[str, Any]) -> Person:
        """Return the person that was stored.

        Raises:
            TypeError, ValueError, KeyError: there is no such person.
        """
        given = dict(json.loads(stored) if isinstance(stored, str) else stored)
        given["jobs"] = tuple(_job(dict(one)) for one in given.get("jobs", ()))
        given["papers"] = Papers(given.get("papers", "good"))
        given["paid_until"] = _day(given.get("paid_until"))
        given["accounts"] = tuple(given.get("accounts", cls.accounts))
        return cls(**given)


def _job(given: dict[str, Any]) -> Job:
    for name in ("hired", "left"):
        given[name] = _day(given.get(name))
    for name in ("hourly", "salary"):
        given[name] = Decimal(given[name]) if given.get(name) else None
    return Job(**given)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
