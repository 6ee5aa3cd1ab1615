from __future__ import annotations

import pytest

import tests.job_types  # noqa: F401 - declares the types that are counted
from tasks.job import lists, orders, states, store, upkeep
from tasks.watch import statistics, tallies
from tasks.watch.statistics import DAY, HOUR, Span, quantile, span
from tasks.watch.tallies import BOUNDS
from tests.tasks.job.jobs import advance, age, claim, claimed, record, tally


@pytest.fixture
def count(database):
    """Count what has been written by now."""
    return lambda: tally(database)


@pytest.fixture
def counted(auditor):
    """What was counted of a measure, by move."""

    def counted(measure="moves", table="totals", types="<> ''"):
        rows = auditor.rows(
            f"SELECT move, sum(counted)::int AS n FROM {table} WHERE measure = %s"
            f" AND type {types} GROUP BY move",
            measure,
        )
        return {row["move"]: row["n"] for row in rows}

    return counted


def test_every_move_and_every_length_is_counted_once(count, counted, database, auditor):
    advance(database, claimed(database, "a"), states.COMPLETE, result={}, keep=60)
    count()
    job = claimed(database, "b")
    advance(database, job, states.RETRY)
    advance(database, claim(database, "b"), states.PARK, delay=60)
    with database.transaction() as connection:
        orders.cancel(connection, ["b"], by="mary")
    record(database, "c")
    count()
    count()

    assert counted() == {"claim": 3, "complete": 1, "retry": 1, "park": 1, "cancel": 1}
    assert counted(table="tallies") == counted()
    assert counted(table="tallies", types="= ''") == counted()
    assert counted("wait") == {"claim": 2}
    assert counted("attempt") == {"complete": 1, "retry": 1, "park": 1}
    assert counted("job") == {"complete": 1, "cancel": 1}
    assert auditor.one("SELECT sum(seconds) > 0 FROM totals WHERE measure = 'job'") is True


def test_a_move_of_a_transaction_that_outlasts_the_count_is_not_missed(count, counted, database):
    with database.transaction() as slow:
        job = claimed(database, "a")
        store.advance(slow, job, states.PARK)
        claimed(database, "b")
        count()
        count()
        before = counted()
        slow.commit()
    count()

    assert before in ({"claim": 1}, {})
    assert counted() == {"claim": 2, "park": 1}


def test_more_than_fits_is_counted_in_turns(count, counted, database, monkeypatch):
    monkeypatch.setattr(tallies, "_AT_ONCE", 2)
    for name in "abcde":
        claimed(database, name)

    for _ in range(4):
        count()

    assert counted() == {"claim": 5}


def test_rows_that_were_read_are_counted_when_an_import_ends(count, counted, database, auditor):
    for name, move in (("a", states.COMPLETE), ("b", states.PARK)):
        job = claimed(database, name, type="org_members")
        auditor.rows("""UPDATE jobs SET progress = '{"read": 200, "added": 190, "errors": 12}'""")
        advance(database, job, move, result={} if move is states.COMPLETE else None, keep=60)
    count()

    assert counted("read") == {"complete": 200}
    assert counted("added") == {"complete": 190}
    assert counted("errors") == {"complete": 12}


def test_nothing_is_cleared_before_it_was_counted(count, counted, database, auditor):
    advance(database, claimed(database, "a"), states.COMPLETE, result={}, keep=0)
    advance(database, claimed(database, "old"), states.COMPLETE, result={}, keep=0)
    age(auditor, "old", expires_at=3700)

    with database.transaction() as connection:
        first = upkeep.expire(connection, limit=10)
    count()
    with database.transaction() as connection:
        second = upkeep.expire(connection, limit=10)

    assert (first, second) == ({"noop": ["old"]}, {"noop": ["a"]})
    assert counted() == {"claim": 1, "complete": 1}


def test_old_minutes_are_forgotten_and_what_they_add_up_to_is_not(
    count, counted, database, auditor
):
    claimed(database, "a")
    count()
    auditor.rows("UPDATE tallies SET minute = minute - interval '26 hours'")

    with database.transaction() as connection:
        tallies.forget(connection)

    assert counted(table="tallies") == {}
    assert counted() == {"claim": 1}


