"""Censuses: who may vote, with what weight, and the tree over them once it is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from tasks.records.groups import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

#: Nodes of a tree that are kept together: 1 MiB of them.
PIECE_NODES = 32 * 1024
_NODE_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Census:
    """Who may vote."""

    number: int
    #: 24 hexadecimal digits.
    id: str
    org_id: int
    #: The address of the organization.
    org: str
    #: What voters prove who they are by.
    auth_fields: tuple[str, ...]
    #: How many participants there are.
    size: int
    #: 0x and 64 hexadecimal digits, once it is published.
    root: str | None
    #: Where the participants can be read, once it is published.
    uri: str | None
    published_at: datetime | None
    created_at: datetime


class Participant(NamedTuple):
    """Somebody in a census."""

    #: 0x and 40 lower-case hexadecimal digits.
    address: str
    weight: int


class Place(NamedTuple):
    """A place in a census that a member holds, or is to hold."""

    #: Which leaf of the tree it is.
    no: int
    member: int
    address: str
    weight: int


_COLUMNS = """
    number, censuses.id, org_id, organizations.address AS org, auth_fields, size, root, uri,
    published_at, censuses.created_at
"""
_ADD = text("""
    INSERT INTO censuses (id, org_id, auth_fields) VALUES (:id, :org_id, :auth_fields)
""")
_FIND = text(f"""
    SELECT {_COLUMNS} FROM censuses JOIN organizations ON organizations.id = org_id
    WHERE censuses.id = :id
""")
#: Not against those who only refer to it, as a new process does.
_LOCK = text("SELECT number FROM censuses WHERE id = :id FOR NO KEY UPDATE")


def add(connection: Connection, org_id: int, *, auth_fields: Sequence[str]) -> str:
    """Make an empty census and return its id."""
    census_id = new_id()
    made = {"id": census_id, "org_id": org_id, "auth_fields": list(auth_fields)}
    connection.execute(_ADD, made)
    return census_id


def find(connection: Connection, census_id: str) -> Census | None:
    """Return a census."""
    row = connection.execute(_FIND, {"id": census_id}).mappings().first()
    return Census(**{**row, "auth_fields": tuple(row["auth_fields"])}) if row else None


def lock(connection: Connection, census_id: str) -> Census | None:
    """Return a census that nobody else changes until the transaction ends."""
    connection.execute(_LOCK, {"id": census_id})
    return find(connection, census_id)


# Whom a job is to add.

_NAME = text("""
    INSERT INTO census_additions (job_id, no, member)
    SELECT :job_id, no - 1, member
    FROM unnest(CAST(:members AS text[])) WITH ORDINALITY AS named (member, no)
""")
_NAMED = text("""
    SELECT member FROM census_additions WHERE job_id = :job_id AND no >= :first
    ORDER BY no LIMIT :limit
""")
_FORGET = text("DELETE FROM census_additions WHERE job_id = ANY(:job_ids)")


def name(connection: Connection, job_id: str, members: Sequence[str]) -> None:
    """Keep whom a job is to add, by the ids that they were named by."""
    connection.execute(_NAME, {"job_id": job_id, "members": list(members)})


def named(connection: Connection, job_id: str, first: int, *, limit: int) -> list[str]:
    """Return whom a job is to add, from a place in their order on."""
    asked = {"job_id": job_id, "first": first, "limit": limit}
    return list(connection.execute(_NAMED, asked).scalars())


def forget_named(connection: Connection, job_ids: Sequence[str]) -> None:
    """Forget whom jobs were to add."""
    connection.execute(_FORGET, {"job_ids": list(job_ids)})


# Who is in it.

_TAKEN = text("""
    SELECT no, member_id, address, weight
    FROM unnest(CAST(:addresses AS text[])) AS asked (address)
    JOIN census_participants USING (address) WHERE census = :census
    UNION
    SELECT no, member_id, address, weight
    FROM unnest(CAST(:members AS bigint[])) AS asked (member_id)
    JOIN census_participants USING (member_id) WHERE census = :census
