"""The income API: tasks, and those that read a link again."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify

from app.errors import Refused
from app.idempotency import answer_once
from app.routes.income.blueprint import (
    answers,
    blueprint,
    client,
    page,
    part_of,
    read,
    said,
    takes,
    wrong,
)
from app.routes.income.users import sealed_account
from app.shapes import income as shape
from app.shapes import income_schemas as schemas
from app.shapes.fault import Fault
from app.shapes.incoming import RepeatableHeaders
from app.wiring import wiring
from config.sealing import SealingKeyMissing, SealUnopened, unseal
from tasks.job import lists, store
from tasks.records import income_links, income_secrets, income_tasks

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tasks.job.dispatch import Dispatch
    from tasks.job.record import Job
    from tasks.records.income_tasks import AccountTask


@blueprint.route("/v1/tasks/<task_id>/", methods=["GET"])
@answers(200, schemas.TaskInfo)
def show_task(task_id: str) -> Response:
    """Poll a task; one that failed is a 200."""
    who = client()
    with wiring().database.statement() as connection:
        job, task = find_task(connection, who, task_id)
    return jsonify(shape.task(job, task, _bridge_token(task)))


@blueprint.route("/v1/tasks/", methods=["GET"])
@blueprint.arguments(schemas.TasksQuery, location="query")
@answers(200, schemas.TaskPage)
def list_tasks(query: dict[str, str]) -> Response:
    """List the client's tasks, or those of one of its users, newest first."""
    who, part = client(), part_of(query)
    user_id = query.get("user_id") or None
    if user_id and not user_id.isprintable():
        raise wrong("user_id", "Not an id.")
    with wiring().database.statement() as connection:
        count = income_tasks.count(connection, who, user_id)
        found = income_tasks.page(connection, who, user_id, limit=part.size, offset=part.offset)
        jobs = lists.by_id(connection, [one.job_id for one in found])
    shown = [
        shape.task(jobs[one.job_id], one, _bridge_token(one))
        for one in found
        if one.job_id in jobs  # it may have been cleared meanwhile
    ]
    return page(part, count, shown)


@blueprint.route("/v1/refresh/tasks/", methods=["POST"])
@blueprint.arguments(RepeatableHeaders, location="headers")
@takes(schemas.NewRefresh)
@answers(201, schemas.TaskId)
def refresh(headers: dict[str, str]) -> Response:
    """Read a link again, without its user, while the provider lets the session live.

    Three times in 24 hours for each access token.
    """
    who, given = client(), read(schemas.NewRefresh())
    token, account = given["access_token"], sealed_account(given["account"])

    def begin(dispatch: Dispatch) -> dict[str, Any]:
        link = income_links.of_access_token(dispatch.connection, who, token)
        if link is None:
            raise wrong("access_token", "Not the access token of a link.")
        product = given["product_type"] or link.product_type
        if product == "deposit_switch" and account is None:
            raise wrong("account", "Missing data for required field.")
        after = income_tasks.refresh_again_after(dispatch.connection, token)
        if after:
            text = "Refresh limit for the access_token exceeded"
            raise Refused(Fault.THROTTLED, text, retry_after=str(math.ceil(after)))
        job = dispatch.add("account_connection", {"link": link.id}, tenant=who)
        income_tasks.add(
            dispatch.connection,
            job,
            client_id=who,
            user_id=link.user_id,
            link_id=link.id,
            product_type=product,
            access_token=token,
        )
        session = income_links.session(dispatch.connection, link.id)
        income_secrets.add(dispatch.connection, job, session=session, account=account)
        return {"task_id": job}

    asked = ["refresh", token, given["product_type"], json.dumps(given["account"], default=str)]
    answer = answer_once(f"income {who}", headers.get("idempotency_key"), asked, begin)
    return said(201, answer)


@blueprint.route("/v1/refresh/tasks/<task_id>/", methods=["GET"])
@answers(200, schemas.RefreshTask)
def show_refresh(task_id: str) -> Response:
    """Poll a task that reads a link again."""
    who = client()
    with wiring().database.statement() as connection:
        job, task = find_task(connection, who, task_id)
    if not task.is_refresh:
        raise Refused(Fault.NOT_FOUND)
    return jsonify(shape.refresh(job))


def find_task(connection: Connection, who: str, task_id: str) -> tuple[Job, AccountTask]:
    """Return a client's own task.

    Raises:
        Refused: it has none of this id, whoever else has.
    """
    is_text = task_id.isprintable()
    task = income_tasks.get(connection, task_id) if is_text else None
    job = store.get(connection, task_id) if task and task.client_id == who else None
    if task is None or job is None:
        raise Refused(Fault.NOT_FOUND)
    return job, task


def _bridge_token(task: AccountTask) -> str | None:
    """Return the token that a login came with, if it can still be read."""
    if task.bridge_token is None:
        return None
    try:
        found: str = json.loads(unseal(wiring().settings, task.bridge_token))
    except (SealingKeyMissing, SealUnopened):
        return None
    return found
