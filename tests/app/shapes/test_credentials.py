from __future__ import annotations

from app.shapes import credentials
from app.shapes.fault import Fault


def test_the_credentials_api_has_four_words_for_our_five_states():
    assert {state.value: word for state, word in credentials.STATUS.items()} == {
        "pending": "todo",
        "running": "in_progress",
        "completed": "finalized",
        "failed": "error",
        "rejected": "error",
    }


def test_every_fault_has_its_status_and_type():
    shown = {fault.name: credentials.error(fault) for fault in credentials._ERRORS}

    assert {name: (status, body["type"]) for name, (status, body) in shown.items()} == {
        "UNAUTHENTICATED": (401, "Unauthorized"),
        "BAD_KEY": (401, "Unauthorized"),
        "BAD_BODY": (400, "ValidationError"),
        "INVALID": (400, "ValidationError"),
        "BAD_PARAMETER": (400, "ValidationError"),
        "TAKEN": (400, "AlreadyExists"),
        "TOO_LARGE": (413, "PayloadTooLarge"),
        "NOT_FOUND": (404, "NotFound"),
        "NO_JOB": (404, "NotFound"),
        "NO_SUCH_PATH": (404, "NotFound"),
        "NO_SUCH_METHOD": (405, "MethodNotAllowed"),
        "IN_FLIGHT": (409, "Conflict"),
        "TWIN_IN_FLIGHT": (409, "Conflict"),
        "KEY_REUSED": (422, "KeyReused"),
        "THROTTLED": (429, "TooManyRequests"),
        "BROKEN": (500, "InternalError"),
        "NO_SECRETS": (501, "NotConfigured"),
        "QUEUE_FULL": (503, "QueueFull"),
        "UNAVAILABLE": (503, "Unavailable"),
    }
    assert all(status == body["status"] for status, body in shown.values())


def test_an_error_has_three_fields_and_the_detail_stands_in_the_message():
    assert credentials.error(Fault.NO_JOB) == (
        404,
        {"status": 404, "type": "NotFound", "message": "job not found"},
    )
    assert credentials.error(Fault.INVALID, "url: not an address.")[1]["message"] == (
        "invalid values: url: not an address."
    )


def test_what_is_wrong_is_said_with_where_it_is():
    found = {"policy": {0: ["Not a DID."]}, "action": ["Must be one of: revoke."]}

    assert credentials.detail(found) == "policy.0: Not a DID. action: Must be one of: revoke."
    assert credentials.detail(["Nested too deeply."]) == "Nested too deeply."
