"""The Merkle tree over a census, exactly as the contract checks it.

It is OpenZeppelin's standard: a leaf is hashed twice, so that it cannot be taken for a node, and
the two below a node are sorted, so that a proof needs no directions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sha3 import keccak_256

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Of a leaf, a node, a root; bytes.
HASH_BYTES = 32


class CensusEmpty(ValueError):
    """A census without anybody has no root."""


def leaf(address: str, weight: int) -> bytes:
    """Return the leaf of a voter: an address of 0x and 40 hexadecimal digits, and a weight.

    Raises:
        ValueError: that is no address.
        OverflowError: the weight is below zero or does not fit 256 bits.
    """
    voter = bytes.fromhex(address.removeprefix("0x"))
    if len(voter) != 20:  # noqa: PLR2004
        raise ValueError("an address has 20 bytes")
    encoded = voter.rjust(HASH_BYTES, b"\0") + weight.to_bytes(HASH_BYTES, "big")
    return bytes(keccak_256(keccak_256(encoded).digest()).digest())


class Tree:
    """The tree over leaves in their order; where one is left over it moves up as it is."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        """Calculate every level.

        Raises:
            CensusEmpty: there are no leaves.
        """
        level = list(leaves)
        if not level:
            raise CensusEmpty("a census needs somebody in it")
        self._size = len(level)
        levels = [b"".join(level)]
        while len(level) > 1:
            level = _above(level)
            levels.append(b"".join(level))
        #: All nodes one behind the other, from the leaves up, `HASH_BYTES` each.
        self.nodes = b"".join(levels)

    @property
    def root(self) -> bytes:
        """The node above all; of a single leaf, the leaf."""
        return self.nodes[-HASH_BYTES:]

    def proof(self, index: int) -> list[bytes]:
        """Return what leads from the leaf at an index to the root, from below.

        Raises:
            IndexError: there is no such leaf.
        """
        found = [place * HASH_BYTES for place in places(index, self._size)]
        return [self.nodes[first : first + HASH_BYTES] for first in found]


def places(index: int, size: int) -> list[int]:
    """Return where in the nodes of a tree over so many leaves the proof of one of them stands.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(index)
    found = []
    first = 0
    while size > 1:
        if index ^ 1 < size:
            found.append(first + (index ^ 1))
        first += size
        size = (size + 1) // 2
        index >>= 1
    return found


def is_member(root: bytes, leaf: bytes, proof: Iterable[bytes]) -> bool:
    """Tell whether a proof leads from a leaf to a root."""
    node = leaf
    for other in proof:
        node = _join(node, other)
    return node == root


def _above(level: Sequence[bytes]) -> list[bytes]:
    nodes = [_join(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return nodes + list(level[len(nodes) * 2 :])


def _join(one: bytes, other: bytes) -> bytes:
    pair = one + other if one < other else other + one
    return bytes(keccak_256(pair).digest())
