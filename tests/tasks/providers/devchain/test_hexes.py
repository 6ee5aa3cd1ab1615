from __future__ import annotations

import pytest

from tasks.providers.devchain import hexes
from tasks.providers.devchain.hexes import Misspelt


def test_numbers_have_no_leading_zeros_and_bytes_keep_them():
    assert [hexes.quantity(number) for number in (0, 1, 1337)] == ["0x0", "0x1", "0x539"]
    assert hexes.data(b"") == "0x"
    assert hexes.data(b"\x00\x0f") == "0x000f"
    assert hexes.word(1) == "0x" + "0" * 63 + "1"


@pytest.mark.parametrize(("given", "number"), [("0x0", 0), ("0x41", 65), ("0xfF", 255)])
def test_a_number_is_read_as_it_is_written(given, number):
    assert hexes.read_quantity(given) == number


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("0x", "hex string is empty"),
        ("0x0400", "hex number with leading zero digits"),
        ("ff", "hex string without 0x prefix"),
        ("0xg", "invalid hex string"),
        ("0x" + "f" * 65, "invalid hex string"),
        (5, "not a string"),
    ],
)
def test_a_number_that_is_not_written_as_one_is_refused(given, complaint):
    with pytest.raises(Misspelt, match=complaint):
        hexes.read_quantity(given)


@pytest.mark.parametrize(
    ("read", "given", "complaint"),
    [
        (hexes.read_data, "0xf0f", "hex string of odd length"),
        (hexes.read_data, "004200", "hex string without 0x prefix"),
        (hexes.read_data, "0xzz", "invalid hex string"),
        (hexes.read_hash, "0x01", "hex string has length 2, want 64 for common.Hash"),
        (hexes.read_address, "0x01", "hex string has length 2, want 40 for common.Address"),
    ],
)
def test_bytes_that_are_not_written_as_such_are_refused(read, given, complaint):
    with pytest.raises(Misspelt, match=complaint):
        read(given)


def test_an_address_is_read_in_letters_of_either_case():
    assert hexes.read_address("0x" + "aB" * 20) == b"\xab" * 20
