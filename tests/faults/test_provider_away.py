"""A provider that is down, slow, broken or talks nonsense: nobody is cleared by it."""

from __future__ import annotations

import pytest

from tests.conftest import wait_until
from tests.faults.screener import hurry
from tests.providers import (
    dribbles,
    dribbles_a_body,
    fails,
    floods,
    hangs,
    hangs_up,
    is_listed,
    listed,
    says,
)
from tests.screened import verify

LATE = ("timeout", "the provider did not answer in time")
UNREADABLE = ("error", "the provider's answer cannot be read")
#: What a provider does, and what the document of the subject says of it.
MISBEHAVIOURS = {
    "hangs": (hangs, LATE),
    "dribbles": (dribbles, LATE),
    "dribbles a body": (dribbles_a_body, LATE),
    "hangs up": (hangs_up, ("error", "the provider could not be reached")),
    "500": (fails(500), ("error", "the provider answered 500")),
    "429": (fails(429), ("error", "the provider answered 429")),
    "429 for an hour": (fails(429, Retry_After="3600"), ("error", "the provider answered 429")),
    "401": (fails(401), ("error", "the provider refused our key")),
    "HTML": (says(b"<html>Log in, please.</html>"), UNREADABLE),
    "an error in a 200": (says({"error": "quota exceeded"}), UNREADABLE),
    "a nameless record": (says({"total_hits": 1, "found_records": [{"id": "1"}]}), UNREADABLE),
    "a million records": (floods, ("error", "the provider's answer is too large")),
}
#: What another attempt cannot help.
HOPELESS = {"401", "HTML", "an error in a 200", "a nameless record", "a million records"}
#: Part of every name here, and of nothing else.
SURNAME = "Quittungsblock"
BRIEF = {"WATCHLIST_SUBJECT_SECONDS": "2", "WATCHLIST_RUN_SECONDS": "8"}


@pytest.fixture
def start(start_screening):
    """Start workers that log all that they can and need not wait long."""
    return lambda **more: start_screening(**BRIEF, LOG_LEVEL="DEBUG", WORKER_PROCESSES="4", **more)


def name(kind: str) -> str:
    return f"{kind} {SURNAME}"


def check_is_in_time(auditor):
    """The settings promise that: no attempt at a run asks for longer."""
    took = "SELECT extract(epoch FROM max(finished_at - started_at)) AS longest FROM jobs"
    assert auditor.one(f"{took} WHERE failures = 0 AND state = 'completed'") < 8


def check_names_nobody(worker, screener, auditor):
    assert SURNAME not in worker.log.read_text()
    assert all(SURNAME not in log.read_text() for log in screener.logs)
    said = "SELECT concat_ws(' ', error, code, result, cursor, progress) AS said FROM jobs"
    moved = "SELECT coalesce(note, '') AS said FROM job_moves"
    reasons = "SELECT coalesce(reason, '') AS said FROM screenings"
    for row in auditor.rows(f"{said} UNION ALL {moved} UNION ALL {reasons}"):
        assert SURNAME not in row["said"]


def test_a_subject_about_whom_nobody_answers_disturbs_no_other_and_lowers_no_risk(
    start, screener, provider, database, service, wait, auditor, audit
):
    worker = start()
    provider.does |= {name(kind): is_listed for kind in MISBEHAVIOURS}
    those = {
        kind: verify(database, service, f"Acme {SURNAME}", f"Ada {SURNAME}", name(kind))
        for kind in MISBEHAVIOURS
    }
    for one in those.values():
        screener.screen(one)
    wait.until_over()

    provider.does = {name(kind): does for kind, (does, _) in MISBEHAVIOURS.items()}
    runs = {kind: screener.screen(one) for kind, one in those.items()}
    wait.until_over()

    for kind, (_, says_so) in MISBEHAVIOURS.items():
        documents = screener.documents(those[kind])
        failed = documents.pop(name(kind))
        assert (failed["status"], failed["reason"]) == says_so, kind
        assert (failed["hasMatches"], failed["totalHits"]) == (None, None), kind
        assert [one["hasMatches"] for one in documents.values()] == [False, False], kind
        risk = screener.risk(those[kind])
        assert (risk["level"], risk["complete"]) == ("prohibited", False), kind
        run = screener.run(those[kind], runs[kind])
        assert (run["status"], run["attemptCount"]) == ("completed", 1), kind
    check_is_in_time(auditor)
    check_names_nobody(worker, screener, auditor)
    audit()


