from __future__ import annotations

import os
import shutil
import threading

import pytest

from tasks.matching.alignment import CUT
from tasks.providers.watchlists.listed import ListRejected
from tasks.providers.watchlists.shelf import Shelf
from tests.conftest import wait_until
from tests.tasks.providers.watchlists.test_un import BOMB


def change(path, data: bytes) -> None:
    """Write a file so that it is newer than before, however coarse the clock is."""
    before = path.stat().st_mtime_ns
    path.write_bytes(data)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def look_twice(shelf: Shelf) -> None:
    shelf.poll()
    shelf.poll()


def in_use(shelf: Shelf) -> dict[str, int]:
    return {version.name: version.entries for version in shelf.versions}


def refusal(shelf: Shelf, name: str = "OFAC SDN") -> str | None:
    listed = next(one for one in shelf.as_json() if one["name"] == name)
    return listed["refused"] and listed["refused"]["reason"]


def test_both_lists_are_in_use(shelf):
    assert in_use(shelf) == {"OFAC SDN": 12, "UN SC": 4}
    assert [version.as_of for version in shelf.versions][1] == "2026-03-02"
    assert {len(version.version) for version in shelf.versions} == {64}


@pytest.mark.parametrize(("missing", "left"), [("un", "OFAC SDN"), ("ofac", "UN SC")])
def test_one_list_is_enough(folder, missing, left):
    shutil.rmtree(folder / missing)

    shelf = Shelf(folder)

    assert list(in_use(shelf)) == [left]
    (absent,) = [one for one in shelf.as_json() if one["name"] != left]
    assert (absent["in_use_since"], absent["refused"]) == (None, None)


def test_no_list_is_not(tmp_path):
    with pytest.raises(ListRejected, match="neither ofac/ nor un/ holds a list"):
        Shelf(tmp_path)


def test_a_bad_list_is_not_begun_with(folder):
    (folder / "un/consolidated.xml").write_bytes(BOMB)

    with pytest.raises(ListRejected, match="declares a DTD"):
        Shelf(folder)


def test_a_newer_list_takes_the_place_of_the_older_one(folder, shelf):
    before = shelf.versions
    path = folder / "ofac/sdn.csv"
    change(path, path.read_bytes().replace(b"DRAGOVAN", b"DRAGOMIR"))

    look_twice(shelf)

    after = shelf.versions
    assert after[0].version != before[0].version
    assert after[1] is before[1]
    assert after[0].people.search("Milenko Dragomir", CUT)
    assert refusal(shelf) is None


def test_a_file_is_read_when_it_has_stood_still_for_a_look(folder, shelf):
    path = folder / "ofac/sdn.csv"
    whole = path.read_bytes().replace(b"DRAGOVAN", b"DRAGOMIR")
    change(path, whole[:500])
    shelf.poll()
    change(path, whole)
    shelf.poll()

    assert refusal(shelf) is None
    assert not shelf.versions[0].people.search("Milenko Dragomir", CUT)

    shelf.poll()

    assert shelf.versions[0].people.search("Milenko Dragomir", CUT)


@pytest.mark.parametrize(
    ("file", "spoil", "reason"),
    [
        ("ofac/sdn.csv", lambda data: data[:500], "ends in the middle of a row"),
        ("ofac/sdn.csv", lambda data: data.rpartition(b"90000")[0], "the end is missing"),
        ("ofac/alt.csv", lambda data: data.decode().encode("utf-16"), "this is not UTF-8"),
        ("un/consolidated.xml", lambda _: BOMB, "it declares a DTD or entities"),
        ("un/consolidated.xml", lambda data: data[:3000], "this is not XML"),
    ],
)
def test_a_bad_list_leaves_the_older_one_in_use_and_is_named(folder, shelf, file, spoil, reason):
    before = shelf.versions
    change(folder / file, spoil((folder / file).read_bytes()))

    look_twice(shelf)

    assert shelf.versions == before
    assert reason in refusal(shelf, "OFAC SDN" if "ofac" in file else "UN SC")


def test_a_list_that_lost_a_fifth_of_its_entries_is_refused(folder, shelf):
    path = folder / "ofac/sdn.csv"
    rows = path.read_bytes().splitlines(keepends=True)
    change(path, b"".join([*rows[:-4], b"\x1a"]))

    look_twice(shelf)

    assert in_use(shelf)["OFAC SDN"] == 12
    assert refusal(shelf) == "9 entries are less than 80% of the 12 in use"


def test_a_list_that_lost_its_aliases_is_refused(folder, shelf):
    path = folder / "ofac/alt.csv"
    rows = path.read_bytes().splitlines(keepends=True)
    change(path, b"".join([*rows[:2], b"\x1a"]))
    before = shelf.versions

    look_twice(shelf)

    assert shelf.versions is before
    assert refusal(shelf) == "20 names are less than 80% of the 26 in use"


def test_a_missing_file_is_said(folder, shelf):
    (folder / "ofac/alt.csv").unlink()

    look_twice(shelf)

    assert in_use(shelf)["OFAC SDN"] == 12
    assert refusal(shelf) == "alt.csv: the file is missing"


def test_one_bad_list_does_not_hold_up_the_other(folder, shelf):
    change(folder / "un/consolidated.xml", BOMB)
    path = folder / "ofac/sdn.csv"
    change(path, path.read_bytes().replace(b"DRAGOVAN", b"DRAGOMIR"))

    look_twice(shelf)

    assert shelf.versions[0].people.search("Milenko Dragomir", CUT)
    assert refusal(shelf, "UN SC") == "consolidated.xml: it declares a DTD or entities"


def test_a_refusal_is_forgotten_when_a_good_list_comes(folder, shelf):
    path = folder / "un/consolidated.xml"
    good = path.read_bytes()
    change(path, BOMB)
    look_twice(shelf)
    change(path, good.replace(b"Tonghyo", b"Tongho"))

    look_twice(shelf)

    assert refusal(shelf, "UN SC") is None
    assert shelf.versions[1].people.search("Pak Tongho", CUT)


def test_the_same_bytes_copied_again_are_no_new_version(folder, shelf):
    before = shelf.versions
    path = folder / "ofac/sdn.csv"
    change(path, path.read_bytes())

    look_twice(shelf)

    assert shelf.versions is before


def test_searches_never_see_half_of_a_change(folder):
    """Each version has one of two names; whoever searches meanwhile finds exactly one of them."""
    path = folder / "ofac/sdn.csv"
    texts = [path.read_bytes(), path.read_bytes().replace(b"DRAGOVAN", b"QUIXELBY")]
    shelf = Shelf(folder, poll_seconds=0.005)
    counts, errors, over = [], [], threading.Event()

    def search() -> None:
        while not over.is_set():
            people = shelf.versions[0].people
            found = [
                name for name in ("Dragovan", "Quixelby") if people.search(f"Milenko {name}", CUT)
            ]
            if len(found) != 1:
                errors.append(found)
            counts.append(found)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    shelf.start()
    for turn in range(1, 7):
        before = shelf.versions[0]
        change(path, texts[turn % 2])
        wait_until(lambda before=before: shelf.versions[0] is not before)
    over.set()
    for thread in threads:
        thread.join()
    shelf.close()

    assert errors == []
    assert {one for found in counts for one in found} == {"Dragovan", "Quixelby"}
