from __future__ import annotations

from sqlalchemy import text

from tasks.job import states, upkeep
from tasks.job.queue import Bell
from tests.tasks.job.jobs import advance, age, claimed, record, tally


def test_ended_leases_are_found_longest_ago_first(database, auditor):
    for name, ago in (("a", 61), ("b", 99), ("c", 0)):
        claimed(database, name, lease=60)
        age(auditor, name, lease_until=ago)
    record(database, "d")

    with database.statement() as connection:
        found = upkeep.lease_ended(connection, ["noop"], limit=10)
        of_other_types = upkeep.lease_ended(connection, ["holds"], limit=10)

    assert [job.id for job in found] == ["b", "a"]
    assert of_other_types == []


def test_the_jobs_of_workers_are_those_that_they_hold(database):
    claimed(database, "a", worker="w1")
    claimed(database, "b", worker="w2")
    record(database, "c")

    with database.statement() as connection:
        assert [job.id for job in upkeep.of_workers(connection, ["w1"], ["noop"])] == ["a"]
        assert upkeep.of_workers(connection, ["w3"], ["noop"]) == []
        assert upkeep.of_workers(connection, ["w1"], ["holds"]) == []


def test_overdue_jobs_of_served_queues_are_found_oldest_first(database, auditor):
    for name, queue, ago in (
        ("young", "default", 1),
        ("old", "default", 20),
        ("older", "bulk", 30),
        ("oldest", "unserved", 40),
    ):
        record(database, name, queue=queue)
        age(auditor, name, due_at=ago)
    claimed(database, "owned")
    age(auditor, "owned", due_at=50)

    with database.statement() as connection:
        found = upkeep.overdue(connection, ["default", "bulk"], ["noop"], margin=5, limit=9)

    assert found == [Bell("noop", "older", "bulk"), Bell("noop", "old", "default")]


def test_a_job_is_taken_for_ringing_once_when_it_becomes_due(database, auditor):
    record(database, "rung-at-once")
    job = claimed(database, "retried")
    advance(database, job, states.RETRY, delay=60)

    with database.statement() as connection:
        early = upkeep.take_unrung(connection, ["noop"], limit=9)
        age(auditor, "retried", due_at=61, rung_at=100)
        first = upkeep.take_unrung(connection, ["noop"], limit=9)
        second = upkeep.take_unrung(connection, ["noop"], limit=9)

    assert early == []
    assert first == [Bell("noop", "retried", "default")]
    assert second == []


def test_an_unheard_job_is_taken_again_after_the_silence(database, auditor):
    record(database, "a")
    record(database, "b", queue="bulk")
    age(auditor, "a", due_at=5, rung_at=5)
    age(auditor, "b", due_at=5, rung_at=5)

    with database.statement() as connection:
        kept = upkeep.take_unheard(connection, "default", ["noop"], silence=9, limit=9)
        first = upkeep.take_unheard(connection, "default", ["noop"], silence=3, limit=9)
        second = upkeep.take_unheard(connection, "default", ["noop"], silence=3, limit=9)

    assert (kept, second) == ([], [])
    assert first == [Bell("noop", "a", "default")]


def test_two_that_ring_at_once_do_not_ring_twice(database, auditor):
    record(database, "a")
    record(database, "b")
    for name in ("a", "b"):
        age(auditor, name, due_at=5, rung_at=9)

    with database.transaction() as one, database.transaction() as other:
        first = upkeep.take_unrung(one, ["noop"], limit=1)
        second = upkeep.take_unrung(other, ["noop"], limit=9)

    assert sorted(bell.id for bell in first + second) == ["a", "b"]


def test_expired_jobs_go_with_their_history_and_others_stay(database, auditor):
    for name, keep in (("gone", 0), ("stays", 60)):
        advance(database, claimed(database, name), states.COMPLETE, result={}, keep=keep)
    age(auditor, "gone", expires_at=1)
    record(database, "pending")
    tally(database)

    with database.statement() as connection:
        cleared = upkeep.expire(connection, limit=9)

    assert cleared == {"noop": ["gone"]}
    assert auditor.rows("SELECT id FROM jobs ORDER BY id") == [{"id": "pending"}, {"id": "stays"}]
    assert auditor.rows("SELECT DISTINCT job_id FROM job_moves") == [{"job_id": "stays"}]


def test_expiry_goes_by_the_batch(database, auditor):
    for name in "abc":
        advance(database, claimed(database, name), states.COMPLETE, result={}, keep=0)
        age(auditor, name, expires_at=1)
    tally(database)

    with database.statement() as connection:
        sizes = [sum(map(len, upkeep.expire(connection, limit=2).values())) for _ in range(3)]

    assert sizes == [2, 1, 0]


def test_the_history_of_what_is_cleared_is_not_looked_for_in_all_of_it(database, auditor):
    auditor.rows(
        "INSERT INTO job_moves (job_id, attempt, move, state)"
        " SELECT n::text, 1, 'claim', 'running' FROM generate_series(1, 5000) n"
    )
    auditor.rows("ANALYZE job_moves")

    with database.transaction() as connection:
        plan = connection.execute(text(f"EXPLAIN {upkeep._EXPIRE.text}"), {"limit": 10}).all()

    assert "Seq Scan on job_moves" not in str(plan)
