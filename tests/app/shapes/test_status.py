from __future__ import annotations

import pytest

from app.shapes import voting
from app.shapes.fault import Fault, error_words
from app.shapes.status import status_words
from tasks.job.states import State


def test_a_table_without_a_word_for_a_state_is_refused_at_import():
    words = {state: "x" for state in State if state is not State.REJECTED}

    with pytest.raises(LookupError, match="no status word for"):
        status_words(words)


def test_a_table_without_an_error_that_may_happen_anywhere_is_refused_at_import():
    with pytest.raises(LookupError, match=r"no error for .*BROKEN"):
        error_words({Fault.NOT_FOUND: 404})


def test_the_voting_api_has_three_words_for_our_five_states():
    assert {state.value: word for state, word in voting.STATUS.items()} == {
        "pending": "pending",
        "running": "pending",
        "completed": "completed",
        "failed": "failed",
        "rejected": "failed",
    }


def test_every_fault_has_the_documented_status_and_code():
    shown = {
        fault.name: (voting.error(fault)[0], voting.error(fault)[1]["code"])
        for fault in voting._ERRORS
    }

    assert shown == {
        "UNAUTHENTICATED": (401, 40001),
        "BAD_KEY": (401, 40156),
        "MISSING_SCOPE": (403, 40158),
        "FOREIGN": (403, 40158),
        "BAD_BODY": (400, 40004),
        "TOO_LARGE": (413, 41300),
        "BAD_PARAMETER": (400, 40010),
        "NO_ORGANIZATION": (404, 40009),
        "NO_JOB": (404, 40026),
        "NO_GROUP": (404, 40401),
        "NO_CENSUS": (404, 40027),
        "NO_PARTICIPANT": (404, 40029),
        "NO_PROCESS": (404, 40038),
        "BAD_CENSUS": (400, 40004),
        "BAD_TRANSACTION": (400, 40007),
        "PUBLISH_IN_FLIGHT": (409, 40903),
        "QUEUE_FULL": (503, 50301),
        "MEMBER_LIMIT": (401, 40145),
        "GATE_HELD": (409, 40903),
        "KEY_REUSED": (422, 42200),
        "TWIN_IN_FLIGHT": (409, 40900),
        "NO_SUCH_PATH": (404, 40400),
        "NO_SUCH_METHOD": (405, 40500),
        "UNAVAILABLE": (503, 50301),
        "BROKEN": (500, 50002),
    }


def test_a_detail_stands_behind_the_documented_text():
    assert voting.error(Fault.BAD_PARAMETER, "invalid job type: X") == (
        400,
        {"error": "invalid URL parameter: invalid job type: X", "code": 40010},
    )
