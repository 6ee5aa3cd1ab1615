"""Verifications: whom a service has us look at, with the people behind them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tasks.job.declare import nano_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

#: The subject of a verification that is the verified person or organisation itself.
ENTITY = "entity"


@dataclass(frozen=True, kw_only=True)
class Stakeholder:
    """Somebody behind the entity."""

    id: str
    #: `individual`, or the form of an organisation.
    type: str
    name: str
    role: str
    date_of_birth: date | None
    #: ISO 3166 code, or empty.
    country: str
    identifiers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Verification:
    """An entity and those behind it."""

    id: int
    trace: str
    service_uid: str
    country: str
    type: str
    sub_type: str
    name: str
    date_of_birth: date | None
    identifiers: Mapping[str, str]
    addresses: Mapping[str, Any]
    ownership_layers: int
    owners_identified: bool
    rescreen_days: int | None
    rescreen_at: datetime | None
    created_at: datetime
    stakeholders: tuple[Stakeholder, ...] = ()


_COLUMNS = (
    "id, trace, service_uid, country, type, sub_type, name, date_of_birth, identifiers, addresses,"
    " ownership_layers, owners_identified, rescreen_days, rescreen_at, created_at"
)
_ADD = text(f"""
    INSERT INTO verifications (
        trace, service_uid, country, type, sub_type, name, date_of_birth, identifiers, addresses,
        ownership_layers, owners_identified, rescreen_days, rescreen_at
    )
    VALUES (
        :trace, :service_uid, :country, :type, :sub_type, :name, :date_of_birth, :identifiers,
        :addresses, :ownership_layers, :owners_identified, CAST(:rescreen_days AS integer),
        now() + CAST(:rescreen_days AS integer) * interval '1 day'
    )
    RETURNING {_COLUMNS}
""")
_STAKEHOLDER_COLUMNS = "id, type, name, role, date_of_birth, country, identifiers"
_ADD_STAKEHOLDERS = text(f"""
    INSERT INTO stakeholders (verification_id, no, {_STAKEHOLDER_COLUMNS})
    SELECT :verification_id, no, {_STAKEHOLDER_COLUMNS}
    FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given (
        no integer, id text, type text, name text, role text, date_of_birth date, country text,
        identifiers jsonb
    )
""")
_FIND = text(f"""
    SELECT {_COLUMNS} FROM verifications WHERE trace = :trace AND service_uid = :service_uid
""")
_NUMBER = text("""
    SELECT id FROM verifications WHERE trace = :trace AND service_uid = :service_uid
""")
_FIND_ANY = text("SELECT id, service_uid FROM verifications WHERE trace = :trace")
_GET = text(f"SELECT {_COLUMNS} FROM verifications WHERE id = :id")
_STAKEHOLDERS = text(f"""
    SELECT {_STAKEHOLDER_COLUMNS} FROM stakeholders WHERE verification_id = :id ORDER BY no
""")
_RESCREEN = text("""
    UPDATE verifications
    SET rescreen_days = CAST(:days AS integer),
        rescreen_at = CAST(:days AS integer) * interval '1 day' + coalesce(
            (SELECT max(calculated_at) FROM risks WHERE verification_id = :id), now())
    WHERE id = :id
""")


def add(
    connection: Connection,
    service_uid: str,
    given: Mapping[str, Any],
    stakeholders: Sequence[Mapping[str, Any]],
) -> Verification:
    """Record a verification and its stakeholders, in the order in which they are given."""
    values = {
        **given,
        "trace": str(uuid.uuid4()),
        "service_uid": service_uid,
        "identifiers": json.dumps(given["identifiers"]),
        "addresses": json.dumps(given["addresses"]),
    }
    row = connection.execute(_ADD, values).mappings().one()
    numbered = [
        {**one, "id": nano_id(), "no": number, "date_of_birth": _iso(one["date_of_birth"])}
        for number, one in enumerate(stakeholders)
    ]
    if numbered:
        asked = {"verification_id": row["id"], "given": json.dumps(numbered)}
        connection.execute(_ADD_STAKEHOLDERS, asked)
    return _with_stakeholders(connection, row)


def find(connection: Connection, service_uid: str, trace: str) -> Verification | None:
    """Return a service's own verification, or None: another service's is as good as none."""
    asked = {"trace": trace, "service_uid": service_uid}
    row = connection.execute(_FIND, asked).mappings().first()
    return _with_stakeholders(connection, row) if row else None


def number_of(connection: Connection, service_uid: str, trace: str) -> int | None:
    """Return the number of a service's own verification, without those behind it."""
    asked = {"trace": trace, "service_uid": service_uid}
    number: int | None = connection.execute(_NUMBER, asked).scalar()
    return number


def find_any(connection: Connection, trace: str) -> tuple[int, str] | None:
    """Return the number and the service of a verification, whosever it is."""
    row = connection.execute(_FIND_ANY, {"trace": trace}).first()
    return (row.id, row.service_uid) if row else None


def get(connection: Connection, verification_id: int) -> Verification | None:
    """Return a verification by the number that jobs know it by."""
    row = connection.execute(_GET, {"id": verification_id}).mappings().first()
    return _with_stakeholders(connection, row) if row else None


def rescreen_every(connection: Connection, verification_id: int, days: int | None) -> None:
    """Have a verification screened again every so many days; None for never.

    They are counted from its last screening, or from now if there was none: who asks for it to be
    done more often may find that it is due.
    """
    connection.execute(_RESCREEN, {"id": verification_id, "days": days})


#: When a rescreening is due again that was dispatched, unless it is put off by a run that ends.
_AGAIN = "1 hour"
_TAKE_DUE = text(f"""
    UPDATE verifications
    SET rescreen_at = now() + interval '{_AGAIN}'
    WHERE id IN (
        SELECT id FROM verifications WHERE rescreen_at <= now()
        ORDER BY rescreen_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id, service_uid
""")


def take_due(connection: Connection, *, limit: int) -> list[tuple[int, str]]:
    """Take what is due for another screening, with its service.

    It is due again soon, since a run may fail; the run that does not fail puts it off.
    """
    return [(row[0], row[1]) for row in connection.execute(_TAKE_DUE, {"limit": limit})]


_PUT_OFF = text("""
    UPDATE verifications SET rescreen_at = now() + rescreen_days * interval '1 day'
    WHERE id = :id AND rescreen_days IS NOT NULL
""")


def put_off(connection: Connection, verification_id: int) -> None:
    """Count the days until the next screening of a verification from now on."""
    connection.execute(_PUT_OFF, {"id": verification_id})


def _with_stakeholders(connection: Connection, row: Any) -> Verification:
    found = connection.execute(_STAKEHOLDERS, {"id": row["id"]}).mappings()
    return Verification(**row, stakeholders=tuple(Stakeholder(**one) for one in found))


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
