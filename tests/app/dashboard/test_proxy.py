from __future__ import annotations

import pytest

from tasks.records import operators
from tests.app.dashboard.conftest import Browser, text_of, token_in
from tests.tasks.job.jobs import record

pytestmark = pytest.mark.usefixtures("mary", "john")


@pytest.fixture
def behind(make_client):
    """Open a browser behind a proxy that signs operators in."""
    client = make_client(dashboard_user_header="X-Forwarded-User")
    return lambda name: Browser(client, {"X-Forwarded-User": name} if name else {})


def test_whom_the_proxy_names_is_signed_in_with_the_role_of_the_account(behind, database, auditor):
    record(database, "a")

    refused = behind("john").post("/jobs/a/cancel", token="0" * 64)
    done = behind("mary").post("/jobs/a/cancel", at="/jobs/a/cancel")

    assert refused.status_code == 403
    assert done.status_code == 303
    assert auditor.one("SELECT operator FROM operator_actions") == "mary"
    assert "Sign out" not in behind("mary").get("/").text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "The proxy before the dashboard did not say who you are."),
        ("nobody", "The proxy has signed you in, but you have no account here."),
        ("mary,john", "The proxy has signed you in, but you have no account here."),
        ("m\x80ry", "The proxy has signed you in, but you have no account here."),
    ],
)
def test_whom_the_proxy_does_not_name_or_we_do_not_know_is_kept_out(behind, name, reason):
    for path in ("/", "/jobs", "/sign-in"):
        answer = behind(name).get(path)

        assert answer.status_code == 403
        assert reason in text_of(answer)


def test_an_account_that_is_removed_is_out_at_once(behind, database):
    browser = behind("mary")
    before = browser.get("/").status_code

    with database.transaction() as connection:
        operators.remove(connection, "mary")

    assert (before, browser.get("/").status_code) == (200, 403)


def test_a_form_is_of_one_browser_and_of_one_name(behind, database, auditor):
    record(database, "a")
    mary = behind("mary")
    token = token_in(mary.get("/jobs"))
    mary.headers = {"X-Forwarded-User": "john"}
    as_john = mary.post("/jobs/a/cancel", token=token)
    elsewhere = Browser(mary.client.application.test_client(), {"X-Forwarded-User": "mary"})

    assert as_john.status_code == 403
    assert elsewhere.post("/jobs/a/cancel", token=token).status_code == 403
    assert auditor.job("a")["cancelled_by"] is None


def test_without_the_setting_the_header_says_nothing(new_browser):
    browser = new_browser()
    browser.headers = {"X-Forwarded-User": "mary"}

    assert browser.get("/").status_code == 303


def test_passwords_are_not_taken_where_the_proxy_signs_in(behind):
    browser = behind("mary")

    answer = browser.post("/sign-in", at="/jobs", name="john", password="correct horse battery")

    assert answer.headers["Location"] == "/dashboard/"
    assert browser.session is None
