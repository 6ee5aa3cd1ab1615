"""Redis loses what it held, goes away, or stops answering: nobody waits and nothing is lost."""

from __future__ import annotations

import os
import signal

from tests.conftest import wait_until
from tests.faults.conftest import (
    QUICK,
    Sender,
    away,
    frozen,
    is_run_by_bell,
    wait_for_more,
)


def test_500_jobs_complete_although_redis_was_emptied(
    start_worker, redis, jobs, wait, auditor, audit
):
    jobs.add_many(500)
    wait_until(lambda: redis.llen("default") == 500)

    redis.flushall()
    start_worker(**QUICK)
    wait.until_over()

    assert auditor.one("SELECT count(*) FROM jobs WHERE state = 'completed'") == 500
    audit()


def test_jobs_complete_although_redis_was_emptied_again_and_again(
    start_worker, redis, member, recorder, wait, auditor, audit
):
    start_worker(**QUICK)

    with Sender(member):
        for _ in range(5):
            wait_for_more(recorder.accepted, 10)
            redis.flushall()
    wait.until_over()

    assert recorder.refused == []
    completed = auditor.one("SELECT count(*) FROM jobs WHERE state = 'completed'")
    assert completed == len(recorder.accepted)
    audit()


def test_dispatches_and_jobs_go_on_without_redis(
    servers, start_worker, member, jobs, recorder, wait, auditor, audit
):
    worker = start_worker(**QUICK)
    children = worker.children()

    with Sender(member):
        wait_for_more(recorder.accepted)
        with away(servers.redis):
            wait_for_more(recorder.accepted, 50)
            wait.until_over(*recorder.accepted)
        wait_for_more(recorder.accepted)
    wait.until_over()
    wait_until(lambda: is_run_by_bell(jobs, wait, auditor), seconds=60)

    assert recorder.refused == []
    assert worker.children() == children
    audit()


def test_jobs_complete_although_redis_was_replaced_by_an_empty_one(
    servers, start_worker, jobs, wait, auditor, audit
):
    worker = start_worker(**QUICK)
    children = worker.children()
    jobs.add_many(300)

    os.kill(servers.redis.pid, signal.SIGKILL)
    with away(servers.redis):
        pass
    wait.until_over()
    wait_until(lambda: is_run_by_bell(jobs, wait, auditor), seconds=60)

    assert worker.children() == children
    audit()


def test_a_redis_that_takes_connections_but_never_answers_holds_nobody_up(
    servers, start_worker, member, jobs, recorder, wait, auditor, audit
):
    start_worker(**QUICK)

    with Sender(member):
        wait_for_more(recorder.accepted)
        with frozen(servers.redis.pid):
            wait_for_more(recorder.accepted, 50)
            wait.until_over(*recorder.accepted)
    wait.until_over()
    wait_until(lambda: is_run_by_bell(jobs, wait, auditor), seconds=60)

    assert recorder.refused == []
    audit()


def test_a_worker_that_starts_without_redis_works_and_ends_in_peace(
    servers, start_worker, jobs, wait, auditor, audit, tmp_path
):
    free = tmp_path / "free"
    first, last = jobs.add("noop", n=1), jobs.add("holds", path=str(free))

    with away(servers.redis):
        worker = start_worker(**QUICK, WORKER_PROCESSES="1", STOP_GRACE_SECONDS="15")
        wait.until_over(first)
        wait.until_claimed(last)
        worker.signal(signal.SIGTERM)
        wait_until(lambda: "worker_waits_for_its_job" in worker.log.read_text())
        free.touch()
        status = worker.popen.wait(20)

    assert status == 0
    assert auditor.moves(last) == ["claim", "complete"]
    audit()
