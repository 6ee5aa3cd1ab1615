"""Screening documents, one for each subject of a run, and the risks that rest on them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tasks.job.declare import nano_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from tasks.screening.risk import Risk


@dataclass(frozen=True, kw_only=True)
class Screening:
    """What was found of one subject in one run."""

    id: str
    job_id: str
    subject: str
    #: `ok`, or `timeout` or `error` where nobody knows what would have been found.
    status: str
    reason: str | None
    hits: Sequence[Mapping[str, Any]]
    sources: Sequence[Mapping[str, Any]]
    triggered_by: str
    screened_at: datetime

    @property
    def is_known(self) -> bool:
        """Whether the provider answered."""
        return self.status == "ok"


@dataclass(frozen=True, kw_only=True)
class KeptRisk:
    """A risk as it was calculated once."""

    job_id: str
    score: int
    level: str
    complete: bool
    subjects: Sequence[Mapping[str, Any]]
    version: str
    documents: Sequence[str]
    before_score: int | None
    before_level: str | None
    calculated_at: datetime


_COLUMNS = "id, job_id, subject, status, reason, hits, sources, triggered_by, screened_at"
_KEEP = text("""
    INSERT INTO screenings
        (id, job_id, verification_id, subject, status, reason, hits, sources, triggered_by)
    VALUES
        (:id, :job_id, :verification_id, :subject, :status, :reason, :hits, :sources, :triggered_by)
    ON CONFLICT ON CONSTRAINT screenings_once_a_run DO UPDATE SET
        status = excluded.status, reason = excluded.reason, hits = excluded.hits,
        sources = excluded.sources, screened_at = now()
    -- What one attempt found out, the next one need not ask again.
    WHERE screenings.status <> 'ok'
""")
_OF_RUN = text(f"SELECT {_COLUMNS} FROM screenings WHERE job_id = :job_id ORDER BY seq")
_LATEST = text(f"""
    SELECT {_COLUMNS} FROM screenings
    WHERE verification_id = :verification_id AND subject = :subject
    ORDER BY seq DESC LIMIT 1
""")
# A look for each subject: the documents of all runs would be read otherwise.
_LATEST_KNOWN = text(f"""
    SELECT newest.* FROM (
        SELECT 'entity' AS subject
        UNION ALL SELECT id FROM stakeholders WHERE verification_id = :verification_id
    ) AS subjects
    CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM screenings
        WHERE verification_id = :verification_id AND subject = subjects.subject
          AND status = 'ok' AND job_id IS DISTINCT FROM :but
        ORDER BY seq DESC LIMIT 1
    ) AS newest
""")


def keep(
    connection: Connection,
    *,
    job_id: str,
    verification_id: int,
    subject: str,
    status: str,
    reason: str | None,
    hits: Sequence[Mapping[str, Any]],
    sources: Sequence[Mapping[str, Any]],
    triggered_by: str,
) -> None:
    """Keep what a run found of a subject; a document that holds an answer already stays."""
    values = {
        "id": nano_id(),
        "job_id": job_id,
        "verification_id": verification_id,
        "subject": subject,
        "status": status,
        "reason": reason,
        "hits": json.dumps(hits),
        "sources": json.dumps(sources),
        "triggered_by": triggered_by,
    }
    connection.execute(_KEEP, values)


def of_run(connection: Connection, job_id: str) -> dict[str, Screening]:
    """Return the documents of a run by their subjects."""
    found = connection.execute(_OF_RUN, {"job_id": job_id}).mappings()
    return {row["subject"]: Screening(**row) for row in found}


def latest(connection: Connection, verification_id: int, subject: str) -> Screening | None:
    """Return the newest document of a subject, if it was ever screened."""
    asked = {"verification_id": verification_id, "subject": subject}
    row = connection.execute(_LATEST, asked).mappings().first()
    return Screening(**row) if row else None


def latest_known(
    connection: Connection, verification_id: int, *, but: str | None = None
) -> dict[str, Screening]:
    """Return the newest document with an answer of each subject, but not those of a given run."""
    asked = {"verification_id": verification_id, "but": but}
    found = connection.execute(_LATEST_KNOWN, asked).mappings()
    return {row["subject"]: Screening(**row) for row in found}


_RISK_COLUMNS = (
    "job_id, score, level, complete, subjects, version, documents, before_score, before_level,"
    " calculated_at"
)
_KEEP_RISK = text("""
    INSERT INTO risks
        (verification_id, job_id, score, level, complete, subjects, version, documents,
         before_score, before_level)
    VALUES
        (:verification_id, :job_id, :score, :level, :complete, :subjects, :version, :documents,
         :before_score, :before_level)
    -- An attempt that died behind this commit has a successor, which may have been told more.
    ON CONFLICT (job_id) DO UPDATE SET
        score = excluded.score, level = excluded.level, complete = excluded.complete,
        subjects = excluded.subjects, version = excluded.version, documents = excluded.documents,
        before_score = excluded.before_score, before_level = excluded.before_level,
        calculated_at = now()
""")
_LATEST_RISK = text(f"""
    SELECT {_RISK_COLUMNS} FROM risks
    WHERE verification_id = :verification_id AND job_id IS DISTINCT FROM :but
    ORDER BY seq DESC LIMIT 1
""")


def keep_risk(
    connection: Connection,
    *,
    job_id: str,
    verification_id: int,
    risk: Risk,
    before: KeptRisk | None,
) -> None:
    """Keep the risk that a run came to; that of a later attempt takes the place of an earlier."""
    values = {
        "verification_id": verification_id,
        "job_id": job_id,
        "score": risk.score,
        "level": risk.level,
        "complete": risk.complete,
        "subjects": json.dumps([subject.as_json() for subject in risk.subjects]),
        "version": risk.version,
        "documents": list(risk.documents),
        "before_score": before.score if before else None,
        "before_level": before.level if before else None,
    }
    connection.execute(_KEEP_RISK, values)


def latest_risk(
    connection: Connection, verification_id: int, *, but: str | None = None
) -> KeptRisk | None:
    """Return the newest risk of a verification, but not the one that a given run came to."""
    asked = {"verification_id": verification_id, "but": but}
    row = connection.execute(_LATEST_RISK, asked).mappings().first()
    return KeptRisk(**row) if row else None
