from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from tasks.records import operators
from tests.app.dashboard.conftest import PASSWORD, Browser, token_in

pytestmark = pytest.mark.usefixtures("mary", "john")
WRONG = "The name or the password is wrong."


def end_of(page):
    return page.status_code, page.headers.get("Location")


def test_whoever_is_not_signed_in_is_led_to_the_form_and_from_there_to_the_page(browser):
    asked = browser.get("/?x=1&y=a%20b")
    form = browser.client.get(asked.headers["Location"])
    signed_in = browser.post(
        "/sign-in", token=token_in(form), name="mary", password=PASSWORD, next="/dashboard/?x=1"
    )

    assert end_of(asked) == (303, "/dashboard/sign-in?next=/dashboard/?x%3D1%26y%3Da%2520b")
    assert 'name="next" value="/dashboard/?x=1&amp;y=a%20b"' in form.text
    assert end_of(signed_in) == (303, "/dashboard/?x=1")
    assert browser.get("/").status_code == 200
    assert end_of(browser.get("/sign-in")) == (303, "/dashboard/")


@pytest.mark.parametrize(("name", "password"), [("mary", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_and_a_wrong_password_are_told_alike(browser, name, password):
    answer = browser.sign_in(name, password)

    assert answer.status_code == 401
    assert WRONG in answer.text
    assert browser.session is None


def test_an_unknown_name_costs_a_password_check_as_well(browser, monkeypatch):
    checked = []

    class Watched(PasswordHasher):
        def verify(self, known, given):
            checked.append(known[:10])
            return super().verify(known, given)

    monkeypatch.setattr(operators, "_hasher", Watched())

    browser.sign_in("mary", "wrong")
    browser.sign_in("nobody", "wrong")

    assert checked == ["$argon2id$", "$argon2id$"]


def test_a_session_begins_anew_with_each_sign_in_and_the_old_one_is_over(new_browser, app):
    browser = new_browser("mary")
    first = browser.session
    browser.post("/sign-in", name="mary", password=PASSWORD)
    second = browser.session
    thief = Browser(app.test_client())
    thief.client.set_cookie("jobspine-session", first)

    assert first != second
    assert browser.get("/").status_code == 200
    assert thief.get("/").status_code == 303


def test_a_session_that_was_planted_is_not_taken_over(browser):
    browser.client.set_cookie("jobspine-session", "planted")

    browser.sign_in("mary")

    assert browser.session != "planted"
    assert len(browser.session) == 43


def test_signing_out_ends_the_session_everywhere(acting, app):
    other = Browser(app.test_client())
    other.client.set_cookie("jobspine-session", acting.session)
    before = other.get("/").status_code

    left = acting.post("/sign-out")

    assert before == 200
    assert end_of(left) == (303, "/dashboard/sign-in")
    assert acting.session is None
    assert other.get("/").status_code == 303


@pytest.mark.parametrize(
    "change",
    ["remove", "role", "role by hand", "password", "session", "idle"],
)
def test_a_session_ends_when_its_account_changes_or_its_time_is_over(
    viewer, database, auditor, change
):
    before = viewer.get("/").status_code

    with database.transaction() as connection:
        if change == "remove":
            operators.remove(connection, "john")
        elif change == "role":
            operators.change(connection, "john", role="operator")
        elif change == "password":
            operators.change(connection, "john", password="another good password")
    if change == "role by hand":
        auditor.rows("UPDATE operators SET role = 'operator'")
    elif change == "session":
        auditor.rows("UPDATE operator_sessions SET began_at = now() - interval '12 hours'")
    elif change == "idle":
        auditor.rows("UPDATE operator_sessions SET used_at = now() - interval '2 hours'")

    assert (before, viewer.get("/").status_code) == (200, 303)


def test_a_page_that_is_left_open_does_not_keep_its_session(viewer, auditor):
    auditor.rows("UPDATE operator_sessions SET used_at = now() - interval '1 hour'")
    age = "SELECT now() - used_at > interval '59 minutes' FROM operator_sessions"

    viewer.get("/", headers={"HX-Request": "true"})
    by_itself = auditor.one(age)
    viewer.get("/")

    assert (by_itself, auditor.one(age)) == (True, False)


def test_a_part_of_a_page_leads_the_whole_page_to_the_form(browser):
    page = "http://localhost/dashboard/jobs/a?did=x#content"
    headers = {"HX-Request": "true", "HX-Current-URL": page}

    answer = browser.get("/jobs/a/live", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/dashboard/sign-in?next=/dashboard/jobs/a?did%3Dx"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/", "//evil.example/dashboard/", "/\\evil.example", "/jobs/1",
        "/dashboardx", "/dashboard\\@evil.example", "javascript:alert(1)", "/dashboard/\r\nX: y",
        "http://[", "\x00",
    ],
)  # fmt: skip
def test_nobody_is_led_out_of_the_dashboard(browser, wanted):
    answer = browser.sign_in("mary", next=wanted)

    assert end_of(answer) == (303, "/dashboard/")


def test_under_a_prefix_one_is_led_back_under_it(browser):
    browser.headers = {"X-Forwarded-Prefix": "/jobs"}
    page = "http://localhost/jobs/dashboard/audit"

    answer = browser.sign_in("mary", next="/dashboard/audit")
    browser.client.delete_cookie("jobspine-session")
    part = browser.get("/", headers={"HX-Request": "true", "HX-Current-URL": page})

    assert answer.headers["Location"] == "/jobs/dashboard/audit"
    assert part.headers["HX-Redirect"] == "/jobs/dashboard/sign-in?next=/dashboard/audit"


def test_ten_wrong_passwords_are_enough_and_no_redis_is_needed(new_browser, auditor):
    browser = new_browser()
    token = token_in(browser.get("/sign-in"))

    def attempt(name, password):
        return browser.post("/sign-in", token=token, name=name, password=password)

    tries = [attempt("mary", "wrong").status_code for _ in range(10)]
    eleventh = attempt("mary", PASSWORD)
    other = attempt("john", PASSWORD)

    assert tries == [401] * 10
    assert eleventh.status_code == 429
    assert 0 < int(eleventh.headers["Retry-After"]) <= 900
    assert "Too many tries." in eleventh.text
    assert other.status_code == 303
    auditor.rows("UPDATE sign_in_tries SET at = at - interval '15 minutes'")
    assert new_browser().sign_in("mary").status_code == 303
    assert auditor.one("SELECT count(*) FROM sign_in_tries") == 0


def test_an_unknown_name_is_put_off_like_a_known_one(browser):
    token = token_in(browser.get("/sign-in"))

    answers = [
        browser.post("/sign-in", token=token, name="nobody", password="x").status_code
        for _ in range(11)
    ]

    assert answers == [401] * 10 + [429]


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(browser):
    (session,) = browser.sign_in("mary").headers.getlist("Set-Cookie")

    assert session.partition("; ")[2] == "HttpOnly; Path=/; SameSite=Lax"


@pytest.mark.parametrize(
    ("changed", "headers"),
    [
        ({"public_url": "https://jobs.example"}, {}),
        ({"proxies": 1}, {"X-Forwarded-Proto": "https"}),
    ],
)
def test_over_https_cookies_are_for_https_and_this_host_alone(make_client, changed, headers):
    browser = Browser(make_client(**changed), headers)
    form = browser.client.get("/dashboard/sign-in", headers=headers, base_url="https://localhost")
    (cookie,) = form.headers.getlist("Set-Cookie")

    name, _, rest = cookie.partition("=")
    assert name == "__Host-jobspine-browser"
    assert rest.partition("; ")[2] == "Secure; HttpOnly; Path=/; SameSite=Lax"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "addresses"),
    [
        (0, ["192.0.2.7", "192.0.2.8"], 1),
        (1, ["10.0.0.1, 192.0.2.7", "10.0.0.2, 192.0.2.7"], 1),
        (1, ["192.0.2.7", "192.0.2.8"], 2),
        (1, ["2001:db8::1", "2001:db8::ffff:2"], 1),
        (1, ["2001:db8::1", "2001:db8:0:1::1"], 2),
        (1, ["nowhere", "nowhere"], 1),
    ],
)
def test_tries_are_counted_by_the_address_that_known_proxies_say(
    make_client, auditor, proxies, forwarded, addresses
):
    browser = Browser(make_client(proxies=proxies))
    for given in forwarded:
        browser.headers = {"X-Forwarded-For": given}
        browser.sign_in("mary", "wrong")

    assert auditor.one("SELECT count(DISTINCT address) FROM sign_in_tries") == addresses
