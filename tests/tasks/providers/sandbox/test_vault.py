from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.providers.sandbox.seed import plant
from tasks.providers.sandbox.store import Store
from tasks.providers.sandbox.vault import Challenge, Refused, Session, Vault


def refusal(act, *given):
    with pytest.raises(Refused) as refused:
        act(*given)
    return refused.value.reason.value


def try_in(vault, username, password, *company):
    """Return why somebody is not let in, or what they get."""
    try:
        return type(vault.sign_in("adp", username, password, *company)).__name__
    except Refused as refused:
        return refused.reason.value


@pytest.mark.parametrize(
    ("username", "password", "outcome"),
    [
        ("goodlogin", "goodpassword", "Session"),
        ("goodlogin", "mfa", "Challenge"),
        ("goodlogin", "longcheck", "Session"),
        ("goodlogin", "another", "wrong_credentials"),
        ("somebody", "goodpassword", "wrong_credentials"),
        ("", "", "wrong_credentials"),
        ("error.user", "login_error", "wrong_credentials"),
        ("error.user", "mfa_error", "codes_blocked"),
        ("error.user", "account_locked", "account_locked"),
        ("error.user", "config_error", "unknown_company"),
        ("error.user", "unavailable", "out_of_service"),
        ("error.user", "unable_to_reset", "password_expired"),
        ("error.user", "no_data", "Session"),
        ("error.user", "not_supported", "Session"),
        ("error.user", "error", "Session"),
    ],
)
def test_the_documented_logins_are_accounts_in_their_states(vault, username, password, outcome):
    assert [try_in(vault, username, password) for _ in range(4)] == [outcome] * 4


def test_the_third_wrong_password_locks_for_good(vault, enrol, clock):
    enrol("ada")

    assert [try_in(vault, "ada", "wrong") for _ in range(4)] == [
        "wrong_credentials",
        "wrong_credentials",
        "account_locked",
        "account_locked",
    ]
    clock.now += 10**7
    assert try_in(vault, "ada", "a good password") == "account_locked"


def test_the_right_password_forgives_wrong_ones(vault, enrol):
    enrol("ada")
    words = ["wrong", "wrong", "a good password", "wrong", "wrong", "a good password"]

    assert [try_in(vault, "ada", word) for word in words] == [
        *("wrong_credentials", "wrong_credentials", "Session"),
        *("wrong_credentials", "wrong_credentials", "Session"),
    ]


def test_wrong_passwords_at_the_same_time_are_all_counted(vault, enrol):
    enrol("ada")
    ready = threading.Barrier(8)

    def guess(_: int) -> str:
        ready.wait()
        return try_in(vault, "ada", "wrong")

    with ThreadPoolExecutor(8) as guessers:
        found = sorted(guessers.map(guess, range(8)))

    assert found == ["account_locked"] * 6 + ["wrong_credentials"] * 2


def test_a_name_at_one_provider_is_none_at_another(vault, enrol):
    enrol("ada", provider="paywell")

    assert try_in(vault, "ada", "a good password") == "wrong_credentials"


@pytest.mark.parametrize(
    ("company", "outcome"),
    [
        ("lakeside", "Session"),
        ("", "Session"),
        ("papermill", "wrong_credentials"),
        ("moved-away", "unknown_company"),
    ],
)
def test_a_company_must_be_the_right_one_if_it_is_given(vault, company, outcome):
    assert try_in(vault, "goodlogin", "goodpassword", company) == outcome


def challenge(vault, username="goodlogin", password="mfa"):
    made = vault.sign_in("adp", username, password)
    assert isinstance(made, Challenge)
    return made.id


def test_the_right_code_lets_in_once(vault):
    asked = challenge(vault)

    assert isinstance(vault.answer("adp", asked, "12345"), Session)
    assert refusal(vault.answer, "adp", asked, "12345") == "code_expired"


def test_codes_are_made_anew_for_each_sign_in(vault, enrol):
    account = enrol("ada", code="sent")

    def code() -> str:
        challenge(vault, "ada", "a good password")
        with vault.store.transaction() as sql:
            query = "SELECT last_code FROM accounts WHERE id = ?"
            return sql.execute(query, [account]).fetchone()[0]

    codes = {code() for _ in range(5)}

    assert len(codes) > 1
    assert all(len(one) == 6 and one.isdecimal() for one in codes)


def test_the_third_wrong_code_blocks_codes(vault, enrol):
    enrol("ada", code="12345")
    asked = challenge(vault, "ada", "a good password")

    found = [refusal(vault.answer, "adp", asked, "1") for _ in range(4)]

    assert found == ["wrong_code", "wrong_code", "codes_blocked", "code_expired"]
    assert try_in(vault, "ada", "a good password") == "codes_blocked"


@pytest.mark.parametrize(
    ("provider", "asked", "later"),
    [("adp", "its", 600), ("paywell", "its", 0), ("adp", "another", 0), ("adp", "", 0)],
)
def test_a_code_is_good_for_its_own_sign_in_and_a_while(vault, clock, provider, asked, later):
    made = challenge(vault)
    clock.now += later

    asked = made if asked == "its" else asked
    assert refusal(vault.answer, provider, asked, "12345") == "code_expired"


def test_a_session_ends(vault, clock):
    session = vault.sign_in("adp", "goodlogin", "goodpassword")
    clock.now += 899

    assert vault.account("adp", session.token).person.name == "Ada Fielding"
    clock.now += 1
    assert refusal(vault.account, "adp", session.token) == "signed_out"


@pytest.mark.parametrize(("provider", "token"), [("paywell", "its"), ("adp", "x"), ("adp", "")])
def test_a_session_is_of_one_provider(vault, provider, token):
    session = vault.sign_in("adp", "goodlogin", "goodpassword")

    token = session.token if token == "its" else token
    assert refusal(vault.account, provider, token) == "signed_out"


def test_an_expired_password_can_be_reset_unless_only_the_employer_may(vault, enrol):
    enrol("ada", password_expired=True)
    enrol("bo", password_expired=True, can_reset=False)
    enrol("cy")

    vault.reset("adp", "ada")

    for username in ("bo", "cy", "nobody", "error.user"):
        assert refusal(vault.reset, "adp", username) == "reset_refused"


def test_nothing_secret_is_kept_as_it_is(vault):
    session = vault.sign_in("adp", "goodlogin", "goodpassword")

    with vault.store.transaction() as sql:
        kept = "\n".join(sql.iterdump())

    assert "goodlogin" in kept
    assert "goodpassword" not in kept
    assert session.token not in kept


def test_state_survives_the_process_in_a_file(tmp_path):
    file = str(tmp_path / "state.sqlite")
    first = Vault(Store(file), session_seconds=900, code_seconds=600)
    plant(first)
    session = first.sign_in("adp", "goodlogin", "goodpassword")
    for _ in range(2):
        assert try_in(first, "forgetful.user", "wrong") == "wrong_credentials"
    first.store.close()

    second = Vault(Store(file), session_seconds=900, code_seconds=600)
    plant(second)

    assert second.account("adp", session.token).company.id == "lakeside"
    assert try_in(second, "forgetful.user", "wrong") == "account_locked"
    second.store.close()
