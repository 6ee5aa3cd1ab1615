"""Accept work: validate, record in one commit, then ring."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from config import tracing
from tasks.job import store
from tasks.job.declare import JOB_TYPES
from tasks.job.errors import GateHeld, PayloadInvalid
from tasks.job.queue import Bell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from config.database import Database
    from tasks.job.declare import JobType
    from tasks.job.queue import Ringer


class Dispatch:
    """Records jobs on a connection and keeps their bells until the commit."""

    def __init__(self, connection: Connection) -> None:
        #: For what must be written in the same commit as the jobs.
        self.connection = connection
        self._bells: list[Bell] = []

    def add(
        self,
        job_type: str,
        payload: Mapping[str, Any],
        *,
        tenant: str,
        retry_of: str | None = None,
    ) -> str:
        """Record one job and return its id; `retry_of` is the ended job that it runs again.

        Raises:
            PayloadInvalid: the payload does not fit the type; nothing was recorded.
            GateHeld: a job of the type runs in the same scope; nothing was recorded.
        """
        return self.add_many(job_type, [(tenant, payload)], retry_of=retry_of)[0]

    def add_many(
        self,
        job_type: str,
        given: Sequence[tuple[str, Mapping[str, Any]]],
        *,
        retry_of: str | None = None,
    ) -> list[str]:
        """Record a job for each tenant and payload, all in one statement; return their ids.

        Raises:
            PayloadInvalid, GateHeld: as `add`, for any of them.
        """
        kind = JOB_TYPES[job_type]
        gates = self._gates(kind, [payload for _, payload in given])
        about: tracing.Attributes = {"jobspine.job.type": job_type, "jobspine.jobs": len(given)}
        with tracing.span(f"dispatch {job_type}", "PRODUCER", attributes=about) as span:
            trace_parent = tracing.current()
            jobs = [
                store.NewJob(
                    kind.new_id(self.connection),
                    job_type,
                    tenant,
                    kind.queue,
                    gate,
                    payload,
                    retry_of,
                    trace_parent,
                )
                for (tenant, payload), gate in zip(given, gates, strict=True)
            ]
            store.add(self.connection, jobs)
            if len(jobs) == 1:
                span.note({"jobspine.job.id": jobs[0].id})
        self._bells += [Bell(job_type, job.id, kind.queue) for job in jobs]
        return [job.id for job in jobs]

    def _gates(self, kind: JobType, payloads: Sequence[Mapping[str, Any]]) -> Sequence[str | None]:
        """Check payloads, and that their gates are free; return their scopes."""
        try:
            read = [kind.reads.load(payload) for payload in payloads]
        except ValidationError as error:
            raise PayloadInvalid(str(error)) from error
        if kind.gate is None:
            return [None] * len(read)
        scopes = [kind.gate.scope(fields) for fields in read]
        for holder in store.holders(self.connection, kind.name, scopes).values():
            raise GateHeld(holder)
        return scopes

    def wake(self, job_ids: Sequence[str]) -> None:
        """Have parked jobs go on once this is committed."""
        self._bells += store.wake(self.connection, job_ids)

    @property
    def bells(self) -> list[Bell]:
        """The bells to ring once the jobs are committed."""
        return self._bells


@contextmanager
def dispatching(database: Database, ringer: Ringer) -> Iterator[Dispatch]:
    """Record jobs, and what belongs to them, in one transaction; ring after its commit."""
    with database.transaction() as connection:
        dispatch = Dispatch(connection)
        yield dispatch
    ringer.ring(dispatch.bells)


def dispatch_one(
    database: Database, ringer: Ringer, job_type: str, payload: Mapping[str, Any], *, tenant: str
) -> str:
    """Record one job with nothing beside it, in a single statement; ring; return its id.

    Raises:
        PayloadInvalid, GateHeld: as `Dispatch.add`.
    """
    with database.statement() as connection:
        dispatch = Dispatch(connection)
        job_id = dispatch.add(job_type, payload, tenant=tenant)
    ringer.ring(dispatch.bells)
    return job_id
