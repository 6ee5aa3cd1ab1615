"""How Ethereum's JSON-RPC writes numbers and bytes, and how its callers may."""

from __future__ import annotations

import re
from typing import Any

from eth_typing import Address, Hash32

_QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]*)")
_LONGEST_QUANTITY = 66


class Misspelt(ValueError):
    """A parameter is not written as it must be."""


def quantity(number: int) -> str:
    """Write a number: 0x and its digits, none of them a leading zero."""
    return hex(number)


def data(value: bytes) -> str:
    """Write bytes: 0x and two digits for each."""
    return f"0x{value.hex()}"


def word(number: int) -> str:
    """Write a number as the 32 bytes that the EVM has for it."""
    return f"0x{number:064x}"


def read_quantity(given: Any) -> int:
    """Read a number.

    Raises:
        Misspelt: it is not written as one.
    """
    text = _digits(given)
    if text == "0x":
        raise Misspelt("hex string is empty")
    if text.startswith("0x0") and text != "0x0":
        raise Misspelt("hex number with leading zero digits")
    if not _QUANTITY.fullmatch(text) or len(text) > _LONGEST_QUANTITY:
        raise Misspelt("invalid hex string")
    return int(text, 16)


def read_data(given: Any) -> bytes:
    """Read bytes.

    Raises:
        Misspelt: they are not written as such.
    """
    text = _digits(given)
    if len(text) % 2:
        raise Misspelt("hex string of odd length")
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        raise Misspelt("invalid hex string") from None


def read_hash(given: Any) -> Hash32:
    """Read 32 bytes."""
    return Hash32(_sized(given, 32, "common.Hash"))


def read_address(given: Any) -> Address:
    """Read 20 bytes; letters of either case are taken."""
    return Address(_sized(given, 20, "common.Address"))


def _sized(given: Any, size: int, kind: str) -> bytes:
    value = read_data(given)
    if len(value) != size:
        raise Misspelt(f"hex string has length {2 * len(value)}, want {2 * size} for {kind}")
    return value


def _digits(given: Any) -> str:
    if not isinstance(given, str):
        raise Misspelt("not a string")
    if not given.startswith(("0x", "0X")):
        raise Misspelt("hex string without 0x prefix")
    return given
