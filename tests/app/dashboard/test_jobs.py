from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from tasks.job import states
from tests.app.dashboard.conftest import text_of
from tests.tasks.job.jobs import advance, claimed, record


def failed(database, job_id, **given):
    error = given.pop("error", "no use")
    advance(
        database, claimed(database, job_id, **given), states.FAIL, code="x", error=error, keep=60
    )


def listed(page):
    """Return the ids of the jobs on a page of the list."""
    return re.findall(r'class="id cut" href="/dashboard/jobs/([^"]+)"', page.text)


def links(page):
    """Return where the pages of the list lead, by their words."""
    found = re.findall(r'<a class="button"[^>]* href="([^"]+)">(Older|Newest)</a>', page.text)
    return {word: address.replace("&amp;", "&") for address, word in found}


def test_jobs_are_listed_by_pages_that_neither_skip_nor_repeat(viewer, database):
    for number in range(5):
        record(database, f"job{number}", tenant="x" if number != 2 else "y")

    first = viewer.get("/jobs?limit=2&tenant=x")
    record(database, "job5", tenant="x")
    second = viewer.client.get(links(first)["Older"])

    assert listed(first) == ["job4", "job3"]
    assert listed(second) == ["job1", "job0"]
    assert set(links(first)) == {"Older"}
    assert set(links(second)) == {"Newest"}
    assert listed(viewer.client.get(links(second)["Newest"])) == ["job5", "job4"]


def test_jobs_are_found_by_what_is_known_of_them(viewer, database):
    record(database, "aaa1", tenant="x")
    record(database, "aaa2", type="watchlist", queue="screening")
    claimed(database, "bbb1")
    failed(database, "ccc1", error="row 17 of 0xAB is bad")
    soon = f"{datetime.now(UTC) + timedelta(minutes=1):%Y-%m-%dT%H:%M}"

    for query, found in {
        "": ["ccc1", "bbb1", "aaa2", "aaa1"],
        "type=noop": ["ccc1", "bbb1", "aaa1"],
        "type=": ["ccc1", "bbb1", "aaa2", "aaa1"],
        "state=failed&state=running": ["ccc1", "bbb1"],
        "state=failed,running": ["ccc1", "bbb1"],
        "api=screening": ["aaa2"],
        "tenant=x": ["aaa1"],
        "id=+aaa+": ["aaa2", "aaa1"],
        "code=x": ["ccc1"],
        "error=row+%23+of+%23+is+bad": ["ccc1"],
        "error=row+17+of+0xAB+is+bad": [],
        f"since={soon}": [],
        f"until={soon}&id=bbb": ["bbb1"],
    }.items():
        assert listed(viewer.get(f"/jobs?{query}")) == found, query


def test_the_form_keeps_what_was_asked_for(viewer):
    page = viewer.get("/jobs?type=noop&state=failed&tenant=x%22y&until=2026-01-02T03:04").text

    assert "<option selected>noop</option>" in page
    assert 'value="failed" checked' in page
    assert 'value="pending" checked' not in page
    assert 'name="tenant" value="x&#34;y"' in page
    assert 'value="2026-01-02T03:04"' in page
    assert "<details open>" in page
    assert "No job matches." in page


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("state=done", "State is none of pending, running, completed, failed, rejected."),
        ("since=yesterday", "Since is not a time as RFC 3339 has it."),
        ("tenant=a%00b", "Tenant is not a text of up to 255 letters."),
        (f"id={'a' * 256}", "Id is not a text of up to 255 letters."),
        (f"error={'a' * 501}", "Error is not a text of up to 500 letters."),
        ("limit=0", "Limit is not from 1 to 200."),
        ("before=x", "Before is not from 1 to 9223372036854775807."),
    ],
)
def test_a_filter_that_is_none_is_told_beside_the_form(viewer, query, reason):
    page = viewer.get(f"/jobs?{query}")

    assert page.status_code == 400
    assert reason in text_of(page)
    assert '<form class="card filters"' in page.text


def test_jobs_are_counted_beside_the_list_and_on_a_page_of_their_own(viewer, database):
    for number in range(3):
        record(database, f"job{number}", tenant="x")
    record(database, "other")

    part = viewer.get("/jobs/count?tenant=x", headers={"HX-Request": "true"})
    page = viewer.get("/jobs/count?id=other")

    assert part.text == "3 jobs match."
    assert "1 job matches." in text_of(page)
    assert viewer.get("/jobs/count?state=done").status_code == 400


def test_a_row_says_in_words_how_its_job_stands(viewer, database, auditor):
    record(database, "waits")
    claimed(database, "works")
    failed(database, "broke", error="no use at all")
    auditor.rows("UPDATE jobs SET progress = '{\"done\": 3, \"total\": 1200}' WHERE id = 'works'")
    auditor.rows("UPDATE jobs SET cancelled_by = 'mary' WHERE id = 'works'")

    page = viewer.get("/jobs").text
    rows = re.findall(r"<tr role=.row.>\s*<th scope=.row.*?</tr>", page, re.DOTALL)
    broke, works, waits = (re.sub(r"<[^>]+>|\s+", " ", row) for row in rows)

    assert "failed" in broke
    assert "no use at all" in broke
    assert "running" in works
    assert "3 of 1,200 asked to stop by mary" in " ".join(works.split())
    assert "pending" in waits
    assert "due" in waits
