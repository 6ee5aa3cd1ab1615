"""The voting API: groups of members."""

from __future__ import annotations

from flask import Response, jsonify

from app import access
from app.body import read_fields
from app.errors import Refused
from app.pages import page_of
from app.routes.voting.blueprint import HEX_ID, answers, blueprint, guarded, takes
from app.shapes import elections as shape
from app.shapes import elections_schemas as schemas
from app.shapes.fault import Fault
from app.shapes.voting import pagination
from app.shapes.voting_schemas import PageQuery
from app.wiring import wiring
from tasks.records import groups
from tasks.records.members import LARGEST_NUMBER


@blueprint.route("/organizations/<address>/groups", methods=["POST"])
@guarded
@takes(schemas.NewGroup)
@answers(schemas.Made)
def add_group(address: str) -> Response:
    """Make a group of some members, or of everybody who is one whenever it is used."""
    with wiring().database.statement() as connection:
        organization = access.organization(connection, address, "members:write")
    given = read_fields(schemas.NewGroup())
    named = {int(member, 16) for member in given["memberIds"]}
    with wiring().database.transaction() as connection:
        group_id, size = groups.add(
            connection,
            organization.id,
            title=given["title"],
            description=given["description"],
            members=None
            if given["includeAllMembers"]
            else [number for number in named if number <= LARGEST_NUMBER],
        )
        if size < len(named):
            raise Refused(Fault.BAD_BODY, "memberIds: Not all of them are members.")
    return jsonify({"id": group_id})


@blueprint.route("/organizations/<address>/groups", methods=["GET"])
@blueprint.arguments(PageQuery, location="query")
@guarded
@answers(schemas.GroupPage)
def list_groups(query: dict[str, str], address: str) -> Response:
    """List the groups of an organization, oldest first."""
    with wiring().database.statement() as connection:
        organization = access.organization(connection, address, "members:read")
        total = groups.count(connection, organization.id)
        page = page_of(query, total)
        found = groups.page(connection, organization.id, limit=page.limit, offset=page.offset)
    shown = {"pagination": pagination(total, page.number, page.last)}
    return jsonify({**shown, "groups": [shape.group(one) for one in found]})


@blueprint.route("/organizations/<address>/groups/<group_id>", methods=["GET"])
@guarded
@answers(schemas.Group)
def show_group(address: str, group_id: str) -> Response:
    """Show a group, with how many are in it now."""
    with wiring().database.statement() as connection:
        organization = access.organization(connection, address, "members:read")
        is_id = HEX_ID.fullmatch(group_id)
        found = groups.find(connection, organization.id, group_id) if is_id else None
    if found is None:
        raise Refused(Fault.NO_GROUP)
    return jsonify(shape.group(found))
