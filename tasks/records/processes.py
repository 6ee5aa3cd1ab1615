"""Voting processes: drafts, and what the chain says of those that are published."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tasks.records.groups import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Process:
    """A vote on some questions."""

    number: int
    #: 24 hexadecimal digits: ours, from the draft on.
    id: str
    #: The address of the organization.
    org: str
    census_id: str
    #: Of the census, once that is published: where it is, and 0x and 64 hexadecimal digits.
    census_uri: str | None
    census_root: str | None
    title: str
    description: str
    #: Each with a title and its choices, each of which has a title.
    questions: Sequence[Mapping[str, Any]]
    #: When votes begin to count; of a draft, null if that is when it is published.
    start_at: datetime | None
    #: When they end; null if they do not, or that depends on when a draft is published.
    end_at: datetime | None
    #: Seconds from the start to the end, where that is how the end of a draft is said.
    duration: int | None
    #: 0: as many as the census names.
    max_voters: int
    #: The last job that was to publish it.
    publish_job: str | None
    #: 0x and 62 hexadecimal digits: where it is on chain, once it is.
    address: str | None
    #: What the chain says it is: READY, PAUSED, ENDED, CANCELED or RESULTS.
    status: str | None
    published_at: datetime | None
    created_at: datetime

    @property
    def choices(self) -> bytes:
        """How many choices each question has, a byte for each."""
        return bytes(len(question["choices"]) for question in self.questions)


_SELECT = """
    SELECT processes.number, processes.id, organizations.address AS org,
           censuses.id AS census_id, censuses.uri AS census_uri, censuses.root AS census_root,
           title, description, questions, start_at, end_at, duration, max_voters, publish_job,
           processes.address, status, processes.published_at, processes.created_at
    FROM processes
    JOIN organizations ON organizations.id = processes.org_id
    JOIN censuses ON censuses.number = processes.census
"""
_ADD = text("""
    INSERT INTO processes (id, org_id, census, title, description, questions, start_at, end_at,
                           duration, max_voters)
    VALUES (:id, :org_id, :census, :title, :description, CAST(:questions AS jsonb), :start_at,
            :end_at, :duration, :max_voters)
""")
_FIND = text(f"{_SELECT} WHERE processes.id = :id")
_AT = text(f"{_SELECT} WHERE processes.address = ANY(:addresses)")
_LOCK = text("SELECT number FROM processes WHERE id = :id FOR NO KEY UPDATE")


def add(connection: Connection, org_id: int, census: int, draft: Mapping[str, Any]) -> str:
    """Keep a draft and return its id."""
    process_id = new_id()
    made = {**draft, "id": process_id, "org_id": org_id, "census": census}
    connection.execute(_ADD, {**made, "questions": json.dumps(draft["questions"])})
    return process_id


def find(connection: Connection, process_id: str) -> Process | None:
    """Return a process by our own id."""
    row = connection.execute(_FIND, {"id": process_id}).mappings().first()
    return Process(**row) if row else None


def lock(connection: Connection, process_id: str) -> Process | None:
    """Return a process that nobody else publishes until the transaction ends."""
    connection.execute(_LOCK, {"id": process_id})
    return find(connection, process_id)


def at(connection: Connection, addresses: Sequence[str]) -> dict[str, Process]:
    """Return the processes that are at these addresses on chain, by address."""
    rows = connection.execute(_AT, {"addresses": list(addresses)}).mappings()
    return {row["address"]: Process(**row) for row in rows}


_PUBLISHING = text("UPDATE processes SET publish_job = :job WHERE id = :id")
_PUBLISHED = text("""
    UPDATE processes
    SET address = :address, status = 'READY', status_nonce = :nonce, published_at = now(),
        start_at = :start_at, end_at = :end_at
    WHERE id = :id AND address IS NULL
""")
_STATUS = text("""
    UPDATE processes SET status = :status, status_nonce = :nonce
    WHERE id = :id AND status_nonce < :nonce
""")


def publishing(connection: Connection, process_id: str, job: str) -> None:
    """Note which job is to publish a process. The process's lock must be held."""
    connection.execute(_PUBLISHING, {"id": process_id, "job": job})


def published(
    connection: Connection,
    process_id: str,
    *,
    address: str,
    nonce: int,
    start_at: datetime,
    end_at: datetime | None,
) -> None:
    """Note that a transaction has put a process on chain, ready for votes between two times."""
    made = {"id": process_id, "address": address, "nonce": nonce}
    connection.execute(_PUBLISHED, {**made, "start_at": start_at, "end_at": end_at})


def set_status(connection: Connection, process_id: str, status: str, *, nonce: int) -> None:
    """Note the status that a transaction brought a process to, unless a later one is known.

    Only its creator moves a process on, and an account's transactions are mined by their nonces.
    """
    connection.execute(_STATUS, {"id": process_id, "status": status, "nonce": nonce})
