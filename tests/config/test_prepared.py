from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from config.database import Prepared, is_away
from tasks.job import store
from tests.conftest import administer

ADD = Prepared("add_worker", "INSERT INTO workers (id, queues) VALUES (:id, :queues)")
TWICE = Prepared("twice", "SELECT :word, CAST(:number AS integer) * 2, :word || '!'")
PID = text("SELECT pg_backend_pid()")
KNOWN = text("SELECT count(*) FROM pg_prepared_statements WHERE name = 'twice'")


def test_a_parameter_may_come_twice_and_a_cast_is_none(database):
    with database.statement() as connection:
        rows = TWICE.rows(connection, word="five", number=5)

    assert rows == [("five", 10, "five!")]


def test_a_statement_without_rows_returns_none(database, auditor):
    with database.statement() as connection:
        rows = ADD.rows(connection, id="w", queues=["a", "b"])

    assert rows == []
    assert auditor.one("SELECT queues FROM workers WHERE id = 'w'") == ["a", "b"]


def test_a_connection_prepares_a_statement_once(database):
    with database.statement() as connection:
        for number in range(3):
            TWICE.rows(connection, word="x", number=number)

        assert connection.execute(KNOWN).scalar_one() == 1


def test_a_statement_outlives_the_transaction_that_prepared_it(database):
    with database.transaction() as connection:
        TWICE.rows(connection, word="x", number=1)
        connection.rollback()

    with database.transaction() as connection:
        assert TWICE.rows(connection, word="x", number=1) == [("x", 2, "x!")]


def test_it_is_part_of_the_transaction_that_it_is_in(database, auditor):
    with database.transaction() as connection:
        ADD.rows(connection, id="w", queues=[])
        connection.rollback()

    assert auditor.one("SELECT count(*) FROM workers") == 0


def test_a_refusal_is_an_error_of_sqlalchemys_without_the_values(database):
    with database.statement() as connection:
        ADD.rows(connection, id="a-secret", queues=[])

        with pytest.raises(IntegrityError) as refused:
            ADD.rows(connection, id="a-secret", queues=[])

        assert refused.value.orig.diag.constraint_name == "workers_pkey"
        assert refused.value.params is None
        assert not is_away(refused.value)


def test_a_lost_connection_is_away_and_the_next_one_prepares_anew(database, servers):
    with database.statement() as connection:
        TWICE.rows(connection, word="x", number=1)
        pid = connection.execute(PID).scalar_one()
        administer(servers, f"SELECT pg_terminate_backend({pid})")

        with pytest.raises(OperationalError) as lost:
            TWICE.rows(connection, word="x", number=1)

    assert is_away(lost.value)
    with database.statement() as connection:
        assert TWICE.rows(connection, word="x", number=1) == [("x", 2, "x!")]


def test_a_kept_plan_is_not_one_that_suits_only_a_small_table(database):
    with database.statement() as connection:
        store.add(connection, [store.NewJob("a", "noop", "t", "default", None, {})])
        connection.execute(text("ANALYZE jobs"))
        for _ in range(10):
            store.get(connection, "a")
        plan = connection.execute(text("EXPLAIN EXECUTE get_job('a')")).scalars().all()

    assert plan[0].startswith("Index Scan using jobs_pkey")
