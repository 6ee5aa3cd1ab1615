from __future__ import annotations

import contextlib
import threading

import pytest

from tasks.job import idempotency
from tasks.job.errors import KeyReused, TwinInFlight


def remember(database, key, fingerprint, answer, scope="s"):
    with idempotency.using(database, scope, key) as used, database.transaction() as connection:
        used.remember(connection, fingerprint, answer)


def answer_to(database, key, fingerprint, scope="s"):
    with idempotency.using(database, scope, key) as used:
        return used.answer_to(fingerprint)


def test_a_key_that_was_never_used_has_no_answer(database):
    with idempotency.using(database, "s", "k") as key:
        assert key.is_new
        assert key.answer_to("f") is None


def test_the_same_request_gets_the_same_answer(database):
    remember(database, "k", "f", {"b": 1, "a": [None, "é"]})

    answer = answer_to(database, "k", "f")

    assert list(answer.items()) == [("b", 1), ("a", [None, "é"])]


def test_another_request_with_the_key_is_refused(database):
    remember(database, "k", "f", {})

    with pytest.raises(KeyReused):
        answer_to(database, "k", "g")


def test_a_key_of_another_scope_is_another_key(database):
    remember(database, "k", "f", {}, scope="s")

    assert answer_to(database, "k", "g", scope="t") is None


def test_a_scope_and_a_key_are_never_taken_for_another_pair(database):
    remember(database, "b c", "f", {}, scope="a")

    with idempotency.using(database, "a b", "c") as key:
        assert key.is_new


def test_a_twin_is_refused_while_the_first_is_under_way(database):
    with (
        idempotency.using(database, "s", "k"),
        pytest.raises(TwinInFlight),
        idempotency.using(database, "s", "k"),
    ):
        pass

    with idempotency.using(database, "s", "k") as after:
        assert after.is_new


def test_a_twin_is_free_again_after_an_error(database):
    with pytest.raises(ZeroDivisionError), idempotency.using(database, "s", "k"):
        raise ZeroDivisionError

    with idempotency.using(database, "s", "k") as after:
        assert after.is_new


def test_of_many_twins_at_once_one_is_let_through_at_a_time(database):
    gate = threading.Barrier(8)
    let_through, refused, inside = [], [], []

    def use():
        gate.wait()
        try:
            with idempotency.using(database, "s", "k"):
                inside.append(1)
                let_through.append(len(inside))
                inside.pop()
        except TwinInFlight:
            refused.append(1)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(let_through) == {1}
    assert len(let_through) + len(refused) == 8


CUT_OFF = """
    SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def test_a_twin_that_came_first_when_the_lock_was_lost_is_the_only_one(database, auditor):
    with idempotency.using(database, "s", "k") as key:
        auditor.rows(CUT_OFF)
        remember(database, "k", "f", {"n": 2})
        with pytest.raises(TwinInFlight), database.transaction() as connection:
            key.remember(connection, "f", {"n": 1})

    assert answer_to(database, "k", "f") == {"n": 2}


def test_what_was_recorded_stays_recorded_when_the_lock_was_lost(database, auditor):
    with idempotency.using(database, "s", "k") as key, database.transaction() as connection:
        key.remember(connection, "f", {"n": 1})
        auditor.rows(CUT_OFF)

    assert answer_to(database, "k", "f") == {"n": 1}


def test_an_answer_that_was_rolled_back_is_not_remembered(database):
    with (
        contextlib.suppress(ZeroDivisionError),
        idempotency.using(database, "s", "k") as key,
        database.transaction() as connection,
    ):
        key.remember(connection, "f", {})
        raise ZeroDivisionError

    assert answer_to(database, "k", "another") is None


def test_a_key_is_forgotten_after_a_day(database, auditor):
    remember(database, "old", "f", {})
    remember(database, "young", "f", {})
    kept = "SELECT extract(epoch FROM expires_at - now()) / 3600 FROM idempotency_keys LIMIT 1"
    hours = auditor.one(kept)
    auditor.rows("UPDATE idempotency_keys SET expires_at = now() - interval '1 s' WHERE key='old'")

    unknown = answer_to(database, "old", "another")
    with database.statement() as connection:
        forgotten = idempotency.expire(connection)

    assert 23.9 < hours <= 24
    assert unknown is None
    assert forgotten == 1
    assert auditor.rows("SELECT key FROM idempotency_keys") == [{"key": "young"}]


def test_a_key_that_was_forgotten_can_be_used_anew(database, auditor):
    remember(database, "k", "f", {"n": 1})
    auditor.rows("UPDATE idempotency_keys SET expires_at = now() - interval '1 second'")

    remember(database, "k", "g", {"n": 2})

    assert answer_to(database, "k", "g") == {"n": 2}
