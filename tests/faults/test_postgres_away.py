"""PostgreSQL restarts under load: refused in the open, and taken up again by itself."""

from __future__ import annotations

from tests.conftest import wait_until
from tests.faults.conftest import QUICK, Sender, away, csv_rows, go_on, wait_for_more


def test_dispatches_are_refused_while_postgresql_is_away_and_none_half_accepted(
    servers, start_worker, member, recorder, wait, auditor, audit
):
    worker = start_worker(**QUICK)
    children = worker.children()

    with Sender(member):
        for _ in range(2):
            wait_for_more(recorder.accepted)
            with away(servers.postgres):
                wait_for_more(recorder.refused, 10)
        wait_for_more(recorder.accepted)
    wait.until_over()

    assert {answer.status_code for answer in recorder.refused} == {503}
    assert {answer.headers["Retry-After"] for answer in recorder.refused} == {"1"}
    assert recorder.refused[0].json() == {
        "error": "temporarily unavailable, nothing was accepted",
        "code": 50301,
    }
    recorded = auditor.rows("SELECT id FROM jobs")
    assert {row["id"] for row in recorded} == set(recorder.accepted)
    assert worker.children() == children
    audit()


def test_an_import_outlives_a_restart_of_postgresql(
    servers, start_worker, member, wait, auditor, audit, tmp_path
):
    once = tmp_path / "once"
    fault = f"import.before_commit=stop@2:{once}"
    worker = start_worker(**QUICK, WORKER_PROCESSES="1", FAILPOINTS=fault)
    children = worker.children()
    job = member.send_file(csv_rows(10_500))
    wait_until(once.exists)

    with member.polling(job):
        with away(servers.postgres):
            go_on(*children)
            wait_until(lambda: "PostgreSQL" in worker.log.read_text())
        wait.until_over(job)
        wait_until(lambda: member.progress(job)["progress"] == 100)

    assert worker.children() == children
    assert auditor.moves(job)[-2:] == ["claim", "complete"]
    assert member.progress(job)["added"] == 10_499
    audit()


def test_what_ended_while_postgresql_was_away_is_settled_when_it_is_back(
    servers, start_worker, jobs, wait, auditor, audit, tmp_path
):
    free = tmp_path / "free"
    worker = start_worker(WORKER_PROCESSES="1", LEASE_SECONDS="60")
    job = jobs.add("holds", path=str(free))
    wait.until_claimed(job)

    with away(servers.postgres):
        free.touch()
        wait_until(lambda: "settling_postponed" in worker.log.read_text())
    wait.until_over(job)

    assert auditor.moves(job) == ["claim", "complete"]
    audit()