""")
_PLACE = text("""
    INSERT INTO census_participants (census, no, member_id, address, weight)
    SELECT :census, no, member_id, address, weight
    FROM unnest(CAST(:nos AS bigint[]), CAST(:members AS bigint[]), CAST(:addresses AS text[]),
                CAST(:weights AS numeric[])) AS placed (no, member_id, address, weight)
    ON CONFLICT (census, no) DO UPDATE SET address = excluded.address, weight = excluded.weight
""")
_GROWN = text("UPDATE censuses SET size = :size WHERE number = :census")
_PARTICIPANTS = text("""
    SELECT address, weight FROM census_participants
    WHERE census = :census AND no >= :first ORDER BY no LIMIT :limit
""")
_NUMBER_OF = text("""
    SELECT no, weight FROM census_participants WHERE census = :census AND address = :address
""")


def taken(
    connection: Connection, census: int, members: Sequence[int], addresses: Sequence[str]
) -> list[Place]:
    """Return the places that any of these members has, or that has any of these addresses."""
    asked = {"census": census, "members": list(members), "addresses": list(addresses)}
    rows = connection.execute(_TAKEN, asked)
    return [Place(row.no, row.member_id, row.address, int(row.weight)) for row in rows]


def place(connection: Connection, census: int, size: int, places: Sequence[Place]) -> None:
    """Fill places, new ones or known ones; the census then has so many. Its lock must be held."""
    connection.execute(
        _PLACE,
        {
            "census": census,
            "nos": [one.no for one in places],
            "members": [one.member for one in places],
            "addresses": [one.address for one in places],
            "weights": [one.weight for one in places],
        },
    )
    connection.execute(_GROWN, {"census": census, "size": size})


def participants(
    connection: Connection, census: int, first: int, *, limit: int
) -> list[Participant]:
    """Return participants in the order of their leaves, from one of them on."""
    rows = connection.execute(_PARTICIPANTS, {"census": census, "first": first, "limit": limit})
    return [Participant(row.address, int(row.weight)) for row in rows]


def number_of(connection: Connection, census: int, address: str) -> tuple[int, int] | None:
    """Return which leaf of a census an address is, and its weight."""
    row = connection.execute(_NUMBER_OF, {"census": census, "address": address}).first()
    return (row.no, int(row.weight)) if row else None


# Its tree.

_KEEP = text("INSERT INTO census_nodes (census, no, nodes) VALUES (:census, :no, :nodes)")
_PUBLISH = text("""
    UPDATE censuses SET root = :root, uri = :uri, published_at = now() WHERE number = :census
""")
_NODES = text("""
    SELECT substring(nodes FROM asked.at * 32 + 1 FOR 32)
    FROM unnest(CAST(:pieces AS integer[]), CAST(:ats AS integer[]))
         WITH ORDINALITY AS asked (piece, at, turn)
    JOIN census_nodes ON census = :census AND no = asked.piece
    ORDER BY turn
""")


def publish(connection: Connection, census: Census, *, root: str, uri: str, nodes: bytes) -> None:
    """Keep the tree of a census, all its nodes one behind the other. Its lock must be held."""
    connection.execute(_PUBLISH, {"census": census.number, "root": root, "uri": uri})
    size = PIECE_NODES * _NODE_BYTES
    for no, first in enumerate(range(0, len(nodes), size)):
        piece = {"census": census.number, "no": no, "nodes": nodes[first : first + size]}
        connection.execute(_KEEP, piece)


def nodes(connection: Connection, census: int, places: Sequence[int]) -> Iterator[bytes]:
    """Return the nodes at these places of a census's tree."""
    at = [divmod(one, PIECE_NODES) for one in places]
    asked = {"census": census, "pieces": [p for p, _ in at], "ats": [a for _, a in at]}
    return (bytes(node) for node in connection.execute(_NODES, asked).scalars())
