"""What is true of every path of the dashboard, read off the map of paths, so that none escapes."""

from __future__ import annotations

import re

import pytest

from tests.app.dashboard.conftest import token_in
from tests.tasks.job.jobs import record
from tests.told import tell

OPEN = {"dashboard.static", "dashboard.sign_in", "dashboard.check_sign_in"}
#: What a viewer may send.
HARMLESS = {"dashboard.check_sign_in", "dashboard.sign_out"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SECRET = "ada@example.org"


@pytest.fixture
def told(database, auditor):
    """The id of what a webhook was told about a job that waits; another job holds a secret."""
    payload = {"verification": 1, "source_email": SECRET, "nobody declared": SECRET}
    record(database, "secretive", type="watchlist", queue="screening", payload=payload)
    return tell(database, auditor, "a")


@pytest.fixture
def paths(app, told):
    """The paths of the dashboard by endpoint, for a method."""

    def of(method):
        with app.test_request_context():
            return {
                rule.endpoint: app.url_map.bind("").build(
                    rule.endpoint, {"job_id": "a", "delivery_id": told, "_rest": "nowhere"}
                )
                for rule in app.url_map.iter_rules()
                if rule.endpoint.startswith("dashboard.")
                and method in rule.methods
                and rule.endpoint != "dashboard.static"
            }

    return of


def anything_done(auditor):
    return auditor.one(
        "SELECT (SELECT count(*) FROM operator_actions) + (SELECT count(*) FROM jobs) - 3"
        " + (SELECT count(*) FROM jobs WHERE cancelled_by IS NOT NULL)"
    )


def test_whoever_is_not_signed_in_comes_to_the_form_from_everywhere(browser, paths, auditor):
    client = browser.client
    seen = {
        endpoint: client.get(path)
        for endpoint, path in paths("GET").items()
        if endpoint not in OPEN
    }
    sent = {
        endpoint: client.post(path)
        for endpoint, path in paths("POST").items()
        if endpoint not in OPEN
    }

    assert len(seen) >= 12
    assert len(sent) >= 7
    ends = {
        (answer.status_code, answer.headers["Location"].partition("?")[0])
        for answer in [*seen.values(), *sent.values()]
    }
    assert ends == {(303, "/dashboard/sign-in")}
    assert not anything_done(auditor)


def test_a_viewer_sees_every_page_but_those_that_ask_before_acting(viewer, paths):
    seen = {
        endpoint: viewer.client.get(path).status_code for endpoint, path in paths("GET").items()
    }

    asking = {name: status for name, status in seen.items() if name.startswith("dashboard.ask_to_")}
    others = {name: status for name, status in seen.items() if name not in asking}
    assert len(asking) == 5
    assert set(asking.values()) == {403}
    assert others.pop("dashboard.unknown") == 404
    assert others.pop("dashboard.sign_in") == 303
    assert set(others.values()) == {200}


def test_a_viewer_does_nothing_whatever_they_send(viewer, paths, auditor):
    token = token_in(viewer.get("/"))
    form = {"form_token": token, "expected": "2", "do": "cancel", "id": "a", "sure": "yes"}

    answers = {
        endpoint: viewer.client.post(path, data=form)
        for endpoint, path in paths("POST").items()
        if endpoint not in HARMLESS
    }

    assert {answer.status_code for answer in answers.values()} == {403}
    assert "This takes the role operator." in answers["dashboard.cancel"].text
    assert not anything_done(auditor)


def test_a_viewer_is_shown_nothing_to_act_with(viewer, paths):
    for path in paths("GET").values():
        page = viewer.client.get(path).text

        forms = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page)
        assert set(forms) <= {"/dashboard/sign-out"}, path
        for word in ("/cancel", "/retry", "/replay", "/selected"):
            assert word not in page, path


