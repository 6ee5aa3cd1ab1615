from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks.job import states
from tests.app.conftest import new_operator
from tests.tasks.job.jobs import advance, claimed, record, tally
from tests.told import tell

ACTING = (
    "/ops/v1/jobs/a/cancel", "/ops/v1/jobs/a/retry", "/ops/v1/jobs/cancel", "/ops/v1/jobs/retry",
    "/ops/v1/deliveries/a/replay",
)  # fmt: skip
SEEING = (
    "/ops/v1/jobs", "/ops/v1/jobs/count", "/ops/v1/jobs/a", "/ops/v1/queues", "/ops/v1/workers",
    "/ops/v1/statistics", "/ops/v1/failures", "/ops/v1/actions",
)  # fmt: skip


@pytest.fixture
def get(client, john):
    """Read something as a viewer."""
    return lambda path, **query: client.get(
        f"/ops/v1{path}", headers=john.headers, query_string=query or None
    )


@pytest.fixture
def post(client, mary):
    """Order something as an operator."""
    return lambda path, body=None, key=None: client.post(
        f"/ops/v1{path}",
        headers=mary.headers | ({"Idempotency-Key": key} if key else {}),
        json=body,
    )


def failed(database, job_id, **given):
    job = claimed(database, job_id, **given)
    advance(database, job, states.FAIL, code="no_use", error="no use", keep=60)


@pytest.mark.parametrize(
    "credential",
    ["", "Basic bWFyeTp4", "Bearer ", "Bearer ops_", f"Bearer ops_{'0' * 64}", "Bearer {tenant}"],
)
def test_nobody_enters_without_an_operators_token(client, tenant, auditor, database, credential):
    record(database, "a")
    headers = {"Authorization": credential.format(tenant=tenant.key)}

    answers = [client.get(path, headers=headers) for path in SEEING]
    answers += [client.post(path, headers=headers, json={}) for path in ACTING]

    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].json == {
        "error": {"code": "unauthenticated", "message": "an operator's token is needed"}
    }
    assert auditor.job("a")["state"] == "pending"


def test_a_viewer_sees_everything_and_does_nothing(client, john, auditor, database):
    record(database, "a")

    seen = [client.get(path, headers=john.headers).status_code for path in SEEING]
    order = {"filter": {}, "expected": 1}
    done = [client.post(path, headers=john.headers, json=order) for path in ACTING]

    assert set(seen) == {200}
    assert {answer.status_code for answer in done} == {403}
    assert done[0].json["error"]["code"] == "forbidden"
    assert auditor.job("a")["state"] == "pending"
    assert auditor.one("SELECT count(*) FROM operator_actions") == 0


def test_a_revoked_token_opens_nothing(client, mary, auditor):
    auditor.rows("UPDATE operator_tokens SET revoked_at = now()")

    assert client.get("/ops/v1/queues", headers=mary.headers).status_code == 401


def test_jobs_are_listed_by_pages_and_found_by_filters(get, database):
    for name in ("aaa1", "aaa2", "bbb1"):
        record(database, name, tenant="x" if name == "aaa2" else "y")
    failed(database, "ccc1")

    first = get("/jobs", limit="2").json
    second = get("/jobs", limit="2", before=first["next"]).json
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()

    assert [job["id"] for job in first["jobs"] + second["jobs"]] == ["ccc1", "bbb1", "aaa2", "aaa1"]
    assert get("/jobs", before=second["next"]).json == {"jobs": [], "next": None}
    shown = first["jobs"][0]
    assert (shown["state"], shown["code"], shown["api"]) == ("failed", "no_use", "voting")
    assert datetime.fromisoformat(shown["createdAt"]) <= datetime.now(UTC)
    for query, found in {
        "id=aaa": ["aaa2", "aaa1"],
        "state=failed,running": ["ccc1"],
        "tenant=x": ["aaa2"],
        "type=noop,fails&code=no_use": ["ccc1"],
        "api=screening": [],
        f"since={soon.replace('+', '%2B')}": [],
        f"until={soon.replace('+', '%2B')}&id=bbb": ["bbb1"],
    }.items():
        assert [job["id"] for job in get(f"/jobs?{query}").json["jobs"]] == found, query
    assert get("/jobs/count", id="aaa").json == {"count": 2, "isExact": True}


@pytest.mark.parametrize(
    "query",
    ["state=done", "limit=0", "limit=201", "limit=x", "before=-1", "before=9999999999999999999",
     "since=yesterday", "until=2026-13-01", "tenant=a%00b", f"id={'a' * 256}",
     "since=0001-01-01T00:00:00%2B23:00"],
)  # fmt: skip
def test_a_bad_parameter_is_a_400_that_names_it(get, query):
    answer = get(f"/jobs?{query}")

    assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_parameter")
    assert query.partition("=")[0] in answer.json["error"]["message"]


