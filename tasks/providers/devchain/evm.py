"""What we use of py-evm: its newest rules that we rely on, over values kept in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import eth_hash.auto
import rlp
from eth.consensus.context import ConsensusContext
from eth.db.account import AccountDB
from eth.db.atomic import AtomicDB
from eth.db.backends.base import BaseDB
from eth.db.chain import ChainDB
from eth.vm.chain_context import ChainContext
from eth.vm.forks.cancun import CancunVM
from eth_hash.backends import pysha3
from trie.hexary import HexaryTrie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eth.abc import BlockHeaderAPI
    from eth_typing import Hash32

#: What a block may use, and a transaction with it.
GAS_LIMIT = 30_000_000

# The one that py-evm would choose by itself takes several times as long for each of its nodes.
eth_hash.auto.keccak.hasher = pysha3.keccak256  # type: ignore[assignment]
keccak = eth_hash.auto.keccak


class Overlay(BaseDB):
    """The values that are kept, and those that were written on top and are not yet."""

    def __init__(self, read: Callable[[bytes], bytes]) -> None:
        self._read = read
        self.written: dict[bytes, bytes] = {}

    def __getitem__(self, key: bytes) -> bytes:
        value = self.written.get(key)
        return self._read(key) if value is None else value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.written[key] = value

    def __delitem__(self, key: bytes) -> None:
        self.written.pop(key, None)

    def _exists(self, key: bytes) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True


class Machine:
    """Makes virtual machines for blocks of one chain."""

    def __init__(self, read: Callable[[bytes], bytes], chain_id: int) -> None:
        self._read = read
        self._context = ChainContext(chain_id)

    def vm(self, header: BlockHeaderAPI) -> tuple[CancunVM, Overlay]:
        """Return a machine in the state that a header names, and what is written by it."""
        overlay = Overlay(self._read)
        chaindb = ChainDB(AtomicDB(overlay))
        return CancunVM(header, chaindb, self._context, ConsensusContext(chaindb.db)), overlay

    def accounts(self, header: BlockHeaderAPI) -> AccountDB:
        """Return the accounts as a block left them."""
        return AccountDB(AtomicDB(Overlay(self._read)), header.state_root)

    def header(self, block_hash: Hash32) -> BlockHeaderAPI:
        """Return the header of a block that is kept."""
        return ChainDB(AtomicDB(Overlay(self._read))).get_block_header_by_hash(block_hash)


def base_fee_of(header: BlockHeaderAPI) -> int:
    """Return the base fee of a block, which headers had not always; in wei a unit of gas."""
    fee = header.base_fee_per_gas
    assert fee is not None
    return fee


def root_of(items: Iterable[bytes]) -> bytes:
    """Return the root of the trie of a block's transactions or receipts."""
    trie = HexaryTrie({})
    with trie.squash_changes() as changes:
        for index, item in enumerate(items):
            changes[rlp.encode(index)] = item
    return bytes(trie.root_hash)
