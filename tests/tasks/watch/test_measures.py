from __future__ import annotations

import json
from dataclasses import asdict

import pytest

import tests.job_types  # noqa: F401 - declares the types that are measured
from tasks.job import states, upkeep
from tasks.watch import measures
from tests.tasks.job.jobs import advance, age, claimed, record, tally


@pytest.fixture
def measure(database):
    """Measure what is there now."""

    def measure():
        with database.transaction() as connection:
            return measures.read(connection)

    return measure


def test_levels_are_those_of_the_record(measure, database, auditor):
    record(database, "a")
    record(database, "b", type="gated")
    age(auditor, "a", due_at=30)
    claimed(database, "c")
    advance(database, claimed(database, "d"), states.PARK, delay=60)
    auditor.rows("INSERT INTO workers (id, queues, skew) VALUES ('w1', '{default}', -0.5)")

    found = measure()

    (queue,) = (one for one in found.queues if one["name"] == "default")
    assert (queue["due"], queue["later"], queue["running"], queue["workers"]) == (2, 1, 1, 1)
    assert 30 <= queue["oldest"] < 60
    assert {"type": "gated", "pending": 1, "running": 0} in found.types
    assert {"type": "noop", "pending": 1, "running": 2} in found.types
    assert found.workers == {"busy": 1}
    assert found.skew == 0.5
    assert json.loads(json.dumps(asdict(found))) == asdict(found)


def test_counts_say_how_far_they_are_behind_and_stay_when_jobs_are_cleared(
    measure, database, auditor
):
    advance(database, claimed(database, "a"), states.COMPLETE, result={}, keep=0)
    behind = measure()
    tally(database)
    counted = measure()
    with database.transaction() as connection:
        upkeep.expire(connection, limit=10)
    cleared = measure()

    assert behind.totals == []
    assert 0 < behind.lag < 60
    assert counted.lag == 0
    assert [row[:3] for row in counted.totals if row[2] == "moves"] == [
        ["noop", "claim", "moves"],
        ["noop", "complete", "moves"],
    ]
    assert cleared.totals == counted.totals
    assert auditor.one("SELECT count(*) FROM jobs") == 0


def test_rows_of_an_import_are_counted_as_they_are_committed_and_once(measure, database, auditor):
    def rows():
        return {name: number for kind, name, number in measure().rows if kind == "org_members"}

    job = claimed(database, "a", type="org_members", queue="bulk")
    before = rows()
    auditor.rows("""UPDATE jobs SET progress = '{"read": 200, "added": 190, "errors": 12}'""")
    going_on = rows()
    advance(database, job, states.COMPLETE, result={}, keep=0)
    ended = rows()
    tally(database)
    counted = rows()
    with database.transaction() as connection:
        upkeep.expire(connection, limit=10)

    assert before == {}
    assert going_on == {"read": 200, "added": 190, "errors": 12}
    assert ended == counted == rows() == going_on


def test_moves_are_counted_by_their_causes(measure, database):
    advance(database, claimed(database, "a"), states.RETRY, cause="ValueError")
    advance(database, claimed(database, "b"), states.LOSE, cause=states.LEASE)
    advance(database, claimed(database, "c"), states.LOSE, cause=states.LEASE)
    tally(database)

    assert measure().causes == [["noop", "lose", "lease", 2], ["noop", "retry", "ValueError", 1]]
