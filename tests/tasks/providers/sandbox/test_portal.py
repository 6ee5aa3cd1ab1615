from __future__ import annotations

import re
import time

import pytest

from tasks.providers.sandbox.people import Papers
from tasks.reading.stub import read_stub
from tests.tasks.providers.sandbox.conftest import JOB

JSON = {"Accept": "application/json"}
BANK_ACCOUNT = {
    "routing_number": "125000999",
    "account_number": "1000567801",
    "account_type": "checking",
}


def form_token(client) -> str:
    page = client.get("/payroll/adp/login").text
    return re.search('name="form_token" value="(.+?)"', page)[1]


def login(client, username="goodlogin", password="goodpassword", **more):
    form = {"form_token": form_token(client), "username": username, "password": password, **more}
    return client.post("/payroll/adp/login", data=form, headers=JSON)


@pytest.fixture
def signed_in(client):
    """A client that has signed in as somebody."""

    def signed_in(username="goodlogin", password="goodpassword"):
        answer = login(client, username, password)
        assert answer.json == {"status": "signed_in", "expires_in": 900}
        return client

    return signed_in


def get(client, path):
    return client.get(f"/payroll/adp/{path}")


def test_the_login_page_has_a_form(client):
    page = client.get("/payroll/adp/login").text

    assert "<h1>ADP</h1>" in page
    assert 'action="/payroll/adp/login"' in page
    assert re.findall('<input.*? name="(.+?)"', page) == [
        *("form_token", "username", "password", "company")
    ]


def test_signing_in_sets_a_cookie_for_this_portal_alone(client):
    cookie = login(client).headers["Set-Cookie"]

    assert re.fullmatch(
        "portal_session=[0-9a-f]{64}; Expires=.+; Max-Age=900; HttpOnly; Path=/payroll/adp;"
        " SameSite=Strict",
        cookie,
    )


def test_a_browser_is_led_to_its_first_page(client):
    form = {"form_token": form_token(client), "username": "goodlogin", "password": "goodpassword"}

    answer = client.post("/payroll/adp/login", data=form, headers={"Accept": "text/html"})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/payroll/adp/home")


@pytest.mark.parametrize(
    ("username", "password", "status", "error"),
    [
        ("goodlogin", "wrong", 401, "wrong_credentials"),
        ("error.user", "account_locked", 423, "account_locked"),
        ("error.user", "mfa_error", 403, "codes_blocked"),
        ("error.user", "config_error", 404, "unknown_company"),
        ("error.user", "unavailable", 503, "out_of_service"),
        ("error.user", "unable_to_reset", 403, "password_expired"),
    ],
)
def test_a_refusal_has_a_status_and_a_word(client, username, password, status, error):
    answer = login(client, username, password)

    assert (answer.status_code, answer.json) == (status, {"error": error})
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("token", ["", "1.abc", "x"])
def test_a_form_of_another_page_is_refused(client, token):
    answer = login(client, form_token=token)

    assert (answer.status_code, answer.json) == (403, {"error": "stale_form"})


def test_a_form_that_stood_open_for_long_is_refused(client, monkeypatch):
    token, now = form_token(client), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 601)

    assert login(client, form_token=token).json == {"error": "stale_form"}


def test_a_code_is_asked_for_and_taken_once(client):
    asked = login(client, password="mfa").json
    assert (asked["status"], asked["expires_in"]) == ("code_needed", 600)
    form = {"challenge": asked["challenge"], "code": "12345"}

    first = client.post("/payroll/adp/code", data=form)
    second = client.post("/payroll/adp/code", data=form)

    assert (first.status_code, first.json["status"]) == (200, "signed_in")
    assert (second.status_code, second.json) == (410, {"error": "code_expired"})


def test_a_wrong_code_is_refused(client):
    asked = login(client, password="mfa").json["challenge"]

    answer = client.post("/payroll/adp/code", data={"challenge": asked, "code": "54321"})

    assert (answer.status_code, answer.json) == (401, {"error": "wrong_code"})


def test_a_reset_is_sent_or_refused(client, enrol):
    enrol("ada", password_expired=True)

    sent = client.post("/payroll/adp/reset", data={"username": "ada"})
    refused = client.post("/payroll/adp/reset", data={"username": "error.user"})

    assert (sent.status_code, sent.json) == (202, {"status": "sent"})
    assert (refused.status_code, refused.json) == (409, {"error": "reset_refused"})


def test_features_are_what_is_offered_and_what_a_company_has_booked(client, signed_in):
    assert client.get("/payroll/paywell/features").json == {
        "features": ["pay_statements", "employment_records"]
    }
    assert get(signed_in(), "api/company").json == {
        "id": "lakeside",
        "name": "Lakeside Goods Inc",
        "features": ["pay_statements", "employment_records", "direct_deposit"],
    }
    assert get(signed_in("error.user", "not_supported"), "api/company").json["features"] == []


def test_employments_are_listed(signed_in):
    assert get(signed_in(), "api/employments").json == {
        "employee": "Ada Fielding",
        "employments": [
            {
                "id": "L-1001",
                "job_title": "Warehouse Lead",
                "company": "Lakeside Goods Inc",
                "rate": "36.50",
                "rate_unit": "hour",
                "status": "active",
                "hired_on": "2019-03-11",
                "left_on": None,
            }
        ],
    }


