from __future__ import annotations

import pytest

from tasks.providers.sandbox.people import Papers
from tasks.reading.ofx import read_statements
from tasks.reading.unreadable import Unreadable
from tasks.reading.xml import read_xml, text_at

ACCOUNTS = "<SIGNUPMSGSRQV1><ACCTINFOTRNRQ><TRNUID>1</TRNUID></ACCTINFOTRNRQ></SIGNUPMSGSRQV1>"
CHALLENGE = "<MFACHALLENGETRNRQ><TRNUID>1</TRNUID></MFACHALLENGETRNRQ>"
SONRS = "SIGNONMSGSRSV1/SONRS"


def statement_of(number: str) -> str:
    return (
        "<BANKMSGSRQV1><STMTTRNRQ><STMTRQ><BANKACCTFROM><BANKID>125000999</BANKID>"
        f"<ACCTID>{number}</ACCTID></BANKACCTFROM></STMTRQ></STMTTRNRQ></BANKMSGSRQV1>"
    )


def post(client, sign_on: str, asked: str = "", beside: str = "", bank: str = "harbour_bank"):
    body = f"<OFX><SIGNONMSGSRQV1><SONRQ>{sign_on}</SONRQ>{beside}</SIGNONMSGSRQV1>{asked}</OFX>"
    return client.post(f"/ofx/{bank}", data=body)


