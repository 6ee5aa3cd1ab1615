"""What tests may do to the chain, under the names of anvil and hardhat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.providers.devchain.faults import Refused
from tasks.providers.devchain.hexes import (
    Misspelt,
    data,
    read_address,
    read_hash,
    read_quantity,
)
from tasks.providers.devchain.rpc import Method, Parameter

if TYPE_CHECKING:
    from eth_typing import Address

    from tasks.providers.devchain.node import Node


def controls(node: Node) -> dict[str, Method]:
    """Return the methods that control a node."""

    def mine(options: dict[str, Any]) -> str:
        for _ in range(_number(options.get("blocks", 1))):
            node.mine()
        return "0x0"

    def reorganize(depth: int, transactions: list[Any]) -> None:
        if transactions:
            raise Refused("the new blocks are empty")
        if depth > node.chain.head.block_number:
            raise Refused("the chain is not that long")
        node.reorganize(depth)

    def drop(tx_hash: bytes) -> str | None:
        return data(tx_hash) if node.drop(tx_hash) else None

    def set_balance(address: Address, balance: int) -> None:
        node.mine({address: balance})

    return {
        "evm_mine": Method(mine, (Parameter(_object, {}),)),
        "evm_setIntervalMining": Method(node.pace, (Parameter(_seconds),)),
        "anvil_reorg": Method(reorganize, (Parameter(_number), Parameter(_array, []))),
        "anvil_dropTransaction": Method(drop, (Parameter(read_hash),)),
        "anvil_setNextBlockBaseFeePerGas": Method(node.ask_base_fee, (Parameter(_number),)),
        "anvil_setBalance": Method(
            set_balance, (Parameter(read_address), Parameter(read_quantity))
        ),
    }


def _seconds(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not given >= 0:
        raise Misspelt("not a number of seconds")
    return float(given)


def _number(given: Any) -> int:
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return given
    return read_quantity(given)


def _array(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise Misspelt("not an array")
    return given


def _object(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise Misspelt("not an object")
    return given
