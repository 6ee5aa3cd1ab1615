from __future__ import annotations

from tasks.job import states
from tests.app.dashboard.conftest import text_of
from tests.app.dashboard.test_jobs import failed
from tests.tasks.job.jobs import advance, claim, claimed, record
from tests.told import tell


def test_a_job_is_shown_with_all_that_the_record_says(viewer, database):
    payload = {"verification": 17, "source_action": "manual-api", "source_email": "ada@x.org"}
    job = claimed(database, "a", type="watchlist", queue="screening", payload=payload, worker="w1")
    advance(database, job, states.RETRY, delay=0, note="the other side is busy")
    advance(database, claim(database, "a", worker="w2"), states.FAIL, code="c", error="e", keep=60)

    page = viewer.get("/jobs/a")
    text = text_of(page)

    assert "It has failed: e." in text
    assert "screening" in text
    assert '"verification": 17' in text
    assert '"source_email": "(personal)"' in text
    assert "ada@x.org" not in page.text
    for row in (
        "claim running 1 w1",
        "retry running 1 w1 the other side is busy",
        "claim running 2 w2",
        "fail failed 2 w2 e",
    ):
        assert row in text
    assert text.count(" ms ") >= 4
    assert "Failure code c" in text


def test_a_job_that_waits_says_why_in_one_sentence(viewer, database):
    payload = {"scope": "s", "path": "p"}
    claimed(database, "holder", type="gated", payload=payload, gate="s")
    record(database, "waits", type="gated", payload=payload, gate="s")

    text = text_of(viewer.get("/jobs/waits"))

    assert "No worker serves its queue, default." in text
    assert "Gate held by holder" in text
    assert '<a class="id" href="/dashboard/jobs/holder">' in viewer.get("/jobs/waits").text
    assert "Gate held by this job" in text_of(viewer.get("/jobs/holder"))


def test_jobs_that_run_each_other_again_point_to_each_other(acting, database, auditor):
    failed(database, "old")
    acting.post("/jobs/old/retry", at="/jobs/old/retry")
    new = auditor.one("SELECT id FROM jobs WHERE retry_of = 'old'")

    assert f"Was run again as {new}" in text_of(acting.get("/jobs/old"))
    assert "Runs again old" in text_of(acting.get(f"/jobs/{new}"))
    assert "mary run again 1" in text_of(acting.get("/jobs/old"))
    assert "/dashboard/jobs/old/retry" not in acting.get("/jobs/old").text


def test_what_webhooks_were_told_of_a_job_is_shown_with_it(viewer, database, auditor):
    told = tell(database, auditor, "a", state="failed")
    untried = text_of(viewer.get("/jobs/a"))
    auditor.rows(
        "INSERT INTO webhook_attempts (delivery_id, response_code, reason, seconds)"
        " VALUES (%s, 200, NULL, 1), (%s, 503, 'the receiver answered 503', 1)",
        told,
        told,
    )

    text = text_of(viewer.get("/jobs/a"))

    assert f"{told} ended failed 0" in untried
    assert f"{told} ended failed 2 the receiver answered 503" in text


def test_a_job_that_is_not_there_is_a_page_of_ours(viewer):
    unknown, odd = viewer.get("/jobs/unknown"), viewer.get("/jobs/a%00b")

    assert (unknown.status_code, odd.status_code) == (404, 404)
    assert "No such job" in text_of(unknown)


def test_what_can_still_be_done_is_offered_to_whoever_may(acting, database, auditor):
    record(database, "waits")
    claimed(database, "sent")
    auditor.rows("UPDATE jobs SET irrevocable = true WHERE id = 'sent'")
    failed(database, "over")

    offers = {
        job_id: [
            word
            for word in ("cancel", "retry")
            if f"/dashboard/jobs/{job_id}/{word}" in acting.get(f"/jobs/{job_id}").text
        ]
        for job_id in ("waits", "sent", "over")
    }

    assert offers == {"waits": ["cancel"], "sent": [], "over": ["retry"]}


def test_the_part_that_changes_is_asked_for_until_the_job_has_ended(viewer, database):
    job = claimed(database, "a")
    poll = 'hx-get="/dashboard/jobs/a/live" hx-trigger="every 3s"'
    is_asked_for = poll in viewer.get("/jobs/a").text
    part = viewer.get("/jobs/a/live", headers={"HX-Request": "true"})
    advance(database, job, states.COMPLETE, result={}, keep=60)
    last = viewer.get("/jobs/a/live", headers={"HX-Request": "true"})

    assert is_asked_for
    assert 'data-spoken="running. It is at work: attempt 1 on w1."' in part.text
    assert "<html" not in part.text
    assert "HX-Refresh" not in part.headers
    assert last.headers["HX-Refresh"] == "true"
    assert poll not in viewer.get("/jobs/a").text
