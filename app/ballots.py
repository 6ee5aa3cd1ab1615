"""Votes at the door: what the contract would refuse is refused before it costs a transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from app.errors import Refused
from app.shapes.fault import Fault
from tasks.records import ledger, processes, votes

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from sqlalchemy import Connection

    from tasks.ledger.ballots import Vote
    from tasks.records.ledger import Registry
    from tasks.records.processes import Process
    from tasks.records.votes import Relay


class Ballot(NamedTuple):
    """A vote that the contract would count now, as far as we know."""

    #: The vote as it came.
    payload: str
    process: Process
    nullifier: str
    #: The job that relays this very vote already, if one does.
    job: str | None = None


def examine(connection: Connection, payloads: Sequence[str]) -> list[Ballot | Refused]:
    """Return the vote in each payload, or why it is refused.

    Raises:
        Refused: there is no ledger yet.
    """
    read = [_read(payload) for payload in payloads]
    good = [vote for vote in read if not isinstance(vote, Refused)]
    if not good:
        return [one for one in read if isinstance(one, Refused)]
    registry = ledger.registry(connection)
    if registry is None:
        raise Refused(Fault.UNAVAILABLE, "the ledger is not set up")
    known = processes.at(connection, [_address(vote) for vote in good])
    now = datetime.now(UTC)
    judged = [
        vote
        if isinstance(vote, Refused)
        else _judged(payload, vote, known.get(_address(vote)), registry, now)
        for payload, vote in zip(payloads, read, strict=True)
    ]
    return _once(connection, judged)


def _read(payload: str) -> Vote | Refused:
    # What it imports takes a sixth of a second and 28 MB, which only those who bring votes need.
    from tasks.ledger import ballots  # noqa: PLC0415

    try:
        return ballots.read_vote(payload)
    except ballots.BallotInvalid as invalid:
        return Refused(Fault.BAD_TRANSACTION, str(invalid))


def _address(vote: Vote) -> str:
    return f"0x{vote.process_id.hex()}"


def _judged(
    payload: str, vote: Vote, process: Process | None, registry: Registry, now: datetime
) -> Ballot | Refused:
    if process is None:
        return Refused(Fault.BAD_TRANSACTION, "unknown process")
    found = judge(vote, process, registry, now)
    if found.fault:
        return Refused(Fault.BAD_TRANSACTION, found.fault)
    return Ballot(payload, process, found.nullifier)


class Judgement(NamedTuple):
    """What a vote is known by, or in a few words why it cannot be counted."""

    nullifier: str = ""
    fault: str = ""


def judge(vote: Vote, process: Process, registry: Registry, now: datetime) -> Judgement:
    """Look at a vote as the contract will, as far as one can without knowing other votes."""
    from tasks.ledger import ballots, merkle  # noqa: PLC0415

    closed = _closed(process, now)
    if closed:
        return Judgement(fault=closed)
    if not _is_filled_in(vote.package, process.choices):
        return Judgement(fault="the vote package does not answer the questions")
    digest = ballots.vote_digest(*registry, vote.process_id, vote.package)
    voter = ballots.recover(digest, vote.v, vote.r, vote.s)
    if voter is None:
        return Judgement(fault="the signature is not valid")
    root = bytes.fromhex((process.census_root or "")[2:])
    if not merkle.is_member(root, merkle.leaf(voter, vote.weight), vote.proof):
        return Judgement(fault="the signer is not in the census with this weight")
    return Judgement(nullifier=f"0x{ballots.nullifier(voter, vote.process_id).hex()}")


def _closed(process: Process, now: datetime) -> str:
    """Say why a process takes no votes; empty if it does."""
    if process.status != "READY":
        return f"the process is {process.status}"
    if process.start_at is not None and now < process.start_at:
        return "the process has not begun"
    if process.end_at is not None and now >= process.end_at:
        return "the process is over"
    return ""


def _is_filled_in(package: bytes, choices: bytes) -> bool:
    return len(package) == len(choices) and all(
        choice < count for choice, count in zip(package, choices, strict=True)
    )


def _once(connection: Connection, judged: Sequence[Ballot | Refused]) -> list[Ballot | Refused]:
    """Refuse votes whose voters have a vote in the process, or another on its way or among these.

    The same vote, sent again while it is on its way, is the same job.
    """
    good = [one for one in judged if isinstance(one, Ballot)]
    numbers = {one.process.number for one in good}
    nullifiers = [one.nullifier for one in good]
    used = set(votes.used(connection, list(numbers), nullifiers))
    relayed = votes.on_their_way(connection, nullifiers)
    found: list[Ballot | Refused] = []
    for one in judged:
        first = one
        if isinstance(one, Ballot):
            first = _first(one, used, relayed.get(one.nullifier))
        if isinstance(first, Ballot):
            used.add(first.nullifier)
        found.append(first)
    return found


def _first(ballot: Ballot, used: Container[str], relayed: Relay | None) -> Ballot | Refused:
    if ballot.nullifier in used:
        return Refused(Fault.BAD_TRANSACTION, "nullifier already used")
    if relayed is None:
        return ballot
    if _digits(relayed.vote) == _digits(ballot.payload):
        return ballot._replace(job=relayed.job)
    return Refused(Fault.BAD_TRANSACTION, "another vote with this nullifier is on its way")


def _digits(payload: str) -> str:
    return payload.lower().removeprefix("0x")
