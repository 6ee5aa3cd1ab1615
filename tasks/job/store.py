"""One job's life: every statement that records, claims, moves or reads a job by its id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from config.database import Prepared
from tasks.job.errors import Cancelled, ClaimLost, GateHeld
from tasks.job.queue import Bell
from tasks.job.record import COLUMNS, STANDING_COLUMNS, Job, Standing
from tasks.job.states import CLAIM, PARK, TERMINAL, Move

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection


class NewJob(NamedTuple):
    """What is known of a job when it is recorded."""

    id: str
    type: str
    tenant: str
    queue: str
    gate: str | None
    payload: Mapping[str, Any]
    #: The ended job that it runs again.
    retry_of: str | None = None
    #: The span that it is dispatched in, as the header `traceparent` has it, where spans are kept.
    trace_parent: str | None = None


_ADD = text("""
    INSERT INTO jobs (id, type, tenant, queue, gate, payload, retry_of, trace_parent)
    SELECT id, type, tenant, queue, gate, payload, retry_of, trace_parent
    FROM unnest(CAST(:ids AS text[]), CAST(:types AS text[]), CAST(:tenants AS text[]),
                CAST(:queues AS text[]), CAST(:gates AS text[]), CAST(:payloads AS jsonb[]),
                CAST(:retries AS text[]), CAST(:traces AS text[]))
         AS added (id, type, tenant, queue, gate, payload, retry_of, trace_parent)
""")
_ADD_ONE = Prepared(
    "add_job",
    """
    INSERT INTO jobs (id, type, tenant, queue, gate, payload, retry_of, trace_parent)
    VALUES (:id, :type, :tenant, :queue, :gate, :payload, :retry_of, :trace_parent)
    """,
)


def add(connection: Connection, jobs: Sequence[NewJob]) -> None:
    """Record new jobs as pending, all in one statement."""
    if len(jobs) == 1:
        job = jobs[0]._asdict()
        _ADD_ONE.rows(connection, **{**job, "payload": json.dumps(job["payload"])})
        return
    connection.execute(
        _ADD,
        {
            "ids": [job.id for job in jobs],
            "types": [job.type for job in jobs],
            "tenants": [job.tenant for job in jobs],
            "queues": [job.queue for job in jobs],
            "gates": [job.gate for job in jobs],
            "payloads": [json.dumps(job.payload) for job in jobs],
            "retries": [job.retry_of for job in jobs],
            "traces": [job.trace_parent for job in jobs],
        },
    )


_GET = Prepared("get_job", f"SELECT {COLUMNS} FROM jobs WHERE id = :id")


def get(connection: Connection, job_id: str) -> Job | None:
    """Return a job, or None where no such job is recorded."""
    rows = _GET.rows(connection, id=job_id)
    return Job.from_row(rows[0]) if rows else None


# One value, since the driver names and converts each column of each answer.
_STANDING = Prepared(
    "standing_of_job", f"SELECT json_build_array({STANDING_COLUMNS}) FROM jobs WHERE id = :id"
)


def standing(connection: Connection, job_id: str) -> Standing | None:
    """Return how a job stands, for less than `get`, or None where no such job is recorded."""
    rows = _STANDING.rows(connection, id=job_id)
    return Standing.from_row(rows[0][0]) if rows else None


_HOLDERS = text("""
    SELECT gate, id FROM jobs WHERE type = :type AND gate = ANY(:gates) AND state = 'running'
""")


def holders(connection: Connection, job_type: str, gates: Sequence[str]) -> dict[str, str]:
    """Return the ids of the jobs that hold gates, by those gates that are held."""
    rows = connection.execute(_HOLDERS, {"type": job_type, "gates": list(gates)})
    return {row.gate: row.id for row in rows}


def holder(connection: Connection, job_type: str, gate: str) -> str | None:
    """Return the id of the job that holds a gate, if one does."""
    return holders(connection, job_type, [gate]).get(gate)


_IS_IN_FLIGHT = text("""
    SELECT EXISTS (
        SELECT FROM jobs WHERE type = :type AND tenant = :tenant AND gate = :gate
          AND finished_at IS NULL
    )
