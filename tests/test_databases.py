from __future__ import annotations

import contextlib

import psycopg2
import pytest

from tests.conftest import Auditor
from tests.databases import Databases

JOB = "INSERT INTO jobs (id, type, tenant, queue, payload) VALUES ('a', 'noop', 't', 'q', '{}')"
MANY = (
    "INSERT INTO jobs (id, type, tenant, queue, payload)"
    " SELECT n, 'noop', 't', 'q', '{}' FROM generate_series(1, 100000) AS n"
)
HORIZON = "UPDATE job_counts_horizon SET xact = 7"
NEXT = "SELECT nextval(pg_get_serial_sequence('jobs', 'seq'))"


@pytest.fixture(scope="module")
def databases(servers, template):
    """Databases of this file's own."""
    return Databases(servers.postgres, template, prefix="other")


@pytest.fixture
def auditor_of(servers):
    """Return an auditor of a database by its name."""
    return lambda name: Auditor(servers.postgres.url_of(name))


@pytest.fixture
def is_there(auditor_of):
    """Tell whether there is a database of a name."""
    asked = "SELECT count(*) FROM pg_database WHERE datname = %s"
    return lambda name: auditor_of("postgres").one(asked, name) == 1


def test_a_database_that_is_used_again_is_as_new_under_a_new_name(databases, auditor_of, is_there):
    first = databases.take()
    used = auditor_of(first)
    as_new = used.rows("SELECT * FROM job_counts_horizon")
    for statement in (JOB, HORIZON, NEXT):
        used.rows(statement)
    databases.give_back(first)

    second = databases.take()
    again = auditor_of(second)

    assert second != first
    assert not is_there(first)
    assert again.one("SELECT count(*) FROM jobs") == 0
    assert again.rows("SELECT * FROM job_counts_horizon") == as_new
    assert again.one(NEXT) == 1
    databases.give_back(second)


def test_sessions_of_a_database_end_with_its_test(databases, servers):
    name = databases.take()
    with contextlib.closing(psycopg2.connect(servers.postgres.url_of(name))) as left:
        left.cursor().execute("SELECT pg_advisory_lock(1)")

        databases.give_back(name)

        with pytest.raises(psycopg2.OperationalError):
            left.cursor().execute("SELECT 1")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE jobs DROP CONSTRAINT jobs_state_known",
        "ALTER TABLE jobs ALTER gate SET NOT NULL",
        "DROP INDEX jobs_gate",
        "CREATE TABLE more (n integer)",
        "CREATE FUNCTION more() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        MANY,
    ],
)
def test_a_database_that_was_changed_or_grew_is_dropped(databases, auditor_of, is_there, change):
    name = databases.take()
    auditor_of(name).rows(change)

    databases.give_back(name)

    assert not is_there(name)
