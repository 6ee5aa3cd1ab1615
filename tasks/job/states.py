"""The five states of a job, and the one table of the moves between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a job is. Finer words are a stage while it runs, and a code when it failed."""

    #: Recorded; no worker has claimed it yet.
    PENDING = "pending"
    #: Claimed at least once and not ended: at work, parked, or waiting for its next attempt.
    RUNNING = "running"
    #: The handler returned; its effects are committed.
    COMPLETED = "completed"
    #: The handler gave up, its bound was reached or it was cancelled; `error` says why.
    FAILED = "failed"
    #: Another job held the gate when this one tried to claim it; `conflict` names the holder.
    REJECTED = "rejected"


#: States that never change again.
TERMINAL = frozenset({State.COMPLETED, State.FAILED, State.REJECTED})


@dataclass(frozen=True)
class Move:
    """One way in which a job may change."""

    #: The word that the history keeps.
    name: str
    before: frozenset[State]
    after: State
    #: Whether it counts against the type's bound of failures.
    counts: bool = False


_RUNNING = frozenset({State.RUNNING})
_PENDING = frozenset({State.PENDING})

#: A worker takes the job; the attempt is counted in the same statement.
CLAIM = Move("claim", _PENDING | _RUNNING, State.RUNNING)
#: The handler returned its result.
COMPLETE = Move("complete", _RUNNING, State.COMPLETED)
#: The handler failed for good, or for the last time.
FAIL = Move("fail", _RUNNING, State.FAILED, counts=True)
#: The handler failed and will be tried again.
RETRY = Move("retry", _RUNNING, State.RUNNING, counts=True)
#: The handler waits for something outside; no slot and no lease is held.
PARK = Move("park", _RUNNING, State.RUNNING)
#: A worker that stops gives the job back unfinished.
HAND_BACK = Move("hand_back", _RUNNING, State.RUNNING)
#: The worker vanished or overran the time limit; the job is tried again.
LOSE = Move("lose", _RUNNING, State.RUNNING, counts=True)
#: Another job of the type holds the gate.
REJECT = Move("reject", _PENDING, State.REJECTED)
#: Somebody asked for it not to be done; one that is at work ends when its handler notices.
CANCEL = Move("cancel", _PENDING | _RUNNING, State.FAILED)

MOVES = (CLAIM, COMPLETE, FAIL, RETRY, PARK, HAND_BACK, LOSE, REJECT, CANCEL)

#: Why a claim was lost: nobody renewed it, its process ended, or its time was up.
LEASE, PROCESS, TIME_LIMIT = "lease", "process", "time_limit"
#: Why an idle worker made a claim: the job was overdue, and no bell had been heard.
UNASKED = "unasked"
