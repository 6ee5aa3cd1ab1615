from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from tasks.clients.accounts.directory import PROVIDERS, connector
from tasks.clients.accounts.ofx import Ofx
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
from tasks.reading.bank import report_account
from tasks.reading.keep import as_json, from_json
from tasks.reading.ofx import read_statements
from tests.providers import fails, says
from tests.tasks.clients.accounts.conftest import credentials, documented, failure, signed_in

UNREADABLE = ("error", "the provider's answer cannot be read")
SESSION = Session(token="t", seconds=1.0)
STATEMENT = Document(id="d", kind="bank_statement", place=("1", "2", "CHECKING"))


def test_accounts_are_read_from_the_sign_on_to_the_report(bank, sandbox):
    login = sandbox.account("harbour_bank")

    session = signed_in(bank, login)
    documents = bank.documents(session)
    accounts = [
        account for one in documents for account in read_statements(bank.fetch(session, one))
    ]

    assert 890 < session.seconds <= 900
    assert bank.employments(session) == []
    assert [one.kind for one in documents] == ["bank_statement"] * 2
    assert [len(report_account(one)["income_streams"]) for one in accounts] == [1, 0]
    (stream,) = report_account(accounts[0])["income_streams"]
    assert (stream["name"], stream["pay_frequency"], stream["deposits"]) == (
        *("LAKESIDE GOODS INC PAYROLL", "BW", 26),
    )
    assert sandbox.state(login)["sign_ins"] == 1


def test_documents_do_not_tell_account_numbers_and_are_the_same_each_time(bank, sandbox):
    login = sandbox.account("harbour_bank")

    first, second = (bank.documents(signed_in(bank, login)) for _ in range(2))

    assert first == second
    assert "1000567801" not in repr(first)
    assert re.fullmatch("[0-9a-f]{32}", first[0].id)


@pytest.mark.parametrize(
    ("password", "failed"),
    [
        ("login_error", ("login_error", "the bank does not know this name and password")),
        ("account_locked", ("account_locked", "the bank has locked this account")),
        ("mfa_error", ("mfa_error", "the bank refused the code")),
        ("config_error", ("config_error", "the bank has not set this access up")),
        (
            "unable_to_reset",
            ("unable_to_reset", "the bank wants a new password, which cannot be set from here"),
        ),
    ],
)
def test_a_documented_login_that_is_not_let_in_fails_as_documented(bank, password, failed):
    assert failure(bank.login, documented(password)) == failed


def test_a_documented_login_that_is_let_in_fails_later(bank):
    with pytest.raises(AccountAway, match="out of service"):
        bank.login(documented("unavailable"))
    nobody = bank.login(documented("no_data"))
    withheld = bank.login(documented("not_supported"))
    torn = bank.login(documented("error"))

    assert bank.features(nobody) == {"income", "transactions", "assets"}
    assert failure(bank.employments, nobody) == (
        "no_data",
        "the bank has no account for this name",
    )
    assert bank.features(withheld) == frozenset()
    assert bank.documents(withheld) == []
    assert failure(bank.fetch, torn, bank.documents(torn)[0]) == UNREADABLE


def test_the_third_wrong_password_locks_the_account(bank, sandbox):
    login = sandbox.account("harbour_bank")
    wrong = credentials(login, password="wrong")

    words = [failure(bank.login, given)[0] for given in (wrong, wrong, wrong, credentials(login))]

    assert words == ["login_error", "login_error", "account_locked", "account_locked"]


def test_a_code_is_answered_by_another_process(bank, sandbox):
    login = sandbox.account("harbour_bank", code="sent")
    asked = bank.login(credentials(login))
    kept = json.dumps(as_json(asked))

    with connector(PROVIDERS["harbour_bank"], sandbox.url, seconds=5) as other:
        state = from_json(MfaNeeded, json.loads(kept))
        session = other.answer_code(state, sandbox.state(login)["last_code"])

    assert state.hint == "The code that we have sent you"
    assert len(bank.documents(session)) == 2
    assert failure(bank.answer_code, state, "12345") == ("mfa_error", "the bank refused the code")


def test_a_wrong_code_fails(bank):
    asked = bank.login(documented("mfa", "goodlogin"))

    assert failure(bank.answer_code, asked, "54321") == ("mfa_error", "the bank refused the code")


def test_features_are_products(bank):
    session = bank.login(documented("goodpassword", "goodlogin"))

    assert bank.features() == {"income", "transactions", "assets"}
    assert bank.features(session) == {"income", "transactions", "assets"}


