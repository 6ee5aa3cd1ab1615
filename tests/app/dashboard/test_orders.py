from __future__ import annotations

import re

import pytest

from tests.app.dashboard.conftest import text_of, token_in
from tests.app.dashboard.test_jobs import failed
from tests.tasks.job.jobs import claimed, record
from tests.told import tell


@pytest.fixture
def done(auditor):
    """What is in the audit trail, oldest first."""
    return lambda: [
        (row["operator"], row["action"], sorted(row["jobs"]), row["details"])
        for row in auditor.rows("SELECT * FROM operator_actions ORDER BY id")
    ]


def expected_on(page):
    """Return how many jobs a page says are meant, as its form will say again."""
    found = re.search(r'name="expected" value="(\d+)"', page.text)
    return int(found[1]) if found else None


def answer_to(browser, path, **fields):
    """Look at a page that asks, and say yes."""
    page = browser.get(path)
    expected = {} if expected_on(page) is None else {"expected": expected_on(page)}
    return browser.post(path, token=token_in(page), **expected, **fields)


def test_a_job_that_waits_is_cancelled_at_once(acting, database, auditor, done):
    record(database, "a")

    asked = acting.get("/jobs/a/cancel")
    before = auditor.job("a")["state"]
    answer = answer_to(acting, "/jobs/a/cancel")

    assert "Cancel this job?" in text_of(asked)
    assert before == "pending"
    assert answer.headers["Location"] == "/dashboard/jobs/a?did=cancelled"
    assert (auditor.job("a")["state"], auditor.job("a")["code"]) == ("failed", "cancelled")
    assert done() == [("mary", "cancel", ["a"], {})]
    page = text_of(acting.client.get(answer.headers["Location"]))
    assert "It was cancelled." in page
    assert "by mary" in page


def test_a_job_at_work_is_asked_to_stop(acting, database, auditor, done):
    claimed(database, "a")

    answer = answer_to(acting, "/jobs/a/cancel")

    assert answer.headers["Location"] == "/dashboard/jobs/a?did=asked"
    assert auditor.job("a")["cancelled_by"] == "mary"
    assert done() == [("mary", "cancel", ["a"], {})]


def test_an_ended_job_is_run_again_as_another(acting, database, auditor, done):
    failed(database, "a", payload={"n": 3})

    answer = answer_to(acting, "/jobs/a/retry")

    made = auditor.one("SELECT id FROM jobs WHERE retry_of = 'a'")
    assert answer.headers["Location"] == f"/dashboard/jobs/{made}?did=repeated"
    assert auditor.job(made)["payload"] == {"n": 3}
    assert done() == [("mary", "retry", ["a"], {"made": {"a": made}})]


def test_what_cannot_be_done_is_told_on_a_page_and_leaves_no_row(acting, database, done):
    record(database, "a")
    payload = {"scope": "s", "path": "p"}
    failed(database, "gated", type="gated", payload=payload, gate="s")
    claimed(database, "holder", type="gated", payload=payload, gate="s")
    failed(database, "over")

    early = answer_to(acting, "/jobs/a/retry")
    late = answer_to(acting, "/jobs/over/cancel")
    held = answer_to(acting, "/jobs/gated/retry")
    unknown = acting.post("/jobs/unknown/cancel")

    statuses = [answer.status_code for answer in (early, late, held, unknown)]
    assert statuses == [409, 409, 409, 404]
    assert "The job has not ended." in text_of(early)
    assert "The job has ended." in text_of(late)
    assert 'href="/dashboard/jobs/holder"' in held.text
    assert done() == []


def test_a_webhook_is_told_again(acting, database, auditor, done):
    told = tell(database, auditor, "a")
    path = f"/jobs/a/deliveries/{told}/replay"

    answer = answer_to(acting, path)
    again = answer_to(acting, path)

    assert answer.headers["Location"] == "/dashboard/jobs/a?did=replayed"
    assert auditor.one("SELECT state FROM webhook_deliveries") == "pending"
    assert auditor.one("SELECT count(*) FROM jobs WHERE type = 'deliver_webhook'") == 2
    assert done() == [("mary", "replay", ["a"], {"delivery": told})]
    assert again.status_code == 409
    assert "It is still to be delivered." in text_of(again)


def test_only_what_was_told_of_this_job_is_told_again(acting, database, auditor, done):
    told = tell(database, auditor, "a")
    record(database, "b")

    wrong = [f"/jobs/b/deliveries/{told}/replay", "/jobs/a/deliveries/x/replay"]
    answers = [acting.get(path) for path in wrong] + [acting.post(path) for path in wrong]

    assert {answer.status_code for answer in answers} == {404}
    assert done() == []


