"""The income API: what a user's browser does, by the bridge token alone, to sign in.

A client's secret has no place in a browser, so its headers are not asked for here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request

from app.errors import Refused
from app.idempotency import answer_once
from app.routes.income.blueprint import (
    SECURITY,
    answers,
    blueprint,
    client,
    read,
    said,
    takes,
    throttle,
    wrong,
)
from app.routes.income.links import public_token
from app.routes.income.tasks import find_task
from app.routes.income.users import sealed
from app.shapes import income_schemas as schemas
from app.shapes.fault import Fault
from app.shapes.incoming import RepeatableHeaders
from app.wiring import wiring
from tasks.job import store
from tasks.job.dispatch import dispatching
from tasks.records import income_links, income_secrets, income_tasks, income_users
from tasks.webhooks.account_tasks import status

if TYPE_CHECKING:
    from flask import Response
    from sqlalchemy import Connection

    from tasks.job.dispatch import Dispatch
    from tasks.records.income_users import Bridge


@blueprint.route("/v1/bridge/login/", methods=["POST"])
@blueprint.arguments(RepeatableHeaders, location="headers")
@takes(schemas.BridgeLogin)
@answers(201, schemas.LoggingIn, security=[])
def log_in(headers: dict[str, str]) -> Response:
    """Sign a user in at a provider, and read their account.

    The bridge token says for whom. Credentials are sealed, and gone when the task ends.
    """
    given = read(schemas.BridgeLogin())
    bridge = _bridge(given["bridge_token"])
    credentials = {name: given[name] for name in ("username", "password", "company")}
    kept = sealed(credentials)

    def begin(dispatch: Dispatch) -> dict[str, Any]:
        if not income_users.hold(dispatch.connection, bridge.user_id):
            raise Refused(Fault.UNAUTHENTICATED)
        link_id = _link(dispatch.connection, bridge, given["provider_id"])
        return _begin(dispatch, bridge, link_id, given["bridge_token"], kept)

    # Nobody can guess what was sent from what is kept of it: the token is in it, too.
    asked = ["login", given["bridge_token"], given["provider_id"], credentials]
    scope, key = f"income {bridge.client_id}", headers.get("idempotency_key")
    answer = answer_once(scope, key, asked, begin)
    return said(201, {**answer, "public_token": public_token(answer["link_id"])})


def _link(connection: Connection, bridge: Bridge, provider_id: str) -> str:
    """Return the link that is connected again, or a new one."""
    if bridge.link_id is None:
        return income_links.add(
            connection,
            user_id=bridge.user_id,
            provider_id=provider_id,
            product_type=bridge.product_type,
        )
    link = income_links.find(connection, bridge.client_id, bridge.link_id)
    if link is None:  # it was removed a moment ago, and the token with it
        raise Refused(Fault.UNAUTHENTICATED)
    if link.provider_id != provider_id:
        raise wrong("provider_id", "Not the provider of the link that is to be connected again.")
    return link.id


def _begin(
    dispatch: Dispatch, bridge: Bridge, link_id: str, bridge_token: str, credentials: bytes
) -> dict[str, Any]:
    job = dispatch.add("account_connection", {"link": link_id}, tenant=bridge.client_id)
    income_tasks.add(
        dispatch.connection,
        job,
        client_id=bridge.client_id,
        user_id=bridge.user_id,
        link_id=link_id,
        product_type=bridge.product_type,
        tracking_info=bridge.tracking_info,
        order_id=bridge.order_id,
        bridge_token=sealed(bridge_token),
    )
    income_secrets.add(dispatch.connection, job, credentials=credentials, account=bridge.account)
    return {"task_id": job, "link_id": link_id}


@blueprint.route("/v1/tasks/<task_id>/mfa/", methods=["POST"])
@takes(schemas.MfaCode)
@answers(202, schemas.TaskId, security=[*SECURITY, {}])
def give_code(task_id: str) -> Response:
    """Give a task the code that it waits for, by the bridge token or as its client."""
    given = read(schemas.MfaCode())
    bridge = None if _has_keys() or not given["bridge_token"] else _bridge(given["bridge_token"])
    who = bridge.client_id if bridge else client()
    code = sealed(given["code"])
    with dispatching(wiring().database, wiring().ringer) as dispatch:
        _, task = find_task(dispatch.connection, who, task_id)
        if bridge and task.user_id != bridge.user_id:
            raise Refused(Fault.NOT_FOUND)
        store.lock(dispatch.connection, [task_id])
        job, _ = find_task(dispatch.connection, who, task_id)
        is_waiting = status(job) == "mfa"
        if not is_waiting or not income_secrets.give_code(dispatch.connection, task_id, code):
            raise wrong("code", "The task does not wait for a code.")
        dispatch.wake([task_id])
    return said(202, {"task_id": task_id})


def _has_keys() -> bool:
    return "X-Access-Client-Id" in request.headers


def _bridge(token: str) -> Bridge:
    """Return what a bridge token stands for.

    Raises:
        Refused: nobody knows it, its time is over, or its client asks too often.
    """
    with wiring().database.statement() as connection:
        found = income_users.bridge(connection, token)
    if found is None:
        raise Refused(Fault.UNAUTHENTICATED)
    if found.is_expired:
        raise Refused(Fault.TOKEN_EXPIRED)
    throttle(found.client_id)
    return found
