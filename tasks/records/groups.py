"""Groups: members of an organization that are spoken of together."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Group:
    """Some members of an organization, or whoever is one at the time."""

    number: int
    #: 24 hexadecimal digits.
    id: str
    org_id: int
    title: str
    description: str
    includes_all: bool
    created_at: datetime
    #: How many it has now.
    size: int


def new_id() -> str:
    """Return a random id as groups, censuses and processes have: 24 hexadecimal digits."""
    return secrets.token_hex(12)


_COLUMNS = """
    number, id, org_id, title, description, includes_all, created_at,
    CASE WHEN includes_all
         THEN (SELECT member_count FROM organizations WHERE organizations.id = org_id)
         ELSE (SELECT count(*) FROM group_members WHERE group_number = number) END AS size
"""
_ADD = text("""
    INSERT INTO groups (id, org_id, title, description, includes_all)
    VALUES (:id, :org_id, :title, :description, :includes_all) RETURNING number
""")
_FILL = text("""
    INSERT INTO group_members (group_number, member_id)
    SELECT :number, members.id FROM members
    JOIN (SELECT DISTINCT unnest(CAST(:members AS bigint[])) AS id) AS named USING (id)
    WHERE members.org_id = :org_id
""")
_FIND = text(f"SELECT {_COLUMNS} FROM groups WHERE org_id = :org_id AND id = :id")
_PAGE = text(f"""
    SELECT {_COLUMNS} FROM groups WHERE org_id = :org_id
    ORDER BY number LIMIT :limit OFFSET :offset
""")
_COUNT = text("SELECT count(*) FROM groups WHERE org_id = :org_id")
_MEMBERS = text("""
    SELECT member_id FROM group_members
    WHERE group_number = :number AND member_id > :after ORDER BY member_id LIMIT :limit
""")
_EVERYBODY = text("""
    SELECT id FROM members WHERE org_id = :org_id AND id > :after ORDER BY id LIMIT :limit
""")


def add(
    connection: Connection,
    org_id: int,
    *,
    title: str,
    description: str,
    members: Sequence[int] | None,
) -> tuple[str, int]:
    """Make a group of these members, or of all whenever it is used; return its id and its size.

    Numbers that are no members of the organization are left out of it.
    """
    group_id = new_id()
    made = {"id": group_id, "org_id": org_id, "title": title, "description": description}
    number = connection.execute(_ADD, {**made, "includes_all": members is None}).scalar_one()
    if not members:
        return group_id, 0
    values = {"number": number, "org_id": org_id, "members": list(members)}
    return group_id, connection.execute(_FILL, values).rowcount


def find(connection: Connection, org_id: int, group_id: str) -> Group | None:
    """Return a group of an organization."""
    row = connection.execute(_FIND, {"org_id": org_id, "id": group_id}).mappings().first()
    return Group(**row) if row else None


def count(connection: Connection, org_id: int) -> int:
    """Return how many groups an organization has."""
    return int(connection.execute(_COUNT, {"org_id": org_id}).scalar_one())


def page(connection: Connection, org_id: int, *, limit: int, offset: int) -> list[Group]:
    """Return a page of an organization's groups, oldest first."""
    asked = {"org_id": org_id, "limit": limit, "offset": offset}
    return [Group(**row) for row in connection.execute(_PAGE, asked).mappings()]


def members_after(connection: Connection, group: Group, after: int, *, limit: int) -> list[int]:
    """Return the numbers of the members of a group behind one of them, in their order."""
    asked = {"org_id": group.org_id, "number": group.number, "after": after, "limit": limit}
    statement = _EVERYBODY if group.includes_all else _MEMBERS
    return list(connection.execute(statement, asked).scalars())
