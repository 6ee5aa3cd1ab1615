from __future__ import annotations

import json
import re

import pytest

NOT_FOUND = b'{"error":"job not found","code":40026}\n'


@pytest.fixture
def record(auditor, tenant):
    """Record a job of a type; columns may be given."""

    def add(job_id: str, **given: object) -> str:
        row = {
            "id": job_id,
            "type": "org_members",
            "tenant": tenant.address,
            "queue": "bulk",
            "payload": "{}",
            **given,
        }
        marks = ", ".join(["%s"] * len(row))
        auditor.rows(f"INSERT INTO jobs ({', '.join(row)}) VALUES ({marks})", *row.values())
        return job_id

    return add


STARTED = {"attempts": 1, "started_at": "2026-01-02T03:04:05Z"}
OVER = {**STARTED, "finished_at": "2026-01-02T03:04:06Z", "expires_at": "2099-01-01T00:00:00Z"}
ROWS = json.dumps({"read": 3, "added": 2, "errors": 1, "total": 3})
COMPLETED = {**OVER, "state": "completed", "result": "{}", "progress": ROWS}
FAILED = {**OVER, "state": "failed", "failures": 1, "code": "no_use", "error": "no use"}
REJECTED = {
    "state": "rejected",
    "finished_at": "2026-01-02T03:04:06Z",
    "expires_at": "2099-01-01T00:00:00Z",
    "conflict": "0a" * 16,
}
ID = "0f" * 16


# The public poll.


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({}, {"status": "pending"}),
        ({"state": "running", **STARTED, "progress": ROWS}, {"status": "pending"}),
        (
            COMPLETED,
            {"status": "completed", "result": {"added": 2, "total": 3, "progress": 100}},
        ),
        (FAILED, {"status": "failed", "error": "no use"}),
        (REJECTED, {"status": "failed", "error": f"another job was in flight: {'0a' * 16}"}),
    ],
)
def test_a_poll_shows_the_documented_shape(client, record, row, shown):
    record(ID, **row)

    response = client.get(f"/jobs/{ID}")

    assert response.status_code == 200
    assert response.json == {"jobId": ID, "type": "org_members", **shown}


def test_the_result_of_another_type_is_shown_as_it_is(client, record):
    result = {"address": "0xab", "status": "READY"}
    record("0e" * 32, **{**COMPLETED, "type": "noop", "result": json.dumps(result)})

    assert client.get(f"/jobs/{'0e' * 32}").json == {
        "jobId": "0e" * 32,
        "type": "noop",
        "status": "completed",
        "result": result,
    }


def test_row_errors_are_never_shown_to_the_public(client, record, auditor, tenant):
    record(ID, **COMPLETED)
    auditor.rows("INSERT INTO import_errors VALUES (%s, 0, 2, 'invalid-email')", ID)

    public = client.get(f"/jobs/{ID}")
    even_so = client.get(f"/jobs/{ID}", headers=tenant.headers)

    assert b"invalid-email" not in public.data
    assert even_so.data == public.data


@pytest.mark.parametrize(
    "job", [ID, "x", "2436x", "0" * 64, "1" * 21, "%00", "%ed%a0%80", "é", "x" * 5000, "a%20b"]
)
def test_an_unknown_job_is_404_with_the_documented_body(client, job):
    response = client.get(f"/jobs/{job}")

    assert (response.status_code, response.data) == (404, NOT_FOUND)


def test_a_job_of_a_type_that_nobody_declares_is_404(client, record):
    record(ID, type="long_gone")

    assert client.get(f"/jobs/{ID}").data == NOT_FOUND


@pytest.mark.parametrize(
    "value", ["Bearer expired.jwt.token", "Bearer vsk_x", "Basic x", "\u00e9", "x" * 5000]
)
def test_whatever_header_comes_with_a_public_call_is_no_error(client, record, value):
    record(ID)

    response = client.get(f"/jobs/{ID}", headers={"Authorization": value})

    assert response.status_code == 200


# The list.


@pytest.fixture
def listed(client, tenant):
    """Ask for the list of jobs."""

    def ask(query: str = "", headers: dict[str, str] | None = None):
        path = f"/organizations/{tenant.address}/jobs{query}"
        return client.get(path, headers=headers or tenant.headers)

    return ask