def test_a_slow_statement_is_fetched_when_it_is_ready(bank, sandbox):
    login = sandbox.account("harbour_bank", papers="slow")
    session = signed_in(bank, login)
    document = bank.documents(session)[0]

    first = bank.fetch(session, document)
    sandbox.make_ready(login)
    second = bank.fetch(session, document)

    assert first == NotReady(after=1.0)
    assert len(read_statements(second)) == 1


def test_a_vast_statement_is_refused(bank, sandbox):
    session = signed_in(bank, sandbox.account("harbour_bank", papers="vast"))

    assert failure(bank.fetch, session, bank.documents(session)[0]) == (
        "error",
        "the provider's answer is too large",
    )


def test_a_session_that_has_ended_is_told(bank, sandbox):
    login = sandbox.account("harbour_bank")
    session = signed_in(bank, login)
    document = bank.documents(session)[0]
    sandbox.end_sessions(login)

    for act in (
        bank.features,
        bank.employments,
        bank.documents,
        lambda ended: bank.fetch(ended, document),
    ):
        with pytest.raises(SessionEnded):
            act(session)


def test_a_bank_decides_nothing_about_pay(bank):
    allotment = Allotment(
        routing_number="1", account_number="2", account_type="checking", percent=Decimal(1)
    )

    assert failure(bank.switch_deposit, SESSION, "", [allotment]) == (
        "not_supported",
        "a bank does not decide where pay goes",
    )


def test_an_account_that_is_gone_is_not_supported(bank, sandbox):
    session = signed_in(bank, sandbox.account("harbour_bank"))

    assert failure(bank.fetch, session, STATEMENT) == (
        "not_supported",
        "the bank does not give this account's statement to programs",
    )


def test_credentials_cannot_change_the_request(bank):
    odd = Credentials(username="</USERID><USERKEY>x</USERKEY>", password="ü\x00&amp;")

    assert failure(bank.login, odd)[0] == "login_error"


@pytest.fixture
def server(provider):
    """A bank that does what a test says."""
    with Ofx(provider.url, seconds=5) as made:
        yield made


def signed(status: str, more: str = "", beside: str = "") -> bytes:
    """Return an answer with a status of the sign-on."""
    sign_on = f"<SONRS><STATUS><CODE>{status}</CODE></STATUS>{more}</SONRS>"
    return f"<OFX><SIGNONMSGSRSV1>{sign_on}{beside}</SIGNONMSGSRSV1></OFX>".encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        b"<OFX/>",
        b"OFXHEADER:100\nDATA:OFXSGML\n\n<OFX><SIGNONMSGSRSV1>",
        b'<!DOCTYPE OFX [<!ENTITY a "0">]>' + signed("&a;"),
        signed(""),
        signed("15517"),
        signed("0"),
        signed("0", "<USERKEY>k</USERKEY>"),
        signed("0", "<USERKEY>k</USERKEY><TSKEYEXPIRE>soon</TSKEYEXPIRE>"),
        signed("0", "<TSKEYEXPIRE>20300101000000</TSKEYEXPIRE>"),
        signed("3000"),
        signed("3000", "<USERKEY>k</USERKEY>"),
    ],
)
def test_an_answer_to_a_sign_on_that_says_nothing_cannot_be_read(server, provider, body):
    provider.otherwise = says(body)

    assert failure(server.login, documented("x")) == UNREADABLE


def test_another_status_than_success_cannot_be_read(server, provider):
    provider.otherwise = fails(404)

    assert failure(server.login, documented("x")) == UNREADABLE


@pytest.mark.parametrize("status", ["2000", "15501"])
def test_a_bank_that_is_busy_is_away(server, provider, status):
    provider.otherwise = says(signed(status))

    with pytest.raises(AccountAway, match="cannot answer just now"):
        server.login(documented("x"))


def test_a_session_that_ended_long_ago_has_no_time_left(server, provider):
    ended = "<USERKEY>k</USERKEY><TSKEYEXPIRE>20200101000000</TSKEYEXPIRE>"
    provider.otherwise = says(signed("0", ended))

    assert server.login(documented("x")) == Session(token="k", seconds=0.0)


def test_the_address_of_a_bank_is_taken_as_it_is(provider):
    provider.otherwise = says(signed("15500"))

    with Ofx(f"{provider.url}/ofx/bank", seconds=5) as server:
        failure(server.login, documented("x"))

    assert provider.paths == ["/ofx/bank"]
    assert provider.headers[0]["content-type"] == "application/x-ofx"
