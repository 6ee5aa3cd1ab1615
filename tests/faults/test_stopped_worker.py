"""A worker that was stopped past its lease goes on, and finds that it has nothing to say."""

from __future__ import annotations

import signal

import pytest

from tests.conftest import wait_until
from tests.faults.conftest import QUICK, csv_rows, frozen, go_on, process_of


@pytest.mark.parametrize("is_over", [False, True], ids=["while it runs", "after its end"])
def test_the_late_end_of_a_stopped_worker_is_refused(
    is_over, start_worker, jobs, wait, auditor, audit, tmp_path
):
    path = tmp_path / "free"
    late = start_worker(**QUICK, WORKER_PROCESSES="1")
    job = jobs.add("holds_each", path=str(path))
    wait.until_claimed(job)
    free_late, free_second = (path.with_suffix(f".{attempt}") for attempt in (1, 2))

    with frozen(*late.family()):
        second = start_worker(**QUICK, WORKER_PROCESSES="1")
        taken_over_by = wait.until_claimed(job, attempt=2)
        if is_over:
            free_second.touch()
            wait.until_over(job)
    free_late.touch()
    wait_until(lambda: "late_end_refused" in late.log.read_text())
    free_second.touch()
    wait.until_over(job)

    assert process_of(taken_over_by) in second.children()
    assert auditor.moves(job) == ["claim", "lose", "claim", "complete"]
    assert auditor.job(job)["result"] == {"n": 2}
    audit()


@pytest.mark.parametrize("place", ["import.before_commit=stop@2", "step.before_commit=stop@3"])
def test_an_import_stopped_inside_its_transaction_blocks_nobody_and_adds_nothing_later(
    place, start_worker, member, jobs, wait, auditor, audit, tmp_path
):
    once = tmp_path / "once"
    late = start_worker(**QUICK, WORKER_PROCESSES="1", FAILPOINTS=f"{place}:{once}")
    job = member.send_file(csv_rows(10_500))
    wait_until(once.exists)
    second = start_worker(**QUICK, WORKER_PROCESSES="1")

    with member.polling(job):
        wait.until_over(job, seconds=20)
        wait_until(lambda: member.progress(job)["progress"] == 100)
    second.signal(signal.SIGTERM)
    second.popen.wait(20)
    go_on(*late.children())
    after = jobs.add("noop", n=1)
    wait.until_over(after)

    assert auditor.moves(job) == ["claim", "lose", "claim", "complete"]
    assert auditor.moves(after) == ["claim", "complete"]
    assert member.progress(job)["added"] == 10_499
    audit()


def test_a_gate_held_by_a_stopped_worker_is_held_by_the_job_and_by_nobody_else(
    start_worker, jobs, wait, auditor, audit, tmp_path
):
    free = tmp_path / "free"
    late = start_worker(**QUICK, WORKER_PROCESSES="1")
    job = jobs.add("gated", scope="one", path=str(free))
    wait.until_claimed(job)

    with frozen(*late.family()):
        start_worker(**QUICK, WORKER_PROCESSES="1")
        wait.until_claimed(job, attempt=2)
        free.touch()
        wait.until_over(job)
        next_one = jobs.add("gated", scope="one", path=str(free))
        wait.until_over(next_one)

    assert auditor.moves(job) == ["claim", "lose", "claim", "complete"]
    assert auditor.moves(next_one) == ["claim", "complete"]
    audit()