def test_minutes_are_put_together_to_quarters_after_two_hours(count, database, auditor):
    claimed(database, "a")
    count()
    auditor.rows("UPDATE tallies SET minute = date_trunc('hour', now()) - interval '180 minutes'")
    for minutes, name in ((178, "b"), (164, "c"), (60, "d")):
        claimed(database, name)
        count()
        auditor.rows(
            "UPDATE tallies SET minute = date_trunc('hour', now()) - %s * interval '1 minute'"
            " WHERE minute >= date_trunc('minute', now()) - interval '2 minutes'",
            minutes,
        )

    for _ in range(2):
        with database.transaction() as connection:
            tallies.forget(connection)

    kept = auditor.rows(
        "SELECT extract(epoch FROM date_trunc('hour', now()) - minute)::int / 60 AS ago,"
        " sum(counted)::int AS n FROM tallies WHERE measure = 'moves' AND type <> ''"
        " GROUP BY 1 ORDER BY 1 DESC"
    )
    assert [(row["ago"], row["n"]) for row in kept] == [(180, 2), (165, 1), (60, 1)]


def test_jobs_that_were_recorded_are_counted_in_their_minute(database, auditor):
    record(database, "a")
    record(database, "b")
    record(database, "old", type="fails")
    age(auditor, "old", created_at=3 * 3600)
    for _ in range(2):
        with database.transaction() as connection:
            tallies.add_recorded(connection, lists.count_on(connection))

    with database.statement() as connection:
        hour = statistics.series(connection)
        day = statistics.series(connection, DAY)
        (noop,) = statistics.summaries(connection)

    assert sum(slot.accepted for slot in hour) == 2
    assert sum(slot.accepted for slot in day) == 3
    assert (noop.type, noop.accepted, noop.ended) == ("noop", 2, 0)
    totals = auditor.rows("SELECT type, counted FROM totals WHERE move = 'accept' ORDER BY type")
    assert [tuple(row.values()) for row in totals] == [("fails", 1), ("noop", 2)]


def test_a_day_is_shown_in_quarters_and_what_minutes_are_kept_of_in_sixty_slots():
    assert (span(1), span(2), span(3)) == (Span(60, 1), Span(60, 2), Span(12, 15))
    assert (Span(60, 1), Span(96, 15)) == (HOUR, DAY)


def test_statistics_say_what_happened_to_each_type_and_when(count, database, auditor):
    advance(database, claimed(database, "a"), states.COMPLETE, result={}, keep=60)
    advance(database, claimed(database, "b"), states.FAIL, code="c", error="e", keep=60)
    advance(database, claimed(database, "c", type="fails"), states.RETRY)
    count()
    auditor.rows("UPDATE tallies SET minute = minute - interval '2 hours' WHERE move = 'fail'")

    with database.statement() as connection:
        hour = {one.type: one for one in statistics.summaries(connection, hours=1)}
        day = {one.type: one for one in statistics.summaries(connection, hours=24)}
        slots = statistics.series(connection)
        of_type = statistics.series(connection, Span(4, 60), job_type="noop")
        ended = statistics.ended_by_type(connection, DAY)

    assert (hour["noop"].completed, hour["noop"].failed, hour["fails"].retried) == (1, 0, 1)
    assert (day["noop"].completed, day["noop"].failed) == (1, 1)
    assert 0 < hour["noop"].wait.p50 <= hour["noop"].latency.p95 < 60
    assert hour["noop"].run.p95 < 60
    assert hour["fails"].latency.p50 is None
    assert hour["fails"].run.p50 > 0
    assert len(slots) == 60
    assert (sum(s.begun for s in slots), sum(s.completed for s in slots)) == (3, 1)
    assert sum(slot.retried for slot in slots) == 1
    assert (len(of_type), sum(slot.failed for slot in of_type)) == (4, 1)
    assert sum(slot.begun for slot in of_type) == 2
    lengths = [slot.latency for slot in slots if slot.completed]
    assert [0 < one.p50 <= one.p95 for one in lengths] == [True]
    assert {slot.wait.p50 for slot in slots if not slot.begun} == {None}
    assert (len(ended["noop"]), sum(ended["noop"]), sum(ended["noop"][:-1])) == (96, 2, 1)
    assert "fails" not in ended


def test_a_quantile_is_right_within_its_bucket():
    assert BOUNDS[:7] == (0.001, 0.0015, 0.0022, 0.0033, 0.0047, 0.0068, 0.01)
    assert len(BOUNDS) == 48
    assert quantile({}, 0.5) is None
    assert quantile({0: 4}, 0.5) == pytest.approx(0.0005)
    assert quantile({1: 1, 6: 98, 48: 1}, 0.5) == pytest.approx(0.0084, abs=0.0001)
    assert quantile({1: 1, 6: 98, 48: 1}, 1) == pytest.approx(68000)
