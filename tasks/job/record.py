"""The job as it is read: one immutable value."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from tasks.job.states import TERMINAL, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Job:
    """A row of the table `jobs`. Times are UTC."""

    id: str
    #: The order in which jobs were recorded.
    seq: int
    type: str
    #: Whose job it is, in the words of its API; nobody else sees it.
    tenant: str
    state: State
    queue: str
    #: The scope in which one job of the type runs at a time.
    gate: str | None
    payload: Mapping[str, Any]
    result: Mapping[str, Any] | None
    #: Why it failed, as a word for programs.
    code: str | None
    #: Why it failed, in one line for people.
    error: str | None
    #: For a rejected job: the id of the job that held the gate.
    conflict: str | None
    #: A finer word than `running`, where the type has one.
    stage: str | None
    #: Counted facts, committed together with the data that they count.
    progress: Mapping[str, Any]
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

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Job:
        """Build a job from the values of `COLUMNS`."""
        values = dict(zip(_NAMES, row, strict=True))
        values["state"] = State(values["state"])
        return cls(**values)

    @property
    def is_over(self) -> bool:
        """Whether the state can never change again."""
        return self.state in TERMINAL


_NAMES = tuple(field.name for field in fields(Job))
#: The columns to select, in the order of the fields.
COLUMNS = ", ".join(_NAMES)