def root(answer):
    assert (answer.status_code, answer.mimetype) == (200, "application/x-ofx")
    assert answer.data.startswith(b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<?OFX ')
    return read_xml(answer.data, most=10**7)


def named(username: str = "goodlogin", password: str = "goodpassword") -> str:
    return f"<USERID>{username}</USERID><USERPASS>{password}</USERPASS>"


def key(client, *words: str) -> str:
    """Sign on and return what stands for it from then on."""
    return f"<USERKEY>{text_at(root(post(client, named(*words))), f'{SONRS}/USERKEY')}</USERKEY>"


@pytest.mark.parametrize(
    ("username", "password", "code"),
    [
        ("goodlogin", "goodpassword", "0"),
        ("goodlogin", "wrong", "15500"),
        ("nobody", "goodpassword", "15500"),
        ("goodlogin", "mfa", "3000"),
        ("error.user", "account_locked", "15502"),
        ("error.user", "mfa_error", "3001"),
        ("error.user", "config_error", "15511"),
        ("error.user", "unable_to_reset", "15000"),
    ],
)
def test_a_sign_on_is_answered_with_a_code_of_ofx(client, username, password, code):
    answer = root(post(client, named(username, password)))

    assert text_at(answer, f"{SONRS}/STATUS/CODE") == code
    assert bool(text_at(answer, f"{SONRS}/USERKEY")) is (code in {"0", "3000"})


def test_the_third_wrong_password_locks(client, enrol):
    enrol("ada", provider="harbour_bank")

    codes = [
        text_at(root(post(client, named("ada", word))), f"{SONRS}/STATUS/CODE")
        for word in ("x", "x", "x", "a good password")
    ]

    assert codes == ["15500", "15500", "15502", "15502"]


def test_a_bank_that_is_out_of_service_says_when_to_come_back(client):
    answer = post(client, named("error.user", "unavailable"))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_a_user_key_stands_for_a_sign_on_until_it_ends(client, clock):
    signed = key(client)

    assert text_at(root(post(client, signed)), f"{SONRS}/STATUS/CODE") == "0"
    clock.now += 900
    assert text_at(root(post(client, signed)), f"{SONRS}/STATUS/CODE") == "15500"


def test_a_code_is_asked_for_and_taken_once(client):
    pending = key(client, "goodlogin", "mfa")
    asked = root(post(client, pending, beside=CHALLENGE))
    answer = "<MFACHALLENGEANSWER><MFAPHRASEA>{}</MFAPHRASEA></MFACHALLENGEANSWER>"

    codes = [
        text_at(root(post(client, pending + answer.format(code))), f"{SONRS}/STATUS/CODE")
        for code in ("54321", "12345", "12345")
    ]

    assert text_at(asked, ".//MFACHALLENGE/MFAPHRASELABEL") == "The code that we have sent you"
    assert codes == ["3001", "0", "3001"]


def test_without_the_code_there_are_no_accounts(client):
    answer = root(post(client, key(client, "goodlogin", "mfa"), ACCOUNTS))

    assert text_at(answer, f"{SONRS}/STATUS/CODE") == "3000"
    assert answer.find("SIGNUPMSGSRSV1") is None


def accounts(client, *words: str) -> list[tuple[str, str, str]]:
    answer = root(post(client, key(client, *words), ACCOUNTS))
    names = ("BANKACCTFROM/ACCTTYPE", "BANKACCTFROM/ACCTID", "SVCSTATUS")
    found = answer.findall(".//ACCTINFO/BANKACCTINFO")
    return [tuple(text_at(one, name) for name in names) for one in found]


def test_accounts_are_listed_with_what_may_be_done(client):
    assert accounts(client) == [
        ("CHECKING", "1000567801", "ACTIVE"),
        ("SAVINGS", "1000567819", "ACTIVE"),
    ]
    assert [one[2] for one in accounts(client, "error.user", "not_supported")] == ["AVAIL"] * 2
    assert accounts(client, "error.user", "no_data") == []


def test_a_statement_has_pay_coming_in(client, enrol):
    enrol("ada", provider="harbour_bank")

    answer = post(client, key(client, "ada", "a good password"), statement_of("1000567801"))

    (account,) = read_statements(answer.data)
    pay = [one for one in account.transactions if one.kind == "DIRECTDEP"]
    assert len(pay) == 26
    assert (str(pay[-1].posted), str(pay[-1].amount)) == ("2026-01-16", "2272.80")
    assert pay[-1].name == "LAKESIDE GOODS INC PAYROLL"
    assert account.balance == 1840 + sum(one.amount for one in account.transactions)
    assert {one.kind for one in account.transactions} == {"DIRECTDEP", "DEBIT", "POS", "XFER"}


@pytest.mark.parametrize("words", [(), ("error.user", "not_supported")])
def test_what_may_not_be_read_is_not_found(client, words):
    number = "1000567801" if words else "9"

    answer = root(post(client, key(client, *words), statement_of(number)))

    assert text_at(answer, "BANKMSGSRSV1/STMTTRNRS/STATUS/CODE") == "2003"


def test_a_slow_statement_is_ready_after_a_while(client, clock):
    signed = key(client, "goodlogin", "longcheck")

    first = post(client, signed, statement_of("1000567801"))
    clock.now += 30
    second = post(client, signed, statement_of("1000567801"))

    assert (first.status_code, first.headers["Retry-After"]) == (202, "30")
    assert second.status_code == 200


def test_papers_may_be_torn_or_vast(client, enrol):
    enrol("ada", provider="harbour_bank", papers=Papers.VAST)

    torn = post(client, key(client, "error.user", "error"), statement_of("1000567801"))
    vast = post(client, key(client, "ada", "a good password"), statement_of("1000567801"))

    with pytest.raises(Unreadable):
        read_statements(torn.data)
    assert vast.headers["Content-Length"] == "209715200"
    vast.close()


def test_anybody_may_ask_what_the_bank_can_do(client):
    answer = root(post(client, named("anonymous", "anonymous"), "<PROFMSGSRQV1/>"))

    assert [one.tag for one in answer.find(".//MSGSETLIST")] == [
        *("SIGNONMSGSET", "SIGNUPMSGSET", "BANKMSGSET", "PROFMSGSET")
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"OFXHEADER:100", 400),
        (b"<OFX/>", 400),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><OFX>&b;</OFX>', 400),
        (b"<OFX>" + b" " * 300_000 + b"</OFX>", 413),
    ],
)
def test_what_is_no_request_is_refused(client, body, status):
    assert client.post("/ofx/harbour_bank", data=body).status_code == status


@pytest.mark.parametrize("bank", ["adp", "nobody"])
def test_there_is_no_bank_of_another_name(client, bank):
    assert post(client, named(), bank=bank).status_code == 404
