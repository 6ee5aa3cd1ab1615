"""A worker that screens is killed, or stopped past its lease, at every place that matters."""

from __future__ import annotations

import re

import pytest

from tests.conftest import wait_until
from tests.faults.conftest import go_on
from tests.providers import Holding, InTurn, found, is_listed
from tests.screened import verify

#: What a worker says that finds its claim gone.
_LATE = re.compile("late_end_refused|claim_lost")
PLACES = [
    "watchlist.document_kept=kill@2",
    "watchlist.screened=kill",
    "watchlist.risk_kept=kill",
    "runner.before_settle=kill",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_run_whose_worker_was_killed_goes_on_where_it_was(
    place, start_screening, screener, provider, database, service, wait, auditor, audit, tmp_path
):
    provider.does["Bob"] = is_listed
    acme = verify(database, service, "Acme", "Ada", "Bob")
    start_screening(WATCHLIST_CONCURRENCY="1", FAILPOINTS=f"{place}:{tmp_path / 'once'}")

    job = screener.screen(acme)
    wait.until_over(job)
    asked = dict(provider.asked)
    wait.until_over(screener.screen(acme))

    assert auditor.moves(job) == ["claim", "lose", "claim", "complete"]
    assert asked == {"Acme": 1, "Ada": 1, "Bob": 1}
    assert screener.run(acme, job)["attemptCount"] == 2
    assert auditor.one("SELECT count(*) FROM screenings WHERE job_id = %s", job) == 3
    assert auditor.one("SELECT level FROM risks WHERE job_id = %s", job) == "prohibited"
    audit()


def test_a_run_that_kills_its_worker_every_time_fails_and_frees_the_gate(
    start_screening, screener, provider, database, service, wait, auditor, audit
):
    acme = verify(database, service, "Acme", "Ada")
    start_screening(WORKER_PROCESSES="3", FAILPOINTS="watchlist.risk_kept=kill")

    job = screener.screen(acme)
    wait.until_over(job)
    run = screener.run(acme, job)
    again = screener.screen(acme)
    wait.until_over(again)

    assert run["status"] == "failed"
    assert run["errorSummary"] == "gave up after 3 failures: the worker process ended (SIGKILL)"
    assert auditor.moves(job) == ["claim", "lose", "claim", "lose", "claim", "fail"]
    assert auditor.one("SELECT count(*) FROM risks") == 0
    assert provider.asked == {"Acme": 2, "Ada": 2}
    audit()


def test_a_worker_that_goes_on_beside_the_next_attempt_writes_nothing(
    start_screening, screener, provider, database, service, wait, auditor, audit, tmp_path
):
    once = tmp_path / "once"
    held = Holding(found())
    provider.does["Bob"] = InTurn(held, is_listed)
    alone = {"WATCHLIST_SUBJECT_SECONDS": "60", "WORKER_PROCESSES": "1"}
    acme = verify(database, service, "Acme", "Ada", "Bob")
    fault = f"watchlist.document_kept=stop@2:{once}"
    late = start_screening(
        **alone, WATCHLIST_RUN_SECONDS="60", WATCHLIST_CONCURRENCY="1", FAILPOINTS=fault
    )
    job = screener.screen(acme)
    wait_until(once.exists)

    start_screening(**alone, WATCHLIST_RUN_SECONDS="60")
    wait_until(lambda: provider.asked["Bob"] == 1)
    go_on(*late.children())
    wait_until(lambda: _LATE.search(late.log.read_text()))
    beside = auditor.rows("SELECT subject FROM screenings WHERE job_id = %s", job)
    holder = screener.holder(acme)
    held.free.set()
    wait.until_over()

    assert len(beside) == 2
    assert holder == job
    assert auditor.moves(job) == ["claim", "lose", "claim", "complete"]
    assert screener.risk(acme)["level"] == "low"
    audit()


@pytest.mark.parametrize("place", ["watchlist.risk_kept=stop", "runner.before_settle=stop"])
def test_a_worker_that_goes_on_past_its_lease_neither_ends_its_run_nor_frees_the_gate(
    place, start_screening, screener, provider, database, service, wait, auditor, audit, tmp_path
):
    once = tmp_path / "once"
    patient = {"WATCHLIST_SUBJECT_SECONDS": "60", "WORKER_PROCESSES": "1"}
    acme = verify(database, service, "Acme", "Ada", "Bob")
    late = start_screening(**patient, WATCHLIST_CONCURRENCY="1", FAILPOINTS=f"{place}:{once}")
    job = screener.screen(acme)
    wait_until(once.exists)

    start_screening(**patient)
    wait.until_over(job)
    ended = (auditor.job(job), auditor.rows("SELECT * FROM risks"))
    held = provider.does["Acme"] = Holding(found())
    next_one = screener.screen(acme)
    wait.until_claimed(next_one)
    go_on(*late.children())
    wait_until(lambda: _LATE.search(late.log.read_text()))
    holder = screener.holder(acme)
    held.free.set()
    wait.until_over()

    assert auditor.moves(job) == ["claim", "lose", "claim", "complete"]
    assert (auditor.job(job), auditor.rows("SELECT * FROM risks WHERE job_id = %s", job)) == ended
    assert holder == next_one
    assert auditor.moves(next_one) == ["claim", "complete"]
    audit()
