from __future__ import annotations

import itertools

import pytest
from celery.events.event import Event
from celery.events.state import State

from tasks.job.states import MOVES
from tasks.watch.moves import Move
from workers.events import STATES, events_of, result_of


def move(name, *, attempt=1, note=None, code=None):
    """Return a move of a job, as the history has it."""
    return Move(1, "a", "noop", "default", attempt, name, "w1@here", note, code, 100.0, 2.5)


def shown(*moves):
    """Return a job as a monitor has it that heard the events of these moves."""
    state, clock = State(), itertools.count(1)
    for event, fields in itertools.chain.from_iterable(map(events_of, moves)):
        more = {"hostname": "w1@here", "timestamp": 100.0, "local_received": 100.0}
        state.event(Event(event, uuid="a", clock=next(clock), **more, **fields))
    return state.tasks["a"]


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        (["claim"], "STARTED"),
        (["claim", "complete"], "SUCCESS"),
        (["claim", "fail"], "FAILURE"),
        (["claim", "retry"], "RETRY"),
        (["claim", "park"], "RETRY"),
        (["claim", "hand_back"], "RETRY"),
        (["claim", "lose"], "RETRY"),
        (["claim", "lose", "claim"], "STARTED"),
        (["claim", "retry", "claim", "complete"], "SUCCESS"),
        (["claim", "park", "claim", "fail"], "FAILURE"),
        (["claim", "park", "cancel"], "REVOKED"),
        (["reject"], "REJECTED"),
        (["cancel"], "REVOKED"),
    ],
)
def test_a_monitor_that_hears_a_history_has_the_state_that_is_kept(moves, expected):
    history = [move(name) for name in moves]

    assert shown(*history).state == expected
    assert result_of(history[-1])["status"] == expected


def test_every_move_has_a_state_and_events():
    assert {one.name for one in MOVES} == set(STATES)
    assert all(events_of(move(name)) for name in STATES)


def test_a_monitor_is_told_neither_what_a_job_was_given_nor_what_it_made():
    task = shown(move("claim", attempt=3), move("complete"))

    assert (task.name, task.args, task.kwargs, task.result) == ("noop", "()", "{}", "")
    assert (task.retries, task.runtime, task.worker.hostname) == (2, 2.5, "w1@here")


def test_a_result_says_why_in_the_form_that_celery_reads():
    failed = result_of(move("fail", note="there is no use", code="no_use"))

    assert failed == {
        "status": "FAILURE",
        "result": {
            "exc_type": "no_use", "exc_message": ["there is no use"], "exc_module": None,
        },
        "traceback": None,
        "children": [],
        "date_done": "1970-01-01T00:01:40+00:00",
        "task_id": "a",
    }  # fmt: skip
    assert result_of(move("complete"))["result"] is None
    assert result_of(move("claim"))["date_done"] is None
