"""The voting API: processes, from the draft to the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, jsonify

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
    check_queue,
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
from tasks.job import store
from tasks.records import censuses, ledger, processes, votes

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tasks.job.dispatch import Dispatch
    from tasks.records.processes import Process


@blueprint.route("/process", methods=["POST"])
@guarded
@takes(schemas.NewProcess)
@blueprint.doc(
    responses={
        "200": {
            "description": "Its id.",
            "content": {"application/json": {"schema": {"type": "string"}}},
        }
    },
)
@every_error
def add_process() -> Response:
    """Draft a process: questions for those in a census."""
    access.bearer()
    given = read_fields(schemas.NewProcess())
    with wiring().database.statement() as connection:
        organization = access.organization(connection, given["orgAddress"], "processes:write")
        census = censuses.find(connection, given["censusId"])
        if census is None or census.org_id != organization.id:
            raise Refused(Fault.NO_CENSUS)
        draft = {
            "title": given["title"],
            "description": given["description"],
            "questions": given["questions"],
            "start_at": given["startDate"],
            "end_at": given["endDate"],
            "duration": given["duration"],
            "max_voters": given["maxVoters"],
        }
        return jsonify(processes.add(connection, organization.id, census.number, draft))


@blueprint.route("/process/<process_id>", methods=["GET"])
@answers(schemas.Process)
def show_process(process_id: str) -> Response:
    """Show a process to anybody."""
    with wiring().database.statement() as connection:
        found = _find(connection, process_id)
        return jsonify(shape.process(found, ledger.registry(connection)))


@blueprint.route("/process/<process_id>/publish", methods=["POST"])
@blueprint.arguments(RepeatableHeaders, location="headers")
@guarded
@blueprint.alt_response(200, schema=schemas.Published, description="It is published already.")
@accept
def publish_process(headers: dict[str, str], process_id: str) -> Response:
    """Put a draft on chain, by a job that is polled; one at a time."""
    with wiring().database.statement() as connection:
        org = _own(connection, process_id, "processes:write").org

    def dispatch_it(dispatch: Dispatch) -> dict[str, Any]:
        # Whoever has the process's lock decides alone whether a job is needed.
        found = processes.lock(dispatch.connection, process_id)
        if found is None:
            raise Refused(Fault.NO_PROCESS)
        if found.address is not None:
            return {"address": found.address, "status": found.status}
        _check_unpublished(dispatch.connection, found)
        check_queue(dispatch.connection)
        job_id = dispatch.add("publish_process", {"process": process_id}, tenant=org)
        processes.publishing(dispatch.connection, process_id, job_id)
        return {"jobId": job_id}

    key = headers.get("idempotency_key")
    answer = answer_once(f"voting {org}", key, ["publish process", process_id], dispatch_it)
    return accepted(answer) if "jobId" in answer else jsonify(answer)


def _check_unpublished(connection: Connection, found: Process) -> None:
    """Refuse to publish what a job is about to publish, or what has nobody to vote on it."""
    job = store.get(connection, found.publish_job) if found.publish_job else None
    if job is not None and not job.is_over:
        raise Refused(Fault.PUBLISH_IN_FLIGHT, job.id)
    if found.census_root is None:
        raise Refused(Fault.BAD_CENSUS, "it is not published")


@blueprint.route("/process/<process_id>/status", methods=["PUT"])
@blueprint.arguments(RepeatableHeaders, location="headers")
@guarded
@takes(schemas.NewStatus)
@accept
def change_status(headers: dict[str, str], process_id: str) -> Response:
    """Move a process to another status, by a job that is polled; the contract knows the moves."""
    with wiring().database.statement() as connection:
        found = _own(connection, process_id, "processes:write")
    word = read_fields(schemas.NewStatus())["status"].upper()
    if found.address is None:
        raise Refused(Fault.NO_PROCESS, "it is not published")

    def dispatch_it(dispatch: Dispatch) -> dict[str, Any]:
        check_queue(dispatch.connection)
        payload = {"process": process_id, "status": word}
        return {"jobId": dispatch.add("set_process_status", payload, tenant=found.org)}

    asked = ["process status", process_id, word]
    key = headers.get("idempotency_key")
    return accepted(answer_once(f"voting {found.org}", key, asked, dispatch_it))


@blueprint.route("/process/<process_id>/results", methods=["GET"])
@answers(schemas.Results)
def show_results(process_id: str) -> Response:
    """Show what the votes that are on chain come to, for every choice of every question."""
    with wiring().database.statement() as connection:
        found = _find(connection, process_id)
        total, weight = votes.count(connection, found.number)
        sums = votes.tally(connection, found.number, len(found.questions))
    return jsonify(shape.results(found, total, weight, sums))


@blueprint.route("/process/<process_id>/votes", methods=["GET"])
@blueprint.arguments(PageQuery, location="query")
@answers(schemas.VotePage)
def list_votes(query: dict[str, str], process_id: str) -> Response:
    """List the votes, each with its place on chain, so that anybody can count them again."""
    with wiring().database.statement() as connection:
        found = _find(connection, process_id)
        total, _ = votes.count(connection, found.number)
        page = page_of(query, total)
        listed = votes.page(connection, found.number, limit=page.limit, offset=page.offset)
    shown = {"pagination": pagination(total, page.number, page.last)}
    return jsonify({**shown, "votes": [shape.vote(one) for one in listed]})


def _find(connection: Connection, process_id: str) -> Process:
    found = processes.find(connection, process_id) if HEX_ID.fullmatch(process_id) else None
    if found is None:
        raise Refused(Fault.NO_PROCESS)
    return found


def _own(connection: Connection, process_id: str, scope: str) -> Process:
    """Return a process that this request may act on in the way of the scope."""
    access.bearer()
    found = _find(connection, process_id)
    access.organization(connection, found.org, scope)
    return found
