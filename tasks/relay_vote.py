"""relay_vote: bring a voter's signed vote to the chain; the result is its id, the nullifier.

Of one nullifier one vote is on its way at a time: a second one would cost a transaction that the
contract refuses, and whoever may vote could have that done without end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marshmallow import Schema, fields

from config.failpoints import failpoint
from tasks.job.declare import Gate, hex_id, job_type
from tasks.job.errors import Permanent
from tasks.ledger.transact import Call, transact
from tasks.records import ledger, votes
from tasks.records.votes import Cast

if TYPE_CHECKING:
    from tasks.job.context import Context


class Payload(Schema):
    """The vote as the voter sent it."""

    vote = fields.String(required=True, metadata={"personal": True})
    nullifier = fields.String(required=True)


class Result(Schema):
    """What the vote is known by."""

    vote_id = fields.String(data_key="voteID")


@job_type(
    "relay_vote",
    payload=Payload,
    result=Result,
    queue="chain",
    gate=Gate("nullifier"),
    attempts=10,
    irrevocable_attempts=100,
    backoff_limit=30.0,
    new_id=hex_id(64),
    tidy=ledger.forget,
)
def relay_vote(ctx: Context, vote: str, nullifier: str) -> dict[str, str]:  # noqa: ARG001 - the gate
    """Have the contract count it, and keep what the contract says it counted."""
    from tasks.ledger import ballots  # noqa: PLC0415 - the API must not wait for its imports

    try:
        ballot = ballots.read_vote(vote)
    except ballots.BallotInvalid as invalid:
        raise Permanent("no_vote", str(invalid)) from None
    mined = transact(ctx, Call("ProcessRegistry", "submitVote", ballot.arguments))
    counted = mined.events["VoteCast"]
    cast = Cast(
        nullifier=counted["nullifier"],
        voter=counted["voter"],
        weight=int(counted["weight"]),
        package=counted["votePackage"],
        transaction=mined.hash,
        block=mined.block_number,
    )
    with ctx.step() as step:
        votes.add(step.connection, counted["processId"], cast)
    failpoint("vote.recorded")
    return {"vote_id": cast.nullifier}
