from __future__ import annotations

import pytest

from tests.tasks.job.jobs import claimed, record
from workers.alive import fault


@pytest.fixture
def find(database, auditor):
    """What is wrong with the workers of `here`; times are seconds ago."""

    def find(*, seen: int = 0, claimed: int = 0, due: int = 0, host: str = "here") -> str | None:
        auditor.rows(
            "INSERT INTO workers (id, queues, started_at, seen_at, claimed_at) VALUES"
            " (%s, '{default}', now() - interval '1 hour', now() - %s * interval '1 second',"
            " now() - %s * interval '1 second')",
            f"{host}.1.x",
            seen,
            claimed,
        )
        auditor.rows("UPDATE jobs SET due_at = now() - %s * interval '1 second'", due)
        with database.statement() as connection:
            return fault(connection, "here")

    return find


def test_workers_that_were_seen_are_alive(find):
    assert find() is None


def test_workers_that_were_not_seen_for_a_minute_are_gone(find):
    assert find(seen=61) == "no worker of this machine was seen"


def test_workers_of_another_machine_do_not_count(find):
    assert find(host="heretic") == "no worker of this machine was seen"


def test_a_worker_that_is_idle_beside_old_work_is_at_fault(find, database):
    record(database, "a")

    assert find(claimed=61, due=61) == "a worker is idle beside work that is due"


def test_a_worker_beside_young_work_is_not(find, database):
    record(database, "a")

    assert find(claimed=61, due=59) is None


def test_a_worker_that_claimed_lately_is_not(find, database):
    record(database, "a")

    assert find(claimed=59, due=61) is None


def test_a_worker_that_is_busy_is_not(find, database):
    claimed(database, "held", worker="here.1.x")
    record(database, "a")

    assert find(claimed=61, due=61) is None


def test_work_of_other_queues_is_not_its_fault(find, database):
    record(database, "a", queue="bulk")

    assert find(claimed=61, due=61) is None
