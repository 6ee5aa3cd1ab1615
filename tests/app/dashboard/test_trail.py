from __future__ import annotations

import re

import pytest

from tasks.records import operators
from tests.app.dashboard.conftest import text_of
from tests.app.dashboard.test_jobs import failed, links, listed


def test_failures_are_grouped_by_error_and_lead_to_their_jobs(viewer, database, auditor):
    for number in range(3):
        failed(database, f"row{number}", error=f"row {number} is bad & worse")
    failed(database, "other", type="fails", error="something else")
    failed(database, "old", error="long ago")
    auditor.rows("UPDATE jobs SET finished_at = now() - interval '2 hours' WHERE id = 'old'")

    page = viewer.get("/failures?hours=1")
    first = re.search(r'<th scope="row" class="what"><a href="([^"]+)">', page.text)[1]

    text = text_of(page)
    assert "3 row # is bad & worse x noop" in text
    assert "1 something else x fails" in text
    assert "long ago" not in text
    assert "long ago" in text_of(viewer.get("/failures"))
    found = viewer.client.get(first.replace("&amp;", "&"))
    assert listed(found) == ["row2", "row1", "row0"]


@pytest.mark.parametrize("hours", ["0", "2", "x", "1 or 1"])
def test_hours_that_cannot_be_chosen_are_a_page_that_says_so(viewer, hours):
    page = viewer.get("/failures", query_string={"hours": hours})

    assert page.status_code == 400
    assert "Hours is none of those that can be chosen." in text_of(page)


def test_the_trail_says_who_did_what_by_pages(viewer, database):
    with database.transaction() as connection:
        for number in range(3):
            operators.note(connection, "mary", "cancel", [f"job{number}"])
        many = [f"many{number}" for number in range(120)]
        operators.note(connection, "ann", "retry", many, filter={"tenant": "x"}, made={})

    first = viewer.get("/audit?limit=2")
    second = viewer.client.get(links(first)["Older"])

    text = text_of(first)
    assert "ann run again 120 tenant x 120 jobs many0" in text
    assert "many99 These are the first 100." in text
    assert "mary cancel 1 job2" in text
    assert "job1" not in text
    assert "mary cancel 1 job0" in text_of(second)
    assert viewer.get("/audit?before=x").status_code == 400


def test_an_empty_service_says_so(viewer):
    assert "No jobs are on record." in text_of(viewer.get("/jobs"))
    assert "Nothing failed within 24 hours." in text_of(viewer.get("/failures"))
    assert "Nobody has done anything yet." in text_of(viewer.get("/audit"))
