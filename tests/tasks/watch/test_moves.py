from __future__ import annotations

import pytest

import tests.job_types  # noqa: F401 - declares the types
from tasks.job import states, store
from tasks.watch import moves
from tasks.watch.moves import Follower
from tests.conftest import wait_until
from tests.tasks.job.jobs import advance, age, claim, claimed, record


@pytest.fixture
def follower():
    """Somebody who follows what happens."""
    return Follower()


@pytest.fixture
def look(database, follower):
    """Read what has happened since, as pairs of a job and its move, and keep that it was told."""

    def look(who=follower):
        with database.statement() as connection:
            found = who.moves(connection)
            who.told(connection, found)
        return [(one.job_id, one.move) for one in found]

    return look


@pytest.fixture
def follow(look, follower):
    """The same, until so many moves are read: the server's own transactions may hold them up."""

    def follow(count, who=follower):
        found = []
        wait_until(lambda: found.extend(look(who)) or len(found) >= count)
        return found

    return follow


def test_every_move_is_read_once_and_in_order_whoever_reads(follow, look, database):
    advance(database, claimed(database, "a"), states.RETRY)
    first = follow(2)
    advance(database, claim(database, "a"), states.COMPLETE, result={}, keep=60)
    second = follow(2, Follower())

    assert first == [("a", "claim"), ("a", "retry")]
    assert second == [("a", "claim"), ("a", "complete")]
    assert look() == []


def test_a_move_that_was_not_told_comes_again(follow, follower, database):
    claimed(database, "a")
    with database.statement() as connection:
        read = wait_until(lambda: follower.moves(connection))

    assert [one.move for one in read] == ["claim"]
    assert follow(1) == [("a", "claim")]


def test_a_move_of_a_transaction_that_takes_long_is_not_missed(follow, look, database):
    with database.transaction() as slow:
        job = claimed(database, "a")
        store.advance(slow, job, states.PARK)
        claimed(database, "b")
        before = look() + look()
        slow.commit()
    after = follow(3 - len(before))

    assert before + after == [("a", "claim"), ("a", "park"), ("b", "claim")]


def test_many_are_read_in_turns(follow, look, database, monkeypatch):
    monkeypatch.setattr(moves, "AT_ONCE", 2)
    for name in "abc":
        claimed(database, name)

    assert follow(1) == [("a", "claim"), ("b", "claim")]
    assert follow(1) == [("c", "claim")]
    assert look() == []


def test_a_move_says_who_made_it_how_long_it_took_and_why(follower, database, auditor):
    auditor.rows("INSERT INTO workers (id, node, queues) VALUES ('w1', 'w1@here', '{}')")
    job = claimed(database, "a")
    failed = {"code": "no_use", "error": "there is no use", "keep": 60}
    advance(database, job, states.FAIL, **failed)
    record(database, "b", gate="g")
    with database.statement() as connection:
        pending = store.get(connection, "b")
        store.advance(connection, pending, states.REJECT, conflict="a", keep=60, by="w1")
        wait_until(lambda: len(follower.moves(connection)) == 3)
        claim_, fail, reject = follower.moves(connection)

    assert (claim_.node, claim_.took, claim_.attempt) == ("w1@here", None, 1)
    assert (fail.type, fail.queue, fail.note, fail.code) == (
        "noop", "default", "there is no use", "no_use",
    )  # fmt: skip
    assert fail.took == pytest.approx(fail.at - claim_.at, abs=1e-5)
    assert (reject.node, reject.attempt, reject.took) == ("w1@here", 0, None)


def test_what_is_long_past_is_not_told_to_who_comes_late(follow, follower, database, auditor):
    claimed(database, "a")
    auditor.rows("UPDATE job_moves SET at = at - interval '61 seconds'")
    claimed(database, "b")

    with database.statement() as connection:
        follower.skip_old(connection)

    assert follow(1) == [("b", "claim")]


def test_jobs_are_seen_to_wait_once(follower, database, auditor):
    def waiting():
        with database.statement() as connection:
            return [one.job_id for one in follower.waiting(connection, ["bulk", "default"])]

    record(database, "old")
    age(auditor, "old", due_at=600)
    record(database, "a")
    claimed(database, "running")
    record(database, "elsewhere", queue="other")
    first = waiting()
    with database.transaction() as slow:
        store.add(slow, [store.NewJob("slow", "noop", "t", "bulk", None, {})])
        record(database, "b")
        second = waiting()
        slow.commit()

    assert first == ["old", "a"]
    assert second == ["b"]
    assert waiting() == ["slow"]
    assert waiting() == []