def test_one_job_is_shown_with_its_secrets_hidden(get, post, database):
    payload = {"verification": 1, "source_action": "manual-api", "source_email": "ada@x.org"}
    failed(database, "a", type="watchlist", queue="screening", payload=payload)
    made = post("/jobs/a/retry").json["as"]

    answer = get("/jobs/a")
    shown = answer.json

    assert "ada@x.org" not in answer.text
    assert shown["payload"]["source_email"] == "(personal)"
    assert shown["payload"]["source_action"] == "manual-api"
    assert (shown["why"], shown["retriedAs"]) == ("It has failed: no use.", made)
    assert [(one["number"], one["ended"]) for one in shown["history"]] == [(1, "fail")]
    assert [one["move"] for one in shown["moves"]] == ["claim", "fail"]
    assert [(one["operator"], one["action"]) for one in shown["actions"]] == [("mary", "retry")]
    assert get(f"/jobs/{made}").json["retryOf"] == "a"
    assert get(f"/jobs/{made}").json["why"] == "No worker serves its queue, screening."
    unknown = get("/jobs/unknown")
    assert (unknown.status_code, unknown.json["error"]["code"]) == (404, "no_job")


def test_one_job_is_cancelled_and_that_is_on_record(post, get, database, auditor):
    record(database, "waits")
    claimed(database, "works")

    waits, works = post("/jobs/waits/cancel"), post("/jobs/works/cancel")
    again = [post(f"/jobs/{job_id}/cancel") for job_id in ("waits", "works")]

    assert (waits.json["ended"], waits.json["asked"]) == (["waits"], [])
    assert (works.json["ended"], works.json["asked"]) == ([], ["works"])
    assert [answer.status_code for answer in again] == [409, 409]
    assert [answer.json["error"]["message"] for answer in again] == [
        "this cannot be done: the job has ended",
        "this cannot be done: mary has asked it to stop already",
    ]
    done = get("/actions").json["actions"]
    assert [(one["operator"], one["action"], one["jobs"]) for one in done] == [
        ("mary", "cancel", ["works"]),
        ("mary", "cancel", ["waits"]),
    ]
    assert auditor.one("SELECT note FROM job_moves WHERE job_id = 'waits'") == "by mary"


def test_all_that_match_are_cancelled_if_they_are_as_many_as_expected(post, get, database, auditor):
    for name in "abc":
        record(database, name, tenant="x")
    record(database, "other")
    failed(database, "over", tenant="x")
    order = {"filter": {"tenant": "x"}, "expected": 2}

    wrong = post("/jobs/cancel", order)
    none_at_all = post("/jobs/cancel", {"filter": {"state": "failed"}, "expected": 0})
    right = post("/jobs/cancel", {**order, "expected": 3})

    assert (wrong.status_code, wrong.json["error"]["code"]) == (409, "count_differs")
    assert wrong.json["error"]["count"] == 3
    assert none_at_all.json["ended"] == []
    assert sorted(right.json["ended"]) == ["a", "b", "c"]
    assert auditor.job("other")["state"] == "pending"
    (done,) = get("/actions").json["actions"]
    assert (done["count"], sorted(done["jobs"])) == (3, ["a", "b", "c"])
    assert done["details"] == {"filter": {"tenant": "x", "states": ["pending", "running"]}}


def test_all_that_failed_are_run_again_but_those_that_cannot_be(post, database, auditor):
    failed(database, "a")
    upload = {"org": "0x", "upload": "u", "format": "csv"}
    failed(database, "file", type="org_members", payload=upload)
    advance(database, claimed(database, "fine"), states.COMPLETE, result={}, keep=60)

    answer = post("/jobs/retry", {"expected": 2})

    (made,) = answer.json["repeated"]
    assert (made["id"], auditor.job(made["as"])["retry_of"]) == ("a", "a")
    assert answer.json["refused"] == [
        {"id": "file", "reason": "the file was kept for the first job alone: send it again"}
    ]
    assert auditor.one("SELECT count(*) FROM jobs") == 4


def test_what_cannot_be_run_again_is_refused_readably(post, database):
    record(database, "a")
    payload = {"scope": "s", "path": "p"}
    failed(database, "gated", type="gated", payload=payload, gate="s")
    claimed(database, "holder", type="gated", payload=payload, gate="s")

    early, held = post("/jobs/a/retry"), post("/jobs/gated/retry")

    assert (early.status_code, early.json["error"]) == (
        409,
        {"code": "not_possible", "message": "this cannot be done: the job has not ended"},
    )
    assert (held.status_code, held.json["error"]) == (
        409,
        {"code": "gate_held", "message": "another job is in flight: holder"},
    )


@pytest.mark.parametrize(
    "body", [[], {}, {"expected": "3"}, {"expected": -1}, {"expected": 1, "filter": {"x": "y"}}]
)
def test_an_order_that_is_none_does_nothing(post, database, auditor, body):
    record(database, "a")

    answer = post("/jobs/cancel", body)

    assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_body")
    assert auditor.job("a")["state"] == "pending"


