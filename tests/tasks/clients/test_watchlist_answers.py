from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.clients.watchlist_answers import Answer, ProviderFailed, Record, decode
from tests.providers import listed

UNREADABLE = "the provider's answer cannot be read"


@pytest.mark.parametrize(
    "given",
    [
        {"total_hits": 3, "found_records": [{"name": "Ada"}]},
        {"total_hits": 1, "found_records": None},
    ],
)
def test_an_answer_that_was_cut_off_clears_nobody(given):
    with pytest.raises(ProviderFailed, match="cannot be read"):
        decode(json.dumps(given).encode(), "host")


@pytest.mark.parametrize(
    "given",
    [
        [{"name": "Ada"}] * 5001,
        [{"name": "Ada", "alias_names": ["A"] * 5000}],
        [{"name": "Ada " * 100}] * 501,
    ],
)
def test_an_answer_with_too_much_to_compare_is_refused_before_it_is_compared(given):
    with pytest.raises(ProviderFailed, match="too large"):
        decode(json.dumps({"total_hits": 1, "found_records": given}).encode(), "host")


def read(given: Any) -> Answer:
    return decode(json.dumps(given).encode(), "provider.example")


def read_one(**given: Any) -> Record:
    (record,) = read({"total_hits": 1, "found_records": [given]}).records
    return record


def test_a_record_is_read_as_the_format_says():
    record = read_one(
        id="EU-1",
        source_type="Sanction",
        source_id="eu_fsf",
        entity_type="individual",
        name="Ivan Petrov",
        alias_names=["Vanya Petroff"],
        weak_alias_names=["The Bear"],
        date_of_birth=["14/05/1961", "1962"],
        citizenship=["RU"],
        sanction_details=["Frozen since 2022"],
        address=["Moscow"],
        links=["https://example.org"],
        positions=["ignored"],
    )

    assert (record.id, record.source_type, record.source_id) == ("EU-1", "SANCTION", "eu_fsf")
    assert (record.entity_type, record.name) == ("INDIVIDUAL", "Ivan Petrov")
    assert [tuple(alias) for alias in record.aliases] == [
        ("Vanya Petroff", False),
        ("The Bear", True),
    ]
    assert record.dates_of_birth == ("14/05/1961", "1962")
    assert record.details == {
        "citizenship": ["RU"],
        "sanctionDetails": ["Frozen since 2022"],
        "addresses": ["Moscow"],
        "links": ["https://example.org"],
    }


def test_a_record_needs_nothing_but_a_name():
    record = read_one(name="Ivan Petrov")

    assert (record.id, record.source_type, record.source_id) == ("", "OTHER", "")
    assert (record.aliases, record.dates_of_birth, record.details) == ((), (), {})


def test_fields_that_are_null_or_no_list_are_read_as_well_as_can_be():
    record = read_one(
        name=7, id=12, alias_names="Vanya", date_of_birth=None, citizenship=[None, "", "RU"]
    )

    assert (record.id, record.name, record.dates_of_birth) == ("12", "7", ())
    assert [alias.name for alias in record.aliases] == ["Vanya"]
    assert record.details == {"citizenship": ["RU"]}


def test_what_postgresql_does_not_take_is_not_kept():
    record = read_one(name="Iv\x00an \ud800Petrov\udfff", id="\x00", citizenship=["\x00", "R\nU"])

    assert (record.name, record.id) == ("Iv an  Petrov", "")
    assert record.details == {"citizenship": ["R U"]}


def test_texts_and_details_are_kept_up_to_a_length():
    record = read_one(name="x" * 600, links=[f"https://example.org/{n}" for n in range(30)])

    assert len(record.name) == 500
    assert len(record.details["links"]) == 20


def test_an_answer_may_leave_out_its_records_where_there_are_none():
    assert read({"timestamp": "now", "total_hits": 0}).records == ()
    assert read({"total_hits": 0, "found_records": None}).records == ()
    assert read({"found_records": []}).records == ()


def test_an_answer_may_name_its_lists():
    answer = read({"total_hits": 0, "lists": [{"name": "SDN", "entries": 9, "checked": None}]})

    assert answer.sources == ({"name": "SDN", "entries": 9},)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff\xfe\xfa", b"<html></html>", b"null", b"[]", b'"none"', b"7"),
        *(b'{"total_hits": 0', b"[" * 100_000, b'{"total_hits": ' + b"9" * 5000 + b"}"),
    ],
)
def test_what_is_no_json_object_cannot_be_read(body):
    with pytest.raises(ProviderFailed, match=UNREADABLE):
        decode(body, "provider.example")


@pytest.mark.parametrize(
    "records",
    [
        *({"name": "Ivan"}, "Ivan", 7, ["Ivan"], [None], [[]], [{}], [{"id": "1"}]),
        *([{"name": None}], [{"name": "\x00"}], [{"name": "Ivan", "alias_names": 7}]),
    ],
)
def test_one_record_that_cannot_be_read_spoils_the_answer(records):
    with pytest.raises(ProviderFailed, match=UNREADABLE):
        read({"total_hits": 1, "found_records": records})


@pytest.mark.parametrize(
    "given",
    [
        *({}, {"error": "quota exceeded"}, {"total_hits": 3}, {"total_hits": -1}),
        *({"total_hits": None}, {"total_hits": "0"}, {"total_hits": float("nan")}),
        *({"found_records": {}}, {"found_records": ""}, {"found_records": None}),
    ],
)
def test_an_answer_that_does_not_say_that_it_found_nobody_clears_nobody(given):
    with pytest.raises(ProviderFailed, match=UNREADABLE):
        read(given)


@pytest.mark.parametrize("lists", [[{}], [{"entries": 9}], [{"name": ""}], ["SDN"], 7])
def test_lists_without_a_name_cannot_be_read(lists):
    with pytest.raises(ProviderFailed, match=UNREADABLE):
        read({"total_hits": 0, "lists": lists})


def test_an_answer_with_more_names_than_can_be_compared_is_too_large():
    many = [listed("Ivan Petrov", alias_names=["Vanya"] * 1000) for _ in range(10)]

    with pytest.raises(ProviderFailed, match="too large"):
        read({"total_hits": 10, "found_records": many})
