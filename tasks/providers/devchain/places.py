"""Which block a caller means: by a name, a number or a hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth_typing import Hash32

from tasks.providers.devchain.chain import FINAL_DEPTH, SAFE_DEPTH
from tasks.providers.devchain.faults import Refused
from tasks.providers.devchain.hexes import Misspelt, read_hash, read_quantity

if TYPE_CHECKING:
    from eth.abc import BlockHeaderAPI

    from tasks.providers.devchain.chain import Chain

#: A name, a number or a hash.
type_place = str | int | Hash32

PENDING, LATEST = "pending", "latest"
#: How far below the highest block those are that have names.
_DEPTHS = {PENDING: 0, LATEST: 0, "safe": SAFE_DEPTH, "finalized": FINAL_DEPTH}
_EARLIEST = "earliest"


def read_place(given: Any) -> type_place:
    """Read a name or a number, or an object with a number or a hash (EIP-1898).

    Raises:
        Misspelt: it is none of them.
    """
    if isinstance(given, dict):
        if isinstance(given.get("blockHash"), str):
            return read_hash(given["blockHash"])
        return read_place(given.get("blockNumber"))
    if given in _DEPTHS or given == _EARLIEST:
        return str(given)
    return read_quantity(given)


def height_of(chain: Chain, place: str | int) -> int:
    """Return the height that a name stands for; that of a pending block is the highest one's."""
    if isinstance(place, int):
        return place
    if place == _EARLIEST:
        return 0
    return max(0, chain.head.block_number - _DEPTHS[place])


def find(chain: Chain, place: type_place) -> BlockHeaderAPI | None:
    """Return the header of a block of the chain, if there is one."""
    if isinstance(place, bytes):
        return chain.header_of(place)
    height = height_of(chain, place)
    head = chain.head
    return head if height == head.block_number else chain.header_at(height)


def get(chain: Chain, place: type_place) -> BlockHeaderAPI:
    """Return the header of a block of the chain.

    Raises:
        Refused: there is none.
    """
    header = find(chain, place)
    if header is None:
        raise Refused("header not found")
    return header


def read_flag(given: Any) -> bool:
    """Read true or false."""
    if not isinstance(given, bool):
        raise Misspelt("not true or false")
    return given