def test_all_that_match_are_cancelled_once_their_number_was_shown(acting, database, auditor, done):
    for name in "abc":
        record(database, name, tenant="x")
    record(database, "other")
    failed(database, "over", tenant="x")

    asked = acting.get("/jobs/cancel?tenant=x")
    answer = answer_to(acting, "/jobs/cancel?tenant=x")

    assert "Cancel 3 jobs" in text_of(asked)
    assert "tenant x" in text_of(asked)
    assert "3 jobs ended at once." in text_of(answer)
    assert auditor.job("other")["state"] == "pending"
    meant = {"filter": {"tenant": "x", "states": ["pending", "running"]}}
    assert done() == [("mary", "cancel", ["a", "b", "c"], meant)]


def test_nothing_is_done_if_their_number_has_changed_since(acting, database, done, auditor):
    record(database, "a")
    page = acting.get("/jobs/cancel?type=noop")
    record(database, "b")

    answer = acting.post("/jobs/cancel?type=noop", token=token_in(page), expected="1")

    assert answer.status_code == 409
    assert "They were 1 when you were asked, and are 2 now. Nothing was done." in text_of(answer)
    assert expected_on(answer) == 2
    assert auditor.job("a")["state"] == "pending"
    assert done() == []


def test_all_that_failed_with_an_error_are_run_again_but_those_that_cannot_be(
    acting, database, auditor, done
):
    failed(database, "a", error="row 1 is bad")
    failed(database, "b", error="row 22 is bad")
    failed(database, "c", error="another")
    upload = {"org": "0x", "upload": "u", "format": "csv"}
    failed(database, "file", type="org_members", payload=upload, error="row 3 is bad")

    answer = answer_to(acting, "/jobs/retry?error=row+%23+is+bad")

    text = text_of(answer)
    assert "2 jobs were recorded again." in text
    assert "Nothing was done to 1 job." in text
    assert "file the file was kept for the first job alone: send it again" in text
    assert auditor.one("SELECT count(*) FROM jobs WHERE retry_of IN ('a', 'b')") == 2
    assert [row[:3] for row in done()] == [("mary", "retry", ["a", "b"])]


def test_where_none_match_there_is_nothing_to_confirm(acting, database):
    failed(database, "over")

    asked = acting.get("/jobs/cancel?tenant=nobody")

    assert "0 jobs" in text_of(asked)
    assert expected_on(asked) is None


@pytest.mark.parametrize("expected", ["", "x", "-1", "1.0", "100000", "٣"])
def test_a_form_without_a_number_does_nothing(acting, database, done, expected):
    record(database, "a")

    answer = acting.post("/jobs/cancel", expected=expected)

    assert answer.status_code in {400, 409}
    assert done() == []


def test_those_that_were_ticked_are_asked_about_and_then_done(acting, database, auditor, done):
    record(database, "a")
    claimed(database, "b")
    failed(database, "c")
    record(database, "other")
    ids = ["a", "b", "c", "unknown", "a"]

    asked = acting.post("/jobs/selected", at="/jobs", do="cancel", id=ids)
    before = done()
    answer = acting.post("/jobs/selected", token=token_in(asked), do="cancel", id=ids, sure="yes")

    assert "Cancel 4 jobs?" in text_of(asked)
    assert before == []
    text = text_of(answer)
    assert "1 job ended at once." in text
    assert "1 job at work was asked to stop." in text
    assert "c the job has ended" in text
    assert "unknown there is no such job" in text
    assert auditor.job("other")["state"] == "pending"
    assert done() == [("mary", "cancel", ["a", "b"], {})]


def test_those_that_were_ticked_are_run_again(acting, database, done):
    failed(database, "a")
    failed(database, "b")

    answer = acting.post("/jobs/selected", at="/jobs", do="retry", id=["b", "a"], sure="yes")

    assert "2 jobs were recorded again." in text_of(answer)
    assert [row[:3] for row in done()] == [("mary", "retry", ["a", "b"])]


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "cancel"}, {"do": "delete", "id": "a"}, {"id": "a"}, {"do": "cancel", "id": "a\0"},
        {"do": "cancel", "id": [str(number) for number in range(201)]},
    ],
)  # fmt: skip
def test_ticks_that_are_none_do_nothing(acting, database, done, fields):
    record(database, "a")

    answer = acting.post("/jobs/selected", at="/jobs", sure="yes", **fields)

    assert answer.status_code == 400
    assert done() == []