@pytest.mark.parametrize("given", ["missing", "wrong", "another's", "from another site", "its own"])
def test_no_form_is_taken_that_was_not_given_to_this_session(
    acting, new_browser, paths, auditor, given
):
    other = token_in(new_browser("mary").get("/"))
    own = token_in(acting.get("/"))
    token = {"missing": None, "wrong": "0" * 64, "another's": other}.get(given, own)
    headers = {"Sec-Fetch-Site": "cross-site"} if given == "from another site" else {}
    form = {"expected": "2", "do": "cancel", "id": "a", "sure": "yes"}

    answers = {
        endpoint: acting.client.post(
            path, data=form if token is None else {**form, "form_token": token}, headers=headers
        )
        for endpoint, path in paths("POST").items()
        if endpoint != "dashboard.sign_out" or given != "its own"
    }

    if given == "its own":
        assert 403 not in {answer.status_code for answer in answers.values()}
        assert anything_done(auditor)
    else:
        assert {answer.status_code for answer in answers.values()} == {403}
        assert "This form is not yours, or too old" in answers["dashboard.cancel"].text
        assert not anything_done(auditor)
        assert acting.get("/").status_code == 200


def test_no_page_shows_what_is_declared_secret_or_not_declared_at_all(acting, paths):
    everything = [*paths("GET").values(), "/dashboard/jobs/secretive"]
    everything += [f"/dashboard/jobs/secretive/{word}" for word in ("live", "cancel", "retry")]

    pages = [acting.client.get(path).text for path in everything]

    assert "(personal)" in pages[-4]
    assert "(undeclared)" in pages[-4]
    assert not [path for path, page in zip(everything, pages, strict=True) if SECRET in page]


def test_every_answer_forbids_what_these_pages_do_not_need(acting, browser, paths):
    answers = [acting.client.get(path) for path in paths("GET").values()]
    answers += [browser.get("/"), browser.get("/sign-in"), browser.client.post("/dashboard/x")]

    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_no_page_needs_anything_inline_or_from_elsewhere(acting, browser, paths):
    pages = [acting.client.get(path).text for path in paths("GET").values()]
    pages.append(browser.get("/sign-in").text)

    for page in pages:
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", page)
        for address in re.findall(r'(?:src|href|action|hx-get)="([^"]*)"', page):
            assert address.startswith(("/dashboard", "#")), address


def test_every_page_has_one_heading_landmarks_and_labels(acting, browser, paths):
    pages = [
        acting.client.get(path).text
        for endpoint, path in paths("GET").items()
        if endpoint != "dashboard.sign_in" and not endpoint.startswith("dashboard.live_")
    ]
    pages.append(browser.get("/sign-in").text)

    for page in pages:
        assert page.count("<h1>") == 1
        assert page.count('<main id="content"') == 1
        assert '<html lang="en">' in page
        assert '<a class="skip" href="#content">' in page
        for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
            assert "<caption" in table
            assert not re.search(r"<th(?![^>]* scope=)[ >]", table)
        labelled = set(re.findall(r'<label for="([^"]+)"', page))
        for control in re.findall(r"<(?:input|select)[^>]*>", page):
            name = re.search(r'\sid="([^"]+)"', control)
            is_named = name is not None and name[1] in labelled
            assert is_named or re.search(r'type="hidden"|aria-label=', control) or "chip" in page


def test_assets_are_kept_for_as_long_as_they_are_the_same(browser):
    page = browser.get("/sign-in").text
    (address,) = re.findall(r'href="(/dashboard/static/dashboard.css\?v=[0-9a-f]{12})"', page)

    asset = browser.client.get(address, buffered=True)

    assert asset.status_code == 200
    assert asset.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert asset.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in asset.headers


def test_what_is_shown_cannot_be_taken_for_markup(acting, database):
    name = '<script>alert("x")</script>'
    record(database, "odd", tenant=name, payload={"n": name})

    pages = [acting.get(path).text for path in ("/jobs", "/jobs/odd", f"/jobs?tenant={name}")]

    assert all("<script>alert" not in page and "&lt;script&gt;" in page for page in pages)


def test_behind_a_proxy_under_a_prefix_every_address_has_it(acting, browser, paths):
    headers = {"X-Forwarded-Prefix": "/jobs"}
    pages = [acting.client.get(path, headers=headers).text for path in paths("GET").values()]
    asked = browser.get("/audit", headers=headers)

    for page in pages:
        for address in re.findall(r'(?:src|href|action|hx-get)="([^"]*)"', page):
            assert address.startswith(("/jobs/dashboard", "#")), address
    assert asked.headers["Location"] == "/jobs/dashboard/sign-in?next=/dashboard/audit"
