from __future__ import annotations

from collections import Counter

import pytest

from tasks.matching.alignment import ListedName
from tasks.providers.watchlists.listed import Listed, ListRejected
from tasks.providers.watchlists.ofac import first_name_first, read_ofac
from tests.tasks.providers.watchlists.conftest import REAL, SAMPLE, ofac_files, real_lists


@pytest.fixture(scope="module")
def entries() -> dict[str, Listed]:
    return {entry.source_id: entry for entry in read_ofac(ofac_files(SAMPLE))}


def rejection(**changes: bytes | None) -> str:
    """Read the sample with some files changed or left out; return why it was rejected."""
    files = ofac_files(SAMPLE)
    for name, data in changes.items():
        files[f"{name}.csv"] = data
    with pytest.raises(ListRejected) as rejected:
        read_ofac({name: data for name, data in files.items() if data is not None})
    return str(rejected.value)


def test_an_entry_has_what_all_four_files_say(entries):
    assert entries["900001"] == Listed(
        source="OFAC SDN",
        source_id="900001",
        entity_type="INDIVIDUAL",
        name="Borislav Emilovich VASKERSKY",
        aliases=(
            ListedName("Boryslav VASKERSKIY"),
            ListedName("Borislaw WASKERSKI"),
            ListedName("BORYA THE BANKER", weak=True),
            ListedName("UMBRAL", weak=True),
        ),
        gender="MALE",
        dates_of_birth=("14/09/1963", "1964"),
        places_of_birth=("Tarnograd, Lurania",),
        citizenship=("Lurania", "Ostria"),
        addresses=("14 Harbour Row, Tarnograd 10110, Lurania", "Ostria"),
        positions=("Director General",),
        identifiers=("Passport LU1020304 (Lurania)",),
        sanction_details=("SAMPLE", "SAMPLE-2"),
        links=("https://sanctionssearch.ofac.treas.gov/Details.aspx?id=900001",),
        remarks=(
            "Secondary sanctions risk: this entry is invented",
            "Linked To: NORDHAVEN LIQUID METALS LTD",
        ),
    )


def test_the_header_and_aliases_of_nobody_are_passed_over(entries):
    assert len(entries) == 12


def test_types_are_told_apart(entries):
    assert Counter(entry.entity_type for entry in entries.values()) == {
        "INDIVIDUAL": 6,
        "ENTITY": 4,
        "VESSEL": 1,
        "AIRCRAFT": 1,
    }


@pytest.mark.parametrize(
    ("number", "dates"),
    [
        ("900002", ("circa 1958",)),
        ("900003", ("1970-1973",)),
        ("900004", ("06/1979",)),
        ("900005", ("05/11/1981", "11/05/1981")),
        ("900007", ()),
    ],
)
def test_dates_of_birth_are_read_as_vaguely_as_they_are_written(entries, number, dates):
    assert entries[number].dates_of_birth == dates


def test_what_overflows_continues_the_remark(entries):
    entry = entries["900006"]

    assert entry.aliases == (ListedName("THE QUARRYMAN", weak=True),)
    assert "Website https://quarry.example/register" in entry.remarks
    assert entry.links[1] == "https://quarry.example/register"


def test_what_overflows_and_is_in_the_remark_too_is_read_once():
    files = ofac_files(SAMPLE)
    files["sdn_comments.csv"] = b"ent_num,remarks\r\n900002,\"a.k.a. 'ABU TAZIR'.\"\r\n\x1a"

    entry = next(entry for entry in read_ofac(files) if entry.source_id == "900002")

    assert entry.aliases[-1] == ListedName("ABU TAZIR", weak=True)
    assert len(entry.aliases) == 2


def test_a_ship_says_what_it_is(entries):
    entry = entries["900009"]

    assert entry.name == "GOLDEN HERON IV"
    assert entry.remarks[:3] == ("Call sign X9QZ", "Vessel type Crude Oil Tanker", "Tonnage 88,120")
    assert entry.identifiers == (
        "Vessel Registration Identification IMO 9999991",
        "MMSI 999000111",
    )


@pytest.mark.parametrize(
    ("listed", "ordered"),
    [
        ("VASKERSKY, Borislav", "Borislav VASKERSKY"),
        ("MONTEVARDO QUILISPE, Renzo, Jr.", "Renzo Jr. MONTEVARDO QUILISPE"),
        ("ABU TAZIR", "ABU TAZIR"),
    ],
)
def test_the_names_of_people_begin_with_the_first_name(listed, ordered):
    assert first_name_first(listed) == ordered


def test_a_missing_file_is_named():
    assert rejection(alt=None) == "alt.csv: the file is missing"


def test_a_list_without_entries_is_rejected():
    assert rejection(sdn=b"ent_num\x1a") == "sdn.csv, line 1: a row has 1 fields instead of 12"
    header = (SAMPLE / "ofac/sdn.csv").read_bytes().partition(b"\n")[0] + b"\n\x1a"
    assert rejection(sdn=header) == "sdn.csv: there are no entries"


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        (700, "sdn.csv, line 4: the file ends in the middle of a row"),
        (-1, "sdn.csv: the end is missing that the other files have"),
    ],
)
def test_a_file_that_is_cut_off_is_rejected(length, reason):
    assert rejection(sdn=(SAMPLE / "ofac/sdn.csv").read_bytes()[:length]) == reason


def test_a_file_that_is_cut_off_behind_a_row_is_rejected():
    lines = (SAMPLE / "ofac/sdn.csv").read_bytes().splitlines(keepends=True)

    reason = rejection(sdn=b"".join(lines[:-2]))

    assert reason == "sdn.csv: the end is missing that the other files have"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b'900001,1,"aka","SECRET"\r\n', "alt.csv, line 1: a row has 4 fields instead of 5"),
        (b'900001,1,"aka","SECRET"x,-0- \r\n', "alt.csv, line 1: a row cannot be read"),
        (b'900001,1,"aka","SECRET,-0- \r\n', "alt.csv, line 1: a row cannot be read"),
        (b'1,2,"aka","A",-0- \r\n"SECRET",1,2,3,4\r\n', "alt.csv, line 2: a row does not begin"),
    ],
)
def test_a_ragged_row_is_named_by_its_line_and_not_quoted(row, reason):
    said = rejection(alt=row + b"\x1a")

    assert said.startswith(reason)
    assert "SECRET" not in said


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_rejected(encoding):
    text = '900001,1,"aka","A",-0- \r\n900001,2,"aka","MÜLLER",-0- \r\n'

    assert "this is not UTF-8" in rejection(alt=text.encode(encoding))


@real_lists
def test_the_real_list_is_read_whole():
    entries = read_ofac(ofac_files(REAL))

    assert len(entries) == 15_402
    assert sum(entry.entity_type == "INDIVIDUAL" for entry in entries) == 6915
    assert sum(len(entry.aliases) for entry in entries) > 22_000
