"""Messages that repeat, come late or mean nothing: ignored, counted, and harmless."""

from __future__ import annotations

import base64
import json

from tasks.job.queue import Bell, message
from tests.conftest import wait_until
from tests.faults.conftest import QUICK, is_run_by_bell

COMPLETED = "SELECT count(*) FROM jobs WHERE state = 'completed'"


def changed(**parts):
    """Return a bell's message with some of its parts replaced."""
    return json.dumps({**json.loads(message(Bell("noop", "x", "default"))), **parts}).encode()


def headers(**some):
    """Return a bell's message with some of its headers replaced."""
    sound = json.loads(message(Bell("noop", "x", "default")))
    return changed(headers={**sound["headers"], **some})


def body(value):
    """Return a bell's message that carries this body."""
    return changed(body=base64.b64encode(value).decode())


GARBAGE = {
    "not JSON": b"garbage",
    "not text": b"\xff\xfe\x00",
    "nothing": b"",
    "a deep nest": b"[" * 100_000,
    "a number": b"1",
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "properties that are none": changed(properties=None),
    "properties without a tag": changed(properties={}),
    "a tag that is a list": changed(properties={"delivery_tag": [], "delivery_info": {}}),
    "no delivery info": changed(properties={"delivery_tag": "x", "body_encoding": "base64"}),
    "no headers": changed(headers=None),
    "headers that are a list": changed(headers=["task"]),
    "headers that are text": changed(headers="task"),
    "headers without a task": changed(headers={}),
    "a task that is a list": headers(task=[]),
    "a task without an id": changed(headers={"task": "noop"}),
    "a task that nobody knows": headers(task="nobody.knows"),
    "a time to run that is none": headers(eta="soon"),
    "an end that is none": headers(expires="later"),
    "retries that are text": headers(retries="many"),
    "a time limit that is text": headers(timelimit="x"),
    "an unknown encoding": changed(**{"content-encoding": "rot13"}),
    "pickle": changed(**{"content-type": "application/x-python-serialize"}),
    "a body that is not base64": changed(body="%%%"),
    "a body that is an object": changed(body={}),
    "no body": changed(body=None),
    "a body that is not JSON": body(b"garbage"),
    "a body that is null": body(b"null"),
    "a body without parts": body(b"[]"),
    "a body with too many arguments": body(b'[["a", "b", "c"], {}, {}]'),
    "a body with an unknown argument": body(b'[[], {"x": 1}, {}]'),
    "a body with an odd callback": body(b'[["x"], {}, {"callbacks": [1], "chain": 5}]'),
    "an id that is an object": body(b"[[{}], {}, {}]"),
    "an id with a NUL": body(b'[["\\u0000"], {}, {}]'),
    "an id that is half a character": body(b'[["\\ud800"], {}, {}]'),
    "an id of a megabyte": body(b'[["' + b"x" * 2**20 + b'"], {}, {}]'),
}


def test_garbage_is_counted_and_ends_neither_the_worker_nor_its_job(
    start_worker, redis, jobs, wait, auditor, audit, tmp_path
):
    free = tmp_path / "free"
    worker = start_worker(**QUICK, WORKER_PROCESSES="1")
    children = worker.children()
    beside = jobs.add("holds", path=str(free))
    wait.until_claimed(beside)

    redis.lpush("default", *GARBAGE.values())
    redis.lpush("bulk", b"garbage")
    free.touch()
    after = jobs.add("noop", n=1)
    wait.until_over(beside, after)
    wait_until(lambda: auditor.one("SELECT ignored FROM workers") == len(GARBAGE) + 1)

    assert worker.children() == children
    assert auditor.moves(beside) == ["claim", "complete"]
    assert auditor.moves(after) == ["claim", "complete"]
    assert redis.llen("default") == redis.llen("bulk") == 0
    audit()


def test_bells_that_repeat_or_come_late_or_for_nobody_are_counted(
    start_worker, redis, jobs, wait, auditor, audit
):
    first, second = jobs.add("noop", n=1), jobs.add("noop", n=2)
    wait_until(lambda: redis.llen("default") == 2)
    start_worker(**QUICK, WORKER_PROCESSES="1")
    wait.until_over()

    unheard = [
        Bell("noop", second, "default"),
        Bell("noop", first, "default"),
        Bell("noop", first, "default"),
        Bell("holds", first, "default"),
        Bell("noop", "0" * 32, "default"),
        Bell("nobody.knows", first, "default"),
        Bell("celery.chord_unlock", first, "default"),
        Bell("noop", first, "bulk"),
    ]
    for bell in unheard:
        redis.lpush(bell.queue, message(bell))
    wait_until(lambda: auditor.one("SELECT ignored FROM workers") == len(unheard))

    assert auditor.moves(first) == ["claim", "complete"]
    assert auditor.moves(second) == ["claim", "complete"]
    audit()


def test_a_bell_before_its_time_starts_nothing(start_worker, redis, jobs, wait, auditor, audit):
    start_worker(**QUICK, WORKER_PROCESSES="1")
    job = jobs.add("parks")
    early = message(Bell("parks", job, "default"))
    wait_until(lambda: "park" in auditor.moves(job))

    redis.lpush("default", early, early, early)
    wait.until_over(job)

    assert auditor.moves(job) == ["claim", "park", "claim", "park", "claim", "complete"]
    audit()


def test_a_queue_of_another_kind_stops_only_the_bells(
    start_worker, redis, jobs, wait, auditor, audit
):
    worker = start_worker(**QUICK, WORKER_PROCESSES="1")
    children = worker.children()
    redis.set("default", "no list")

    without_bells = jobs.add_many(5)
    wait.until_over()
    redis.delete("default")
    wait_until(lambda: is_run_by_bell(jobs, wait, auditor))

    assert worker.children() == children
    assert {auditor.job(job)["state"] for job in without_bells} == {"completed"}
    audit()


def test_bells_alone_keep_a_worker_busy(start_worker, jobs, wait, auditor, audit):
    # Nobody helps out, so each bell must be heard as soon as the one before is answered.
    start_worker(SWEEP_SECONDS="600", WORKER_PROCESSES="1")

    jobs.add_many(100)
    wait.until_over()
    wait_until(lambda: wait.until_over(jobs.add("noop")) or auditor.one(COMPLETED) == 160)

    audit()
