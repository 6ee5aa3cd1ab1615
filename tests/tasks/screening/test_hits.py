from __future__ import annotations

from datetime import date

import pytest

from tasks.clients.watchlist_answers import Record
from tasks.matching.alignment import ListedName
from tasks.screening.hits import judge

BORN = date(1961, 5, 14)


def record(name: str, *, aliases: tuple[ListedName, ...] = (), born: str = "") -> Record:
    return Record(
        id="SDN-1",
        source_type="SANCTION",
        source="OFAC SDN",
        source_id="us_ofac_sdn",
        entity_type="INDIVIDUAL",
        name=name,
        aliases=aliases,
        dates_of_birth=(born,) if born else (),
        details={"citizenship": ["RU"]},
    )


def decision(name: str, listed: Record, born: date | None = None) -> str | None:
    hit = judge(name, born, listed)
    return hit and hit["decision"]


def test_the_same_name_is_a_match_where_no_date_of_birth_is_known():
    assert decision("Ivan Petrov", record("PETROV, Ivan")) == "match"
    assert decision("Ivan Petrov", record("Ivan Petrov", born="14/05/1961")) == "match"
    assert decision("Ivan Petrov", record("Ivan Petrov"), BORN) == "match"


@pytest.mark.parametrize("born", ["14/05/1961", "05/1961", "1961", "circa 1963", "1959-1962"])
def test_a_name_that_is_only_alike_is_a_match_with_a_date_of_birth_that_agrees(born):
    assert decision("Iwan Petrow", record("Ivan Petrov", born=born), BORN) == "match"


@pytest.mark.parametrize("born", ["", "no date", "14/05/1962", "31/02/1970"])
def test_a_name_that_is_only_alike_is_possible_without_one(born):
    assert decision("Iwan Petrow", record("Ivan Petrov", born=born), BORN) == "possible"


def test_a_name_with_a_word_more_is_possible_even_with_the_date_of_birth():
    listed = record("Ivan Petrov Sidorov", born="14/05/1961")

    hit = judge("Ivan Petrov", BORN, listed)

    assert (hit["score"], hit["dateOfBirth"], hit["decision"]) == (0.8, "agrees", "possible")


def test_a_name_but_for_one_word_is_possible_and_says_which_word():
    hit = judge("Talvik, Ali", None, record("Ali Talvik KHALMANDARI"))

    assert (hit["score"], hit["decision"]) == (0.784, "possible")
    assert hit["alignment"] == {
        "score": 0.784,
        "pairs": [
            {"asked": "ali", "listed": "ali", "similarity": 1.0, "weight": 0.525},
            {"asked": "talvik", "listed": "talvik", "similarity": 1.0, "weight": 1.05},
        ],
        "askedOnly": [],
        "listedOnly": ["khalmandari"],
    }


@pytest.mark.parametrize("born", ["15/06/1970", "1970", "circa 1970", "1930-1940", "06/1962"])
def test_another_date_of_birth_discounts_even_the_same_name(born):
    assert decision("Ivan Petrov", record("Ivan Petrov", born=born), BORN) == "discounted"


def test_one_of_several_dates_of_birth_that_agrees_is_enough():
    listed = Record(
        id="1",
        source_type="SANCTION",
        source="OFAC SDN",
        source_id="s",
        entity_type="INDIVIDUAL",
        name="Ivan Petrov",
        dates_of_birth=("01/01/1920", "14/05/1961"),
    )

    assert decision("Ivan Petrov", listed, BORN) == "match"


def test_names_that_are_not_alike_are_no_hit():
    assert judge("Ivan Petrov", BORN, record("Maria Silva", born="14/05/1961")) is None
    assert judge("Ivan Petrov", BORN, record("!!", born="14/05/1961")) is None


def test_a_strong_alias_counts_as_the_name_does():
    listed = record("Maria Silva", aliases=(ListedName("Ivan Petrov"),))

    hit = judge("Ivan Petrov", None, listed)

    assert (hit["name"], hit["matchedName"]) == ("Maria Silva", "Ivan Petrov")
    assert (hit["score"], hit["weakAlias"], hit["decision"]) == (1.0, False, "match")


@pytest.mark.parametrize("born", ["", "14/05/1961"])
def test_a_weak_alias_is_never_more_than_possible(born):
    listed = record(
        "Maria Silva", aliases=(ListedName("Ottokar Zweifelhof", weak=True),), born=born
    )

    hit = judge("Ottokar Zweifelhof", BORN, listed)

    assert (hit["score"], hit["weakAlias"], hit["decision"]) == (0.9, True, "possible")


def test_a_weak_alias_does_not_hide_the_name_itself():
    listed = record("Ivan Petrov", aliases=(ListedName("Ivan Petrov", weak=True),))

    hit = judge("Ivan Petrov", None, listed)

    assert (hit["weakAlias"], hit["decision"]) == (False, "match")


def test_a_hit_explains_itself():
    hit = judge("Ivan Petrov", BORN, record("Ivan Petrof", born="14/05/1961"))

    assert hit == {
        "recordId": "SDN-1",
        "sourceType": "SANCTION",
        "source": "OFAC SDN",
        "sourceId": "us_ofac_sdn",
        "entityType": "INDIVIDUAL",
        "name": "Ivan Petrof",
        "matchedName": "Ivan Petrof",
        "weakAlias": False,
        "score": 0.896,
        "alignment": hit["alignment"],
        "datesOfBirth": ["14/05/1961"],
        "dateOfBirth": "agrees",
        "decision": "possible",
        "details": {"citizenship": ["RU"]},
    }
    pairs = [(pair["asked"], pair["listed"]) for pair in hit["alignment"]["pairs"]]
    assert pairs == [("ivan", "ivan"), ("petrov", "petrof")]
