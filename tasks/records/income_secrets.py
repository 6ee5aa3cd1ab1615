"""What only a task may know, sealed: credentials, session, challenge, code, and bank account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

#: How long a task waits for a code; minutes.
CODE_MINUTES = 15


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What a task knows at a moment; everything is sealed, and None where there is none."""

    credentials: bytes | None = None
    session: bytes | None = None
    challenge: bytes | None = None
    code_until: datetime | None = None
    code: bytes | None = None
    #: Whether an attempt has begun to answer with the code.
    code_tried: bool = False
    #: The bank account that pay is to go to.
    account: bytes | None = None
    #: Whether it is too late for the code.
    is_late: bool = False


_ADD = text("""
    INSERT INTO account_secrets (job_id, credentials, session, account)
    VALUES (:job, :credentials, :session, :account)
""")
_GET = text("""
    SELECT credentials, session, challenge, code_until, code, code_tried, account,
           coalesce(code_until <= now(), false) AS is_late
    FROM account_secrets WHERE job_id = :job
""")
_KEEP_SESSION = text("""
    UPDATE account_secrets
    SET session = :session, challenge = NULL, code_until = NULL, code = NULL, code_tried = false
    WHERE job_id = :job
""")
_CHALLENGE = text("""
    UPDATE account_secrets
    SET challenge = :challenge, code_until = now() + :minutes * interval '1 minute',
        code = NULL, code_tried = false
    WHERE job_id = :job
    RETURNING code_until
""")
_TRY_CODE = text("UPDATE account_secrets SET code_tried = :tried WHERE job_id = :job")
_GIVE_CODE = text("""
    UPDATE account_secrets SET code = :code
    WHERE job_id = :job AND challenge IS NOT NULL AND code IS NULL AND code_until > now()
""")
_FORGET = text("DELETE FROM account_secrets WHERE job_id = :job")


def add(
    connection: Connection,
    job_id: str,
    *,
    credentials: bytes | None = None,
    session: bytes | None = None,
    account: bytes | None = None,
) -> None:
    """Keep what a task begins with."""
    given = {"credentials": credentials, "session": session, "account": account}
    connection.execute(_ADD, {"job": job_id, **given})


def get(connection: Connection, job_id: str) -> Secrets:
    """Return what a task knows; nothing once it is over."""
    row = connection.execute(_GET, {"job": job_id}).mappings().first()
    return Secrets(**{name: _plain(value) for name, value in row.items()}) if row else Secrets()


def keep_session(connection: Connection, job_id: str, session: bytes | None) -> None:
    """Keep a session in place of what led to it; None forgets one that has ended."""
    connection.execute(_KEEP_SESSION, {"job": job_id, "session": session})


def challenge(connection: Connection, job_id: str, sealed: bytes) -> datetime:
    """Keep a challenge that needs a code, and return until when the code can come."""
    given = {"job": job_id, "challenge": sealed, "minutes": CODE_MINUTES}
    until: datetime = connection.execute(_CHALLENGE, given).scalar_one()
    return until


def try_code(connection: Connection, job_id: str, *, tried: bool) -> None:
    """Note that an attempt begins to answer with the code, or that it could not."""
    connection.execute(_TRY_CODE, {"job": job_id, "tried": tried})


def give_code(connection: Connection, job_id: str, code: bytes) -> bool:
    """Take a code in; False if the task waits for none, has one already, or it is too late."""
    return bool(connection.execute(_GIVE_CODE, {"job": job_id, "code": code}).rowcount)


def forget(connection: Connection, job_id: str) -> None:
    """Remove all that a task knows, now that it ends."""
    connection.execute(_FORGET, {"job": job_id})


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value
