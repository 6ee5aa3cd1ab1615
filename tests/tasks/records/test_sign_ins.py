from __future__ import annotations

import threading

import pytest

from tasks.records import operators, sign_ins
from tasks.records.operators import Operator

MARY = Operator("mary", "operator")


@pytest.fixture
def connection(database, auditor):
    auditor.rows("INSERT INTO operators VALUES ('mary', 'no hash', 'operator')")
    with database.statement() as connection:
        yield connection


@pytest.fixture
def attempt(database):
    """Try to sign in; return how long one must wait."""

    def attempt(name, address):
        with database.transaction() as connection:
            return sign_ins.seconds_to_wait(connection, name, address)

    return attempt


def test_a_session_is_kept_as_a_digest_and_ends_once(connection, auditor):
    first, second = (sign_ins.begin(connection, MARY) for _ in range(2))

    assert first != second
    assert sign_ins.find(connection, first, is_use=True) == MARY
    assert sign_ins.find(connection, "x", is_use=True) is None
    assert first not in str(auditor.rows("SELECT * FROM operator_sessions"))
    sign_ins.end(connection, first)
    assert sign_ins.find(connection, first, is_use=True) is None
    assert sign_ins.find(connection, second, is_use=True) == MARY


def test_sessions_that_are_over_are_cleared_when_another_begins(connection, auditor):
    sign_ins.begin(connection, MARY)
    auditor.rows("UPDATE operator_sessions SET began_at = began_at - interval '13 hours'")

    sign_ins.begin(connection, MARY)

    assert auditor.one("SELECT count(*) FROM operator_sessions") == 1


def test_a_password_that_is_hashed_anew_leaves_sessions_alone(connection, monkeypatch):
    old = operators.PasswordHasher(time_cost=1, memory_cost=64)
    monkeypatch.setattr(operators, "_hasher", old)
    operators.change(connection, "mary", password="correct horse battery")
    token = sign_ins.begin(connection, MARY)
    new = operators.PasswordHasher(time_cost=2, memory_cost=64)
    monkeypatch.setattr(operators, "_hasher", new)

    assert operators.authenticate(connection, "mary", "correct horse battery") == MARY
    assert sign_ins.find(connection, token, is_use=True) == MARY


@pytest.mark.parametrize(
    ("names", "addresses", "allowed"),
    [(["mary"], ["1"], 10), (["mary"], "abcdefghij", 50), ("abcdefghij", ["1"], 50)],
)
def test_tries_are_bounded_by_name_and_by_address(attempt, names, addresses, allowed):
    pairs = [(name, address) for name in names for address in addresses] * 12

    waits = [attempt(*pair) for pair in pairs]

    assert waits.count(0) == min(allowed, len(pairs))
    assert all(800 < wait <= 900 for wait in waits if wait)


def test_one_who_has_to_wait_may_go_on_when_the_oldest_try_is_old_enough(attempt, auditor):
    for _ in range(10):
        attempt("mary", "1")
    auditor.rows(
        "UPDATE sign_in_tries SET at = at - interval '890 seconds'"
        " WHERE at = (SELECT min(at) FROM sign_in_tries)"
    )

    wait = attempt("mary", "1")
    auditor.rows("UPDATE sign_in_tries SET at = at - interval '10 seconds'")

    assert 1 <= wait <= 10
    assert attempt("mary", "1") == 0
    assert auditor.one("SELECT count(*) FROM sign_in_tries") == 10


def test_success_forgives_the_tries_for_that_name_from_that_address(attempt, connection, auditor):
    for name, address in (("mary", "1"), ("mary", "2"), ("john", "1")):
        attempt(name, address)

    sign_ins.forgive(connection, "mary", "1")

    assert auditor.one("SELECT count(*) FROM sign_in_tries") == 2
    assert "mary" not in str(auditor.rows("SELECT * FROM sign_in_tries"))


def test_many_tries_at_once_get_no_more_than_one_after_the_other(attempt, auditor):
    waits = []
    ready = threading.Barrier(8)

    def keep_trying():
        ready.wait()
        waits.extend(attempt("mary", "1") for _ in range(3))

    threads = [threading.Thread(target=keep_trying) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert waits.count(0) == 10
    assert auditor.one("SELECT count(*) FROM sign_in_tries") == 10