def test_a_run_in_which_nobody_answers_fails_and_leaves_the_risk_as_it_was(
    start, screener, provider, database, service, wait, auditor, audit
):
    worker = start()
    provider.otherwise = is_listed
    those = {kind: verify(database, service, name(kind)) for kind in MISBEHAVIOURS}
    for one in those.values():
        screener.screen(one)
    wait.until_over()

    provider.does = {name(kind): does for kind, (does, _) in MISBEHAVIOURS.items()}
    runs = {kind: screener.screen(one) for kind, one in those.items()}
    wait_until(lambda: hurry(auditor) or all(map(auditor.is_over, runs.values())))

    for kind, (_, (status, reason)) in MISBEHAVIOURS.items():
        run = screener.run(those[kind], runs[kind])
        line = f"no subject could be screened: {reason}"
        tries = 1 if kind in HOPELESS else 3
        line = line if kind in HOPELESS else f"gave up after 3 failures: {line}"
        assert (run["status"], run["attemptCount"], run["errorSummary"]) == ("failed", tries, line)
        (document,) = screener.documents(those[kind]).values()
        assert (document["status"], document["reason"]) == (status, reason), kind
        assert document["hasMatches"] is None, kind
        risk = screener.risk(those[kind])
        assert (risk["level"], risk["score"], risk["complete"]) == ("prohibited", 75, True), kind
    check_names_nobody(worker, screener, auditor)
    audit()


def test_a_run_outlives_a_provider_that_comes_back(
    start, screener, provider, database, service, wait, auditor, audit
):
    worker = start()
    acme = verify(database, service, f"Acme {SURNAME}", f"Ada {SURNAME}")
    provider.stop()

    first = screener.screen(acme)
    wait_until(lambda: hurry(auditor) or auditor.is_over(first))
    second = screener.screen(acme)
    wait_until(lambda: auditor.moves(second) == ["claim", "retry"])
    provider.start()
    hurry(auditor)
    wait.until_over()

    said = "no subject could be screened: the provider could not be reached"
    failed = screener.run(acme, first)
    assert failed["errorSummary"] == f"gave up after 3 failures: {said}"
    assert auditor.moves(first) == ["claim", "retry", "claim", "retry", "claim", "fail"]
    assert auditor.moves(second) == ["claim", "retry", "claim", "complete"]
    notes = auditor.rows("SELECT note FROM job_moves WHERE move = 'retry'")
    assert {row["note"] for row in notes} == {said}
    assert screener.risk(acme)["level"] == "low"
    check_names_nobody(worker, screener, auditor)
    audit()


def test_what_a_record_lacks_or_holds_in_addition_does_no_harm(
    start, screener, provider, database, service, wait, auditor, audit
):
    odd = f"\x00Ada\ud800{SURNAME}\udfff"
    more = {"id": "\x00", "alias_names": ["\ud800", "A\x00"], "links": ["\x00"], "else": ["\x00"]}
    provider.does = {
        name("Sparse"): says({"total_hits": 1, "found_records": [{"name": name("Sparse")}]}),
        name("Ada"): says({"total_hits": 1, "found_records": [{**listed(odd), **more}]}),
        name("Lists"): says({"total_hits": 0, "lists": [{"name": "\x00L", "\x00\ud800": "\x00"}]}),
    }
    worker = start()
    acme = verify(database, service, name("Acme"), *provider.does)

    job = screener.screen(acme)
    wait.until_over()

    documents = screener.documents(acme)
    assert {who: one["hasMatches"] for who, one in documents.items()} == {
        name("Acme"): False,
        name("Sparse"): True,
        name("Ada"): True,
        name("Lists"): False,
    }
    assert documents[name("Ada")]["hits"][0]["name"] == name("Ada")
    assert screener.run(acme, job)["status"] == "completed"
    assert screener.risk(acme)["level"] == "prohibited"
    check_names_nobody(worker, screener, auditor)
    audit()
