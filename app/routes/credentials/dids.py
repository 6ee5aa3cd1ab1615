"""The credentials API: DIDs."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify

from app.routes.credentials.blueprint import (
    answers,
    blueprint,
    caller,
    find,
    page,
    read,
    register,
    remove,
    repeatable,
    start,
    starts,
    takes,
)
from app.shapes import credentials as shape
from app.shapes import credentials_schemas as schemas

if TYPE_CHECKING:
    from tasks.job.dispatch import Dispatch


@blueprint.route("/dids", methods=["POST"])
@repeatable
@takes(schemas.NewDid, required=False)
@starts
def add_did(headers: dict[str, str]) -> Response:
    """Register a DID; it is on chain when the job is finalized."""
    account, given = caller(), read(schemas.NewDid())

    def make(dispatch: Dispatch) -> dict[str, Any]:
        did = given["did"] or f"did:jobspine:{uuid.uuid4()}"
        controller = given["controller"] or did
        content = {"controller": controller}
        job = register(dispatch, account, "did", did, content, user_data=did)
        return shape.started(job, {"did": did, "controller": controller})

    return start(account, headers, given, make)


@blueprint.route("/dids", methods=["GET"])
@blueprint.arguments(schemas.WindowQuery, location="query")
@answers(schemas.DidDocument(many=True))
def list_dids(query: dict[str, str]) -> Response:
    """List the account's DIDs, oldest first, as DID documents."""
    return jsonify([shape.did(found) for found in page("did", query)])


@blueprint.route("/dids/<did>", methods=["GET"])
@answers(schemas.DidDocument)
def show_did(did: str) -> Response:
    """Show the DID document of one of the account's DIDs."""
    return jsonify(shape.did(find("did", did)))


@blueprint.route("/dids/<did>", methods=["DELETE"])
@repeatable
@starts
def remove_did(headers: dict[str, str], did: str) -> Response:
    """Remove a DID, for ever."""
    return remove("did", did, headers, lambda found: found.id)
