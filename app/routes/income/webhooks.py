"""The income API: webhooks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify, request

from app.errors import Refused
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
from app.shapes import income as shape
from app.shapes import income_schemas as schemas
from app.shapes.fault import Fault
from app.wiring import wiring
from config.sealing import SealingKeyMissing, SealUnopened, unseal
from tasks.clients.webhooks import UrlRefused, read_url
from tasks.records import income_clients, income_hooks
from tasks.webhooks.forms import new_secrets, seal_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

_ID = re.compile("[0-9]{1,18}")


@blueprint.route("/v1/webhooks/", methods=["POST"])
@takes(schemas.NewHook)
@answers(201, schemas.HookInfo)
def add_webhook() -> Response:
    """Have a receiver told of events, signed with the client's access secret."""
    who, given = client(), read(schemas.NewHook())
    _check_url(given)
    with wiring().database.transaction() as connection:
        try:
            sealed = seal_secrets(wiring().settings, new_secrets(_secret(connection, who)))
        except (SealingKeyMissing, SealUnopened):
            raise Refused(Fault.NO_SECRETS) from None
        return said(201, shape.hook(income_hooks.add(connection, who, given, sealed=sealed)))


@blueprint.route("/v1/webhooks/", methods=["GET"])
@blueprint.arguments(schemas.PartQuery, location="query")
@answers(200, schemas.HookPage)
def list_webhooks(query: dict[str, str]) -> Response:
    """List the client's webhooks, oldest first."""
    who, part = client(), part_of(query)
    with wiring().database.statement() as connection:
        count = income_hooks.count(connection, who)
        found = income_hooks.page(connection, who, limit=part.size, offset=part.offset)
    return page(part, count, [shape.hook(one) for one in found])


@blueprint.route("/v1/webhooks/<webhook_id>/", methods=["GET"])
@answers(200, schemas.HookInfo)
def show_webhook(webhook_id: str) -> Response:
    """Show one of the client's webhooks."""
    who, number = client(), _number(webhook_id)
    with wiring().database.statement() as connection:
        found = income_hooks.find(connection, who, number)
    if found is None:
        raise Refused(Fault.NOT_FOUND)
    return jsonify(shape.hook(found))


@blueprint.route("/v1/webhooks/<webhook_id>/", methods=["PATCH"])
@takes(schemas.NewHook)
@answers(200, schemas.HookInfo)
def change_webhook(webhook_id: str) -> Response:
    """Change what is given of a webhook."""
    who, number = client(), _number(webhook_id)
    changes = read(schemas.NewHook(partial=True))
    _check_url(changes)
    with wiring().database.transaction() as connection:
        changed = income_hooks.change(connection, who, number, changes)
    if changed is None:
        raise Refused(Fault.NOT_FOUND)
    return jsonify(shape.hook(changed))


@blueprint.route("/v1/webhooks/<webhook_id>/", methods=["DELETE"])
@answers(204, None)
def remove_webhook(webhook_id: str) -> tuple[str, int]:
    """Remove a webhook; what was still to be delivered is not."""
    who, number = client(), _number(webhook_id)
    with wiring().database.statement() as connection:
        if not income_hooks.remove(connection, who, number):
            raise Refused(Fault.NOT_FOUND)
    return "", 204


def _secret(connection: Connection, who: str) -> str:
    """Return the access secret of a client: the new one, be the request made with the old one.

    Raises:
        SealingKeyMissing, SealUnopened: it cannot be read.
    """
    sealed = income_clients.sealed_secret(connection, who)
    if sealed is None:
        return request.headers["X-Access-Secret"].strip()
    return unseal(wiring().settings, sealed).decode()


def _check_url(given: Mapping[str, Any]) -> None:
    """Refuse an address that nothing can be sent to."""
    if "url" not in given:
        return
    try:
        read_url(given["url"], may_be_private=wiring().settings.webhooks_may_be_private)
    except UrlRefused as refused:
        raise wrong("webhook_url", f"{refused}.") from None


def _number(webhook_id: str) -> int:
    if not _ID.fullmatch(webhook_id):
        raise Refused(Fault.NOT_FOUND)
    return int(webhook_id)
