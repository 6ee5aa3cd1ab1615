"""Transactions: sending them, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.providers.devchain import answers, blocks
from tasks.providers.devchain.hexes import data, quantity, read_data, read_hash
from tasks.providers.devchain.rpc import Method, Parameter

if TYPE_CHECKING:
    from tasks.providers.devchain.node import Node


def methods(node: Node) -> dict[str, Method]:
    """Return the methods by their names."""

    def receipt(tx_hash: bytes) -> dict[str, Any] | None:
        placed = node.chain.store.transaction(tx_hash)
        return placed.receipt if placed else None

    def transaction(tx_hash: bytes) -> dict[str, Any] | None:
        with node.lock:  # it may be on its way from the pool to a block
            waiting = node.pool.get(tx_hash)
            placed = node.chain.store.transaction(tx_hash)
        if placed:
            return blocks.transaction(placed)
        if waiting:
            return answers.transaction(waiting.transaction, waiting.hash, waiting.sender)
        return None

    def status() -> dict[str, str]:
        with node.lock:
            ready = sum(1 for _ in node.pool.ready())
            return {"pending": quantity(ready), "queued": quantity(len(node.pool) - ready)}

    return {
        "eth_sendRawTransaction": Method(lambda raw: data(node.send(raw)), (Parameter(read_data),)),
        "eth_getTransactionByHash": Method(transaction, (Parameter(read_hash),)),
        "eth_getTransactionReceipt": Method(receipt, (Parameter(read_hash),)),
        "txpool_status": Method(status),
    }
