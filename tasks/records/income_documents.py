"""What was read of an account's documents, and the report that was made of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Read:
    """What one document says."""

    #: What the provider knows it by.
    number: str
    kind: str
    #: The provider's id of the employment that it is about; empty for a bank's.
    employment: str
    content: Any


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is known of a link, for one product."""

    job_id: str
    product_type: str
    #: Whether every document was read.
    is_complete: bool
    is_suspicious: bool
    employments: Sequence[Mapping[str, Any]]
    accounts: Sequence[Mapping[str, Any]]
    made_at: datetime


_KEEP = text("""
    INSERT INTO income_documents (link_id, number, kind, employment, content, job_id)
    VALUES (:link, :number, :kind, :employment, :content, :job)
    ON CONFLICT (link_id, number) DO UPDATE SET
        kind = excluded.kind, employment = excluded.employment, content = excluded.content,
        job_id = excluded.job_id, read_at = now()
""")
# A pay statement says the same for ever, that of a bank is of its day.
_KNOWN = text("""
    SELECT number FROM income_documents
    WHERE link_id = :link AND (kind = 'pay_stub' OR job_id = :job)
""")
_ALL = text("""
    SELECT number, kind, employment, content FROM income_documents
    WHERE link_id = :link ORDER BY number
""")
# Of an account that is gone nothing is kept; an old pay statement is as true as ever.
_FORGET_ACCOUNTS = text("""
    DELETE FROM income_documents
    WHERE link_id = :link AND kind = 'bank_statement' AND number <> ALL(:listed)
""")
_KEEP_REPORT = text("""
    INSERT INTO income_reports (
        link_id, job_id, product_type, is_complete, is_suspicious, employments, accounts
    )
    SELECT :link, :job, product, :complete, :suspicious, CAST(:employments AS json),
           CAST(:accounts AS json)
    FROM (
        SELECT CAST(:product AS text) UNION
        SELECT product_type FROM income_reports
        WHERE link_id = :link AND product_type = ANY(:alike)
    ) AS made (product)
    ON CONFLICT (link_id, product_type) DO UPDATE SET
        job_id = excluded.job_id, is_complete = excluded.is_complete,
        is_suspicious = excluded.is_suspicious, employments = excluded.employments,
        accounts = excluded.accounts, made_at = now()
""")
_REPORT = text("""
    SELECT job_id, product_type, is_complete, is_suspicious, employments, accounts, made_at
    FROM income_reports WHERE link_id = :link AND product_type = :product
""")


def keep(connection: Connection, link_id: str, read: Read, *, job_id: str) -> None:
    """Keep what a document says in place of what it said before."""
    given = {"number": read.number, "kind": read.kind, "employment": read.employment}
    more = {"content": json.dumps(read.content), "job": job_id}
    connection.execute(_KEEP, {"link": link_id, **given, **more})


def known(connection: Connection, link_id: str, job_id: str) -> set[str]:
    """Return the numbers of the documents that a task need not read."""
    return set(connection.execute(_KNOWN, {"link": link_id, "job": job_id}).scalars())


def of_link(connection: Connection, link_id: str) -> list[Read]:
    """Return everything that was read of a link."""
    return [Read(**row) for row in connection.execute(_ALL, {"link": link_id}).mappings()]


def forget_accounts(connection: Connection, link_id: str, *, listed: Iterable[str]) -> None:
    """Forget the statements of bank accounts that the bank lists no more."""
    connection.execute(_FORGET_ACCOUNTS, {"link": link_id, "listed": list(listed)})


def keep_report(
    connection: Connection,
    link_id: str,
    *,
    job_id: str,
    product_type: str,
    alike: Iterable[str],
    is_complete: bool,
    employments: Sequence[Mapping[str, Any]],
    accounts: Sequence[Mapping[str, Any]],
) -> bool:
    """Keep the report of a link, and return whether anything in it contradicts itself.

    It takes the place of that of the product, and of those of products alike that there are.
    """
    suspicious = any(one["is_suspicious"] for one in (*employments, *accounts))
    given = {"job": job_id, "product": product_type, "alike": list(alike)}
    said = {"complete": is_complete, "suspicious": suspicious}
    found = {"employments": json.dumps(employments), "accounts": json.dumps(accounts)}
    connection.execute(_KEEP_REPORT, {"link": link_id, **given, **said, **found})
    return suspicious


def report(connection: Connection, link_id: str, product_type: str) -> Report | None:
    """Return the report of a link on a product, once there is one."""
    asked = {"link": link_id, "product": product_type}
    row = connection.execute(_REPORT, asked).mappings().first()
    return Report(**row) if row else None
