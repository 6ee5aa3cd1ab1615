"""The operators' API: queues, workers, statistics, failures, and who did what."""

from __future__ import annotations

from flask import Response, jsonify

from app.finding import number, part
from app.routes.ops.blueprint import answers, blueprint, operator
from app.shapes import ops as shape
from app.shapes import ops_schemas as schemas
from app.wiring import wiring
from tasks.records import operators
from tasks.watch import failures, queues, statistics, workers

#: The most hours that statistics go back.
_MOST_HOURS = 24


@blueprint.route("/queues", methods=["GET"])
@answers(schemas.OpsQueues)
def list_queues() -> Response:
    """Show what waits: by queue with its oldest, and by type."""
    operator()
    with wiring().database.statement() as connection:
        found = queues.everyone(connection)
        types = queues.in_flight(connection)
    return jsonify(
        {
            "queues": [shape.queue(one) for one in found],
            "types": [shape.in_flight(one) for one in types],
        }
    )


@blueprint.route("/workers", methods=["GET"])
@answers(schemas.OpsWorkers)
def list_workers() -> Response:
    """Show the workers of the last hour, and what each does."""
    operator()
    with wiring().database.statement() as connection:
        found = workers.everyone(connection)
    return jsonify({"workers": [shape.worker(one) for one in found]})


@blueprint.route("/statistics", methods=["GET"])
@blueprint.arguments(schemas.HoursQuery, location="query")
@answers(schemas.OpsStatistics)
def show_statistics(query: dict[str, str]) -> Response:
    """Show what happened within some hours: in slots of time, and by type."""
    operator()
    hours = number(query, "hours", 1, most=_MOST_HOURS) or 1
    shown = statistics.span(hours)
    with wiring().database.statement() as connection:
        slots = statistics.series(connection, shown)
        types = statistics.summaries(connection, hours=hours)
    return jsonify(
        {
            "slotMinutes": shown.minutes,
            "slots": [shape.slot(one) for one in slots],
            "types": [shape.summary(one) for one in types],
        }
    )


@blueprint.route("/failures", methods=["GET"])
@blueprint.arguments(schemas.HoursQuery, location="query")
@answers(schemas.OpsFailures)
def list_failures(query: dict[str, str]) -> Response:
    """Show what failed within some hours, grouped by the error."""
    operator()
    hours = number(query, "hours", 1, most=_MOST_HOURS) or 1
    with wiring().database.statement() as connection:
        found = failures.groups(connection, hours=hours)
    return jsonify({"failures": [shape.failure(one) for one in found]})


@blueprint.route("/actions", methods=["GET"])
@blueprint.arguments(schemas.ActionsQuery, location="query")
@answers(schemas.OpsActions)
def list_actions(query: dict[str, str]) -> Response:
    """Show what operators did, newest first."""
    operator()
    limit, before = part(query)
    with wiring().database.statement() as connection:
        found = operators.actions(connection, before=before, limit=limit)
    return jsonify({"actions": [shape.action(one) for one in found]})
