from __future__ import annotations

from collections import Counter

import pytest

from tasks.matching.alignment import ListedName
from tasks.providers.watchlists.listed import Listed, ListRejected
from tasks.providers.watchlists.un import read_un
from tests.tasks.providers.watchlists.conftest import REAL, SAMPLE, real_lists

DATA = (SAMPLE / "un/consolidated.xml").read_bytes()
BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]>
<CONSOLIDATED_LIST dateGenerated="2026-03-02T00:00:01.000Z">&lol3;</CONSOLIDATED_LIST>"""


@pytest.fixture(scope="module")
def entries() -> dict[str, Listed]:
    return {entry.source_id: entry for entry in read_un(DATA)[0]}


def test_an_entry_has_what_its_element_says(entries):
    assert entries["SAi.001"] == Listed(
        source="UN SC",
        source_id="SAi.001",
        entity_type="INDIVIDUAL",
        name="IDRISSOU BAKAMBA NDELOU WAMBESI",
        aliases=(
            ListedName("Idriss Bakamba"),
            ListedName("Idrissa Mbakamba"),
            ListedName("Kaporo", weak=True),
        ),
        gender="MALE",
        dates_of_birth=("19/08/1974", "circa 1976"),
        places_of_birth=("Ndele, Sahelia",),
        citizenship=("Sahelia", "Lurania"),
        addresses=("Old Mill Road, Ndele Sur, Sahelia, as of 2018",),
        positions=("Colonel", "Deputy commander", "Quartermaster"),
        identifiers=("Passport, SH0001122, Sahelia",),
        sanction_details=("Sample SAi.001",),
        links=("https://lists.example/SAi.001",),
        list_date="30/04/2019",
        remarks=("This entry is invented. Photo at https://lists.example/SAi.001.",),
    )


def test_the_day_the_list_was_made_is_read():
    assert read_un(DATA)[1] == "2026-03-02"


def test_names_in_the_original_script_are_names(entries):
    assert ListedName("زبير حلواني القنطوري") in entries["SAi.002"].aliases


def test_spans_and_the_dates_of_aliases_are_dates_of_birth(entries):
    assert entries["SAi.002"].dates_of_birth == ("1968-1971", "05/02/1969")


def test_a_date_that_stands_in_a_note_is_read(entries):
    assert entries["SAi.003"].dates_of_birth == ("11/1973",)


def test_names_with_a_semicolon_between_them_are_several(entries):
    entry = entries["SAe.001"]

    assert entry.name == "COMPAGNIE DES CARRIERES DU NDELE (CCN)"
    assert entry.aliases == (
        ListedName("NDELE QUARRY COMPANY (NQC)"),
        ListedName("Carrières Réunies"),
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (DATA[:2000], "consolidated.xml, line 34: this is not XML"),
        (DATA.replace("é".encode(), b"\xe9"), "this is not XML"),
        (DATA.replace(b'"UTF-8"', b'"EBCDIC-9"'), "consolidated.xml"),
        (b"", "this is not XML"),
        (BOMB, "consolidated.xml: it declares a DTD or entities"),
        (b"<a/>", "this is not the UN's consolidated list"),
        (DATA.replace(b"dateGenerated", b"date"), "this is not the UN's consolidated list"),
        (b'<CONSOLIDATED_LIST dateGenerated="2026-03-02"/>', "there are no entries"),
        (DATA.replace(b"SAi.002<", b"<"), "entry 2 of INDIVIDUALS has no name or reference"),
    ],
)
def test_a_list_that_cannot_be_trusted_is_rejected(data, reason):
    with pytest.raises(ListRejected) as rejected:
        read_un(data)

    assert reason in str(rejected.value)


@real_lists
def test_the_real_list_is_read_whole():
    entries, made = read_un((REAL / "un/consolidated.xml").read_bytes())

    assert Counter(entry.entity_type for entry in entries) == {"INDIVIDUAL": 730, "ENTITY": 273}
    assert made == "2026-02-27"
