"""The credentials API: JSON schemas of what credentials say."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify
from marshmallow import ValidationError

from app.body import read_object
from app.errors import Refused
from app.routes.credentials.blueprint import (
    MAX_BODY_BYTES,
    answers,
    blueprint,
    caller,
    find,
    page,
    register,
    remove,
    repeatable,
    start,
    starts,
    takes,
)
from app.shapes import credentials as shape
from app.shapes import credentials_schemas as schemas
from app.shapes.fault import Fault
from app.shapes.json_schema import check_json_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.job.dispatch import Dispatch


def _author(schema: Mapping[str, Any]) -> str:
    """Return the DID that a schema says it is by, or nothing."""
    author = schema.get("author")
    return author if isinstance(author, str) else ""


@blueprint.route("/schemas", methods=["POST"])
@repeatable
@takes({"type": "object", "description": "A JSON schema; nothing it refers to is fetched."})
@starts
def add_schema(headers: dict[str, str]) -> Response:
    """Register a JSON schema; its hash is on chain when the job is finalized."""
    account, given = caller(), read_object(most=MAX_BODY_BYTES)
    try:
        check_json_schema(given)
    except ValidationError as error:
        raise Refused(Fault.INVALID, shape.detail(error.messages)) from None

    def make(dispatch: Dispatch) -> dict[str, Any]:
        schema_id = f"0x{secrets.token_hex(32)}"
        whose = _author(given)
        job = register(dispatch, account, "schema", schema_id, given, user_data=whose)
        return shape.started(job, {"id": schema_id, "schema": given})

    return start(account, headers, given, make)


@blueprint.route("/schemas", methods=["GET"])
@blueprint.arguments(schemas.WindowQuery, location="query")
@answers(schemas.JsonSchema(many=True))
def list_schemas(query: dict[str, str]) -> Response:
    """List the account's schemas, oldest first."""
    return jsonify([shape.schema(found) for found in page("schema", query)])


@blueprint.route("/schemas/<schema_id>", methods=["GET"])
@answers(schemas.JsonSchema)
def show_schema(schema_id: str) -> Response:
    """Show one of the account's schemas."""
    return jsonify(shape.schema(find("schema", schema_id)))


@blueprint.route("/schemas/<schema_id>", methods=["DELETE"])
@repeatable
@starts
def remove_schema(headers: dict[str, str], schema_id: str) -> Response:
    """Remove a schema, for ever."""
    return remove("schema", schema_id, headers, lambda found: _author(found.content))