""")


def is_in_flight(connection: Connection, job_type: str, tenant: str, gate: str) -> bool:
    """Tell whether a job of a scope is running or waits to begin."""
    asked = {"type": job_type, "tenant": tenant, "gate": gate}
    return bool(connection.execute(_IS_IN_FLIGHT, asked).scalar_one())


_CLAIM = Prepared(
    "claim_job",
    f"""
    WITH claimed AS (
        UPDATE jobs
        SET state = 'running', attempts = attempts + 1, worker = :worker,
            lease_until = now() + :lease * interval '1 second',
            -- The kernel ends the attempt at its time limit; the lease is there if that fails.
            deadline_at = now() + (CAST(:timeout AS float8) + 2) * interval '1 second',
            started_at = coalesce(started_at, now()), updated_at = now(), woken = false
        WHERE id = :id AND type = :type AND state = ANY(:before)
          AND worker IS NULL AND cancelled_by IS NULL AND due_at <= now()
        RETURNING {COLUMNS}
    ), kept AS (
        INSERT INTO job_moves (job_id, attempt, move, state, worker, cause)
        SELECT id, attempts, '{CLAIM.name}', state, worker, CAST(:cause AS text) FROM claimed
    )
    -- Only a crash of the server loses a claim that was not flushed, and then the job is still
    -- there to be claimed: the flush that costs the most can be spared. Its end is flushed.
    SELECT claimed.* FROM claimed, set_config('synchronous_commit', 'off', true)
    """,
)


def claim(
    connection: Connection,
    job_id: str,
    job_type: str,
    *,
    worker: str,
    lease: float,
    timeout: float,
    cause: str | None = None,
) -> Job | None:
    """Take a job that is due and unowned; None when there is nothing to take.

    The attempt is counted here, before any code of the type runs, so that a job which kills
    its worker stops at its bound. Durations are seconds, by the database's clock. The cause is
    `UNASKED` where no bell led to the job.

    Raises:
        GateHeld: another job of the type runs in the same scope; this one is still pending.
    """
    asked = {
        "id": job_id,
        "type": job_type,
        "worker": worker,
        "lease": lease,
        "timeout": timeout,
        "before": list(CLAIM.before),
        "cause": cause,
    }
    try:
        rows = _CLAIM.rows(connection, **asked)
    except IntegrityError as error:
        if getattr(error.orig, "diag", None) and error.orig.diag.constraint_name == "jobs_gate":  # type: ignore[union-attr]
            raise GateHeld("") from None
        raise
    return Job.from_row(rows[0]) if rows else None


_ADVANCE = Prepared(
    "advance_job",
    """
    WITH moved AS (
        UPDATE jobs
        SET state = :after, worker = NULL, lease_until = NULL, deadline_at = NULL,
            failures = failures + :failed,
            -- What it waits for may have come while it was still at work.
            due_at = CASE WHEN :parked AND woken THEN now() ELSE coalesce(
                CAST(:until AS timestamptz), now() + :delay * interval '1 second') END,
            result = CAST(:result AS jsonb), code = :code, error = :error, conflict = :conflict,
            finished_at = CASE WHEN :over THEN now() END,
            expires_at = CASE WHEN :over THEN now() + :keep * interval '1 second' END,
            updated_at = now()
        WHERE id = :id AND state = ANY(:before) AND attempts = :attempts
          AND worker IS NOT DISTINCT FROM :worker
          AND (NOT :lease_ended OR lease_until < now())
          -- A job that is to be cancelled makes no move but its end.
          AND (:over OR cancelled_by IS NULL)
        RETURNING id, attempts, state
    ), kept AS (
        INSERT INTO job_moves (job_id, attempt, move, state, worker, note, cause)
        SELECT id, attempts, :move, state, coalesce(CAST(:by AS text), :worker), :note,
               CAST(:cause AS text) FROM moved
    )
    SELECT count(*) FROM moved
    """,
)


def advance(
    connection: Connection,
    job: Job,
    move: Move,
    *,
    keep: float = 0.0,
    delay: float = 0.0,
    until: Any = None,
    result: Mapping[str, Any] | None = None,
    code: str | None = None,
    error: str | None = None,
    conflict: str | None = None,
    note: str | None = None,
    cause: str | None = None,
    by: str | None = None,
    lease_ended: bool = False,
) -> bool:
    """Move a job on, write its history, and free what it held, in one guarded statement.

    The guard is the state before, the attempt and the owner that the caller knows: an attempt whose
    claim was taken back is over before the next one begins. With `lease_ended` it is also that
    nobody renewed the claim meanwhile. A job that is to be cancelled can only end. False means
    that the job has moved on without the caller, or must not move so, and that nothing was
    changed. `keep` and `delay` are seconds, `until` a time; `note` is a line that says why, and
    `cause` a word of few, to count by; `by` is the worker that moves a job which it does not own.
    """
    rows = _ADVANCE.rows(
        connection,
        id=job.id,
        attempts=job.attempts,
        before=list(move.before),
        after=move.after,
        over=move.after in TERMINAL,
        failed=int(move.counts),
        parked=move is PARK,
        move=move.name,
        worker=job.worker,
        keep=keep,
        delay=delay,
        until=until,
        result=None if result is None else json.dumps(result),
        code=code,
        error=error,
        conflict=conflict,
        note=note if note is not None else error,
        cause=cause,
        by=by,
        lease_ended=lease_ended,
    )
    return bool(rows[0][0])


_LOCK = text("SELECT id FROM jobs WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")


def lock(connection: Connection, job_ids: Sequence[str]) -> None:
    """Have nobody else move these jobs before the caller's transaction is over.

    Whoever writes both a job and what belongs to it locks the job first, as its end does; else two
    of them may wait for each other.
    """
    connection.execute(_LOCK, {"ids": list(job_ids)})


_HOLD = text("""
    SELECT id FROM jobs
    WHERE id = :id AND state = 'running' AND attempts = :attempts AND worker = :worker
    FOR NO KEY UPDATE
