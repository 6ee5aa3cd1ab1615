from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks.job.record import Job
from tasks.job.states import State
from tasks.watch.explain import Facts, why

NOW = datetime(2026, 2, 28, 4, tzinfo=UTC)


def job(state=State.PENDING, **given):
    values = {
        "id": "a", "seq": 1, "type": "noop", "tenant": "t", "state": state, "queue": "bulk",
        "gate": None, "payload": {}, "result": None, "code": None, "error": None, "conflict": None,
        "stage": None, "progress": {}, "cursor": {}, "attempts": 1, "failures": 0, "worker": None,
        "created_at": NOW, "updated_at": NOW, "due_at": NOW, "started_at": None,
        "finished_at": None, "expires_at": None,
    }  # fmt: skip
    return Job(**{**values, **given})


RUNNING = State.RUNNING
LATER = NOW + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("subject", "facts", "sentence"),
    [
        (job(State.COMPLETED), {}, "It has completed."),
        (job(State.FAILED, error="no use"), {}, "It has failed: no use."),
        (
            job(State.FAILED, code="cancelled", error="it was cancelled", cancelled_by="mary"),
            {},
            "It has failed: it was cancelled by mary.",
        ),
        (job(State.REJECTED, conflict="b"), {}, "It was rejected, because b held its gate."),
        (job(RUNNING, worker="w1"), {}, "It is at work: attempt 1 on w1."),
        (
            job(RUNNING, worker="w1", cancelled_by="mary"),
            {},
            "It is at work: attempt 1 on w1, and was asked to stop by mary.",
        ),
        (job(), {"is_known": False}, "Nothing declares its type, noop."),
        (job(), {"workers": 0}, "No worker serves its queue, bulk."),
        (
            job(RUNNING, due_at=LATER),
            {"move": "park"},
            "It is parked for another 90 seconds, or until what it waits for wakes it.",
        ),
        (
            job(RUNNING, due_at=NOW + timedelta(hours=5), attempts=2),
            {"move": "retry", "note": "the node is busy"},
            "It waits another 5 hours for attempt 3, because of: the node is busy.",
        ),
        (
            job(RUNNING, due_at=NOW + timedelta(minutes=4, seconds=5)),
            {"move": "hand_back"},
            "It waits another 4 minutes for attempt 2.",
        ),
        (
            job(),
            {"holder": "b"},
            "Its gate is held by b: if that is still so when it is claimed, it is rejected.",
        ),
        (job(), {}, "It is the next in the queue bulk; 1 of 2 workers are busy."),
        (
            job(),
            {"ahead": 1, "busy": 2},
            "1 job is before it in the queue bulk; all 2 workers are busy.",
        ),
        (
            job(),
            {"ahead": 10_000, "redis": False},
            (
                "at least 10,000 jobs are before it in the queue bulk; 1 of 2 workers are busy."
                " Redis is away, so work begins more slowly."
            ),
        ),
    ],
)
def test_a_sentence_says_why_a_job_is_not_running(subject, facts, sentence):
    assert why(subject, Facts(**{"now": NOW, "workers": 2, "busy": 1, **facts})) == sentence
