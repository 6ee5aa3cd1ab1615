from __future__ import annotations

import pytest

from tasks.records.member_fields import Checker, is_birth_date, is_email, is_phone
from tasks.records.member_rows import RowRejected, from_object
from tests.tasks.records.shown import named


@pytest.mark.parametrize(
    "value",
    [
        "ada@example.org",
        "ada.lovelace+votes@mail.example.co.uk",
        "o'brien@example.ie",
        "a@b.co",
        "ADA@EXAMPLE.ORG",
        "ada@exämple.org",
        "jos\u00e9@example.org",
        "x" * 64 + "@example.org",
        "ada@sub-domain.example.org",
        "1@example.org",
    ],
)
def test_this_is_an_e_mail_address(value):
    assert is_email(value)


@pytest.mark.parametrize(
    "value",
    [
        "no-address",
        "ada@",
        "@example.org",
        "ada@localhost",
        "ada@@example.org",
        "ada@example..org",
        "ada@.example.org",
        "ada@example.org.",
        "ada@-example.org",
        "ada example@example.org",
        "ada@exa mple.org",
        "ada@example.org, bob@example.org",
        "ada..l@example.org",
        ".ada@example.org",
        "ada.@example.org",
        "ada@" + "x" * 64 + ".org",
        "ada@" + "x." * 130 + "org",
        "ada@example.org\n",
        "\u200bada@example.org",
        "ada@[127.0.0.1]",
        "Ada <ada@example.org>",
        "ada@exam_ple.org",
        "n/a",
    ],
)
def test_this_is_no_e_mail_address(value):
    assert not is_email(value)


@pytest.mark.parametrize(
    ("value", "country"),
    [
        ("+1 202 555 0123", None),
        ("+12025550123", "ES"),
        ("+34 612 345 678", None),
        ("612 345 678", "ES"),
        ("(202) 555-0123", "US"),
        ("202.555.0123", "US"),
        ("030/123456", "DE"),
        ("+44 (0)20 7946 0018", None),
    ],
)
def test_this_is_a_phone_number(value, country):
    assert is_phone(value, country)


@pytest.mark.parametrize(
    ("value", "country"),
    [
        ("202 555 0123", None),
        ("555", "US"),
        ("+1 202 555", None),
        ("+1 202 555 0123 999", None),
        ("+999 12345678", None),
        ("call me", "US"),
        ("2025550123x", "US"),
        ("++12025550123", None),
        ("+", None),
        ("\u0662\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0662\u0663", "US"),
        ("+1 202 555 0123\n", None),
        ("1" * 400, "US"),
        ("202 555 0123", "ZZ"),
    ],
)
def test_this_is_no_phone_number(value, country):
    assert not is_phone(value, country)


@pytest.mark.parametrize("value", ["1990-01-31", "2000-02-29", "1900-12-01", "0001-01-01"])
def test_this_is_a_birth_date(value):
    assert is_birth_date(value)


@pytest.mark.parametrize(
    "value",
    [
        "31/01/1990",
        "1990-1-31",
        "1990-02-30",
        "1900-02-29",
        "1990-13-01",
        "1990-00-10",
        "0000-01-01",
        "19900131",
        "1990-W01-1",
        "1990-01-31T00:00",
        " 1990-01-31",
        "9999-12-31",
        "\u0661990-01-31",
        "1990-01-31\n",
        "yesterday",
    ],
)
def test_this_is_no_birth_date(value):
    assert not is_birth_date(value)


@pytest.fixture
def checker():
    """What checks members of an organization in Spain."""
    return Checker(country="ES", hash_password=lambda password: f"hash of {len(password)}")


def checked(checker, **fields) -> tuple[dict[str, str], list[str]]:
    member, errors = checker.check(from_object(fields))
    return named(member), errors


def test_a_good_member_is_stored_as_given_with_a_weight_of_one(checker):
    given = {
        "memberNumber": "7",
        "name": "Ada",
        "surname": "Lovelace",
        "nationalId": "X-1",
        "birthDate": "1990-01-31",
        "email": "ada@example.org",
        "phone": "612 345 678",
    }

    assert checked(checker, **given) == ({**given, "weight": "1"}, [])


def test_bad_fields_are_blanked_and_named_in_the_documented_order(checker):
    member, errors = checked(checker, birthDate="soon", phone="none", email="nowhere", name="Ada")

    assert member == {"name": "Ada", "weight": "1"}
    assert errors == ["invalid-email", "invalid-phone", "invalid-birthdate"]


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("email", "invalid-email"),
        ("phone", "invalid-phone"),
        ("birthDate", "invalid-birthdate"),
    ],
)
def test_one_bad_field_is_one_error(checker, field, word):
    assert checked(checker, **{field: "!"}) == ({"weight": "1"}, [word])


def test_empty_fields_are_no_errors(checker):
    assert checked(checker, email="", phone="", birthDate="", password="") == ({"weight": "1"}, [])


def test_a_password_is_kept_as_its_hash(checker):
    assert checked(checker, password="secret") == (
        {"password": "hash of 6", "weight": "1"},
        [],
    )


@pytest.mark.parametrize("weight", ["0", "1", "007", "9" * 78])
def test_a_whole_number_is_a_weight(checker, weight):
    assert checked(checker, weight=weight) == ({"weight": weight}, [])


@pytest.mark.parametrize(
    "weight", ["-1", "1.5", "1e3", "one", " 1", "1 ", "+1", "²", "\u0661", "9" * 79, "0x1"]
)
def test_anything_else_as_a_weight_rejects_the_row(checker, weight):
    with pytest.raises(RowRejected, match=r"^invalid-weight$"):
        checked(checker, weight=weight)


def test_a_negative_number_as_a_weight_rejects_the_row(checker):
    with pytest.raises(RowRejected, match=r"^invalid-weight$"):
        checked(checker, weight=-1)


def test_a_member_number_that_no_index_can_hold_rejects_the_row(checker):
    assert checked(checker, memberNumber="é" * 255)[1] == []
    with pytest.raises(RowRejected, match=r"^invalid-membernumber$"):
        checked(checker, memberNumber="1" * 256)
