"""Somebody's documents: which there are, and their bytes, in the state that they are in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tasks.providers.sandbox.paper import stub_of
from tasks.providers.sandbox.payroll import payments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tasks.providers.sandbox.payroll import Pay
    from tasks.providers.sandbox.people import Job, Person

#: The size of a document that is far too large, and of the pieces it is sent in; bytes.
VAST, PIECE = 200 * 1024 * 1024, 64 * 1024


def today(person: Person) -> date:
    """Return the last day that somebody can have been paid on."""
    return person.paid_until or datetime.now(UTC).date()


def stubs(person: Person, job: Job) -> list[Pay]:
    """Return the pay days of the last year in one job, the newest first."""
    return payments(job, today(person))[::-1]


def stub(person: Person, document: str) -> bytes | None:
    """Return a pay statement, or None where there is none of this id."""
    for job in person.jobs:
        if document.startswith(f"{job.id}-"):
            for place, pay in enumerate(stubs(person, job)):
                if pay.id == document:
                    return stub_of(person, pay, newest=place == 0)
    return None


def vast() -> Iterator[bytes]:
    """Return a document that nobody wants, in pieces."""
    yield b"%PDF-1.7\n".ljust(PIECE)
    for _ in range(VAST // PIECE - 1):
        yield bytes(PIECE)
