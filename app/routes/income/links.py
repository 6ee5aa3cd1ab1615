"""The income API: access tokens of links, and what is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, jsonify

from app.errors import Refused
from app.routes.income.blueprint import (
    answers,
    blueprint,
    client,
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
from config.sealing import SealingKeyMissing, SealUnopened, seal, unseal
from tasks.connecting.erasing import erase_link
from tasks.records import income_documents, income_links

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tasks.records.income_links import Link

#: What public tokens seal before the id of their link, so that nothing else passes for one.
_PUBLIC = "public token of "


def public_token(link_id: str) -> str:
    """Return the public token of a link, of which nothing needs to be kept.

    Raises:
        SealingKeyMissing: there is none.
    """
    return seal(wiring().settings, f"{_PUBLIC}{link_id}".encode()).decode()


@blueprint.route("/v1/link-access-tokens/", methods=["POST"])
@takes(schemas.NewAccessToken)
@answers(200, schemas.AccessToken)
def exchange() -> Response:
    """Exchange a link's public token for its access token, once."""
    who, given = client(), read(schemas.NewAccessToken())
    link_id = _of_public_token(given["public_token"])
    with wiring().database.transaction() as connection:
        if not link_id or income_links.find(connection, who, link_id) is None:
            raise wrong("public_token", "Not the public token of a link.")
        token = income_links.exchange(connection, link_id)
    if token is None:
        raise Refused(Fault.TOKEN_EXPIRED)
    return said(200, {"access_token": token, "link_id": link_id})


@blueprint.route("/v1/links/<link_id>/<product_type>/report/", methods=["GET"])
@answers(200, schemas.IncomeReport)
def show_report(link_id: str, product_type: str) -> Response:
    """Show what is known of a link: employments with their statements, or bank accounts."""
    who = client()
    with wiring().database.statement() as connection:
        link = _find(connection, who, link_id)
        is_text = product_type.isprintable()
        report = income_documents.report(connection, link.id, product_type) if is_text else None
    if report is None:
        raise Refused(Fault.NOT_FOUND)
    return jsonify(shape.report(link, report))


@blueprint.route("/v1/links/<link_id>/", methods=["DELETE"])
@answers(204, None)
def remove_link(link_id: str) -> tuple[str, int]:
    """Remove a link with all that is known of it; a task that reads it ends as `error`."""
    return removed(erase_link, client(), link_id)


def _of_public_token(token: str) -> str | None:
    """Return the id of the link that a public token is of, if it is one."""
    try:
        text = unseal(wiring().settings, token.encode("ascii")).decode()
    except (ValueError, SealUnopened, SealingKeyMissing):
        return None
    return text.removeprefix(_PUBLIC) if text.startswith(_PUBLIC) else None


def _find(connection: Connection, who: str, link_id: str) -> Link:
    found = income_links.find(connection, who, link_id) if link_id.isprintable() else None
    if found is None:
        raise Refused(Fault.NOT_FOUND)
    return found
