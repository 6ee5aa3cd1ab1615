from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from tasks.clients.accounts.directory import PROVIDERS, connector
from tasks.clients.accounts.portal import Portal
from tasks.clients.accounts.protocol import (
    AccountAway,
    Allotment,
    Credentials,
    Document,
    MfaNeeded,
    NotReady,
    Session,
    SessionEnded,
)
from tasks.reading.employment import Employment, report_employment
from tasks.reading.keep import as_json, from_json
from tasks.reading.stub import read_stub
from tasks.reading.unreadable import Unreadable
from tests.accounts import JOB
from tests.providers import fails, says
from tests.tasks.clients.accounts.conftest import credentials, documented, failure, signed_in

PAGE = says(b"<form><input name=form_token><input name=username><input name=password></form>")
UNREADABLE = ("error", "the provider's answer cannot be read")
SESSION = Session(token="t", seconds=1.0)


def test_an_account_is_read_from_its_sign_in_to_its_report(adp, sandbox):
    login = sandbox.account()

    session = signed_in(adp, login)
    (employment,) = adp.employments(session)
    documents = adp.documents(session)
    stubs = {one.id: read_stub(adp.fetch(session, one)) for one in documents}

    assert session.seconds == 900.0
    assert employment == Employment(
        id="J-1",
        employee="Ada Fielding",
        job_title="Warehouse Lead",
        company="Lakeside Goods Inc",
        pay_rate=Decimal("36.50"),
        pay_unit="HOURLY",
        is_active=True,
        start_date=date(2019, 3, 11),
        end_date=None,
    )
    assert len(documents) == 26
    assert documents[0] == Document(
        id="J-1-20260116",
        kind="pay_stub",
        employment="J-1",
        day=date(2026, 1, 16),
        place=("J-1-20260116",),
    )
    report = report_employment(employment, stubs)
    assert (report["pay_frequency"], report["income"]) == ("BW", "75920.00")
    assert report["is_suspicious"] is False
    assert sandbox.state(login)["sign_ins"] == 1


def test_an_altered_statement_is_found_out(adp, sandbox):
    session = signed_in(adp, sandbox.account(papers="altered"))
    (employment,) = adp.employments(session)
    stubs = {one.id: read_stub(adp.fetch(session, one)) for one in adp.documents(session)}

    report = report_employment(employment, stubs)

    assert [one["id"] for one in report["statements"] if one["is_suspicious"]] == ["J-1-20260116"]


@pytest.mark.parametrize("frequency", ["W", "BW", "SM", "M"])
def test_every_pay_frequency_is_recognized_and_adds_up(adp, sandbox, frequency):
    job = {**JOB, "frequency": frequency, "hourly": None, "salary": "52000"}
    session = signed_in(adp, sandbox.account(jobs=[job]))
    (employment,) = adp.employments(session)
    stubs = {one.id: read_stub(adp.fetch(session, one)) for one in adp.documents(session)}

    report = report_employment(employment, stubs)

    assert (report["pay_frequency"], report["is_suspicious"]) == (frequency, False)
    assert (report["pay_rate"], report["pay_rate_unit"]) == ("52000.00", "YEARLY")
    # A pay day's share of a year is rounded to cents.
    assert abs(Decimal(report["income"]) - 52000) < Decimal("0.20")


@pytest.mark.parametrize(
    ("password", "failed"),
    [
        ("login_error", ("login_error", "the provider does not know this name and password")),
        ("account_locked", ("account_locked", "the provider has locked this account")),
        ("mfa_error", ("mfa_error", "the provider sends no more codes for this account")),
        (
            "config_error",
            ("config_error", "the provider does not know this account's company"),
        ),
        (
            "unable_to_reset",
            ("unable_to_reset", "the password has expired and cannot be reset online"),
        ),
    ],
)
def test_a_documented_login_that_is_not_let_in_fails_as_documented(adp, password, failed):
    assert failure(adp.login, documented(password)) == failed


