from __future__ import annotations

import pytest

from tasks.records import screenings
from tasks.screening.risk import Risk
from tests.tasks.records.screening import keep, new_verification

HIT = {"recordId": "r1", "decision": "match"}


@pytest.fixture
def connection(database):
    """A connection to this test's database."""
    with database.statement() as connection:
        yield connection


def test_a_document_reads_back_with_its_hits_in_their_own_order(connection):
    made = new_verification(connection)
    keep(connection, made, hits=[{"b": 1, "a": 2}], triggered_by="scheduled")

    (document,) = screenings.of_run(connection, "run-1").values()

    assert [list(hit) for hit in document.hits] == [["b", "a"]]
    assert document.sources == [{"name": "OFAC SDN", "version": "1"}]
    assert (document.status, document.reason, document.is_known) == ("ok", None, True)
    assert (document.subject, document.triggered_by) == ("entity", "scheduled")


def test_a_run_has_one_document_of_each_subject_and_an_answer_stays(connection, auditor):
    made = new_verification(connection)
    keep(connection, made, status="timeout", reason="too slow")
    first = screenings.of_run(connection, "run-1")["entity"]
    keep(connection, made, hits=[HIT])
    second = screenings.of_run(connection, "run-1")["entity"]
    keep(connection, made, status="error", reason="too late")
    third = screenings.of_run(connection, "run-1")["entity"]

    assert auditor.one("SELECT count(*) FROM screenings") == 1
    assert [one.status for one in (first, second, third)] == ["timeout", "ok", "ok"]
    assert third.hits == [HIT]
    assert first.id == third.id


def test_the_latest_document_may_be_one_without_an_answer(connection):
    made = new_verification(connection)
    keep(connection, made, job_id="run-1", hits=[HIT])
    keep(connection, made, job_id="run-2", status="error", reason="away")

    keep(connection, made, job_id="run-3", subject="nobody of these")
    latest = screenings.latest(connection, made.id, "entity")
    known = screenings.latest_known(connection, made.id)
    before = screenings.latest_known(connection, made.id, but="run-1")

    assert (latest.job_id, latest.is_known) == ("run-2", False)
    assert {subject: one.job_id for subject, one in known.items()} == {"entity": "run-1"}
    assert before == {}
    assert screenings.latest(connection, made.id, "somebody") is None


def risk(score: int) -> Risk:
    return Risk(score=score, level="low", complete=True, subjects=(), documents=("d",))


def keep_risk(connection, made, job_id, score):
    before = screenings.latest_risk(connection, made.id, but=job_id)
    screenings.keep_risk(
        connection, job_id=job_id, verification_id=made.id, risk=risk(score), before=before
    )


def test_a_risk_knows_the_one_before_it_and_a_run_has_one(connection):
    made = new_verification(connection)
    keep_risk(connection, made, "run-1", 10)
    keep_risk(connection, made, "run-2", 20)
    keep_risk(connection, made, "run-2", 25)

    latest = screenings.latest_risk(connection, made.id)

    assert (latest.job_id, latest.score, latest.before_score) == ("run-2", 25, 10)
    assert (latest.version, latest.documents) == ("2026-11", ["d"])
    assert screenings.latest_risk(connection, made.id, but="run-2").score == 10
    assert screenings.latest_risk(connection, 0) is None
