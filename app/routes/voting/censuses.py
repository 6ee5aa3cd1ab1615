"""The voting API: censuses, and the proofs out of those that are published."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify, request

from app import access
from app.body import read_fields
from app.errors import Refused
from app.idempotency import answer_once
from app.pages import page_of
from app.routes.voting.blueprint import (
    HEX_ID,
    accept,
    accepted,
    answers,
    blueprint,
    every_error,
    guarded,
    takes,
)
from app.shapes import elections as shape
from app.shapes import elections_schemas as schemas
from app.shapes.fault import Fault
from app.shapes.incoming import RepeatableHeaders
from app.shapes.voting import pagination
from app.shapes.voting_schemas import PageQuery
from app.wiring import wiring
from tasks.ledger.merkle import places
from tasks.records import censuses, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from config.database import Database
    from tasks.job.dispatch import Dispatch
    from tasks.records.censuses import Census

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_LINES = "application/x-ndjson"
#: Participants that are read together for a list of all of them.
_READ_TOGETHER = 5000


@blueprint.route("/census", methods=["POST"])
@guarded
@takes(schemas.NewCensus)
@answers(schemas.Made)
def add_census() -> Response:
    """Make an empty census."""
    access.bearer()
    given = read_fields(schemas.NewCensus())
    with wiring().database.statement() as connection:
        organization = access.organization(connection, given["orgAddress"], "census:write")
        made = censuses.add(connection, organization.id, auth_fields=given["authFields"])
    return jsonify({"id": made})


@blueprint.route("/census/<census_id>", methods=["GET"])
@guarded
@answers(schemas.Census)
def show_census(census_id: str) -> Response:
    """Show a census to its organization."""
    with wiring().database.statement() as connection:
        return jsonify(shape.census(_own(connection, census_id, "census:read")))


@blueprint.route("/census/<census_id>", methods=["POST"])
@blueprint.arguments(RepeatableHeaders, location="headers")
@guarded
@takes(schemas.NewParticipants)
@accept
def add_participants(headers: dict[str, str], census_id: str) -> Response:
    """Add members to a census, by a job that is polled; who is in it already stays there.

    A member's address, which an import brings as `address`, is the key that they vote with.
    """
    with wiring().database.statement() as connection:
        census = _own(connection, census_id, "census:write")
    given = read_fields(schemas.NewParticipants())
    named, group_id = given.get("memberIds", []), given.get("groupId")

    def dispatch_it(dispatch: Dispatch) -> dict[str, Any]:
        _check_open(dispatch.connection, census)
        total = len(named)
        if group_id is not None:
            group = groups.find(dispatch.connection, census.org_id, group_id)
            if group is None:
                raise Refused(Fault.NO_GROUP)
            total = group.size
        payload = {"census": census.id, "action": "add", "group": group_id, "total": total}
        job_id = dispatch.add("census_participants", payload, tenant=census.org)
        censuses.name(dispatch.connection, job_id, named)
        return {"jobId": job_id}

    asked = [
        "participants",
        census.id,
        group_id,
        hashlib.sha256(json.dumps(named).encode()).hexdigest(),
    ]
    key = headers.get("idempotency_key")
    return accepted(answer_once(f"voting {census.org}", key, asked, dispatch_it))


def _check_open(connection: Connection, census: Census) -> None:
    """Refuse a census that is published; one that is about to be, its job refuses."""
    found = censuses.find(connection, census.id)
    if found is not None and found.root is not None:
        raise Refused(Fault.BAD_CENSUS, "it is published")


@blueprint.route("/census/<census_id>/publish", methods=["POST"])
@blueprint.arguments(RepeatableHeaders, location="headers")
@guarded
@accept
def publish_census(headers: dict[str, str], census_id: str) -> Response:
    """Fix a census under the root of its tree, by a job that is polled; once for all."""
    with wiring().database.statement() as connection:
        census = _own(connection, census_id, "census:write")

    def dispatch_it(dispatch: Dispatch) -> dict[str, Any]:
        payload = {"census": census.id, "action": "publish"}
        return {"jobId": dispatch.add("census_participants", payload, tenant=census.org)}

    asked = ["publish census", census.id]
    key = headers.get("idempotency_key")
    return accepted(answer_once(f"voting {census.org}", key, asked, dispatch_it))


@blueprint.route("/census/<census_id>/participants", methods=["GET"])
@blueprint.arguments(PageQuery, location="query")
@blueprint.doc(
    responses={
        "200": {
            "content": {
                "application/json": {"schema": schemas.ParticipantPage},
                _LINES: {"schema": {"type": "string"}},
            }
        }
    }
)
@every_error
def list_participants(query: dict[str, str], census_id: str) -> Response:
    """List the participants of a published census, in the order of the tree's leaves.

    By pages, or all of them with `Accept: application/x-ndjson`.
    """
    with wiring().database.statement() as connection:
        census = _published(connection, census_id)
        if request.accept_mimetypes.best_match(["application/json", _LINES]) == _LINES:
            return Response(_lines(wiring().database, census), mimetype=_LINES)
        page = page_of(query, census.size)
        found = censuses.participants(connection, census.number, page.offset, limit=page.limit)
    shown = {"pagination": pagination(census.size, page.number, page.last)}
    return jsonify({**shown, "participants": [shape.participant(one) for one in found]})


def _lines(database: Database, census: Census) -> Iterator[str]:
    for first in range(0, census.size, _READ_TOGETHER):
        with database.statement() as connection:
            found = censuses.participants(connection, census.number, first, limit=_READ_TOGETHER)
        yield "".join(f"{json.dumps(shape.participant(one))}\n" for one in found)


@blueprint.route("/census/<census_id>/proof/<address>", methods=["GET"])
@answers(schemas.Proof)
def show_proof(census_id: str, address: str) -> Response:
    """Show what proves that a voter is in a published census."""
    if not _ADDRESS.fullmatch(address):
        raise Refused(Fault.BAD_PARAMETER, "malformed address")
    with wiring().database.statement() as connection:
        census = _published(connection, census_id)
        found = censuses.number_of(connection, census.number, address.lower())
        if found is None:
            raise Refused(Fault.NO_PARTICIPANT)
        no, weight = found
        nodes = censuses.nodes(connection, census.number, places(no, census.size))
        return jsonify(shape.proof(census.root, weight, nodes))


def _find(connection: Connection, census_id: str) -> Census:
    found = censuses.find(connection, census_id) if HEX_ID.fullmatch(census_id) else None
    if found is None:
        raise Refused(Fault.NO_CENSUS)
    return found


def _own(connection: Connection, census_id: str, scope: str) -> Census:
    """Return a census that this request may act on in the way of the scope."""
    access.bearer()
    found = _find(connection, census_id)
    access.organization(connection, found.org, scope)
    return found


def _published(connection: Connection, census_id: str) -> Census:
    """Return a census as anybody may see it: not before it is published."""
    found = _find(connection, census_id)
    if found.root is None:
        raise Refused(Fault.NO_CENSUS, "it is not published")
    return found