""")


def hold(connection: Connection, job: Job) -> None:
    """Lock a job that this attempt still holds.

    Raises:
        ClaimLost: it does not.
    """
    asked = {"id": job.id, "attempts": job.attempts, "worker": job.worker}
    if connection.execute(_HOLD, asked).first() is None:
        raise ClaimLost


_CHECKPOINT = text("""
    UPDATE jobs
    SET progress = progress || CAST(:progress AS jsonb),
        cursor = cursor || CAST(:cursor AS jsonb),
        stage = coalesce(:stage, stage), irrevocable = irrevocable OR :irrevocable,
        updated_at = now()
    WHERE id = :id AND state = 'running' AND attempts = :attempts AND worker = :worker
    RETURNING cancelled_by
""")


def checkpoint(
    connection: Connection,
    job: Job,
    *,
    progress: Mapping[str, Any],
    cursor: Mapping[str, Any],
    stage: str | None = None,
    irrevocable: bool = False,
) -> None:
    """Merge facts into the progress and the cursor of a job that this attempt still holds.

    Raises:
        ClaimLost: it does not; the caller's transaction must be undone.
        Cancelled: somebody asked for that; likewise.
    """
    kept = connection.execute(
        _CHECKPOINT,
        {
            "id": job.id,
            "attempts": job.attempts,
            "worker": job.worker,
            "progress": json.dumps(progress),
            "cursor": json.dumps(cursor),
            "stage": stage,
            "irrevocable": irrevocable,
        },
    ).first()
    if kept is None:
        raise ClaimLost
    if kept.cancelled_by is not None:
        raise Cancelled


_RENEW = text("""
    UPDATE jobs
    SET lease_until = LEAST(now() + :lease * interval '1 second', deadline_at)
    WHERE id = :id AND attempts = :attempts AND worker = :worker AND lease_until >= now()
    RETURNING cancelled_by IS NOT NULL AS is_cancelled
""")


class Renewal(NamedTuple):
    """What became of a claim that was to be renewed."""

    #: False if it has ended or was lost.
    is_held: bool
    #: Whether somebody asked for the job to be cancelled.
    is_cancelled: bool


def renew(connection: Connection, job: Job, *, lease: float) -> Renewal:
    """Renew the claim of an attempt by `lease` seconds."""
    asked = {"id": job.id, "attempts": job.attempts, "worker": job.worker, "lease": lease}
    row = connection.execute(_RENEW, asked).first()
    return Renewal(row is not None, bool(row and row.is_cancelled))


_WAKE = text("""
    WITH roused AS (
        UPDATE jobs
        SET woken = true, updated_at = now(),
            due_at = CASE WHEN worker IS NULL THEN now() ELSE due_at END,
            rung_at = CASE WHEN worker IS NULL THEN now() ELSE rung_at END
        WHERE id = ANY(:ids) AND state = 'running' AND NOT woken
        RETURNING type, id, queue, worker
    )
    SELECT type, id, queue FROM roused WHERE worker IS NULL
""")


def wake(connection: Connection, job_ids: Sequence[str]) -> list[Bell]:
    """Have parked jobs go on now; one that is about to park will not wait.

    Returns the bells to ring once this is committed; without them the sweep rings.
    """
    return [Bell(*row) for row in connection.execute(_WAKE, {"ids": list(job_ids)})]