def test_a_documented_login_that_is_let_in_fails_later(adp):
    with pytest.raises(AccountAway, match="out of service"):
        adp.login(documented("unavailable"))
    nobody = adp.login(documented("no_data"))
    unbooked = adp.login(documented("not_supported"))
    torn = adp.login(documented("error"))

    assert failure(adp.employments, nobody) == (
        "no_data",
        "the provider has no employment for this account",
    )
    assert adp.documents(nobody) == []
    assert adp.features(unbooked) == frozenset()
    with pytest.raises(Unreadable, match="damaged"):
        read_stub(adp.fetch(torn, adp.documents(torn)[0]))


def test_the_third_wrong_password_locks_the_account(adp, sandbox):
    login = sandbox.account()
    wrong = credentials(login, password="wrong")

    words = [failure(adp.login, given)[0] for given in (wrong, wrong, wrong, credentials(login))]

    assert words == ["login_error", "login_error", "account_locked", "account_locked"]


def test_a_code_is_answered_by_another_process(adp, sandbox):
    login = sandbox.account(code="sent")
    asked = adp.login(credentials(login))
    kept = json.dumps(as_json(asked))

    with connector(PROVIDERS["adp"], sandbox.url, seconds=5) as other:
        state = from_json(MfaNeeded, json.loads(kept))
        session = other.answer_code(state, sandbox.state(login)["last_code"])
        kept = json.dumps(as_json(session))
    employments = adp.employments(from_json(Session, json.loads(kept)))

    assert len(employments) == 1
    assert sandbox.state(login)["sign_ins"] == 1


def test_a_wrong_code_fails_and_a_used_one_comes_too_late(adp):
    wrong = adp.login(documented("mfa", "goodlogin"))
    right = adp.login(documented("mfa", "goodlogin"))
    adp.answer_code(right, "12345")

    assert failure(adp.answer_code, wrong, "54321") == (
        "mfa_error",
        "the provider refused the code",
    )
    assert failure(adp.answer_code, right, "12345") == (
        "mfa_error",
        "the code came too late, or had been used",
    )


def test_secrets_are_not_shown(adp):
    shown = repr([documented("mfa"), adp.login(documented("mfa", "goodlogin")), SESSION])

    assert shown == (
        "[Credentials(), MfaNeeded(hint='the provider has sent a code'), Session(seconds=1.0)]"
    )


def test_an_expired_password_that_can_be_reset_needs_its_owner(adp, sandbox):
    login = sandbox.account(password_expired=True)

    assert failure(adp.login, credentials(login)) == (
        "login_error",
        "the password has expired; the provider has sent a message on how to renew it",
    )


def test_a_company_may_be_given(adp, sandbox):
    login = sandbox.account()

    assert isinstance(adp.login(credentials(login, company="lakeside")), Session)
    assert failure(adp.login, credentials(login, company="another"))[0] == "config_error"


def test_features_are_products(adp, sandbox):
    with connector(PROVIDERS["paywell"], sandbox.url, seconds=5) as paywell:
        assert paywell.features() == {"income", "employment"}
    session = adp.login(documented("goodpassword", "goodlogin"))

    assert adp.features() == {"income", "employment", "deposit_switch", "pll"}
    assert adp.features(session) == {"income", "employment", "deposit_switch", "pll"}


def test_a_slow_document_is_fetched_when_it_is_ready(adp, sandbox):
    login = sandbox.account(papers="slow")
    session = signed_in(adp, login)
    document = adp.documents(session)[0]

    first = adp.fetch(session, document)
    sandbox.make_ready(login)
    second = adp.fetch(session, document)

    assert first == NotReady(after=1.0)
    assert second[:5] == b"%PDF-"
    assert sandbox.state(login)["fetched"] == {"J-1-20260116": 1}


def test_a_vast_document_is_refused(adp, sandbox):
    session = signed_in(adp, sandbox.account(papers="vast"))

    assert failure(adp.fetch, session, adp.documents(session)[0]) == (
        "error",
        "the provider's answer is too large",
    )


