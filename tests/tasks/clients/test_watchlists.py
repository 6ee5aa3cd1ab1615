from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from tasks.clients import watchlists
from tasks.clients.watchlist_answers import ProviderFailed
from tasks.clients.watchlists import Dilisense, Subject
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
