"""The voting API: organizations."""

from __future__ import annotations

from flask import Response, jsonify

from app import access
from app.body import read_fields
from app.reference import json_body
from app.routes.voting.blueprint import BEARER, blueprint, every_error
from app.shapes import voting as shape
from app.shapes import voting_schemas as schemas
from app.wiring import wiring
from tasks.records import voting


@blueprint.route("/organizations", methods=["POST"])
@blueprint.doc(
    security=BEARER,
    requestBody=json_body(schemas.NewOrganization, required=False),
)
@blueprint.response(200, schemas.OrganizationAddress)
@every_error
def found_organization() -> Response:
    """Found an organization; the bearer of the JWT administers it."""
    who = access.subject(access.bearer())
    values = read_fields(schemas.NewOrganization())
    with wiring().database.transaction() as connection:
        made = voting.add_organization(connection, subject=who, **values)
    return jsonify({"address": made.address})


@blueprint.route("/organizations/<address>", methods=["GET"])
@blueprint.response(200, schemas.OrganizationInfo)
@every_error
def show_organization(address: str) -> Response:
    """Show what anybody may know of an organization."""
    with wiring().database.statement() as connection:
        return jsonify(shape.organization(access.named_organization(connection, address)))