def test_a_webhook_is_told_again(post, get, database, auditor):
    told = tell(database, auditor, "a")

    answer, again = post(f"/deliveries/{told}/replay"), post(f"/deliveries/{told}/replay")
    unknown = post("/deliveries/unknown/replay")

    assert answer.json == {"id": told, "about": "a"}
    assert auditor.one("SELECT state FROM webhook_deliveries") == "pending"
    assert [one.status_code for one in (again, unknown)] == [409, 409]
    assert again.json["error"]["message"] == "this cannot be done: it is still to be delivered"
    (done,) = get("/actions").json["actions"]
    assert (done["action"], done["jobs"], done["details"]) == ("replay", ["a"], {"delivery": told})


@pytest.mark.parametrize("what", ["retry", "cancel"])
def test_an_order_about_a_job_that_there_is_not_is_a_404(post, get, what):
    answer = post(f"/jobs/nobody/{what}")

    assert (answer.status_code, answer.json["error"]["code"]) == (404, "no_job")
    assert get("/actions").json["actions"] == []


ALL = {"filter": {"type": "noop"}, "expected": 1}


@pytest.mark.parametrize(
    ("path", "body", "jobs"),
    [
        ("/jobs/a/retry", None, 2),
        ("/jobs/retry", ALL, 2),
        ("/jobs/a/cancel", None, 1),
        ("/jobs/cancel", ALL, 1),
    ],
)
def test_an_order_that_is_given_again_with_its_key_is_carried_out_once(
    post, get, database, auditor, path, body, jobs
):
    if "retry" in path:
        failed(database, "a")
    else:
        record(database, "a")

    first, again = post(path, body, "k"), post(path, body, "k")

    assert first.status_code == again.status_code == 200
    assert first.data == again.data
    assert auditor.one("SELECT count(*) FROM jobs") == jobs
    assert len(get("/actions").json["actions"]) == 1


def test_a_webhook_is_told_once_more_however_often_that_is_ordered_with_a_key(
    post, database, auditor, get
):
    told = tell(database, auditor, "a")

    first, again = (post(f"/deliveries/{told}/replay", None, "k") for _ in range(2))

    assert (first.status_code, first.data) == (200, again.data)
    assert len(get("/actions").json["actions"]) == 1


def test_the_key_of_an_order_is_good_for_that_order_of_that_operator(
    post, client, database, auditor
):
    failed(database, "a")
    failed(database, "b")

    post("/jobs/a/retry", None, "k")
    another = post("/jobs/b/retry", None, "k")
    headers = new_operator(database, "paul", "operator").headers | {"Idempotency-Key": "k"}
    another_operator = client.post("/ops/v1/jobs/b/retry", headers=headers)

    assert (another.status_code, another.json["error"]["code"]) == (422, "key_reused")
    assert another_operator.status_code == 200
    assert auditor.one("SELECT count(*) FROM jobs") == 4


def test_the_key_of_an_order_that_was_refused_may_be_used_again(post, database):
    record(database, "a")

    refused = post("/jobs/a/retry", None, "k")
    done = post("/jobs/a/cancel", None, "k")

    assert [refused.status_code, done.status_code] == [409, 200]


@pytest.mark.parametrize("key", ["x" * 256, "\x7f"])
def test_what_is_no_key_of_an_order_is_a_400(post, database, auditor, key):
    record(database, "a")

    answer = post("/jobs/a/cancel", None, key)

    assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_parameter")
    assert auditor.job("a")["state"] == "pending"


def test_queues_workers_statistics_and_failures_are_shown(get, database, auditor):
    auditor.rows(
        "INSERT INTO workers (id, queues, seen_at)"
        " VALUES ('w1', '{default}', now() + interval '1 h')"
    )
    record(database, "a", queue="bulk")
    claimed(database, "b")
    failed(database, "c", type="fails", worker="w9")
    tally(database)

    queues, workers = get("/queues").json, get("/workers").json
    statistics, failures = get("/statistics", hours="24").json, get("/failures").json

    bulk = next(one for one in queues["queues"] if one["name"] == "bulk")
    assert (bulk["due"], bulk["workers"]) == (1, 0)
    assert {"type": "noop", "pending": 1, "running": 1} in queues["types"]
    (worker,) = workers["workers"]
    assert (worker["state"], worker["job"]["id"], worker["why"]) == ("busy", "b", "at work")
    assert (len(statistics["slots"]), statistics["slotMinutes"]) == (96, 15)
    assert sum(slot["failed"] for slot in statistics["slots"]) == 1
    fails = next(one for one in statistics["types"] if one["type"] == "fails")
    assert (fails["failed"], fails["latency"]["p50"] > 0) == (1, True)
    (failure,) = failures["failures"]
    assert (failure["type"], failure["count"], failure["newest"]) == ("fails", 1, ["c"])
    assert get("/statistics", hours="25").status_code == 400
