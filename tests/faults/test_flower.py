"""Flower, `celery inspect` and events beside real workers: what they show is true, or nothing."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from config.celery import make_celery
from config.stack import free_port
from tasks.job import orders
from tests.conftest import ROOT, Process, environment, wait_until
from tests.faults.conftest import QUICK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery import Celery

EVENTS = {**QUICK, "CELERY_EVENTS": "true"}


@pytest.fixture
def flower(settings, tmp_path) -> Iterator[Callable[..., Any]]:
    """Run Flower beside this test's workers; what it answers to a path of its API."""
    port = str(free_port())
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "workers", "flower"]
    options = ["--address=127.0.0.1", f"--port={port}", "--read_only"]
    env = environment(settings, CELERY_EVENTS="true", FLOWER_UNAUTHENTICATED_API="true")
    process = Process([*command, *options], env, tmp_path / "flower.log")

    def ask(path: str) -> Any:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(f"http://127.0.0.1:{port}/api{path}", timeout=30)
            return answer.json() if answer.status_code == 200 else None
        return None

    wait_until(lambda: ask("/tasks") == {})
    yield ask
    process.stop()


@pytest.fixture
def app(with_setting) -> Celery:
    """The Celery application as a monitor has it."""
    return make_celery(with_setting(celery_events=True), ["default"])


def test_flower_shows_every_job_with_its_own_name_id_and_state(
    flower, app, start_worker, jobs, database, auditor, tmp_path
):
    free = tmp_path / "free"
    start_worker(**EVENTS, WORKER_PROCESSES="1", WORKER_QUEUES="bulk")
    rivals = [jobs.add("gated", scope="a", path=str(free)) for _ in range(2)]
    shown = lambda: {job: one["state"] for job, one in flower("/tasks").items()}  # noqa: E731
    wait_until(lambda: shown() == dict.fromkeys(rivals, "PENDING"))
    # As Flower does every few seconds: Celery's own events would call each of them a success.
    start_worker(**EVENTS, WORKER_PROCESSES="2", WORKER_QUEUES="default")
    wait_until(lambda: len(app.control.enable_events(reply=True, limit=3)) == 3)
    rejected = wait_until(lambda: auditor.rows("SELECT id FROM jobs WHERE state = 'rejected'"))
    (holder,) = {*rivals} - {rejected[0]["id"]}
    done, failed, again = jobs.add("noop", n=1), jobs.add("gives_up"), jobs.add("is_sent_away")
    parked, cancelled = (jobs.add("announced", how="wait", scope=scope) for scope in "bc")
    wait_until(lambda: auditor.moves(cancelled) == auditor.moves(parked) == ["claim", "park"])
    with database.transaction() as connection:
        orders.cancel(connection, [cancelled], by="mary")

    expected = {
        holder: "STARTED",
        rejected[0]["id"]: "REJECTED",
        done: "SUCCESS",
        failed: "FAILURE",
        again: "RETRY",
        parked: "RETRY",
        cancelled: "REVOKED",
    }
    wait_until(lambda: expected.items() <= shown().items())
    tasks = flower("/tasks")
    nodes = {row["id"]: row["node"] for row in auditor.rows("SELECT id, node FROM workers")}
    worker = auditor.one("SELECT worker FROM jobs WHERE id = %s", holder)
    assert {tasks[job]["name"] for job in rivals} == {"gated"}
    assert (tasks[done]["name"], tasks[done]["uuid"], tasks[done]["args"]) == ("noop", done, "()")
    assert tasks[done]["started"] <= tasks[done]["succeeded"]
    assert tasks[holder]["worker"] == nodes[worker]
    assert flower("/workers?status=1").items() >= dict.fromkeys(nodes.values(), True).items()
    assert tasks[failed]["exception"] == "there is no use in trying again"
    assert tasks[again]["exception"] == "come back later"
    results = {job: app.AsyncResult(job).state for job in expected}
    assert results == expected
    assert flower(f"/task/result/{failed}")["state"] == "FAILURE"
    node = nodes[worker]
    active = wait_until(lambda: flower(f"/workers?refresh=1&workername={node}")[node].get("active"))
    assert [(one["id"], one["name"]) for one in active] == [(holder, "gated")]
    assert str(free) not in json.dumps([tasks, active])

    free.touch()
    wait_until(lambda: shown()[holder] == "SUCCESS")


def test_inspect_tells_what_a_worker_does_while_it_does_it(
    settings, app, start_worker, jobs, wait, auditor, tmp_path
):
    free = tmp_path / "free"
    # Behind each other: Celery hands over the first one, and the worker fetches the other.
    jobs.add_many(3)
    held = jobs.add("holds", path=str(free))
    start_worker(WORKER_PROCESSES="1")
    wait.until_claimed(held)
    (node,) = (row["node"] for row in auditor.rows("SELECT node FROM workers"))

    command = [sys.executable, "-m", "celery", "-A", "workers", "inspect", "active", "--json"]
    run = subprocess.run(
        command, cwd=ROOT, env=environment(settings), capture_output=True, check=True
    )
    inspect = app.control.inspect([node], timeout=10)

    (active,) = json.loads(run.stdout)[node]
    assert (active["id"], active["name"], active["hostname"]) == (held, "holds", node)
    assert inspect.ping() == {node: {"ok": "pong"}}
    assert inspect.stats()[node]["total"] == {"noop": 3, "holds": 1}
    assert {"noop", "org_members"} <= set(inspect.registered()[node])
    free.touch()


def test_unless_they_are_asked_for_no_events_and_no_results_are_published(
    app, start_worker, jobs, wait, redis
):
    listener = redis.pubsub()
    listener.psubscribe("*")
    start_worker(WORKER_PROCESSES="1")
    replies = wait_until(lambda: app.control.enable_events(reply=True, limit=1))

    jobs.add_many(3)
    wait.until_over(jobs.add("gives_up"))

    assert [list(answer.values()) for answer in replies] == [
        [{"error": "event dispatcher unavailable"}]
    ]
    heard = [message["channel"] for message in iter(listener.get_message, None)]
    assert heard
    assert not [channel for channel in heard if b"celeryev" in channel]
    assert redis.keys("celery-task-meta-*") == []
    listener.close()
