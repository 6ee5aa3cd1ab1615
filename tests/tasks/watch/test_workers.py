from __future__ import annotations

import pytest

import tests.job_types  # noqa: F401 - declares the types that are shown
from tasks.watch import workers
from tasks.watch.workers import Seen, judge
from tests.tasks.job.jobs import age, claimed, record

BASE = {
    "silent": 1.0, "every": 2.0, "unvouched": 1.0, "unclaimed": 5.0, "astray": 0.0,
    "overdue": 0.0, "ended": None, "left": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("known", "state", "why"),
    [
        ({}, "idle", "nothing to do"),
        ({"left": 50.0}, "busy", "at work"),
        ({"left": -1.0}, "wedged", "holds a job past its time"),
        ({"silent": 7.0}, "idle", "nothing to do"),
        ({"silent": 9.0, "left": 50.0}, "wedged", "its process is there, and silent for 9 seconds"),
        ({"silent": 900.0}, "wedged", "its process is there, and silent for 15 minutes"),
        ({"silent": 9.0, "every": 5.0}, "idle", "nothing to do"),
        ({"silent": 12.0, "unvouched": 9.0, "left": 50.0}, "dead", "no sign of life for 9 seconds"),
        ({"silent": 9.0, "unvouched": None}, "wedged", "not seen for 9 seconds"),
        ({"silent": 61.0, "unvouched": None}, "dead", "not seen for 61 seconds"),
        ({"astray": 9.0}, "wedged", "its slot has been taken for 9 seconds without a claim"),
        ({"astray": 9.0, "left": 50.0}, "busy", "at work"),
        ({"ended": "it was stopped"}, "stopped", "it was stopped"),
        ({"ended": "the worker process ended (SIGKILL)"}, "dead",
         "the worker process ended (SIGKILL)"),
        ({"overdue": 70.0, "unclaimed": 90.0}, "wedged",
         "idle beside work that has been due for 70 seconds"),
        ({"overdue": 70.0, "unclaimed": 3.0}, "idle", "nothing to do"),
        ({"overdue": 70.0, "unclaimed": 90.0, "left": 5.0}, "busy", "at work"),
    ],
)  # fmt: skip
def test_a_wedged_worker_is_neither_dead_nor_idle(known, state, why):
    assert judge(Seen(**{**BASE, **known})) == (state, why)


def test_workers_are_shown_with_what_they_do(database, auditor):
    auditor.rows(
        "INSERT INTO workers (id, queues, started_at, seen_at, claims, skew) VALUES"
        " ('w1', '{default}', now(), now() + interval '1 h', 3, 0.5),"
        " ('w2', '{default,bulk}', now() - interval '90 s', now() + interval '1 h', 0, 0),"
        " ('w3', '{default}', now(), now(), 0, 0)"
    )
    claimed(database, "a", worker="w1")
    record(database, "b", queue="bulk")
    age(auditor, "b", due_at=90)
    with database.statement() as connection:
        workers.note_end(connection, ["w3"], workers.STOPPED)
        workers.note_end(connection, ["w3"], "somebody else's reason")
        found = {one.id: one for one in workers.everyone(connection)}

    assert list(found) == ["w1", "w2", "w3"]
    assert {name: one.state for name, one in found.items()} == {
        "w1": "busy",
        "w2": "wedged",
        "w3": "stopped",
    }
    busy = found["w1"]
    assert (busy.job_id, busy.job_type, busy.claims, busy.skew) == ("a", "noop", 3, 0.5)
    assert busy.job_since == auditor.one("SELECT at FROM job_moves")
    assert found["w2"].queues == ["default", "bulk"]


def test_work_of_a_type_that_nothing_declares_is_nobodys_fault(database, auditor):
    auditor.rows(
        "INSERT INTO workers (id, queues, started_at, seen_at)"
        " VALUES ('w1', '{default}', now() - interval '90 s', now() + interval '1 h')"
    )
    record(database, "a", type="forgotten")
    age(auditor, "a", due_at=90)

    with database.statement() as connection:
        (found,) = workers.everyone(connection)

    assert found.state == "idle"