def test_statements_are_listed_and_printed(signed_in, enrol):
    enrol("ada")
    client = signed_in("ada", "a good password")

    listed = get(client, "api/employments/J-1/statements").json["statements"]
    printed = get(client, "api/statements/J-1-20260116")

    assert len(listed) == 26
    assert listed[0] == {
        "id": "J-1-20260116",
        "pay_date": "2026-01-16",
        "type": "application/pdf",
    }
    assert printed.mimetype == "application/pdf"
    assert str(read_stub(printed.data).net) == "2272.80"


@pytest.mark.parametrize(
    "path",
    [
        "api/employments/J-2/statements",
        "api/employments/J-2/deposits",
        "api/statements/J-1-20260117",
        "api/statements/J-2-20260116",
        "api/statements/J-1",
        "api/nothing",
    ],
)
def test_what_is_not_there_is_not_found(signed_in, enrol, path):
    enrol("ada")

    answer = get(signed_in("ada", "a good password"), path)

    assert (answer.status_code, answer.json) == (404, {"error": "not_found"})


@pytest.mark.parametrize("path", ["/payroll/nobody/login", "/payroll/harbour_bank/login", "/x"])
def test_there_is_no_portal_of_another_name(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["api/company", "api/employments", "api/employments/J-1/statements", "api/statements/J-1"],
)
def test_without_a_session_there_is_nothing(client, path):
    answer = get(client, path)

    assert (answer.status_code, answer.json) == (401, {"error": "signed_out"})


def test_slow_documents_are_ready_after_a_while(signed_in, enrol, clock):
    enrol("ada", papers=Papers.SLOW)
    client = signed_in("ada", "a good password")

    first = get(client, "api/statements/J-1-20260116")
    clock.now += 29.5
    second = get(client, "api/statements/J-1-20260102")
    clock.now += 0.5
    third = get(client, "api/statements/J-1-20260102")

    assert (first.status_code, first.headers["Retry-After"]) == (202, "30")
    assert (second.status_code, second.headers["Retry-After"]) == (202, "1")
    assert (third.status_code, third.data[:5]) == (200, b"%PDF-")


def test_vast_documents_say_how_large_they_are(signed_in, enrol):
    enrol("ada", papers=Papers.VAST)

    answer = get(signed_in("ada", "a good password"), "api/statements/J-1-20260116")

    assert answer.headers["Content-Length"] == "209715200"
    answer.close()


def put(client, *percents, job="J-1", **more):
    told = [{**BANK_ACCOUNT, "percent": percent, **more} for percent in percents]
    return client.put(f"/payroll/adp/api/employments/{job}/deposits", json={"allotments": told})


def test_pay_goes_where_it_is_told_to(signed_in, enrol):
    enrol("ada")
    client = signed_in("ada", "a good password")
    shown = {**BANK_ACCOUNT, "account_number": "****7801", "percent": "60"}

    assert get(client, "api/employments/J-1/deposits").json == {"allotments": []}
    assert put(client, "60").json == {"allotments": [shown]}
    assert put(client, "60").json == {"allotments": [shown]}
    assert get(client, "api/employments/J-1/deposits").json == {"allotments": [shown]}


def test_a_fixed_amount_may_go_somewhere_and_a_share_elsewhere(signed_in, enrol):
    enrol("ada")
    client = signed_in("ada", "a good password")
    told = [{**BANK_ACCOUNT, "amount": "250.00"}, {**BANK_ACCOUNT, "percent": "100"}]

    client.put("/payroll/adp/api/employments/J-1/deposits", json={"allotments": told})

    found = get(client, "api/employments/J-1/deposits").json["allotments"]
    assert [(one.get("amount"), one.get("percent")) for one in found] == [
        ("250.00", None),
        (None, "100"),
    ]


@pytest.mark.parametrize(
    ("percents", "more", "status", "error"),
    [
        (["100.01"], {}, 422, "over_allotted"),
        (["60", "40.5"], {}, 422, "over_allotted"),
        (["0"], {}, 400, "not_an_allotment"),
        (["-5"], {}, 400, "not_an_allotment"),
        (["NaN"], {}, 400, "not_an_allotment"),
        (["half"], {}, 400, "not_an_allotment"),
        (["60"], {"routing_number": "x"}, 400, "not_an_allotment"),
        (["60"], {"amount": "100.00"}, 400, "not_an_allotment"),
    ],
)
def test_more_than_all_of_the_pay_and_no_allotment_are_refused(
    signed_in, enrol, percents, more, status, error
):
    enrol("ada")
    client = signed_in("ada", "a good password")

    answer = put(client, *percents, **more)

    assert (answer.status_code, answer.json) == (status, {"error": error})
    assert get(client, "api/employments/J-1/deposits").json == {"allotments": []}


def test_a_company_without_direct_deposit_switches_nothing(signed_in, enrol):
    enrol("ada", company="papermill", jobs=(JOB,))

    answer = put(signed_in("ada", "a good password"), "60")

    assert (answer.status_code, answer.json) == (403, {"error": "not_offered"})
