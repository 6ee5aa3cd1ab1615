"""An import is killed at every place where it could lose or repeat a row."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from tests.conftest import wait_until
from tests.faults.conftest import QUICK, csv_rows, process_of

#: A chunk and a rest; the third pass finds that nothing is left.
ROWS = 5_500
PLACES = [
    (place, nth)
    for place in ("import.chunk_read", "import.before_commit", "import.committed")
    for nth in (1, 2, 3)
]


@pytest.mark.parametrize(
    ("place", "nth"), [*PLACES, ("runner.claimed", 1), ("runner.before_settle", 1)]
)
def test_an_import_whose_process_is_killed_goes_on_in_another(
    place, nth, start_worker, member, auditor, audit, wait, tmp_path
):
    once = tmp_path / "once"
    start_worker(FAILPOINTS=f"{place}=kill@{nth}:{once}")
    content = csv_rows(ROWS)

    job = member.send_file(content)
    with member.polling(job):
        wait.until_over(job)
        wait_until(lambda: member.progress(job)["progress"] == 100)

    assert once.exists()
    assert auditor.moves(job) == ["claim", "lose", "claim", "complete"]
    assert member.progress(job)["added"] == ROWS - 1
    assert member.progress(job)["errors"] == [
        "row 7: invalid-email",
        "row 11: wrong-number-of-fields",
    ]
    audit()


def test_an_import_outlives_its_worker_with_all_its_processes(
    start_worker, member, auditor, audit, wait, tmp_path
):
    # Stopped inside a transaction, so that the kill surely comes in the middle of the import.
    fault = f"import.before_commit=stop@2:{tmp_path / 'once'}"
    # One process, so that no other one of this worker goes on before the second worker is there.
    first = start_worker(**QUICK, WORKER_PROCESSES="1", FAILPOINTS=fault)
    job = member.send_file(csv_rows(ROWS))
    wait_until((tmp_path / "once").exists)
    second = start_worker(**QUICK)

    with member.polling(job):
        first.signal_all(signal.SIGKILL)
        wait.until_over(job)

    assert auditor.moves(job) == ["claim", "lose", "claim", "complete"]
    last = auditor.rows("SELECT worker FROM job_moves WHERE move = 'complete'")
    assert process_of(last[0]["worker"]) in second.children()
    audit()


def test_no_process_outlives_a_killed_parent(start_worker, jobs, wait, auditor, audit, tmp_path):
    free = tmp_path / "free"
    first = start_worker(**QUICK)
    job = jobs.add("holds", path=str(free))
    wait.until_claimed(job)
    family = first.family()

    first.signal(signal.SIGKILL)
    first.popen.wait()
    wait_until(lambda: not any(map(psutil.pid_exists, family)))
    start_worker(**QUICK)
    free.touch()
    wait.until_over(job)

    assert len(family) == 4  # the parent, two that work, one that sweeps
    assert auditor.moves(job) == ["claim", "lose", "claim", "complete"]
    audit()


def test_a_job_that_kills_every_process_ends_failed_at_its_bound(
    start_worker, jobs, wait, auditor, audit
):
    worker = start_worker(**QUICK)
    deadly = jobs.add("dies")
    harmless = jobs.add_many(20)

    wait.until_over(seconds=60)

    assert auditor.moves(deadly) == ["claim", "lose", "claim", "lose", "claim", "fail"]
    ended = auditor.job(deadly)
    assert (ended["state"], ended["code"], ended["failures"]) == ("failed", "attempts_exhausted", 3)
    assert ended["error"] == "gave up after 3 failures: the worker process ended (SIGKILL)"
    assert {auditor.job(job)["state"] for job in harmless} == {"completed"}
    wait_until(lambda: len(worker.children()) == 2)
    audit()


def test_a_sweeper_that_is_killed_is_replaced_and_learns_who_has_ended_meanwhile(
    start_worker, jobs, wait, auditor, audit, tmp_path
):
    free = tmp_path / "free"
    # With a lease that nobody waits for.
    worker = start_worker(LEASE_SECONDS="600", WORKER_PROCESSES="1")
    (sweeper,) = worker.children(sweeper=True)
    job = jobs.add("holds", path=str(free))
    holder = wait.until_claimed(job)

    os.kill(sweeper, signal.SIGSTOP)
    os.kill(process_of(holder), signal.SIGKILL)
    wait_until(lambda: "worker_process_ended" in worker.log.read_text())
    os.kill(sweeper, signal.SIGKILL)
    wait.until_claimed(job, attempt=2)
    free.touch()
    wait.until_over(job)

    assert auditor.moves(job) == ["claim", "lose", "claim", "complete"]
    assert worker.children(sweeper=True) != [sweeper]
    worker.popen.terminate()
    assert worker.popen.wait(30) == 0
    assert [row["ended"] for row in auditor.rows("SELECT ended FROM workers ORDER BY ended")] == [
        "it was stopped",
        "the worker process ended (SIGKILL)",
    ]
    audit()


def test_a_process_killed_from_outside_is_replaced(start_worker, jobs, wait, auditor, audit):
    worker = start_worker(**QUICK)
    before = set(worker.children())

    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(worker.children()) - before) == 2)
    job = jobs.add("noop", n=1)
    wait.until_over(job)

    assert auditor.moves(job) == ["claim", "complete"]
    audit()
