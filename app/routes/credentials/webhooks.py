"""The credentials API: webhooks, what they were told, and telling them again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify

from app.errors import Refused
from app.routes.credentials.blueprint import (
    answered_once,
    answers,
    blueprint,
    caller,
    read,
    repeatable,
    takes,
    window,
)
from app.shapes import credentials as shape
from app.shapes import credentials_schemas as schemas
from app.shapes.fault import Fault
from app.wiring import wiring
from config.sealing import SealingKeyMissing
from tasks.clients.webhooks import UrlRefused, read_url
from tasks.records import webhooks
from tasks.webhooks.announce import tell_again
from tasks.webhooks.forms import new_secrets, seal_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.job.dispatch import Dispatch

_API = "credentials"
_ID = re.compile("[0-9]{1,18}")


def _check_url(given: Mapping[str, Any]) -> None:
    """Refuse an address that nothing can be sent to."""
    if "url" not in given:
        return
    try:
        read_url(given["url"], may_be_private=wiring().settings.webhooks_may_be_private)
    except UrlRefused as refused:
        raise Refused(Fault.INVALID, f"url: {refused}.") from None


def _changes(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a body says of a webhook in the words of its record."""
    _check_url(given)
    known = {name: given[name] for name in ("url", "events", "description") if name in given}
    return {**known, **({"active": bool(given["status"])} if "status" in given else {})}


def _number(webhook_id: str) -> int:
    if not _ID.fullmatch(webhook_id):
        raise Refused(Fault.NOT_FOUND)
    return int(webhook_id)


@blueprint.route("/webhooks", methods=["POST"])
@takes(schemas.NewWebhook)
@answers(schemas.WebhookMade)
def add_webhook() -> Response:
    """Have a receiver told of events; its secrets are shown this once."""
    account = caller()
    given = _changes(read(schemas.NewWebhook()))
    made = new_secrets()
    try:
        sealed = seal_secrets(wiring().settings, made)
    except SealingKeyMissing:
        raise Refused(Fault.NO_SECRETS) from None
    with wiring().database.statement() as connection:
        webhook = webhooks.add(connection, _API, account, sealed=sealed, **given)
    return jsonify({**shape.webhook(webhook), "secret": made.token, "signingSecret": made.signing})


@blueprint.route("/webhooks", methods=["GET"])
@blueprint.arguments(schemas.WindowQuery, location="query")
@answers(schemas.WebhookInfo(many=True))
def list_webhooks(query: dict[str, str]) -> Response:
    """List the account's webhooks, oldest first."""
    account, part = caller(), window(query)
    with wiring().database.statement() as connection:
        found = webhooks.page(connection, _API, account, limit=part.limit, offset=part.offset)
    return jsonify([shape.webhook(one) for one in found])


@blueprint.route("/webhooks/<webhook_id>", methods=["GET"])
@answers(schemas.WebhookInfo)
def show_webhook(webhook_id: str) -> Response:
    """Show one of the account's webhooks."""
    return jsonify(shape.webhook(_find(caller(), webhook_id)))


@blueprint.route("/webhooks/<webhook_id>", methods=["PATCH"])
@takes(schemas.NewWebhook)
@answers(schemas.WebhookInfo)
def change_webhook(webhook_id: str) -> Response:
    """Change what is given of a webhook: its address, events, description or status."""
    account, number = caller(), _number(webhook_id)
    changes = _changes(read(schemas.NewWebhook(partial=True)))
    with wiring().database.statement() as connection:
        changed = webhooks.change(connection, _API, account, number, changes)
    if changed is None:
        raise Refused(Fault.NOT_FOUND)
    return jsonify(shape.webhook(changed))


@blueprint.route("/webhooks/<webhook_id>", methods=["DELETE"])
@answers(schemas.Removed)
def remove_webhook(webhook_id: str) -> Response:
    """Remove a webhook with its log; what was still to be delivered is not."""
    account, number = caller(), _number(webhook_id)
    with wiring().database.statement() as connection:
        if not webhooks.remove(connection, _API, account, number):
            raise Refused(Fault.NOT_FOUND)
    return jsonify({"deleted": True})


@blueprint.route("/webhooks/<webhook_id>/deliveries", methods=["GET"])
@blueprint.arguments(schemas.WindowQuery, location="query")
@answers(schemas.WebhookDelivery(many=True))
def list_deliveries(query: dict[str, str], webhook_id: str) -> Response:
    """List what a webhook was told, newest first, with every try."""
    webhook, part = _find(caller(), webhook_id), window(query)
    with wiring().database.statement() as connection:
        found = webhooks.logged(connection, webhook.id, limit=part.limit, offset=part.offset)
    return jsonify([shape.delivery(one) for one in found])


@blueprint.route("/webhooks/<webhook_id>/deliveries/<delivery_id>/replay", methods=["POST"])
@repeatable
@answers(schemas.WebhookDelivery)
def replay_delivery(headers: dict[str, str], webhook_id: str, delivery_id: str) -> Response:
    """Deliver again what was delivered or given up, under the same `webhook-id`."""
    account = caller()
    webhook = _find(account, webhook_id)
    if not delivery_id.isprintable():
        raise Refused(Fault.NOT_FOUND)

    def tell(dispatch: Dispatch) -> dict[str, Any]:
        if not webhooks.logged(dispatch.connection, webhook.id, delivery_id=delivery_id):
            raise Refused(Fault.NOT_FOUND)
        if not tell_again(dispatch, account, webhook.id, delivery_id):
            raise Refused(Fault.IN_FLIGHT)
        (shown,) = webhooks.logged(dispatch.connection, webhook.id, delivery_id=delivery_id)
        return shape.delivery(shown)

    return answered_once(account, headers, None, tell)


def _find(account: str, webhook_id: str) -> webhooks.Webhook:
    number = _number(webhook_id)
    with wiring().database.statement() as connection:
        found = webhooks.find(connection, _API, account, number)
    if found is None:
        raise Refused(Fault.NOT_FOUND)
    return found