def test_no_jobs_are_one_empty_page(listed):
    response = listed()

    assert response.status_code == 200
    assert response.data == (
        b'{"pagination":{"totalItems":0,"previousPage":null,"currentPage":1,"nextPage":null,'
        b'"lastPage":1},"jobs":[]}\n'
    )


def test_the_list_shows_every_job_in_the_documented_shape_newest_first(listed, record, auditor):
    times = {"created_at": "2026-01-02T03:04:05.5Z"}
    record("01" * 16, **times, **COMPLETED)
    record("02" * 16, **times, **FAILED)
    record("03" * 16, **times)
    auditor.rows("INSERT INTO import_errors VALUES (%s, 0, 2, 'invalid-email')", "01" * 16)

    response = listed("?page=1&limit=10")

    assert response.json == {
        "pagination": {
            "totalItems": 3,
            "previousPage": None,
            "currentPage": 1,
            "nextPage": None,
            "lastPage": 1,
        },
        "jobs": [
            {
                "jobId": "03" * 16,
                "type": "org_members",
                "status": "pending",
                "total": 0,
                "added": 0,
                "errors": [],
                "createdAt": "2026-01-02T03:04:05.500000Z",
                "completedAt": None,
                "completed": False,
            },
            {
                "jobId": "02" * 16,
                "type": "org_members",
                "status": "failed",
                "total": 0,
                "added": 0,
                "errors": ["no use"],
                "createdAt": "2026-01-02T03:04:05.500000Z",
                "completedAt": "2026-01-02T03:04:06Z",
                "completed": True,
            },
            {
                "jobId": "01" * 16,
                "type": "org_members",
                "status": "completed",
                "total": 3,
                "added": 2,
                "errors": ["row 2: invalid-email"],
                "createdAt": "2026-01-02T03:04:05.500000Z",
                "completedAt": "2026-01-02T03:04:06Z",
                "completed": True,
            },
        ],
    }


def test_the_block_of_pages_is_the_documented_one(listed, record):
    record("01" * 16)
    record("02" * 16)

    first, second = listed("?limit=1"), listed("?limit=1&page=2")

    assert first.json["pagination"] == {
        "totalItems": 2,
        "previousPage": None,
        "currentPage": 1,
        "nextPage": 2,
        "lastPage": 2,
    }
    assert second.json["pagination"] == {
        "totalItems": 2,
        "previousPage": 1,
        "currentPage": 2,
        "nextPage": None,
        "lastPage": 2,
    }
    assert [job["jobId"] for job in second.json["jobs"]] == ["01" * 16]


@pytest.mark.parametrize(
    ("query", "total", "found"),
    [
        ("limit=10&page=1", 23, range(22, 12, -1)),
        ("limit=10&page=2", 23, range(12, 2, -1)),
        ("limit=10&page=3", 23, range(2, -1, -1)),
        ("limit=10&page=1&type=publish_process", 12, range(22, 2, -2)),
        ("limit=10&page=2&type=publish_process", 12, [2, 0]),
    ],
)
def test_the_first_a_middle_and_the_last_page(listed, record, query, total, found):
    for n in range(23):
        record(f"{n:032x}", type="relay_vote" if n % 2 else "publish_process")

    response = listed(f"?{query}")

    assert response.json["pagination"]["totalItems"] == total
    assert [job["jobId"] for job in response.json["jobs"]] == [f"{n:032x}" for n in found]


def test_another_organizations_jobs_are_not_listed(listed, record, stranger):
    record("01" * 16, tenant=stranger.address)

    assert listed().json["jobs"] == []


