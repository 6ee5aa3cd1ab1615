"""The income API: users, and the tokens with which their browsers sign them in."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify

from app.errors import Refused
from app.routes.income.blueprint import (
    answers,
    blueprint,
    client,
    page,
    part_of,
    read,
    removed,
    said,
    takes,
    wrong,
)
from app.shapes import income as shape
from app.shapes import income_schemas as schemas
from app.shapes.fault import Fault
from app.wiring import wiring
from config.sealing import SealingKeyMissing, seal
from tasks.clients.accounts.protocol import Allotment
from tasks.connecting.erasing import erase_user
from tasks.reading.keep import as_json
from tasks.records import income_links, income_users

if TYPE_CHECKING:
    from collections.abc import Mapping


@blueprint.route("/v1/users/", methods=["POST"])
@takes(schemas.NewUser)
@answers(201, schemas.UserInfo)
def add_user() -> Response:
    """Record somebody whose account is to be connected."""
    who, given = client(), read(schemas.NewUser())
    with wiring().database.statement() as connection:
        return said(201, shape.user(income_users.add(connection, who, given)))


@blueprint.route("/v1/users/", methods=["GET"])
@blueprint.arguments(schemas.PartQuery, location="query")
@answers(200, schemas.UserPage)
def list_users(query: dict[str, str]) -> Response:
    """List the client's users, newest first."""
    who, part = client(), part_of(query)
    with wiring().database.statement() as connection:
        count = income_users.count(connection, who)
        found = income_users.page(connection, who, limit=part.size, offset=part.offset)
    return page(part, count, [shape.user(one) for one in found])


@blueprint.route("/v1/users/<user_id>/", methods=["GET"])
@answers(200, schemas.UserInfo)
def show_user(user_id: str) -> Response:
    """Show one of the client's users."""
    return jsonify(shape.user(_find(client(), user_id)))


@blueprint.route("/v1/users/<user_id>/", methods=["DELETE"])
@answers(204, None)
def remove_user(user_id: str) -> tuple[str, int]:
    """Remove a user with every link and all that is known of them; tasks end as `error`."""
    return removed(erase_user, client(), user_id)


@blueprint.route("/v1/users/<user_id>/tokens/", methods=["POST"])
@takes(schemas.NewBridgeToken)
@answers(201, schemas.BridgeToken)
def add_bridge_token(user_id: str) -> Response:
    """Make a token that signs a user in for a product; it is good for six hours.

    With the access token of a link, that link is connected again.
    """
    who = client()
    user, given = _find(who, user_id), read(schemas.NewBridgeToken())
    account = sealed_account(given.pop("account"))
    access_token = given.pop("access_token")
    with wiring().database.transaction() as connection:
        if not income_users.hold(connection, user.id):
            raise Refused(Fault.NOT_FOUND)
        link_id = None
        if access_token:
            link = income_links.of_access_token(connection, who, access_token)
            if link is None or link.user_id != user.id:
                raise wrong("access_token", "Not the access token of a link of this user.")
            link_id = link.id
        token = income_users.add_bridge_token(
            connection, user.id, link_id=link_id, account=account, **given
        )
        made = income_users.bridge(connection, token)
        assert made is not None, "it was made a moment ago"
    return said(201, shape.bridge(token, made))


def sealed_account(given: Mapping[str, Any] | None) -> bytes | None:
    """Return the bank account that pay is to go to as it is kept.

    Raises:
        Refused: it cannot be kept.
    """
    if given is None:
        return None
    kind, value = given["deposit_type"], given["deposit_value"]
    allotment = Allotment(
        routing_number=given["routing_number"],
        account_number=given["account_number"],
        account_type=given["account_type"],
        percent={"entire": Decimal(100), "percent": value}.get(kind),
        amount=value if kind == "amount" else None,
    )
    return sealed(as_json(allotment))


def sealed(given: Any) -> bytes:
    """Return something secret as it is kept.

    Raises:
        Refused: this service has nothing to keep secrets with.
    """
    try:
        return seal(wiring().settings, json.dumps(given).encode())
    except SealingKeyMissing:
        raise Refused(Fault.NO_SECRETS) from None


def _find(who: str, user_id: str) -> income_users.User:
    with wiring().database.statement() as connection:
        is_text = user_id.isprintable()
        found = income_users.find(connection, who, user_id) if is_text else None
    if found is None:
        raise Refused(Fault.NOT_FOUND)
    return found
