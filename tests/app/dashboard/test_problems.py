from __future__ import annotations

import pytest

from tasks.watch import queues
from tests.app.dashboard.conftest import Browser, text_of


def test_what_is_not_there_is_a_page_of_ours(viewer):
    page = viewer.get("/no/such/page")

    assert page.status_code == 404
    assert "No such page" in text_of(page)
    assert "john viewer" in text_of(page)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_no_other_method_does_anything(acting, method):
    answer = acting.client.open("/dashboard/jobs", method=method)

    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/", "/jobs", "/sign-in"])
def test_while_the_database_is_away_a_page_says_so(make_client, path):
    browser = Browser(make_client(database_url="postgresql://jobspine@/none?host=/nowhere"))
    browser.client.set_cookie("jobspine-session", "x" * 43)

    page = browser.get(path)

    assert page.status_code == 503
    assert page.headers["Retry-After"] == "1"
    assert "The database is away" in text_of(page)
    assert "nowhere" not in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_a_defect_of_ours_is_a_page_that_quotes_nothing(viewer, monkeypatch, logged):
    def break_down(_connection):
        raise RuntimeError("postgresql://secret@host")

    monkeypatch.setattr(queues, "everyone", break_down)
    page = viewer.get("/")

    assert page.status_code == 500
    assert "Something is wrong here" in text_of(page)
    assert "secret" not in page.text + logged()


def test_a_form_that_is_too_large_is_not_read(browser):
    answer = browser.client.post(
        "/dashboard/sign-in", data={"name": "x" * 70_000, "form_token": "x"}
    )

    assert answer.status_code == 413
    assert "Too large" in text_of(answer)