def test_a_session_that_has_ended_is_told(adp, sandbox):
    login = sandbox.account()
    session = signed_in(adp, login)
    document = adp.documents(session)[0]
    sandbox.end_sessions(login)

    for act in (
        adp.features,
        adp.employments,
        adp.documents,
        lambda ended: adp.fetch(ended, document),
        lambda ended: adp.switch_deposit(ended, "J-1", []),
    ):
        with pytest.raises(SessionEnded):
            act(session)


def allotment(percent: str = "", amount: str = "") -> Allotment:
    return Allotment(
        routing_number="125000999",
        account_number="1000567801",
        account_type="checking",
        percent=Decimal(percent) if percent else None,
        amount=Decimal(amount) if amount else None,
    )


def test_a_deposit_is_switched_once_however_often_it_is_told(adp, sandbox):
    login = sandbox.account()
    session = signed_in(adp, login)

    adp.switch_deposit(session, "J-1", [allotment("60"), allotment("40")])
    adp.switch_deposit(session, "J-1", [allotment("60"), allotment("40")])

    found = sandbox.state(login)["allotments"]["J-1"]
    assert [one["percent"] for one in found] == ["60", "40"]


def test_a_fixed_amount_is_told_as_one(adp, sandbox):
    login = sandbox.account()

    adp.switch_deposit(signed_in(adp, login), "J-1", [allotment(amount="1250.50")])

    (found,) = sandbox.state(login)["allotments"]["J-1"]
    assert (found["amount"], "percent" in found) == ("1250.50", False)


def test_a_deposit_that_is_refused_says_why(adp, sandbox):
    session = signed_in(adp, sandbox.account())
    unbooked = signed_in(adp, sandbox.account(company="papermill"))

    assert failure(adp.switch_deposit, session, "J-1", [allotment("101")]) == (
        "config_error",
        "more than all of the pay was to be deposited",
    )
    assert failure(adp.switch_deposit, session, "J-1", [allotment("0")])[0] == "config_error"
    assert failure(adp.switch_deposit, unbooked, "J-1", [allotment("50")])[0] == "not_supported"
    assert failure(adp.switch_deposit, session, "J-2", [allotment("50")]) == UNREADABLE


@pytest.mark.parametrize(
    ("does", "failed"),
    [
        ("other_login", ("error", "the provider's login page has changed")),
        ("elsewhere", ("error", "the provider sends us elsewhere")),
        ("vast", ("error", "the provider's answer is too large")),
    ],
)
def test_nothing_is_sent_to_a_login_page_that_is_not_the_known_one(adp, sandbox, does, failed):
    login = sandbox.account()
    sandbox.befall("/payroll/adp/login", does, method="GET")
    posted = sandbox.befall("/payroll/adp/login", "fail", method="POST")

    assert failure(adp.login, credentials(login)) == failed
    assert posted.met() == 0


@pytest.mark.parametrize("does", ["out_of_service", "fail", "throttle"])
def test_a_portal_with_troubles_of_its_own_is_away(adp, sandbox, does):
    session = signed_in(adp, sandbox.account())
    sandbox.befall("/payroll/adp/api", does)

    for act in (adp.features, adp.employments, adp.documents):
        with pytest.raises(AccountAway):
            act(session)


def test_a_portal_that_hangs_or_is_down_is_away(sandbox):
    login = sandbox.account()
    with connector(PROVIDERS["adp"], sandbox.url, seconds=0.5) as adp:
        held = sandbox.befall("/payroll/adp/login", "hold")
        with pytest.raises(AccountAway, match="did not answer in time"):
            adp.login(credentials(login))
        held.end()
        sandbox.stop()
        with pytest.raises(AccountAway, match="could not be reached"):
            adp.login(credentials(login))


@pytest.fixture
def portal(provider):
    """A portal that does what a test says."""
    with Portal(provider.url, seconds=5) as made:
        yield made


def test_a_portal_without_a_login_page_has_changed(portal, provider):
    provider.otherwise = fails(404)

    assert failure(portal.login, documented("x")) == (
        "error",
        "the provider's login page has changed",
    )


