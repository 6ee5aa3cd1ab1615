from __future__ import annotations

import contextlib
import socket

import psycopg2
import pytest

from tests.conftest import administer
from tests.tasks.health.findings import advice_of, found, level_of

URL = "postgresql://jobspine:hidden-word@/{}?host={}"


@pytest.fixture
def silent():
    """A port where somebody takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_database_that_is_well_is_well(examine):
    findings = examine()

    for check in ("settings", "postgresql", "durability", "migrations", "connections"):
        assert level_of(findings, check) == "ok", findings


def test_why_it_cannot_be_reached_is_said_without_a_word_of_the_address(examine, servers, silent):
    sockets = servers.postgres.url.rpartition("=")[2]
    urls = {
        "nobody listens there": URL.format("x", "/nowhere"),
        "it has no such database": URL.format("hidden-name", sockets),
        "the host's name is unknown": "postgresql://u:hidden-word@hidden-name.invalid/x",
        "it does not answer in time": f"postgresql://u:hidden-word@127.0.0.1:{silent}/x",
    }

    for why, url in urls.items():
        findings = examine(database_url=url, database_connect_seconds=2)

        assert found(findings, "postgresql") == f"cannot be reached: {why}"
        assert level_of(findings, "postgresql") == "fail"
        assert advice_of(findings, "postgresql")
        assert "hidden" not in str(findings)


def test_an_address_with_a_role_that_is_not_there_says_so(examine, servers):
    sockets = servers.postgres.url.rpartition("=")[2]

    findings = examine(database_url=f"postgresql://nobody_here@/jobspine?host={sockets}")

    assert found(findings, "postgresql") == "cannot be reached: it knows no such role"


def test_a_database_one_migration_behind_is_told_which_and_nothing_rests_on_it(examine, auditor):
    newest = auditor.one("SELECT version_num FROM alembic_version")
    before = f"{int(newest) - 1:04}"
    auditor.rows("UPDATE alembic_version SET version_num = %s", before)

    findings = examine()
    auditor.rows("UPDATE alembic_version SET version_num = %s", newest)

    assert found(findings, "migrations") == f"the database lacks {newest}"
    assert advice_of(findings, "migrations") == "python -m tasks.migrations"
    assert level_of(findings, "migrations") == "fail"
    assert not {"workers", "sweep", "sealing"} & {one.check for one in findings}
    assert level_of(findings, "redis") == "ok"


def test_an_empty_database_lacks_everything(examine, servers):
    administer(servers, "CREATE DATABASE empty")

    findings = examine(database_url=servers.postgres.url_of("empty"))
    administer(servers, "DROP DATABASE empty WITH (FORCE)")

    assert found(findings, "migrations").startswith("the database lacks 0001, 0002, 0003")


def test_a_database_of_a_later_release_is_no_fault_of_its_own(examine, auditor):
    newest = auditor.one("SELECT version_num FROM alembic_version")
    auditor.rows("UPDATE alembic_version SET version_num = '9999'")

    findings = examine()
    auditor.rows("UPDATE alembic_version SET version_num = %s", newest)

    assert level_of(findings, "migrations") == "warn"
    assert level_of(findings, "workers") == "fail"  # it was looked at


def test_connections_that_run_out_are_noticed_before_and_when_they_have(examine, servers, settings):
    name = settings.database_url.partition("?")[0].rpartition("/")[2]
    administer(servers, f"ALTER DATABASE {name} CONNECTION LIMIT 5")
    # The doctor's own, and one more each time.
    with contextlib.ExitStack() as held:
        levels = []
        for _ in range(5):
            levels.append(level_of(examine(), "connections"))
            held.enter_context(contextlib.closing(psycopg2.connect(settings.database_url)))
    administer(servers, f"ALTER DATABASE {name} CONNECTION LIMIT -1")

    assert levels == ["ok", "ok", "ok", "warn", "fail"]


def test_a_server_that_forgets_what_it_was_told_is_worth_a_word(examine, servers, settings):
    name = settings.database_url.partition("?")[0].rpartition("/")[2]
    administer(servers, f"ALTER DATABASE {name} SET synchronous_commit = off")

    findings = examine()
    administer(servers, f"ALTER DATABASE {name} RESET synchronous_commit")

    assert level_of(findings, "durability") == "warn"
    assert "a power failure loses" in found(findings, "durability")
