"""Putting waiting transactions into a block."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import rlp
import structlog
from eth_utils.exceptions import ValidationError

from tasks.providers.devchain import answers
from tasks.providers.devchain.evm import root_of
from tasks.providers.devchain.store import Placed, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eth.abc import BlockHeaderAPI, ReceiptAPI
    from eth.vm.forks.cancun import CancunVM
    from eth_typing import Address

    from tasks.providers.devchain.chain import Built, Chain
    from tasks.providers.devchain.pool import Selection, Waiting

log = structlog.get_logger(__name__)


class Applied(NamedTuple):
    """A transaction that is in the block, with what came of it."""

    waiting: Waiting
    receipt: ReceiptAPI
    #: The address of the contract that it made, if it made one.
    contract: bytes | None


class Outcome(NamedTuple):
    """A block that was made, and what it means for those who wait."""

    built: Built
    #: Whose transactions it took.
    senders: set[Address]
    #: Transactions that can be in no block.
    hopeless: list[Waiting]


def build(
    chain: Chain,
    selection: Selection,
    *,
    seconds: float | None = None,
    balances: Mapping[Address, int] | None = None,
) -> Outcome:
    """Return the next block, for the chain to append.

    After so many seconds it takes no more, so that those that are in it need not wait for others.
    """
    header = chain.next_header()
    vm, overlay = chain.machine.vm(header)
    for address, balance in (balances or {}).items():
        vm.state.set_balance(address, balance)
    until = time.monotonic() + seconds if seconds else None
    applied: list[Applied] = []
    hopeless: list[Waiting] = []
    for waiting in selection:
        if header.gas_used + waiting.transaction.gas > header.gas_limit:
            continue
        try:
            header, done = _apply(vm, header, waiting)
        except _Hopeless:
            hopeless.append(waiting)
            continue
        applied.append(done)
        selection.offer(waiting.sender, waiting.nonce + 1)
        if until and time.monotonic() > until:
            break
    vm.state.persist()
    header = header.copy(
        state_root=vm.state.state_root,
        transaction_root=root_of(one.waiting.raw for one in applied),
        receipt_root=root_of(one.receipt.encode() for one in applied),
    )
    built = chain.as_built(header, overlay.written, _row(header, applied))
    return Outcome(built, {one.waiting.sender for one in applied}, hopeless)


class _Hopeless(Exception):
    """A transaction that can be in no block."""


def _apply(
    vm: CancunVM, header: BlockHeaderAPI, waiting: Waiting
) -> tuple[BlockHeaderAPI, Applied]:
    before = vm.state.snapshot()
    try:
        receipt, computation = vm.apply_transaction(header, waiting.transaction)
    except ValidationError as error:
        log.info("transaction_dropped", hash=f"0x{waiting.hash.hex()}", reason=str(error))
        raise _Hopeless from None
    except Exception as error:
        # Whatever py-evm makes of it, one transaction must not hold up the chain.
        log.warning("transaction_failed", hash=f"0x{waiting.hash.hex()}", exc_info=error)
        vm.state.revert(before)
        raise _Hopeless from None
    contract = computation.msg.storage_address if computation.msg.is_create else None
    return vm.add_receipt_to_header(header, receipt), Applied(waiting, receipt, contract)


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
