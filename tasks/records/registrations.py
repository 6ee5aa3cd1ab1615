"""What accounts have on chain: DIDs, registries with what they revoked, and schemas."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A DID, a registry or a schema of an account."""

    #: did, registry or schema.
    kind: str
    id: str
    account_uid: str
    #: pending: not on chain yet; registered; removing; removed; failed: it never came on chain.
    state: str
    content: Mapping[str, Any]
    last_job: str
    created_at: datetime


_COLUMNS = "kind, id, account_uid, state, content, last_job, created_at"
#: What an account sees: neither what never came on chain nor what has left it.
_IS_THERE = "state IN ('pending', 'registered', 'removing')"
# An id whose registration failed was never used on chain.
_ADD = text("""
    INSERT INTO registrations (kind, id, account_uid, content, last_job)
    VALUES (:kind, :id, :account, :content, :job)
    ON CONFLICT (kind, id) DO UPDATE SET
        account_uid = excluded.account_uid, content = excluded.content, state = 'pending',
        last_job = excluded.last_job, created_at = now()
    WHERE registrations.state = 'failed'
""")
_GET = text(f"SELECT {_COLUMNS} FROM registrations WHERE kind = :kind AND id = :id")
_FIND = text(f"""
    SELECT {_COLUMNS} FROM registrations
    WHERE kind = :kind AND id = :id AND account_uid = :account AND {_IS_THERE}
""")
_TAKE = text(f"{_FIND.text} FOR UPDATE")
_PAGE = text(f"""
    SELECT {_COLUMNS} FROM registrations
    WHERE kind = :kind AND account_uid = :account AND {_IS_THERE}
    ORDER BY seq LIMIT :limit OFFSET :offset
""")
_FOLLOW = text("""
    UPDATE registrations SET last_job = :job, state = coalesce(:state, state)
    WHERE kind = :kind AND id = :id
""")
_MOVE = text("""
    UPDATE registrations SET state = :after
    WHERE kind = :kind AND id = :id AND state = ANY(:before)
""")


def add(
    connection: Connection,
    kind: str,
    thing_id: str,
    account: str,
    content: Mapping[str, Any],
    *,
    job: str,
) -> bool:
    """Record what a job is going to register; False where the id is taken, by whomever."""
    given = {"kind": kind, "id": thing_id, "account": account, "job": job}
    return bool(connection.execute(_ADD, {**given, "content": json.dumps(content)}).rowcount)


def get(connection: Connection, kind: str, thing_id: str) -> Registration | None:
    """Return a registration in whatever state, whoever's it is."""
    row = connection.execute(_GET, {"kind": kind, "id": thing_id}).mappings().first()
    return Registration(**row) if row else None


def find(connection: Connection, kind: str, thing_id: str, account: str) -> Registration | None:
    """Return a registration of an account, if it is there and theirs."""
    asked = {"kind": kind, "id": thing_id, "account": account}
    row = connection.execute(_FIND, asked).mappings().first()
    return Registration(**row) if row else None


def take(connection: Connection, kind: str, thing_id: str, account: str) -> Registration | None:
    """The same, kept from others until the transaction ends."""
    asked = {"kind": kind, "id": thing_id, "account": account}
    row = connection.execute(_TAKE, asked).mappings().first()
    return Registration(**row) if row else None


def page(
    connection: Connection, kind: str, account: str, *, limit: int, offset: int
) -> list[Registration]:
    """Return registrations of an account, oldest first."""
    asked = {"kind": kind, "account": account, "limit": limit, "offset": offset}
    return [Registration(**row) for row in connection.execute(_PAGE, asked).mappings()]


def follow(
    connection: Connection, found: Registration, job: str, *, state: str | None = None
) -> None:
    """Note the job that is the last about a registration now, and the state that it leads to."""
    given = {"kind": found.kind, "id": found.id, "job": job, "state": state}
    connection.execute(_FOLLOW, given)


def move(
    connection: Connection, kind: str, thing_id: str, *, before: Sequence[str], after: str
) -> None:
    """Bring a registration from one of some states to another."""
    given = {"kind": kind, "id": thing_id, "before": list(before), "after": after}
    connection.execute(_MOVE, given)


_REVOKE = text("""
    INSERT INTO revocations (registry_id, credential_id, revoked, nonce)
    SELECT :registry, credential, :revoked, :nonce
    FROM unnest(CAST(:credentials AS text[])) AS given (credential)
    ON CONFLICT (registry_id, credential_id) DO UPDATE SET
        revoked = excluded.revoked, nonce = excluded.nonce
    WHERE revocations.nonce < excluded.nonce
""")
_IS_REVOKED = text("""
    SELECT coalesce(bool_or(revoked), false) FROM revocations
    WHERE registry_id = :registry AND credential_id = :credential
""")


def set_revoked(
    connection: Connection,
    registry: str,
    credentials: Sequence[str],
    *,
    revoked: bool,
    nonce: int,
) -> None:
    """Note what a transaction said of credentials, unless a later one is known.

    A registry belongs to one signer, whose transactions are mined by their nonces.
    """
    given = {"registry": registry, "revoked": revoked, "nonce": nonce}
    # In one order, so that two transactions do not wait for each other.
    connection.execute(_REVOKE, {**given, "credentials": sorted(credentials)})


def is_revoked(connection: Connection, registry: str, credential: str) -> bool:
    """Tell whether a credential is revoked on chain, as far as that is final."""
    asked = {"registry": registry, "credential": credential}
    return bool(connection.execute(_IS_REVOKED, asked).scalar_one())
