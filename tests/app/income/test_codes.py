"""Codes that come at the same time as something else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.job import orders, store
from tests.conftest import wait_until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture
def task(who, perform):
    """A task that waits for a code."""
    made = who.login("goodlogin", "mfa")["task_id"]
    perform(made)
    return made


def test_of_two_codes_that_come_at_once_one_is_taken(who, task, perform, database, auditor):
    with ThreadPoolExecutor(2) as people:
        with database.transaction() as connection:
            store.lock(connection, [task])
            given = [people.submit(who.code, task, code) for code in ("12345", "12345")]
            wait_until(lambda: auditor.one(WAITING) == 2)
        answers = sorted(one.result().status_code for one in given)

    assert answers == [202, 400]
    assert perform(task) == "completed"


def test_a_code_that_comes_while_the_task_ends_is_refused_and_holds_nothing_up(
    who, task, database, auditor
):
    with ThreadPoolExecutor(1) as people:
        with database.transaction() as connection:
            store.lock(connection, [task])
            given = people.submit(who.code, task)
            wait_until(lambda: auditor.one(WAITING) == 1)
            # Neither waits for the other: PostgreSQL would end one of them.
            done = orders.cancel(connection, [task], by="mary")
        answer = given.result()

    assert (done.ended, answer.status_code) == ([task], 400)
    assert who.status(task) == "error"