def test_the_list_shows_ten_errors_of_a_job_at_the_most(listed, record, auditor):
    record(ID, **COMPLETED)
    auditor.rows(
        "INSERT INTO import_errors SELECT %s, n, n, 'invalid-email' FROM generate_series(0,99) n",
        ID,
    )

    assert len(listed().json["jobs"][0]["errors"]) == 10


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("org_members", ["01" * 16]),
        ("census_participants", []),
        ("publish_process", ["02" * 32]),
        ("set_process_status", []),
        ("relay_vote", []),
        ("", ["02" * 32, "01" * 16]),
    ],
)
def test_all_five_documented_types_are_accepted_as_a_filter(listed, record, word, found):
    record("01" * 16)
    record("02" * 32, type="publish_process")

    response = listed(f"?type={word}")

    assert response.status_code == 200
    assert [job["jobId"] for job in response.json["jobs"]] == found
    assert response.json["pagination"]["totalItems"] == len(found)


def test_an_unknown_type_is_refused_in_the_documented_words(listed):
    response = listed("?type=X")

    assert response.status_code == 400
    assert response.data == (
        b'{"error":"invalid URL parameter: invalid job type: X","code":40010}\n'
    )


@pytest.mark.parametrize(
    "query",
    ["?page=x", "?page=2", "?page=0", "?limit=x", "?type=noop", "?type=%00", "?page=1&page=x%00"],
)
def test_a_bad_parameter_is_400_code_40010(listed, query):
    response = listed(query)

    if query == "?page=1&page=x%00":  # the first of several counts
        assert response.status_code == 200
    else:
        assert (response.status_code, response.json["code"]) == (400, 40010)


@pytest.mark.parametrize("limit", ["0", "-1", ""])
def test_a_limit_that_is_none_is_ten(listed, record, limit):
    for n in range(12):
        record(f"{n:032x}")

    response = listed(f"?limit={limit}")

    assert len(response.json["jobs"]) == 10
    assert response.json["pagination"]["lastPage"] == 2


# Paths.


def test_every_path_is_served_with_and_without_a_slash_at_its_end(client, tenant, record):
    record(ID)
    paths = [
        f"/organizations/{tenant.address}",
        f"/organizations/{tenant.address}/members",
        f"/organizations/{tenant.address}/members/job/{ID}",
        f"/organizations/{tenant.address}/members/job/{ID}/errors",
        f"/organizations/{tenant.address}/jobs",
        f"/jobs/{ID}",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/docs",
    ]

    statuses = {
        (path, end): client.get(path + end, headers=tenant.headers).status_code
        for path in paths
        for end in ("", "/")
    }

    assert statuses == {(path, end): 200 for path in paths for end in ("", "/")}


def test_a_body_reaches_a_path_with_a_slash_at_its_end(client, tenant):
    path = f"/organizations/{tenant.address}/members/?async=false"

    response = client.post(path, json={"members": [{"name": "Ada"}]}, headers=tenant.headers)

    assert (response.status_code, response.json) == (200, {"added": 1, "errors": None})


@pytest.mark.parametrize("path", ["/", "/nowhere", "/jobs", "/organizations/0x1/nothing", "/%00"])
def test_a_path_that_is_none_is_404(client, path):
    response = client.get(path)

    assert response.status_code in {404, 405}
    assert set(response.json) == {"error", "code"}


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/jobs//x", {"error", "code"}),
        ("/jobs/x//", {"error", "code"}),
        ("/organizations//members", {"error", "code"}),
        ("/docs//assets", {"error", "code"}),
        ("/jobs//2436", {"status", "type", "message"}),
        ("/dids//x", {"status", "type", "message"}),
        ("/v1//tasks/", {"detail"}),
        ("/ops//v1/jobs", {"error"}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_two_slashes_are_no_path_and_no_redirect(client, tenant, method, path, says):
    response = client.open(path, method=method, headers=tenant.headers)

    assert response.status_code == 404
    assert set(response.json) == says


def test_two_slashes_in_the_screening_api_are_a_404_in_its_envelope(client):
    response = client.get("/v5/verifications//watchlist")

    assert (response.status_code, response.json["statusCode"]) == (404, 404)
    assert response.json["error"]["type"] == "not_found"


def test_a_method_that_a_path_lacks_is_405_and_says_which_it_has(client):
    response = client.delete(f"/jobs/{ID}")

    assert (response.status_code, response.json["code"]) == (405, 40500)
    assert re.split(", ", response.headers["Allow"])
    assert "GET" in response.headers["Allow"]
