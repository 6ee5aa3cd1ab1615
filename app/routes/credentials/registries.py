"""The credentials API: registries of revoked credentials."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify

from app.errors import Refused
from app.routes.credentials.blueprint import (
    answers,
    blueprint,
    caller,
    change,
    find,
    page,
    read,
    register,
    remove,
    repeatable,
    start,
    starts,
    take,
    takes,
)
from app.shapes import credentials as shape
from app.shapes import credentials_schemas as schemas
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.ledger.names import credential_name
from tasks.records import registrations

if TYPE_CHECKING:
    from tasks.job.dispatch import Dispatch
    from tasks.records.registrations import Registration

_NAME = re.compile("(0x)?[0-9a-fA-F]{64}")


def _whose(found: Registration) -> str:
    """Return the DID that a registry's transactions are an act of: the first of its policy."""
    return str(found.content["policy"][0])


@blueprint.route("/registries", methods=["POST"])
@repeatable
@takes(schemas.NewRegistry)
@starts
def add_registry(headers: dict[str, str]) -> Response:
    """Create a registry; it is on chain when the job is finalized."""
    account, given = caller(), read(schemas.NewRegistry())

    def make(dispatch: Dispatch) -> dict[str, Any]:
        registry_id = secrets.token_hex(32)
        whose = given["policy"][0]
        job = register(dispatch, account, "registry", registry_id, given, user_data=whose)
        return shape.started(job, {"id": registry_id, "policy": shape.policy(given)})

    return start(account, headers, given, make)


@blueprint.route("/registries", methods=["GET"])
@blueprint.arguments(schemas.WindowQuery, location="query")
@answers(schemas.Registry(many=True))
def list_registries(query: dict[str, str]) -> Response:
    """List the account's registries, oldest first."""
    return jsonify([shape.registry(found) for found in page("registry", query)])


@blueprint.route("/registries/<registry_id>", methods=["GET"])
@answers(schemas.Registry)
def show_registry(registry_id: str) -> Response:
    """Show one of the account's registries."""
    return jsonify(shape.registry(find("registry", registry_id)))


@blueprint.route("/registries/<registry_id>", methods=["POST"])
@repeatable
@takes(schemas.RegistryAction)
@starts
def act_on_registry(headers: dict[str, str], registry_id: str) -> Response:
    """Revoke credentials, or make revoked ones good again; doing so twice has no effect.

    What is asked for about one registry comes on chain in the order in which it is asked for.
    """
    account, given = caller(), read(schemas.RegistryAction())
    names = list(dict.fromkeys(credential_name(one) for one in given["credentialIds"]))
    event = f"credential_{given['action']}"

    def make(dispatch: Dispatch) -> dict[str, Any]:
        found = take(dispatch, "registry", registry_id, account)
        if found.state == "removing":
            raise Refused(Fault.NOT_FOUND)
        job = change(dispatch, found, event, user_data=_whose(found), credentials=names)
        return shape.started(job, {"revokeIds": names})

    return start(account, headers, given, make)


@blueprint.route("/registries/<registry_id>", methods=["DELETE"])
@repeatable
@starts
def remove_registry(headers: dict[str, str], registry_id: str) -> Response:
    """Remove a registry with what it has revoked, for ever."""
    return remove("registry", registry_id, headers, _whose)


@blueprint.route("/revocationStatus/<registry_id>/<credential>", methods=["GET"])
@answers(schemas.RevocationStatus)
def show_revocation(registry_id: str, credential: str) -> Response:
    """Tell whether a credential is revoked, by the hash of its id, as far as that is final."""
    found = find("registry", registry_id)
    if not _NAME.fullmatch(credential):
        raise Refused(Fault.BAD_PARAMETER, "the credential is not named by 64 hexadecimal digits")
    name = f"0x{credential.lower().removeprefix('0x')}"
    with wiring().database.statement() as connection:
        return jsonify({"type": registrations.is_revoked(connection, found.id, name)})
