from __future__ import annotations

from datetime import date

import pytest

from tasks.matching.dates import Agreement, compare_dates

BORN = date(1963, 9, 4)


@pytest.mark.parametrize(
    "listed",
    ["04/09/1963", "1963-09-04", "09/1963", "1963", "circa 1961", "circa 1965", "1960-1963"],
)
def test_a_date_agrees_with_itself_and_with_what_holds_it(listed):
    assert compare_dates(BORN, [listed]) is Agreement.AGREES


@pytest.mark.parametrize(
    "listed",
    [
        *("09/04/1963", "05/09/1963", "04/11/1963", "04/09/1964", "04/09/1962"),
        *("10/1963", "09/1964", "1962", "circa 1966", "1964-1970"),
    ],
)
def test_a_slip_is_close(listed):
    assert compare_dates(BORN, [listed]) is Agreement.CLOSE


@pytest.mark.parametrize(
    "listed",
    ["05/10/1963", "04/09/1965", "05/09/1964", "10/1964", "1961", "circa 1967", "1965-1970"],
)
def test_another_date_contradicts(listed):
    assert compare_dates(BORN, [listed]) is Agreement.CONTRADICTS


@pytest.mark.parametrize("listed", [[], ["unknown"], [""], ["31/02/1963"], ["99/99/1963"]])
def test_without_a_date_that_can_be_read_nothing_is_known(listed):
    assert compare_dates(BORN, listed) is Agreement.UNKNOWN


def test_without_a_date_that_was_asked_for_nothing_is_known():
    assert compare_dates(None, ["04/09/1963"]) is Agreement.UNKNOWN


def test_the_best_of_several_dates_counts():
    assert compare_dates(BORN, ["1950", "04/09/1963", "1962"]) is Agreement.AGREES
    assert compare_dates(BORN, ["1950", "1962"]) is Agreement.CLOSE


def test_a_date_that_cannot_be_read_does_not_clear():
    assert compare_dates(BORN, ["1950", "in the fifties"]) is Agreement.UNKNOWN
