"""What operators do: cancel, run again and replay; each leaves an audit row."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tasks.job import orders, store
from tasks.job.errors import Complaint, GateHeld, NotRepeatable, PayloadInvalid
from tasks.job.states import State
from tasks.records import operators, webhooks
from tasks.watch import search
from tasks.webhooks.announce import tell_again

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.job.dispatch import Dispatch
    from tasks.watch.search import Filter

#: Jobs that are cancelled, and that are run again, in one go.
MOST_CANCELLED, MOST_REPEATED = 10_000, 1_000
#: What can be cancelled, and what is run again if that is said of all that match.
OPEN = (State.PENDING, State.RUNNING)
FAILED = (State.FAILED, State.REJECTED)


class NotPossible(Complaint):
    """What was asked for cannot be done to this job."""


class CountDiffers(Complaint):
    """Not as many jobs match as was expected; nothing was done."""

    def __init__(self, count: int) -> None:
        super().__init__()
        #: How many do; one more than may be done in one go if there are more.
        self.count = count


@dataclass
class Done:
    """What became of an order."""

    #: Cancelled, and asked to stop at their next step.
    ended: Sequence[str] = ()
    asked: Sequence[str] = ()
    #: The new jobs by those that they run again.
    repeated: dict[str, str] = field(default_factory=dict)
    #: Why nothing was done to some, by their ids.
    refused: dict[str, str] = field(default_factory=dict)


def narrowed(wanted: Filter, states: Sequence[State]) -> Filter:
    """Return a filter for those of its jobs that are in some of these states."""
    both = tuple(state for state in states if not wanted.states or state in wanted.states)
    # A filter without states excludes none, so one that excludes all needs another word.
    return replace(wanted, states=both) if both else replace(wanted, types=("",))


def cancel(dispatch: Dispatch, job_id: str, *, by: str, **details: Any) -> Done:
    """Cancel one job; `details` are kept beside that in the audit row.

    Raises:
        NotPossible: the text says why.
    """
    done = _cancel(dispatch, [job_id], by=by, **details)
    if not done.ended and not done.asked:
        raise NotPossible(_why_not(dispatch, job_id))
    return done


def cancel_these(dispatch: Dispatch, ids: Sequence[str], *, by: str) -> Done:
    """Cancel those of some jobs for which it is possible."""
    done = _cancel(dispatch, ids, by=by)
    left = set(ids) - {*done.ended, *done.asked}
    done.refused = {job_id: _why_not(dispatch, job_id) for job_id in ids if job_id in left}
    return done


def _why_not(dispatch: Dispatch, job_id: str) -> str:
    """Say why a job was not cancelled."""
    job = store.get(dispatch.connection, job_id)
    if job is None:
        return "there is no such job"
    if job.is_over:
        return "the job has ended"
    if job.irrevocable:
        return "its effects are on their way and cannot be taken back"
    return f"{job.cancelled_by} has asked it to stop already"


def cancel_all(
    dispatch: Dispatch, wanted: Filter, *, expected: int, by: str, **details: Any
) -> Done:
    """Cancel every job that matches and has not ended, if there are as many as expected.

    Raises:
        CountDiffers: there are not.
    """
    meant = narrowed(wanted, OPEN)
    ids = _ids(dispatch, meant, expected, most=MOST_CANCELLED)
    return _cancel(dispatch, ids, by=by, filter=said(meant), **details)


def _cancel(dispatch: Dispatch, ids: Sequence[str], *, by: str, **details: Any) -> Done:
    made = orders.cancel(dispatch.connection, ids, by=by)
    dispatch.bells.extend(made.bells)
    if made.ended or made.asked:
        jobs = [*made.ended, *made.asked]
        operators.note(dispatch.connection, by, "cancel", jobs, **details)
    return Done(ended=made.ended, asked=made.asked)


def repeat(dispatch: Dispatch, job_id: str, *, by: str, **details: Any) -> str:
    """Run one ended job again; return the new one's id.

    Raises:
        NotPossible: the text says why.
        GateHeld: another job is in flight where it would be.
    """
    try:
        made = orders.repeat(dispatch, job_id)
    except (NotRepeatable, PayloadInvalid) as refused:
        raise NotPossible(str(refused)) from None
    operators.note(dispatch.connection, by, "retry", [job_id], made={job_id: made}, **details)
    return made


def repeat_all(
    dispatch: Dispatch, wanted: Filter, *, expected: int, by: str, **details: Any
) -> Done:
    """Run every job again that matches and has failed, if there are as many as expected.

    Raises:
        CountDiffers: there are not.
    """
    meant = narrowed(wanted, FAILED)
    ids = _ids(dispatch, meant, expected, most=MOST_REPEATED)
    return _repeat(dispatch, list(reversed(ids)), by=by, filter=said(meant), **details)


def repeat_these(dispatch: Dispatch, ids: Sequence[str], *, by: str) -> Done:
    """Run those of some jobs again for which it is possible, in this order."""
    return _repeat(dispatch, ids, by=by)


def _repeat(dispatch: Dispatch, ids: Sequence[str], *, by: str, **details: Any) -> Done:
    done = Done()
    for job_id in ids:
        try:
            with dispatch.connection.begin_nested():
                done.repeated[job_id] = orders.repeat(dispatch, job_id)
        except (NotRepeatable, PayloadInvalid) as refused:
            done.refused[job_id] = str(refused)
        except GateHeld as held:
            done.refused[job_id] = f"its gate is held by {held.holder}"
    if done.repeated:
        jobs = list(done.repeated)
        operators.note(dispatch.connection, by, "retry", jobs, **details, made=done.repeated)
    return done


def replay(dispatch: Dispatch, delivery_id: str, *, by: str) -> str:
    """Have a webhook told again what it was told; return the id of the job that it was about.

    Raises:
        NotPossible: the text says why.
    """
    told = webhooks.receiver(dispatch.connection, delivery_id)
    if told is None:
        raise NotPossible("there is no such delivery, or its webhook was removed")
    if not tell_again(dispatch, told.tenant, told.webhook_id, delivery_id):
        raise NotPossible("it is still to be delivered")
    operators.note(dispatch.connection, by, "replay", [told.about], delivery=delivery_id)
    return told.about


def _ids(dispatch: Dispatch, wanted: Filter, expected: int, *, most: int) -> list[str]:
    found = search.ids(dispatch.connection, wanted, most=most)
    if len(found) != expected or expected > most:
        raise CountDiffers(len(found))
    return found


def said(wanted: Filter) -> dict[str, Any]:
    """Return what a filter says as JSON."""
    given = {name: value for name, value in asdict(wanted).items() if value}
    return {
        name: list(value) if isinstance(value, tuple) else str(value)
        for name, value in given.items()
    }