@pytest.mark.parametrize(
    "given",
    [
        {"status": "signed_in", "expires_in": 900},
        {"status": "signed_in", "expires_in": "long"},
        {"status": "welcome"},
        {"status": "code_needed"},
        {"status": "code_needed", "challenge": 7},
        {},
    ],
)
def test_an_answer_to_a_sign_in_that_says_nothing_cannot_be_read(portal, provider, given):
    def answer(request):
        says(given)(request) if request.command == "POST" else PAGE(request)

    provider.does["/login"] = answer

    assert failure(portal.login, documented("x")) == UNREADABLE


@pytest.mark.parametrize("seconds", [-1, 10**9, 10**400])
def test_a_session_lasts_as_long_as_one_can(portal, provider, seconds):
    def answer(request):
        body = json.dumps({"status": "signed_in", "expires_in": seconds}).encode()
        request.reply(200, body, Set_Cookie="portal_session=abc")

    provider.does["/code"] = answer

    assert failure(portal.answer_code, MfaNeeded(challenge="x"), "12345") == UNREADABLE


@pytest.mark.parametrize(
    "cookie",
    ["", "other=1", "portal_session=", r'portal_session="a\012b: c"', "portal_session=é", ";;"],
)
def test_a_session_needs_a_cookie_that_can_be_sent_back(portal, provider, cookie):
    def answer(request):
        body = json.dumps({"status": "signed_in", "expires_in": 900}).encode()
        request.reply(200, body, Set_Cookie=cookie)

    provider.does["/code"] = answer

    assert failure(portal.answer_code, MfaNeeded(challenge="c"), "1") == UNREADABLE


def test_a_second_code_is_not_asked_for(portal, provider):
    provider.does["/code"] = says({"status": "code_needed", "challenge": "c"})

    assert failure(portal.answer_code, MfaNeeded(challenge="c"), "1") == UNREADABLE


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"employments": 7},
        {"employments": [7]},
        {"employments": [{"id": 7}]},
        {"employments": [{"id": ""}]},
        {"employments": [{"id": "a\nb"}]},
        {"employments": [{"id": "x" * 101}]},
        {"employments": [{"id": "J-1", "hired_on": "soon"}]},
        {"employments": [{"id": "J-1", "hired_on": 7}]},
    ],
)
def test_employments_of_another_form_cannot_be_read(portal, provider, given):
    provider.otherwise = says(given)

    assert failure(portal.employments, SESSION) == UNREADABLE


def test_an_employment_needs_no_more_than_an_id(portal, provider):
    provider.otherwise = says({"employments": [{"id": "J-1", "rate": "a lot", "rate_unit": "day"}]})

    assert portal.employments(SESSION) == [
        Employment(
            id="J-1",
            employee="",
            job_title="",
            company="",
            pay_rate=None,
            pay_unit="",
            is_active=False,
            start_date=None,
            end_date=None,
        )
    ]


def test_an_id_cannot_lead_to_another_path(portal, provider):
    provider.does["/api/employments"] = says({"employments": [{"id": "../../control?x#"}]})
    provider.otherwise = says({"statements": []})

    assert portal.documents(SESSION) == []
    assert provider.paths == [
        "/api/employments",
        "/api/employments/..%2F..%2Fcontrol%3Fx%23/statements",
    ]
    provider.does["/api/employments"] = says({"employments": [{"id": ".."}]})
    assert failure(portal.documents, SESSION) == UNREADABLE


def test_a_document_that_is_gone_is_an_error(portal, provider):
    provider.otherwise = fails(404)

    assert failure(portal.fetch, SESSION, Document(id="d", kind="pay_stub", place=("d",))) == (
        UNREADABLE
    )


def test_only_the_cookie_is_sent_of_a_session(portal, provider):
    provider.otherwise = says({"features": ["direct_deposit", "parties", 7]})

    assert portal.features(SESSION) == {"deposit_switch", "pll"}
    assert provider.headers[0]["cookie"] == "portal_session=t"


def test_credentials_are_sent_as_they_are(adp):
    odd = Credentials(username="ü & = ? #\n", password="\x00%00+ ")

    assert failure(adp.login, odd)[0] == "login_error"
