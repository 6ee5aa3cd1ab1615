"""What every path of the voting API shares: its errors, how it reads, and how it accepts work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Response, jsonify, url_for
from flask_smorest import Blueprint

from app.errors import Refused
from app.reference import json_body
from app.shapes.elections_schemas import JobAccepted
from app.shapes.fault import Fault
from app.shapes.voting_schemas import VotingError
from app.wiring import wiring
from tasks.job import lists

if TYPE_CHECKING:
    from collections.abc import Callable

    from marshmallow import Schema
    from sqlalchemy import Connection

View = TypeVar("View")

blueprint = Blueprint("voting", __name__, description="The voting API, as Vocdoni documents it.")
every_error = blueprint.alt_response("default", schema=VotingError, description="Every error.")
BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
#: What groups, censuses and processes are known by.
HEX_ID = re.compile(r"[0-9a-f]{24}")


def takes(schema: type[Schema]) -> Callable[[View], View]:
    """Document the body that an operation needs."""
    return blueprint.doc(requestBody=json_body(schema))  # type: ignore[no-any-return]


def answers(schema: type[Schema], *, status: int = 200) -> Callable[[View], View]:
    """Document what an operation answers, and what its errors look like."""

    def document(view: View) -> View:
        return every_error(blueprint.response(status, schema)(view))  # type: ignore[no-any-return]

    return document


#: Of operations that a credential of the organization is needed for.
guarded = blueprint.doc(security=BEARER)


def accept(view: View) -> View:
    """Document that an operation answers with the job that will do it."""
    location = {"Location": {"schema": {"type": "string"}, "description": "Where to poll it."}}
    documented = blueprint.response(202, JobAccepted, headers=location)(view)
    return every_error(documented)  # type: ignore[no-any-return]


def accepted(answer: dict[str, Any]) -> Response:
    """Return the answer that names a job, with where to poll it, under whatever prefix we are."""
    response = jsonify(answer)
    response.status_code = 202
    response.headers["Location"] = url_for("jobs.show_job", job_id=answer["jobId"])
    return response


def check_queue(connection: Connection, more: int = 1) -> None:
    """Refuse so many jobs for the chain where there are as many as there may be.

    Raises:
        Refused: nothing may be accepted now.
    """
    limit = wiring().settings.chain_queue_limit
    if lists.in_line(connection, "chain", most=limit) + more > limit:
        raise Refused(Fault.QUEUE_FULL)
