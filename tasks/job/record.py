"""The job as it is read: immutable values, of all its columns or of those that a poll shows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from tasks.job.states import TERMINAL, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True)
class Standing:
    """How a job stands: what may be said of it to whoever polls it."""

    id: str
    type: str
    state: State
    result: Mapping[str, Any] | None
    #: Why it failed, in one line for people.
    error: str | None
    #: For a rejected job: the id of the job that held the gate.
    conflict: str | None
    #: Counted facts, committed together with the data that they count.
    progress: Mapping[str, Any]

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Self:
        """Build one from the values of its columns."""
        job_id, job_type, state, *others = row
        return cls(job_id, job_type, State(state), *others)

    @property
    def is_over(self) -> bool:
        """Whether the state can never change again."""
        return self.state in TERMINAL

    @property
    def share(self) -> tuple[int, int] | None:
        """How many of how many are done; None where the type does not count that, or not yet."""
        done = self.progress.get("read", self.progress.get("done"))
        total = self.progress.get("total")
        if not isinstance(done, int) or not isinstance(total, int) or not 0 <= done <= total != 0:
            return None
        return done, total


@dataclass(frozen=True)
class Job(Standing):
    """A row of the table `jobs`. Times are UTC."""

    #: The order in which jobs were recorded.
    seq: int
    #: Whose job it is, in the words of its API; nobody else sees it.
    tenant: str
    queue: str
    #: The scope in which one job of the type runs at a time.
    gate: str | None
    payload: Mapping[str, Any]
    #: Why it failed, as a word for programs.
    code: str | None
    #: A finer word than `running`, where the type has one.
    stage: str | None
    #: What a handler needs to go on where an earlier attempt was; private to the type.
    cursor: Mapping[str, Any]
    #: Claims so far; the number fences every write of a worker.
    attempts: int
    #: What counted against the type's bound: errors and lost workers.
    failures: int
    worker: str | None
    created_at: datetime
    updated_at: datetime
    #: When it may be claimed (again).
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    #: When the record is cleared.
    expires_at: datetime | None
    #: Who asked for it to be cancelled.
    cancelled_by: str | None = None
    #: Whether it is too late to cancel it: its effects are on their way.
    irrevocable: bool = False
    #: The ended job that this one runs again.
    retry_of: str | None = None
    #: The span that it was dispatched in, as the header `traceparent` has it.
    trace_parent: str | None = None


#: The columns to select, in the order of the fields.
COLUMNS = ", ".join(field.name for field in fields(Job))
STANDING_COLUMNS = ", ".join(field.name for field in fields(Standing))
