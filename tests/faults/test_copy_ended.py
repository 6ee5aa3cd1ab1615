"""PostgreSQL ends a session in the middle of COPY; neither log then holds a row."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.conftest import wait_until
from tests.faults.conftest import QUICK, csv_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from config.embedded import Servers
    from tests.conftest import Auditor

#: Makes COPY wait at one row for as long as somebody holds a lock: into the members, where imports
#: begin, and into the table of the session's own from which they merge.
_STOP_AT_A_ROW = """
    CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN new; END
    $$;
    CREATE TRIGGER wait_for_test BEFORE INSERT ON members FOR EACH ROW
        WHEN (new.surname LIKE '%% 5900') EXECUTE FUNCTION wait_for_test();
    CREATE FUNCTION wait_in_stage() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        CREATE OR REPLACE TRIGGER wait_for_test BEFORE INSERT ON staged_members FOR EACH ROW
            WHEN (new.surname LIKE '%% 5900') EXECUTE FUNCTION wait_for_test();
    END $$;
    CREATE EVENT TRIGGER wait_in_stage ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
        EXECUTE FUNCTION wait_in_stage();
    SELECT pg_advisory_lock(1)
"""
_WAITING = """
    SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND query LIKE %s AND wait_event = 'advisory'
"""


class Copying:
    """Copies of members, which stop at the row whose surname ends with 5900."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor
        auditor.rows(_STOP_AT_A_ROW)

    def end_session(self, table: str = "members") -> None:
        """Wait until COPY into a table has stopped, end its session, let the next one through."""
        (copying,) = wait_until(lambda: self._auditor.rows(_WAITING, f"COPY {table} %"))
        assert self._auditor.one("SELECT pg_terminate_backend(%s)", copying["pid"])
        self._auditor.rows("SELECT pg_advisory_unlock(1)")


@pytest.fixture
def copying(auditor: Auditor) -> Copying:
    """The copies of this test."""
    return Copying(auditor)


def events_of(log: Path) -> list[str]:
    """Return what a log of ours tells of; see that it has no other lines, and nothing of a row."""
    written = log.read_text()
    assert [word for word in ("Ada", "Lovelace", "example.org") if word in written] == []
    return [json.loads(line)["event"] for line in written.splitlines()]


def test_an_import_whose_session_ends_in_copy_goes_on_and_its_rows_are_not_logged(
    copying, start_worker, member, wait, auditor, audit
):
    worker = start_worker(**QUICK, WORKER_PROCESSES="1")
    children = worker.children()

    job = member.send_file(csv_rows(10_500))
    with member.polling(job):
        copying.end_session()
        wait.until_over(job)
        wait_until(lambda: member.progress(job)["progress"] == 100)

    assert worker.children() == children
    assert auditor.moves(job) == ["claim", "hand_back", "claim", "complete"]
    assert member.progress(job)["added"] == 10_499
    # The driver prints the error that it had, and raises another one.
    assert "uncaught" in events_of(worker.log)
    audit()


def test_an_import_that_answers_at_once_is_a_503_and_its_rows_are_not_logged(
    copying, member, auditor, audit
):
    path = f"/organizations/{member.tenant.address}/members?async=false"
    headers = {**member.tenant.headers, "Content-Type": "text/csv"}

    with ThreadPoolExecutor(1) as client:
        sent = client.submit(member.api.post, path, content=csv_rows(6_500), headers=headers)
        copying.end_session("staged_members")
    refused = sent.result()

    assert refused.status_code == 503
    assert refused.json()["error"] == "temporarily unavailable, nothing was accepted"
    assert auditor.one("SELECT count(*) FROM members") == 0
    assert events_of(member.api.process.log) == ["uncaught", "postgresql_away"]
    audit()


#: What no other test of this session sends.
_SECRETS = ("SECRETNUM", "Perdita", "Quillfeather", "quillfeather.example")


def _secret_rows(first: int) -> bytes:
    lines = ["memberNumber,name,surname,email"]
    lines += [
        f"SECRETNUM-{n},Perdita,Quillfeather {n},p{n}@quillfeather.example"
        for n in range(first, first + 100)
    ]
    return "\n".join(lines).encode()


@pytest.fixture
def postgres_log(servers: Servers) -> Iterator[TextIO]:
    """PostgreSQL's log from now on."""
    with (servers.folder / "postgres.log").open() as log:
        log.seek(0, os.SEEK_END)
        yield log


def test_postgresql_logs_what_went_wrong_and_nothing_of_the_rows(
    postgres_log, copying, start_worker, member, wait
):
    start_worker(**QUICK, WORKER_PROCESSES="1")

    for _ in range(2):
        wait.until_over(member.send_file(_secret_rows(1)))
    job = member.send_file(_secret_rows(5850))
    copying.end_session()
    wait.until_over(job)

    said = postgres_log.read()
    assert "duplicate key value violates unique constraint" in said
    assert "terminating connection due to administrator command" in said
    assert [secret for secret in _SECRETS if secret in said] == []
    assert [field for field in ("DETAIL:", "CONTEXT:", "STATEMENT:") if field in said] == []
