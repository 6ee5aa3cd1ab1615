from __future__ import annotations

import base64

import pytest

from tests.app import runs
from tests.app.conftest import new_verification


@pytest.fixture
def history(client, at, service):
    """Ask for the run history of this test's verification."""

    def ask(query: str = ""):
        return client.get(f"{at}/jobs{query}", headers=service.headers)

    return ask


@pytest.fixture
def add(database, verification):
    """Record so many runs, numbered from a start; return their ids."""

    def record(count: int, start: int = 0) -> list[str]:
        ids = [f"{number:021}" for number in range(start, start + count)]
        return [runs.record(database, verification, job_id) for job_id in ids]

    return record


def ids(response) -> list[str]:
    return [job["run"]["jobId"] for job in response.json["data"]["jobs"]]


def test_a_verification_without_runs_has_an_empty_page(history, service, verification):
    response = history()

    assert response.status_code == 200
    assert list(response.json.items()) == [
        ("timestamp", response.json["timestamp"]),
        ("serviceUid", service.uid),
        ("trace", verification.trace),
        ("path", "/v5/verifications/:trace/jobs"),
        ("pathParams", {"trace": verification.trace}),
        ("statusCode", 200),
        ("message", "Jobs retrieved."),
        ("help", None),
        ("status", "success"),
        ("data", {"jobs": [], "nextCursor": None}),
        ("error", None),
    ]


def test_runs_are_listed_newest_first_each_as_its_poll_shows_it(
    client, at, history, database, service, verification
):
    runs.complete(database, verification, "a" * 21)
    runs.fail(database, verification, "b" * 21, error="no answer")
    runs.begin(database, verification, "c" * 21)
    runs.reject(database, verification, "d" * 21, holder="c" * 21)
    runs.record(database, verification, "e" * 21)

    listed = history().json["data"]["jobs"]

    polled = [
        client.get(f"{at}/jobs/watchlist/{letter * 21}", headers=service.headers).json["data"]
        for letter in "edcba"
    ]
    assert listed == polled
    assert [job["result"]["status"] for job in listed] == [
        "pending",
        "rejected",
        "running",
        "failed",
        "completed",
    ]


def test_pages_follow_each_other_without_gap_or_repeat_while_new_runs_come_in(history, add):
    known = add(7)
    pages = [history("?limit=3")]

    start = 100
    while cursor := pages[-1].json["data"]["nextCursor"]:
        add(2, start)
        start += 2
        pages.append(history(f"?limit=3&cursor={cursor}"))

    assert [ids(page) for page in pages] == [
        [known[6], known[5], known[4]],
        [known[3], known[2], known[1]],
        [known[0]],
    ]


def test_a_page_that_is_full_and_the_last_has_no_cursor(history, add):
    add(3)

    assert history("?limit=3").json["data"]["nextCursor"] is None
    assert history("?limit=2").json["data"]["nextCursor"] is not None


def test_a_cursor_goes_on_although_runs_before_it_were_cleared(history, add, auditor):
    known = add(5)
    cursor = history("?limit=2").json["data"]["nextCursor"]
    auditor.rows("DELETE FROM jobs WHERE id = ANY(%s)", [known[3], known[2]])

    assert ids(history(f"?cursor={cursor}")) == [known[1], known[0]]


@pytest.mark.parametrize("query", ["", "?limit=", "?cursor=", "?limit=20"])
def test_a_page_has_twenty_runs_unless_it_is_told(history, add, query):
    known = add(21)

    response = history(query)

    assert ids(response) == known[:0:-1]
    assert response.json["data"]["nextCursor"]


@pytest.mark.parametrize(("limit", "found"), [("1", 1), ("100", 100)])
def test_a_page_may_have_1_to_100_runs(history, add, limit, found):
    add(101)

    assert len(ids(history(f"?limit={limit}"))) == found


@pytest.mark.parametrize("query", ["?type=watchlist", "?type="])
def test_runs_may_be_asked_for_by_type(history, add, query):
    known = add(2)

    assert ids(history(query)) == [known[1], known[0]]


@pytest.mark.parametrize(
    "kind", ["x", "org_members", "WATCHLIST", "%00", "%ed%a0%80", "watchlist,"]
)
def test_an_unknown_type_is_422(history, kind):
    response = history(f"?type={kind}")

    assert response.status_code == 422
    assert response.json["error"] == {
        "type": "validation_error",
        "details": [
            {"message": "Unknown job type.", "code": "invalid_format", "path": ["type"]},
        ],
    }


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "x", "1.5", "+1", "%201", "1" * 30, "%00", "%D9%A3", "1e1"]
)
def test_a_bad_limit_is_422(history, limit):
    response = history(f"?limit={limit}")

    assert response.status_code == 422
    assert response.json["error"]["details"] == [
        {"message": "Not a number from 1 to 100.", "code": "invalid_format", "path": ["limit"]}
    ]


def written(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


BAD_CURSORS = {
    "rubbish": "!!",
    "no base64": "x",
    "no UTF-8": "_w",
    "no number": written("x"),
    "a negative number": written("-1"),
    "a number beyond all": written("9" * 40),
    "a blank": "%20",
    "a NUL": "%00",
    "a NUL within": written("\0"),
    "a letter of another alphabet": "%C3%A9",
    "a number of another alphabet": written("\u0663"),
    "a surrogate": "%ed%a0%80",
}


@pytest.mark.parametrize("case", BAD_CURSORS)
def test_a_bad_cursor_is_422(history, case):
    response = history(f"?cursor={BAD_CURSORS[case]}")

    assert response.status_code == 422
    assert response.json["error"]["details"] == [
        {"message": "Not a cursor of ours.", "code": "invalid_format", "path": ["cursor"]}
    ]


def test_the_runs_of_others_are_not_listed(history, database, service, other_service):
    runs.record(database, new_verification(database, service), "a" * 21)
    runs.record(database, new_verification(database, other_service), "b" * 21)

    assert ids(history()) == []


def test_a_cursor_of_another_verification_shows_nothing_of_it(
    client, history, add, database, service
):
    another = new_verification(database, service)
    for letter in "abc":
        runs.record(database, another, letter * 21)
    mine = add(1)
    url = f"/v5/verifications/{another.trace}/jobs?limit=1"
    cursor = client.get(url, headers=service.headers).json["data"]["nextCursor"]
    newer = add(1, 7)

    assert ids(history(f"?cursor={cursor}")) == []
    assert ids(history()) == newer + mine
