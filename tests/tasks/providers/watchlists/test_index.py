from __future__ import annotations

import pytest

from tasks.matching.alignment import CUT, best
from tasks.providers.watchlists.index import Index
from tasks.providers.watchlists.listed import Listed
from tasks.providers.watchlists.ofac import read_ofac
from tasks.providers.watchlists.un import read_un
from tests.tasks.providers.watchlists.conftest import REAL, SAMPLE, ofac_files, real_lists


@pytest.fixture(scope="module")
def index() -> Index:
    ofac = read_ofac(ofac_files(SAMPLE))
    return Index([*ofac, *read_un((SAMPLE / "un/consolidated.xml").read_bytes())[0]])


def found(index: Index, name: str, cut: float = CUT) -> list[str]:
    return [hit.entry.source_id for hit in index.search(name, cut)]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("Borislav Emilovich Vaskersky", "900001"),
        ("Vaskersky, Borislav", "900001"),
        ("Borislav Vaskreski", "900001"),
        ("Борислав Васкерский", "900001"),
        ("Borya the Banker", "900001"),
        ("زبير حلواني القنطوري", "SAi.002"),
        ("Zubair Halwani Alqanturi", "SAi.002"),
        ("Nordhaven Liquid Metals GmbH", "900007"),
        ("Golden Heron 4", "900009"),
        ("Carrieres Reunies", "SAe.001"),
        ("Mila Thein Zaw Latt", "900004"),
        ("Yazin Faruq", "900002"),
        ("Al-Sindari Foundation", "900012"),
        ("Ruqayyah Foundation", "900012"),
        ("Dragovan", "900006"),
    ],
)
def test_an_entry_is_found_by_any_of_its_names(index, name, number):
    assert found(index, name) == [number]


@pytest.mark.parametrize("name", ["Borislav Petrov", "Emil Banker", "Trading Limited", "Al", "?"])
def test_others_are_not(index, name):
    assert found(index, name) == []


def test_an_exact_search_finds_the_same_words_only(index):
    exact = [hit.entry.source_id for hit in index.search_exactly("UMBRAL")]

    assert exact == ["900001"]
    assert index.search_exactly("Vaskerskiy, Boryslav")[0].alignment.score == 1.0
    assert index.search_exactly("Boryslav Vaskerski") == []
    assert index.search_exactly("") == []


def test_an_entry_is_found_once_by_its_best_name(index):
    (hit,) = index.search("Borislaw Waskerski", CUT)

    assert hit.alignment.score == 1.0


def test_a_lower_cut_finds_more(index):
    assert found(index, "Idris Wambesi", 0.65) == ["SAi.001"]
    assert found(index, "Idris Wambesi") == []


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        # A slip changes what a short word sounds like: "kuri", "huri".
        ("Attiyah Kuhry", "KHURY, Attiyah"),
        ("Sehikh Fiyyaz", "FIYYAZ, Sheikh"),
        # One word too many weighs as much as what is left.
        ("Talvik J Nordhavenovich", "TALVIK, J"),
    ],
)
def test_a_name_is_looked_at_though_little_of_it_sounds_alike(name, listed):
    entry = Listed(source="s", source_id="1", entity_type="INDIVIDUAL", name=listed)

    assert found(Index([entry]), name) == ["1"]


@real_lists
def test_the_index_leaves_nothing_out_that_a_full_scan_finds():
    entries = read_ofac(ofac_files(REAL))[::3]
    index = Index(entries)

    names = ["Mohammad Ali", "Yusuf Abd al Rahman", "Abdulaziz Alsaud", "Trading Bank Limited"]
    for name in [
        *names,
        "Ali Reza",
        "Seyed Mohammad",
        "Shipping Trading",
        "Luna Al",
        "Oil LLC",
        "Haqqani",
    ]:
        scanned = {
            entry.key
            for entry in entries
            if (fitting := best(name, entry.names())) and fitting[1].score >= CUT
        }
        assert {hit.entry.key for hit in index.search(name, CUT)} == scanned
