"""Votes that are on chain, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


class Cast(NamedTuple):
    """A vote as the chain has it; bytes are 0x and hexadecimal digits."""

    #: The vote's id: what its voter can use in the process once.
    nullifier: str
    voter: str
    weight: int
    #: One byte for each question: the number of the choice.
    package: str
    transaction: str
    block: int


class Sum(NamedTuple):
    """What one choice of one question has come to."""

    question: int
    choice: int
    votes: int
    weight: int


_ADD = text("""
    INSERT INTO votes (process, nullifier, voter, weight, package, transaction, block)
    SELECT number, :nullifier, :voter, :weight, decode(substring(:package FROM 3), 'hex'),
           :transaction, :block
    FROM processes WHERE address = :process
    ON CONFLICT (process, nullifier) DO NOTHING
""")
_USED = text("""
    SELECT nullifier FROM votes WHERE process = ANY(:processes) AND nullifier = ANY(:nullifiers)
""")
_ON_THEIR_WAY = text("""
    SELECT gate, id, payload ->> 'vote' AS vote FROM jobs
    WHERE type = 'relay_vote' AND gate = ANY(:nullifiers) AND finished_at IS NULL ORDER BY seq DESC
""")
_PAGE = text("""
    SELECT nullifier, voter, weight, '0x' || encode(package, 'hex'), transaction, block FROM votes
    WHERE process = :process ORDER BY no LIMIT :limit OFFSET :offset
""")
_COUNT = text("SELECT count(*), coalesce(sum(weight), 0) FROM votes WHERE process = :process")
_TALLY = text("""
    SELECT question, get_byte(package, question) AS choice, count(*), sum(weight)
    FROM votes CROSS JOIN generate_series(0, CAST(:questions AS integer) - 1) AS question
    WHERE process = :process GROUP BY question, choice
""")


def add(connection: Connection, process: str, vote: Cast) -> None:
    """Keep a vote in the process at an address; one that is there already stays as it is."""
    connection.execute(_ADD, {"process": process, **vote._asdict()})


def used(
    connection: Connection, processes: Sequence[int], nullifiers: Sequence[str]
) -> frozenset[str]:
    """Return those of the nullifiers that votes in these processes have."""
    asked = {"processes": list(processes), "nullifiers": list(nullifiers)}
    return frozenset(connection.execute(_USED, asked).scalars())


class Relay(NamedTuple):
    """A job that is to bring a vote to the chain."""

    job: str
    #: The vote as it came.
    vote: str


def on_their_way(connection: Connection, nullifiers: Sequence[str]) -> dict[str, Relay]:
    """Return the votes that are on their way to the chain, by those of the nullifiers they have."""
    rows = connection.execute(_ON_THEIR_WAY, {"nullifiers": list(nullifiers)})
    return {row.gate: Relay(row.id, row.vote) for row in rows}


def count(connection: Connection, process: int) -> tuple[int, int]:
    """Return how many votes there are in a process, and the sum of their weights."""
    votes, weight = connection.execute(_COUNT, {"process": process}).one()
    return votes, int(weight)


def page(connection: Connection, process: int, *, limit: int, offset: int) -> list[Cast]:
    """Return a page of the votes in a process, in the order in which they became known."""
    asked: dict[str, Any] = {"process": process, "limit": limit, "offset": offset}
    rows = connection.execute(_PAGE, asked)
    return [Cast(row[0], row[1], int(row[2]), *row[3:]) for row in rows]


def tally(connection: Connection, process: int, questions: int) -> list[Sum]:
    """Return what each choice that got votes has come to."""
    rows = connection.execute(_TALLY, {"process": process, "questions": questions})
    return [Sum(row[0], row[1], row[2], int(row[3])) for row in rows]
