"""The voting API: signed votes, one or many at a time."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify

from app.ballots import Ballot, examine
from app.body import read_fields, read_object
from app.errors import Refused
from app.idempotency import answer_once
from app.routes.voting.blueprint import (
    accept,
    accepted,
    answers,
    blueprint,
    check_queue,
    takes,
)
from app.shapes import elections_schemas as schemas
from app.shapes.fault import Fault
from app.shapes.incoming import RepeatableHeaders
from app.shapes.voting import error
from tasks.job.errors import GateHeld

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.job.dispatch import Dispatch


#: The largest body with one vote; bytes. Anybody may send one.
MOST_VOTE_BYTES = 64 * 1024


@blueprint.route("/vote", methods=["POST"])
@blueprint.arguments(RepeatableHeaders, location="headers")
@takes(schemas.Vote)
@accept
def relay_vote(headers: dict[str, str]) -> Response:
    """Relay a signed vote to the chain, by a job that is polled; the signature is the credential.

    What the contract would refuse is refused here, with the reason.
    """
    payload = read_fields(schemas.Vote(), most=MOST_VOTE_BYTES)["txPayload"]

    def dispatch_it(dispatch: Dispatch) -> dict[str, Any]:
        check_queue(dispatch.connection)
        (found,) = _relay(dispatch, [payload])
        if isinstance(found, Refused):
            raise found
        return {"jobId": found}

    key = headers.get("idempotency_key")
    return accepted(answer_once(_scope([payload]), key, [payload], dispatch_it))


@blueprint.route("/votes", methods=["POST"])
@blueprint.arguments(RepeatableHeaders, location="headers")
@takes(schemas.VoteBatch)
@answers(schemas.VoteOutcomes, status=202)
def relay_votes(headers: dict[str, str]) -> Response:
    """Relay up to 1000 signed votes, a job for each; what is refused says so in its place."""
    given = _votes()

    def dispatch_them(dispatch: Dispatch) -> dict[str, Any]:
        check_queue(dispatch.connection, len(given))
        found = iter(_relay(dispatch, [one for one in given if one is not None]))
        outcomes = [_malformed() if one is None else next(found) for one in given]
        return {
            "jobs": [
                {"jobId": one} if isinstance(one, str) else error(one.fault, one.detail)[1]
                for one in outcomes
            ]
        }

    key = headers.get("idempotency_key")
    response = jsonify(answer_once(_scope(given), key, given, dispatch_them))
    response.status_code = 202
    return response


def _votes() -> list[str | None]:
    """Return the payloads that the body of this request brings; None for what is none."""
    given = read_object().get("votes")
    if not isinstance(given, list) or not 1 <= len(given) <= schemas.MOST_VOTES:
        raise Refused(Fault.BAD_BODY, f"votes: From 1 to {schemas.MOST_VOTES} of them.")
    payloads = [one.get("txPayload") if isinstance(one, dict) else None for one in given]
    return [one if isinstance(one, str) else None for one in payloads]


def _malformed() -> Refused:
    return Refused(Fault.BAD_BODY, "txPayload is not a text")


def _scope(payloads: Sequence[str | None]) -> str:
    """Return whose keys a public request uses: of those alone who send the very same votes."""
    return f"votes {hashlib.sha256(json.dumps(payloads).encode()).hexdigest()}"


def _relay(dispatch: Dispatch, payloads: Sequence[str]) -> list[str | Refused]:
    """Record the jobs that relay votes, each for the process's owner.

    Returns the job of each vote, or why it has none.
    """
    while True:
        found = examine(dispatch.connection, payloads)
        new = [one for one in found if isinstance(one, Ballot) and one.job is None]
        given = [
            (one.process.org, {"vote": one.payload, "nullifier": one.nullifier}) for one in new
        ]
        try:
            ids = iter(dispatch.add_many("relay_vote", given) if given else ())
        except GateHeld:  # a vote of one of these voters came a moment ago: now it is known
            continue
        return [one.job or next(ids) if isinstance(one, Ballot) else one for one in found]
