from __future__ import annotations

import itertools

import pytest
from sqlalchemy import text

import tests.job_types  # noqa: F401 - declares the types that are dispatched here
from tasks.job import states
from tasks.job.context import Context
from tasks.job.errors import ClaimLost
from tests.tasks.job.jobs import advance, claim, claimed

EFFECT = text("INSERT INTO workers (id, queues) VALUES ('effect', '{}')")


@pytest.fixture
def context(database, settings):
    """The first attempt at a job."""
    return Context(claimed(database, "a"), database, settings)


def next_attempt(database, context):
    """The attempt after one that was lost."""
    advance(database, context.job, states.LOSE)
    return Context(claim(database, "a"), database, context.settings)


def test_effects_and_their_account_commit_together(context, auditor):
    with context.step() as step:
        step.connection.execute(EFFECT)
        step.save(progress={"read": 1}, cursor={"at": 5}, stage="parse")
        step.save(progress={"added": 1}, cursor={"at": 6})
        before = auditor.job("a")["cursor"], auditor.one("SELECT count(*) FROM workers")

    row = auditor.job("a")
    assert before == ({}, 0)
    assert row["progress"] == {"read": 1, "added": 1}
    assert (row["cursor"], row["stage"]) == ({"at": 6}, "parse")
    assert auditor.one("SELECT count(*) FROM workers") == 1
    assert context.cursor == {"at": 6}
    assert context.progress_so_far == {"read": 1, "added": 1}


def test_a_locked_step_holds_the_jobs_row_from_its_beginning(context, auditor, database):
    free = "SELECT count(*) FROM (SELECT FROM jobs FOR UPDATE SKIP LOCKED) AS rows"

    with context.step():
        plain = auditor.one(free)
    with context.step(locked=True):
        locked = auditor.one(free)
    next_attempt(database, context)

    assert (plain, locked) == (1, 0)
    with pytest.raises(ClaimLost), context.step(locked=True):
        pytest.fail("it goes no further")


def test_jobs_that_follow_from_a_step_commit_with_it_and_are_rung_for_behind_it(
    database, settings, auditor
):
    rung = []

    def ring(bells):
        rung.extend((bell.type, auditor.job(bell.id)["state"]) for bell in bells)

    context = Context(claimed(database, "a"), database, settings, ring)
    with context.step() as step:
        step.dispatch.add("noop", {}, tenant="t")
        before = auditor.one("SELECT count(*) FROM jobs")
    with context.step():
        pass
    with pytest.raises(ZeroDivisionError), context.step() as step:
        step.save(cursor={"at": len(step.dispatch.add("noop", {}, tenant="t")) / 0})

    assert before == 1
    assert rung == [("noop", "pending")]
    assert auditor.one("SELECT count(*) FROM jobs") == 2


def test_an_error_in_a_step_undoes_it(context, auditor):
    with pytest.raises(ZeroDivisionError), context.step() as step:
        step.save(cursor={"at": step.connection.execute(EFFECT).rowcount / 0})

    assert auditor.job("a")["cursor"] == {}
    assert auditor.one("SELECT count(*) FROM workers") == 0
    assert context.cursor == {}


def test_a_step_of_a_lost_attempt_is_undone(context, database, auditor):
    next_attempt(database, context)

    with pytest.raises(ClaimLost), context.step() as step:
        step.connection.execute(EFFECT)

    assert auditor.one("SELECT count(*) FROM workers") == 0


def test_an_attempt_that_knows_it_is_lost_does_not_begin_a_step(context):
    context.lose()

    with pytest.raises(ClaimLost), context.step():
        pytest.fail("the step began")


def test_a_later_attempt_finds_what_an_earlier_one_saved(context, database):
    context.progress(done=3, total=9)
    context.stage("parse")

    later = next_attempt(database, context)

    assert later.progress_so_far == {"done": 3, "total": 9}
    assert (later.job.stage, later.job.attempts) == ("parse", 2)


def test_once_makes_once_in_all_attempts(context, database):
    numbers = itertools.count(1)

    made = context.once("name", lambda: next(numbers))
    again = context.once("name", lambda: next(numbers))
    later = next_attempt(database, context).once("name", lambda: next(numbers))

    assert (made, again, later) == (1, 1, 1)


def test_once_keeps_what_is_false_as_well(context):
    numbers = itertools.count(0)

    assert context.once("zero", lambda: next(numbers)) == 0
    assert context.once("zero", lambda: next(numbers)) == 0


def test_once_is_by_the_key(context):
    assert context.once("a", lambda: "x") == "x"
    assert context.once("b", lambda: "y") == "y"
    assert context.cursor == {"a": "x", "b": "y"}


def test_what_a_lost_attempt_decides_is_not_kept(context, database, auditor):
    next_attempt(database, context)

    with pytest.raises(ClaimLost):
        context.once("name", lambda: "late")

    assert auditor.job("a")["cursor"] == {}
