"""The poll that two APIs have at one root: the id says which of them is asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify
from flask_smorest import Blueprint

from app.errors import Refused
from app.routes.credentials.blueprint import caller
from app.shapes import credentials, voting
from app.shapes.credentials_schemas import CredentialsError, TransactionPoll
from app.shapes.fault import Fault
from app.shapes.voting_schemas import JobPoll, VotingError
from app.wiring import wiring
from tasks.job import store
from tasks.job.declare import JOB_TYPES
from tasks.job.states import State
from tasks.records import transactions

if TYPE_CHECKING:
    from marshmallow import Schema

blueprint = Blueprint("jobs", __name__, description="Polls of the voting and credentials APIs.")
_TRANSACTION_ID = re.compile(credentials.JOB_ID)


def _either(one: type[Schema], other: type[Schema], description: str) -> dict[str, Any]:
    """Document an answer that has the form of one API or the other's."""
    content = {"application/json": {"schema": {"oneOf": [one, other]}}}
    return {"description": description, "content": content}


@blueprint.route("/jobs/<job_id>", methods=["GET"])
@blueprint.doc(
    security=[{}, {"bearer": []}, {"accountKey": []}],
    responses={
        "200": _either(JobPoll, TransactionPoll, "The job."),
        "default": _either(VotingError, CredentialsError, "Every error."),
    },
)
def show_job(job_id: str) -> Response:
    """Poll a job; a failed one is a 200.

    An id of 1 to 20 digits is that of a transaction, which its account alone may see. Every other
    job is public for whoever knows its id.
    """
    # Before credentials are looked at: a bad one on a public call is no error.
    is_transaction = _TRANSACTION_ID.fullmatch(job_id) is not None
    return _transaction(job_id) if is_transaction else _voting(job_id)


def _voting(job_id: str) -> Response:
    with wiring().database.statement() as connection:
        job = store.standing(connection, job_id) if job_id.isprintable() else None
    kind = JOB_TYPES.get(job.type) if job else None
    if job is None or kind is None or kind.api != "voting":
        raise Refused(Fault.NO_JOB)
    return jsonify(voting.job(job))


def _transaction(job_id: str) -> Response:
    account = caller()
    with wiring().database.statement() as connection:
        job = store.get(connection, job_id)
        if job is None or job.tenant != account or job.type != "ledger_transaction":
            raise Refused(Fault.NO_JOB)
        is_failed = job.state is State.FAILED
        encoded = transactions.raw_of_job(connection, job_id) if is_failed else None
    return jsonify(credentials.job(job, encoded))
