"""Every method that a node answers to anybody."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from tasks.providers.devchain import blocks, fees, state, transactions
from tasks.providers.devchain.hexes import quantity
from tasks.providers.devchain.rpc import Method

if TYPE_CHECKING:
    from tasks.providers.devchain.node import Node


def methods(node: Node) -> dict[str, Method]:
    """Return the methods by their names."""
    return {
        "eth_chainId": Method(lambda: quantity(node.chain.id)),
        "net_version": Method(lambda: str(node.chain.id)),
        "web3_clientVersion": Method(lambda: f"devchain/py-evm-{version('py-evm')}"),
        "eth_syncing": Method(lambda: False),
        "eth_accounts": Method(list),
        **blocks.methods(node),
        **state.methods(node),
        **transactions.methods(node),
        **fees.methods(node),
    }
