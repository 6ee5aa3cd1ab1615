"""Organizations, and who may act for them."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

#: What an API key may be allowed to do.
SCOPES = (
    "members:read",
    "members:write",
    "jobs:read",
    "census:read",
    "census:write",
    "processes:write",
)
#: Roles whose holders manage an organization.
MANAGING = ("admin", "manager")


@dataclass(frozen=True, kw_only=True)
class Organization:
    """Somebody who runs votes."""

    id: int
    #: 0x and 40 lower-case hexadecimal digits.
    address: str
    name: str
    #: ISO 3166 code; national phone numbers of its members are read as of this country.
    country: str
    member_count: int
    #: None: no limit.
    member_limit: int | None
    created_at: datetime


_COLUMNS = "id, address, name, country, member_count, member_limit, created_at"
_ADD = text(f"""
    WITH added AS (
        INSERT INTO organizations (address, name, country) VALUES (:address, :name, :country)
        RETURNING {_COLUMNS}
    ), administered AS (
        INSERT INTO organization_roles (org_id, subject, role)
        SELECT id, :subject, 'admin' FROM added
    )
    SELECT * FROM added
""")
_FIND = text(f"SELECT {_COLUMNS} FROM organizations WHERE address = :address")
_LIMIT = text("UPDATE organizations SET member_limit = :most WHERE id = :id")


def add_organization(
    connection: Connection, *, subject: str, name: str = "", country: str = ""
) -> Organization:
    """Found an organization that the subject administers."""
    values = {"address": f"0x{secrets.token_hex(20)}", "name": name, "country": country}
    row = connection.execute(_ADD, {**values, "subject": subject}).mappings().one()
    return Organization(**row)


def find_organization(connection: Connection, address: str) -> Organization | None:
    """Return the organization at an address, in whatever case it is written."""
    row = connection.execute(_FIND, {"address": address.lower()}).mappings().first()
    return Organization(**row) if row else None


def limit_members(connection: Connection, org_id: int, most: int | None) -> None:
    """Set how many members an organization may have; None for any number."""
    connection.execute(_LIMIT, {"id": org_id, "most": most})


_ROLE = text("SELECT role FROM organization_roles WHERE org_id = :org_id AND subject = :subject")
_GRANT = text("""
    INSERT INTO organization_roles (org_id, subject, role) VALUES (:org_id, :subject, :role)
    ON CONFLICT (org_id, subject) DO UPDATE SET role = excluded.role
""")


def role_of(connection: Connection, org_id: int, subject: str) -> str | None:
    """Return the role that a subject has in an organization."""
    role: str | None = connection.execute(_ROLE, {"org_id": org_id, "subject": subject}).scalar()
    return role


def grant_role(connection: Connection, org_id: int, subject: str, role: str) -> None:
    """Give a subject a role in an organization, in place of an earlier one."""
    connection.execute(_GRANT, {"org_id": org_id, "subject": subject, "role": role})


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key as it may be shown: everything but the key."""

    id: int
    org_id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


_KEY_COLUMNS = "id, org_id, name, scopes, created_at, revoked_at"
_ADD_KEY = text(
    "INSERT INTO api_keys (org_id, digest, name, scopes) VALUES (:org_id, :digest, :name, :scopes)"
)
_FIND_KEY = text(f"SELECT {_KEY_COLUMNS} FROM api_keys WHERE digest = :digest")
_KEYS_OF = text(f"SELECT {_KEY_COLUMNS} FROM api_keys WHERE org_id = :org_id ORDER BY id")
_REVOKE = text("UPDATE api_keys SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL")


def add_api_key(connection: Connection, org_id: int, *, name: str, scopes: Sequence[str]) -> str:
    """Make an API key and return it; only its digest is kept, so it can be shown just once."""
    key = f"vsk_{secrets.token_hex(32)}"
    values: dict[str, Any] = {"org_id": org_id, "name": name, "scopes": list(scopes)}
    connection.execute(_ADD_KEY, {**values, "digest": _digest(key)})
    return key


def find_api_key(connection: Connection, key: str) -> ApiKey | None:
    """Return what is known of a key that somebody presents, revoked ones included."""
    row = connection.execute(_FIND_KEY, {"digest": _digest(key)}).mappings().first()
    return _api_key(row) if row else None


def api_keys_of(connection: Connection, org_id: int) -> list[ApiKey]:
    """Return the keys of an organization, oldest first."""
    rows = connection.execute(_KEYS_OF, {"org_id": org_id}).mappings()
    return [_api_key(row) for row in rows]


def revoke_api_key(connection: Connection, key_id: int) -> bool:
    """Revoke a key from now on; False if there is no such key in use."""
    return bool(connection.execute(_REVOKE, {"id": key_id}).rowcount)


def _api_key(row: Any) -> ApiKey:
    return ApiKey(**{**row, "scopes": tuple(row["scopes"])})


def _digest(key: str) -> bytes:
    # 256 random bits need no salt and no slow hash: nobody can try them all.
    return hashlib.sha256(key.encode()).digest()
