"""What operators do to jobs: each is asked about on a page of its own before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import redirect, render_template, request, url_for

from app.dashboard.blueprint import blueprint, must_act
from app.dashboard.job import find
from app.dashboard.jobs import asked_for
from app.dashboard.visitor import visitor
from app.errors import Refused
from app.finding import filter_of
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.job.dispatch import dispatching
from tasks.watch import actions, search
from tasks.watch.actions import NotPossible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask.typing import ResponseReturnValue

    from tasks.job.states import State
    from tasks.watch.actions import Done
    from tasks.watch.detail import Delivery, Detail


class _Order(NamedTuple):
    """Something that is done to many jobs."""

    #: The word that its pages are chosen by.
    word: str
    #: Those of the jobs that match which it is done to, and how many may be.
    states: Sequence[State]
    most: int
    to_all: Callable[..., Done]
    to_these: Callable[..., Done]


_ORDERS = {
    "cancel": _Order(
        "cancel",
        actions.OPEN,
        actions.MOST_CANCELLED,
        actions.cancel_all,
        actions.cancel_these,
    ),
    "retry": _Order(
        "retry", actions.FAILED, actions.MOST_REPEATED, actions.repeat_all, actions.repeat_these
    ),
}


def _by() -> str:
    """Return the name of who acts.

    Raises:
        Refused: they may only watch.
    """
    must_act()
    operator = visitor().operator
    return operator.name if operator else ""


# One job.


@blueprint.get("/jobs/<job_id>/cancel")
def ask_to_cancel(job_id: str) -> str:
    """Ask whether a job is to be cancelled."""
    return _ask_about(job_id, "cancel")


@blueprint.post("/jobs/<job_id>/cancel")
def cancel(job_id: str) -> ResponseReturnValue:
    """Cancel a job: at once if it waits, at its next step if it is at work."""
    by = _by()
    find(job_id)
    try:
        with dispatching(wiring().database, wiring().ringer) as dispatch:
            done = actions.cancel(dispatch, job_id, by=by)
    except NotPossible as impossible:
        raise Refused(Fault.NOT_POSSIBLE, str(impossible)) from None
    return _to_job(job_id, did="cancelled" if done.ended else "asked")


@blueprint.get("/jobs/<job_id>/retry")
def ask_to_repeat(job_id: str) -> str:
    """Ask whether a job is to be run again."""
    return _ask_about(job_id, "retry")


@blueprint.post("/jobs/<job_id>/retry")
def repeat(job_id: str) -> ResponseReturnValue:
    """Run an ended job again, as a new one that points to it."""
    by = _by()
    find(job_id)
    try:
        with dispatching(wiring().database, wiring().ringer) as dispatch:
            made = actions.repeat(dispatch, job_id, by=by)
    except NotPossible as impossible:
        raise Refused(Fault.NOT_POSSIBLE, str(impossible)) from None
    return _to_job(made, did="repeated")


def _ask_about(job_id: str, word: str) -> str:
    must_act()
    found = find(job_id)
    return render_template("dashboard/ask_one.html", word=word, job=found.job, why=found.why)


def _to_job(job_id: str, *, did: str) -> ResponseReturnValue:
    return redirect(url_for("dashboard.job", job_id=job_id, did=did), 303)


# What a webhook was told.


@blueprint.get("/jobs/<job_id>/deliveries/<delivery_id>/replay")
def ask_to_replay(job_id: str, delivery_id: str) -> str:
    """Ask whether a webhook is to be told again."""
    must_act()
    found, told = _told(job_id, delivery_id)
    return render_template("dashboard/ask_replay.html", job=found.job, told=told)


@blueprint.post("/jobs/<job_id>/deliveries/<delivery_id>/replay")
def replay(job_id: str, delivery_id: str) -> ResponseReturnValue:
    """Deliver again what a webhook was told, or what was given up."""
    by = _by()
    _told(job_id, delivery_id)
    try:
        with dispatching(wiring().database, wiring().ringer) as dispatch:
            actions.replay(dispatch, delivery_id, by=by)
    except NotPossible as impossible:
        raise Refused(Fault.NOT_POSSIBLE, str(impossible)) from None
    return _to_job(job_id, did="replayed")


def _told(job_id: str, delivery_id: str) -> tuple[Detail, Delivery]:
    """Return a job and one thing that a webhook was told of it."""
    found = find(job_id)
    for told in found.deliveries:
        if told.id == delivery_id:
            return found, told
    raise Refused(Fault.NO_SUCH_PATH)


# All that match.


@blueprint.get("/jobs/cancel")
def ask_to_cancel_all() -> str:
    """Ask whether all that match are to be cancelled, and say how many they are."""
    return _ask_about_all(_ORDERS["cancel"])


@blueprint.post("/jobs/cancel")
def cancel_all() -> ResponseReturnValue:
    """Cancel all that match, if they are as many as the page said."""
    return _do_to_all(_ORDERS["cancel"])


@blueprint.get("/jobs/retry")
def ask_to_repeat_all() -> str:
    """Ask whether all that match and have failed are to be run again; say how many they are."""
    return _ask_about_all(_ORDERS["retry"])


@blueprint.post("/jobs/retry")
def repeat_all() -> ResponseReturnValue:
    """Run all again that match and have failed, if they are as many as the page said."""
    return _do_to_all(_ORDERS["retry"])


def _ask_about_all(order: _Order, *, was: int | None = None) -> str:
    must_act()
    given = asked_for()
    wanted = actions.narrowed(filter_of(given), order.states)
    with wiring().database.statement() as connection:
        counted = search.count(connection, wanted, most=order.most)
    return render_template(
        "dashboard/ask_all.html",
        order=order,
        given=given,
        counted=counted,
        was=was,
    )


def _do_to_all(order: _Order) -> ResponseReturnValue:
    by = _by()
    wanted = filter_of(asked_for())
    expected = request.form.get("expected", "")
    if not (expected.isascii() and expected.isdigit() and len(expected) <= len(str(order.most))):
        raise Refused(Fault.BAD_BODY, "the form does not say how many jobs are meant")
    try:
        with dispatching(wiring().database, wiring().ringer) as dispatch:
            done = order.to_all(dispatch, wanted, expected=int(expected), by=by)
    except actions.CountDiffers:
        return _ask_about_all(order, was=int(expected)), 409
    return render_template("dashboard/done.html", order=order, done=done, given=asked_for())


# Those that were ticked.


@blueprint.post("/jobs/selected")
def selected() -> str:
    """Ask about jobs that were ticked in the list; do it once that was confirmed."""
    by = _by()
    order = _ORDERS.get(request.form.get("do", ""))
    ids = list(dict.fromkeys(request.form.getlist("id")))
    is_readable = all(one.isprintable() for one in ids) and len(ids) <= search.MAX_LIMIT
    if order is None or not is_readable:
        raise Refused(Fault.BAD_BODY, "the form is none of ours")
    if not ids:
        raise Refused(Fault.BAD_BODY, "no job was ticked")
    if "sure" not in request.form:
        return render_template("dashboard/ask_selected.html", order=order, ids=ids)
    with dispatching(wiring().database, wiring().ringer) as dispatch:
        done = order.to_these(dispatch, ids, by=by)
    return render_template("dashboard/done.html", order=order, done=done, given={})
