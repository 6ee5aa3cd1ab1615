from __future__ import annotations

import contextlib

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from config.database import Database, is_away
from tests.conftest import administer, wait_until

PID = text("SELECT pg_backend_pid()")
ADD = text("INSERT INTO workers (id, queues) VALUES ('w', '{}')")


def test_a_transaction_is_undone_by_an_error(database, auditor):
    with contextlib.suppress(ZeroDivisionError), database.transaction() as connection:
        connection.execute(ADD)
        raise ZeroDivisionError

    assert auditor.one("SELECT count(*) FROM workers") == 0


def test_a_transaction_is_committed_at_its_end(database, auditor):
    with database.transaction() as connection:
        connection.execute(ADD)
        before = auditor.one("SELECT count(*) FROM workers")

    assert before == 0
    assert auditor.one("SELECT count(*) FROM workers") == 1


def test_a_statement_is_its_own_transaction(database, auditor):
    with contextlib.suppress(ZeroDivisionError), database.statement() as connection:
        connection.execute(ADD)
        raise ZeroDivisionError

    assert auditor.one("SELECT count(*) FROM workers") == 1


def test_a_connection_that_died_in_the_pool_is_replaced(database, servers, monkeypatch):
    monkeypatch.setattr("config.database.STALE_SECONDS", 0.0)
    with database.statement() as connection:
        pid = connection.execute(PID).scalar_one()
    administer(servers, f"SELECT pg_terminate_backend({pid})")

    with database.statement() as connection:
        after = connection.execute(PID).scalar_one()

    assert after != pid


def test_a_lost_connection_means_away(database, servers):
    with database.statement() as connection:
        pid = connection.execute(PID).scalar_one()
        administer(servers, f"SELECT pg_terminate_backend({pid})")
        with pytest.raises(DBAPIError) as lost:
            connection.execute(PID)

    assert is_away(lost.value)


def test_a_server_that_is_not_there_means_away(with_setting):
    database = Database(with_setting(database_url="postgresql://jobspine@/x?host=/nowhere"))

    with pytest.raises(OperationalError) as refused, database.statement():
        pass

    assert is_away(refused.value)


def test_a_pool_that_ran_dry_means_away(with_setting):
    database = Database(with_setting(database_pool=1))
    database._autocommit.pool._timeout = 0.01

    with (
        pytest.raises(PoolTimeout) as dry,
        database.statement(),
        database.statement(),
    ):
        pass
    database.close()

    assert is_away(dry.value)


def test_a_refusal_does_not_mean_away(database):
    with pytest.raises(ProgrammingError) as missing, database.statement() as connection:
        connection.execute(text("SELECT * FROM nowhere"))
    with pytest.raises(IntegrityError) as broken, database.statement() as connection:
        connection.execute(text("INSERT INTO workers (id, queues) VALUES (NULL, '{}')"))

    assert not is_away(missing.value)
    assert not is_away(broken.value)
    assert not is_away(ValueError())
    assert not is_away(psycopg2.DataError())


def test_a_statement_that_took_too_long_does_not_mean_away(database):
    late = text("SET statement_timeout = 10; SELECT pg_sleep(5)")

    with pytest.raises(OperationalError) as slow, database.transaction() as connection:
        connection.execute(late)

    assert not is_away(slow.value)


def test_times_are_utc_and_the_session_has_a_name(settings):
    database = Database(settings, name="a worker")

    with database.statement() as connection:
        zone = connection.execute(text("SHOW timezone")).scalar_one()
        name = connection.execute(text("SHOW application_name")).scalar_one()
    database.close()

    assert (zone, name) == ("UTC", "a worker")


def test_the_next_statement_has_the_connection_of_the_last(database):
    with database.statement() as connection:
        first = connection.execute(PID).scalar_one()

    with database.statement() as connection:
        assert connection.execute(PID).scalar_one() == first


def test_a_connection_that_lies_ready_keeps_no_transaction_waiting(with_setting):
    database = Database(with_setting(database_pool=1))
    database._autocommit.pool._timeout = 0.01
    with database.statement() as connection:
        first = connection.execute(PID).scalar_one()

    with database.transaction() as connection:
        assert connection.execute(PID).scalar_one() == first
    with database.statement() as connection:
        assert connection.execute(PID).scalar_one() == first
    database.close()


def test_what_a_statement_began_does_not_reach_the_next(database, auditor):
    with database.statement() as connection:
        connection.execute(ADD)
        assert connection.in_transaction()

    with database.statement() as connection:
        assert not connection.in_transaction()
    assert auditor.one("SELECT count(*) FROM workers") == 1


def test_a_closed_database_leaves_no_session(with_setting, auditor):
    database = Database(with_setting(database_pool=2), name="short")
    with database.statement(), database.statement():
        pass

    database.close()

    asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'short'"
    wait_until(lambda: auditor.one(asked) == 0)
