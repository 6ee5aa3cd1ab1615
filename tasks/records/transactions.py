"""What is known of a job's transaction from outside the ledger: where it is, and its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_RAW = text("""
    SELECT attempts.raw FROM ledger_transactions AS sent
    JOIN ledger_attempts AS attempts ON attempts.transaction_id = sent.id
    WHERE sent.job_id = :job
    ORDER BY (attempts.hash = sent.mined_hash) DESC NULLS LAST, attempts.created_at DESC LIMIT 1
""")
_MAY_BE_FOLLOWED = text("""
    SELECT NOT EXISTS (
        SELECT FROM jobs
        WHERE id = :job AND finished_at IS NULL AND (
            payload ->> 'event' LIKE '%_create'
            OR NOT EXISTS (SELECT FROM ledger_transactions WHERE job_id = :job)
        )
    )
""")


def raw_of_job(connection: Connection, job_id: str) -> str | None:
    """Return the signed bytes of a job's transaction: the ones that were mined, or the last.

    0x and hexadecimal digits; None where the job never signed one.
    """
    found: bytes | None = connection.execute(_RAW, {"job": job_id}).scalar()
    return None if found is None else f"0x{bytes(found).hex()}"


def may_be_followed(connection: Connection, job_id: str) -> bool:
    """Tell whether what is signed now finds what a job does done, or comes behind it on chain.

    What the job creates must be there: nobody estimates what a call costs on a thing to come.
    """
    return bool(connection.execute(_MAY_BE_FOLLOWED, {"job": job_id}).scalar_one())
