from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from marshmallow import ValidationError

from app.shapes import screening
from app.shapes.fault import Fault
from app.shapes.screening_schemas import NewVerification
from tasks.job.record import Job
from tasks.job.states import State

ASKED = screening.Asked(
    at=datetime(2026, 2, 28, 4, 0, 5, tzinfo=UTC),
    service_uid="5qA5Hq0n1JQTY2TASItxYXSRyND3",
    path="/v5/verifications",
    parameters={},
)
AT = datetime(2025, 2, 28, 4, tzinfo=UTC)
RUN = Job(
    id="V1StGXR8_Z5jdHi6B-myT", seq=1, type="watchlist", tenant="t", state=State.PENDING,
    queue="screening", gate="1", payload={"source_action": "manual-api"}, result=None, code=None,
    error=None, conflict=None, stage=None, progress={}, cursor={}, attempts=0, failures=0,
    worker=None, created_at=AT, updated_at=AT, due_at=AT, started_at=None, finished_at=None,
    expires_at=None,
)  # fmt: skip


def test_the_screening_api_has_a_word_for_each_of_our_five_states():
    assert {state.value: word for state, word in screening.STATUS.items()} == {
        "pending": "pending",
        "running": "running",
        "completed": "completed",
        "failed": "failed",
        "rejected": "rejected",
    }


def test_every_fault_that_may_happen_has_the_documented_status_and_type():
    shown = {
        fault.name: (
            screening.error(ASKED, fault)[0],
            screening.error(ASKED, fault)[1]["error"]["type"],
        )
        for fault in screening._ERRORS
    }

    assert shown == {
        "UNAUTHENTICATED": (401, "unauthorized"),
        "NOT_FOUND": (404, "not_found"),
        "NO_SUCH_PATH": (404, "not_found"),
        "NO_SUCH_METHOD": (405, "method_not_allowed"),
        "TWIN_IN_FLIGHT": (409, "conflict"),
        "TOO_LARGE": (422, "validation_error"),
        "INVALID": (422, "validation_error"),
        "BAD_BODY": (422, "validation_error"),
        "BAD_PARAMETER": (422, "validation_error"),
        "KEY_REUSED": (422, "validation_error"),
        "GATE_HELD": (429, "too_many_requests"),
        "BROKEN": (500, "internal_error"),
        "UNAVAILABLE": (503, "unavailable"),
    }


def test_the_published_422():
    details = screening.details({"identifiers": {"abn": ["Not a valid ABN."]}})

    assert screening.error(ASKED, Fault.INVALID, details=details) == (
        422,
        {
            "timestamp": "2026-02-28T04:00:05.000Z",
            "serviceUid": "5qA5Hq0n1JQTY2TASItxYXSRyND3",
            "trace": None,
            "path": "/v5/verifications",
            "pathParams": {},
            "statusCode": 422,
            "message": "Validation error",
            "status": "error",
            "data": None,
            "help": None,
            "error": {
                "type": "validation_error",
                "details": [
                    {
                        "message": "Not a valid ABN.",
                        "code": "invalid_format",
                        "path": ["identifiers", "abn"],
                    }
                ],
            },
        },
    )


def test_a_run_leaves_out_what_is_not_set():
    assert json.dumps(screening.job(RUN)) == (
        '{"run": {"jobId": "V1StGXR8_Z5jdHi6B-myT", "type": "watchlist", "payload": {}, '
        '"requestedAt": 1740715200000, "sourceAction": "manual-api"}, '
        '"result": {"jobId": "V1StGXR8_Z5jdHi6B-myT", "type": "watchlist", "status": "pending", '
        '"attemptCount": 0}}'
    )


def test_times_are_whole_milliseconds_for_whatever_microseconds():
    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    found = [
        screening._epoch(epoch + timedelta(milliseconds=1740715200000 + n, microseconds=us))
        for n in range(1000)
        for us in (0, 999)
    ]

    assert found == [1740715200000 + n for n in range(1000) for _ in (0, 999)]


def load(**given):
    return NewVerification().load({"name": "x", **given})


#: The example of the Australian Business Register, and numbers of well-known bodies.
@pytest.mark.parametrize("abn", ["51 824 753 556", "51824753556", " 53 004 085 616 "])
def test_an_abn_that_adds_up_is_taken(abn):
    assert load(identifiers={"abn": abn})["identifiers"] == {"abn": abn.strip()}


@pytest.mark.parametrize(
    "abn",
    ["", "x", "5182475355", "51 824 753 557", "15 824 753 556", "51-824-753-556", "518247535560",
     "00000000000", "٥١٨٢٤٧٥٣٥٥٦", "51824753556x"],
)  # fmt: skip
def test_an_abn_that_does_not_add_up_is_refused(abn):
    with pytest.raises(ValidationError) as refused:
        load(identifiers={"abn": abn})

    assert refused.value.messages == {"identifiers": {"abn": ["Not a valid ABN."]}}


@pytest.mark.parametrize("acn", ["004 085 616", "004085616", "000 000 019"])
def test_an_acn_that_adds_up_is_taken(acn):
    assert load(identifiers={"acn": acn})["identifiers"] == {"acn": acn}


@pytest.mark.parametrize("acn", ["", "004 085 617", "4085616", "0040856160"])
def test_an_acn_that_does_not_add_up_is_refused(acn):
    with pytest.raises(ValidationError) as refused:
        load(identifiers={"acn": acn})

    assert refused.value.messages == {"identifiers": {"acn": ["Not a valid ACN."]}}


def test_other_identifiers_are_taken_as_they_are():
    assert load(identifiers={"lei": "5493001KJTIIGC8Y1R12"})["identifiers"] == {
        "lei": "5493001KJTIIGC8Y1R12"
    }


@pytest.mark.parametrize("day", ["2024-02-29", "1850-01-01"])
def test_a_date_that_has_been_is_taken(day):
    assert load(dateOfBirth=day)["date_of_birth"] == date.fromisoformat(day)


@pytest.mark.parametrize(
    "day", ["2023-02-29", "1849-12-31", "2999-01-01", "1990-13-01", "19900101", "1990-W01-1", ""]
)
def test_a_date_that_has_not_been_is_refused(day):
    with pytest.raises(ValidationError) as refused:
        load(dateOfBirth=day)

    assert refused.value.messages == {"dateOfBirth": ["Not a date of the past as YYYY-MM-DD."]}


def test_where_a_fault_is_said_values_are_not():
    assert screening.details(
        {"stakeholders": {3: {"name": ["Missing data for required field."]}}}
    ) == [
        {
            "message": "Missing data for required field.",
            "code": "required",
            "path": ["stakeholders", 3, "name"],
        }
    ]
