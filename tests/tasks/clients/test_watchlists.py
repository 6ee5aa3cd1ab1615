from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

import pytest

from tasks.clients import watchlists
from tasks.clients.watchlists import Dilisense, ProviderFailed, Subject, decode
from tests.providers import (
    InTurn,
    dribbles,
    dribbles_a_body,
    fails,
    floods,
    found,
    hangs,
    hangs_up,
    is_listed,
    listed,
    says,
)

ADA = Subject(id="s", name="Ada Lovelace", is_person=True, date_of_birth=date(1815, 12, 10))
UNREADABLE = "the provider's answer cannot be read"


@pytest.fixture
def ask(provider):
    """Ask the provider of this test about a subject."""

    def ask(subject: Subject = ADA, *, try_seconds: float = 1, key: str = "k1") -> Any:
        async def check() -> Any:
            client = Dilisense(provider.url, key, try_seconds=try_seconds, connections=2)
            async with client:
                return await client.check(subject)

        return asyncio.run(check())

    return ask


@pytest.fixture
def refused(ask, monkeypatch):
    """The failure that asking ends with."""
    monkeypatch.setattr(watchlists, "PAUSE_SECONDS", 0.01)

    def refused(**given: Any) -> ProviderFailed:
        with pytest.raises(ProviderFailed) as failed:
            ask(**given)
        return failed.value

    return refused


def test_people_are_asked_for_as_people_and_with_the_key(ask, provider):
    provider.otherwise = is_listed

    answer = ask(key="our key")

    assert provider.paths == ["/v1/checkIndividual"]
    assert provider.parameters == [{"names": ["Ada Lovelace"], "fuzzy_search": ["1"]}]
    assert provider.headers[0]["x-api-key"] == "our key"
    assert [record.name for record in answer.records] == ["Ada Lovelace"]


def test_others_are_asked_for_as_entities(ask, provider):
    name = "Müller & Söhne + 100 % = ?#/株式会社"

    answer = ask(Subject(id="s", name=name, is_person=False, date_of_birth=None))

    assert provider.paths == ["/v1/checkEntity"]
    assert provider.asked == {name: 1}
    assert answer.records == ()
    assert answer.sources == ({"name": "127.0.0.1"},)


def test_somebody_of_no_known_kind_is_asked_for_among_all(ask, provider):
    provider.otherwise = is_listed

    ask(Subject(id="s", name="Acme", is_person=None, date_of_birth=None))

    assert provider.paths == ["/v1/checkIndividual"]
    assert provider.parameters == [{"search_all": ["Acme"], "fuzzy_search": ["1"]}]


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


@pytest.mark.parametrize("first", [fails(429), fails(500), fails(503), hangs, hangs_up, dribbles])
def test_a_provider_that_may_do_better_is_asked_again(first, ask, provider):
    provider.otherwise = InTurn(first, is_listed)

    answer = ask()

    assert len(answer.records) == 1
    assert provider.asked["Ada Lovelace"] == 2


@pytest.mark.parametrize(
    ("does", "status", "text"),
    [
        (fails(429), "error", "the provider answered 429"),
        (fails(500), "error", "the provider answered 500"),
        (hangs_up, "error", "the provider could not be reached"),
        (hangs, "timeout", "the provider did not answer in time"),
        (dribbles, "timeout", "the provider did not answer in time"),
        (dribbles_a_body, "timeout", "the provider did not answer in time"),
    ],
)
def test_a_provider_is_asked_three_times_at_the_most(does, status, text, refused, provider):
    provider.otherwise = does

    failed = refused(try_seconds=0.4 if status == "timeout" else 5)

    assert (failed.status, str(failed), failed.retriable) == (status, text, True)
    assert provider.asked["Ada Lovelace"] == 3


@pytest.mark.parametrize(
    ("does", "text"),
    [
        (fails(400), "the provider answered 400"),
        (fails(401), "the provider refused our key"),
        (fails(403), "the provider refused our key"),
        (fails(404), "the provider answered 404"),
        (fails(302, Location="/elsewhere"), "the provider answered 302"),
        (says(b"<html>a login page</html>"), UNREADABLE),
        (floods, "the provider's answer is too large"),
    ],
)
def test_a_provider_that_will_do_no_better_is_asked_once(does, text, refused, provider):
    provider.otherwise = does

    failed = refused(try_seconds=5)

    assert (failed.status, str(failed), failed.retriable) == ("error", text, False)
    assert provider.asked["Ada Lovelace"] == 1


def test_a_provider_that_is_not_there_could_not_be_reached(refused, provider):
    provider.stop()

    failed = refused()
    provider.start()

    assert (failed.status, failed.retriable) == ("error", True)
    assert str(failed) == "the provider could not be reached"


def test_a_provider_is_left_alone_for_as_long_as_it_asks(ask, provider, monkeypatch):
    provider.otherwise = InTurn(
        fails(429, Retry_After="7"), fails(503, Retry_After="soon"), found()
    )
    pauses = []
    real = asyncio.BaseEventLoop.time

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(watchlists.asyncio, "sleep", sleep)
    monkeypatch.setattr(asyncio.BaseEventLoop, "time", lambda loop: real(loop) + sum(pauses))

    ask(try_seconds=8)

    first, rest, second = pauses
    assert (first, second) == (0.2, 0.4)
    assert 6 < rest < 7
    assert provider.asked["Ada Lovelace"] == 3


@pytest.mark.parametrize("after", ["1", "3600", "9" * 400])
def test_a_provider_that_wants_to_be_left_alone_for_long_is(after, refused, provider):
    provider.otherwise = fails(429, Retry_After=after)

    failed = refused(try_seconds=0.9)

    assert (failed.status, str(failed)) == ("error", "the provider answered 429")
    assert failed.retriable
    assert provider.asked["Ada Lovelace"] == 1


def test_whoever_else_is_to_be_asked_about_waits_as_well(provider):
    provider.otherwise = fails(429, Retry_After="3600")
    bob = Subject(id="b", name="Bob", is_person=True, date_of_birth=None)

    async def check() -> list[ProviderFailed]:
        client = Dilisense(provider.url, "k1", try_seconds=9, connections=2)
        async with client:
            return await asyncio.gather(client.check(ADA), return_exceptions=True) + (
                await asyncio.gather(client.check(bob), return_exceptions=True)
            )

    ada, other = asyncio.run(check())

    assert (str(other), other.retriable) == (str(ada), True) == ("the provider answered 429", True)
    assert 290 < other.after <= ada.after <= 300
    assert provider.asked == {"Ada Lovelace": 1}


def read(given: Any) -> watchlists.Answer:
    return decode(json.dumps(given).encode(), "provider.example")


def read_one(**given: Any) -> watchlists.Record:
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


@pytest.mark.parametrize("given", [{}, {"error": "quota exceeded"}, {"total_hits": 3}])
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
