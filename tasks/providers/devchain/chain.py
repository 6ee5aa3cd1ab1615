"""The chain: its genesis, its blocks, and which of them is the highest."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

import rlp
from eth.vm.forks.cancun.headers import create_cancun_header_from_parent
from eth.vm.forks.london.headers import calculate_expected_base_fee_per_gas
from eth_keys.datatypes import PrivateKey
from eth_typing import Address

from tasks.providers.devchain.evm import GAS_LIMIT, Machine
from tasks.providers.devchain.store import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eth.abc import BlockHeaderAPI
    from eth.db.account import AccountDB
    from eth_typing import Hash32

    from tasks.providers.devchain.store import Store

ETHER = 10**18
#: What each funded account has in the beginning, in wei.
FUNDS = 1_000_000 * ETHER
#: Who gets the tips.
COINBASE = bytes(19) + b"\xde"
#: How many blocks below the highest one those are that are safe and final.
SAFE_DEPTH, FINAL_DEPTH = 1, 2


class WrongChain(Exception):
    """The file holds another chain."""


class Built(NamedTuple):
    """A block that is not yet of the chain, and what py-evm wrote for it."""

    header: BlockHeaderAPI
    row: Row
    nodes: Mapping[bytes, bytes]


class Chain:
    """Blocks in a file. It is extended by one thread and read by many."""

    def __init__(self, store: Store, chain_id: int, funded: Iterable[Address]) -> None:
        """Go on with the chain of a file, or begin one that funds these accounts.

        Raises:
            WrongChain: the file's chain has another id.
        """
        self.store = store
        self.id = chain_id
        self.machine = Machine(store.node, chain_id)
        kept = store.fact("chain_id")
        if kept is None:
            self._begin(sorted(set(funded)))
        elif int(kept) != chain_id:
            raise WrongChain(f"the chain in this file has the id {kept}")
        head = store.head()
        assert head is not None
        self.head = self.machine.header(head.hash)
        self._last_busy = store.last_with_transactions()
        #: The base fee of the next block where a test has asked for one.
        self.asked_base_fee: int | None = None

    def _begin(self, funded: Iterable[Address]) -> None:
        header = create_cancun_header_from_parent(
            None,
            difficulty=0,
            gas_limit=GAS_LIMIT,
            timestamp=0,
            extra_data=b"devchain" + self.id.to_bytes(8, "big"),
        )
        vm, overlay = self.machine.vm(header)
        for address in funded:
            vm.state.set_balance(address, FUNDS)
        vm.state.persist()
        header = header.copy(state_root=vm.state.state_root)
        built = self.as_built(header, overlay.written)
        self.store.extend(built.nodes, [built.row], facts={"chain_id": str(self.id)})

    @staticmethod
    def as_built(
        header: BlockHeaderAPI, nodes: dict[bytes, bytes], row: Row | None = None
    ) -> Built:
        """Return an empty block, or one with the transactions of a row."""
        encoded = rlp.encode(header)
        row = row or Row(header.block_number, header.hash, len(rlp.encode([header, [], [], []])))
        return Built(header, row, {**nodes, header.hash: encoded})

    def next_header(
        self, parent: BlockHeaderAPI | None = None, *, extra_data: bytes = b""
    ) -> BlockHeaderAPI:
        """Return the header of a block on top of the highest one, or of another, still empty.

        Blocks may share a second: more than one is made in it, and the chain keeps to the clock.
        """
        parent = parent or self.head
        header: BlockHeaderAPI = create_cancun_header_from_parent(
            parent,
            coinbase=COINBASE,
            gas_limit=GAS_LIMIT,
            timestamp=max(parent.timestamp, int(time.time())),
            extra_data=extra_data,
        )
        return header.copy(
            state_root=parent.state_root, base_fee_per_gas=self.next_base_fee(parent)
        )

    def next_base_fee(self, parent: BlockHeaderAPI | None = None) -> int:
        """Return the base fee of the next block, in wei a unit of gas."""
        if self.asked_base_fee is not None:
            return self.asked_base_fee
        return calculate_expected_base_fee_per_gas(parent or self.head)

    def append(self, built: Built) -> None:
        """Make a block the highest one; from then on only a reorganization undoes it."""
        self.store.extend(built.nodes, [built.row])
        self.asked_base_fee = None
        if built.row.transactions:
            self._last_busy = built.row.number
        self.head = built.header

    def reorganize(self, depth: int) -> None:
        """Replace the highest blocks by as many empty ones that differ from them."""
        first = max(1, self.head.block_number - depth + 1)
        row = self.store.block(first - 1)
        assert row is not None
        parent = self.machine.header(row.hash)
        built = []
        for _ in range(first, self.head.block_number + 1):
            parent = self.next_header(parent, extra_data=b"reorg" + os.urandom(8))
            built.append(self.as_built(parent, {}))
        nodes = {key: value for one in built for key, value in one.nodes.items()}
        self.store.extend(nodes, [one.row for one in built], replacing_from=first)
        self._last_busy = self.store.last_with_transactions()
        self.head = parent

    def accounts(self, header: BlockHeaderAPI | None = None) -> AccountDB:
        """Return the accounts as the highest block left them, or another one."""
        return self.machine.accounts(header or self.head)

    def is_settled(self) -> bool:
        """Tell whether every transaction is in a final block."""
        return self._last_busy == 0 or self.head.block_number >= self._last_busy + FINAL_DEPTH

    def header_at(self, number: int) -> BlockHeaderAPI | None:
        """Return the header of the block at a height."""
        row = self.store.block(number)
        return self.machine.header(row.hash) if row else None

    def header_of(self, block_hash: Hash32) -> BlockHeaderAPI | None:
        """Return the header of a block of the chain."""
        row = self.store.block_of(block_hash)
        return self.machine.header(row.hash) if row else None


def address_of(private_key: str) -> Address:
    """Return the address of a private key in hexadecimal digits."""
    key = PrivateKey(bytes.fromhex(private_key.removeprefix("0x")))
    return Address(key.public_key.to_canonical_address())
