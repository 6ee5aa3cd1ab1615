"""Putting waiting transactions into a block."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import rlp

from tasks.providers.devchain import answers
from tasks.providers.devchain.evm import root_of
from tasks.providers.devchain.store import Placed, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eth.abc import BlockHeaderAPI, ReceiptAPI
    from eth_typing import Address

    from tasks.providers.devchain.chain import Built, Chain
    from tasks.providers.devchain.pool import Selection, Waiting


class Applied(NamedTuple):
    """A transaction that is in the block, with what came of it."""

    waiting: Waiting
    receipt: ReceiptAPI
    #: The address of the contract that it made, if it made one.
    contract: bytes | None


class Unfit(Exception):
    """A transaction that can be in no block, whatever py-evm complains of."""

    def __init__(self, waiting: Waiting) -> None:
        super().__init__(f"0x{waiting.hash.hex()}")
        self.waiting = waiting


class Draft:
    """A block in the making; the chain stays as it is."""

    def __init__(
        self, chain: Chain, header: BlockHeaderAPI, balances: Mapping[Address, int]
    ) -> None:
        """Begin a block with this header, by giving accounts balances."""
        self._chain = chain
        self._header = header
        self._vm, self._overlay = chain.machine.vm(header)
        for address, balance in balances.items():
            self._vm.state.set_balance(address, balance)
        self._applied: list[Applied] = []

    def take(self, selection: Selection, seconds: float | None) -> None:
        """Take the transactions of a selection, and after so many seconds no more.

        Then those that are taken need not wait for the others.

        Raises:
            Unfit: for one of them, which leaves the draft of no use.
        """
        until = time.monotonic() + seconds if seconds else None
        for waiting in selection:
            if self._header.gas_used + waiting.transaction.gas > self._header.gas_limit:
                continue
            try:
                self._apply(waiting)
            except Exception as error:
                raise Unfit(waiting) from error
            selection.offer(waiting.sender, waiting.nonce + 1)
            if until and time.monotonic() > until:
                break

    def _apply(self, waiting: Waiting) -> None:
        receipt, computation = self._vm.apply_transaction(self._header, waiting.transaction)
        contract = computation.msg.storage_address if computation.msg.is_create else None
        self._applied.append(Applied(waiting, receipt, contract))
        self._header = self._vm.add_receipt_to_header(self._header, receipt)

    def senders(self) -> set[Address]:
        """Return whose transactions were taken."""
        return {one.waiting.sender for one in self._applied}

    def finish(self) -> Built:
        """Return the block, for the chain to append."""
        state = self._vm.state
        state.persist()
        header = self._header.copy(
            state_root=state.state_root,
            transaction_root=root_of(one.waiting.raw for one in self._applied),
            receipt_root=root_of(one.receipt.encode() for one in self._applied),
        )
        return self._chain.as_built(header, self._overlay.written, _row(header, self._applied))


def _row(header: BlockHeaderAPI, applied: list[Applied]) -> Row:
    """Return the block's row, with the receipts as they are answered."""
    placed = []
    gas_before = logs_before = 0
    for position, one in enumerate(applied):
        receipt = answers.receipt(
            header, one, position=position, gas_before=gas_before, logs_before=logs_before
        )
        gas_before = one.receipt.gas_used
        logs_before += len(one.receipt.logs)
        placed.append(Placed(one.waiting.hash, one.waiting.raw, receipt))
    # Typed transactions stand in a block as strings, the others as the lists that they are.
    raws: list[Any] = [
        raw if (raw := one.waiting.raw)[0] < 0x80 else rlp.decode(raw)  # noqa: PLR2004
        for one in applied
    ]
    size = len(rlp.encode([header, raws, [], []]))
    return Row(header.block_number, header.hash, size, tuple(placed))
