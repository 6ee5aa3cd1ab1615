"""Accounts, contracts, and what contracts answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.providers.devchain import calls
from tasks.providers.devchain.calls import Call
from tasks.providers.devchain.hexes import (
    Misspelt,
    data,
    quantity,
    read_address,
    read_data,
    word,
)
from tasks.providers.devchain.places import LATEST, PENDING, get, read_place, type_place
from tasks.providers.devchain.rpc import Method, Parameter

if TYPE_CHECKING:
    from eth.db.account import AccountDB

    from tasks.providers.devchain.node import Node

_WORD = 32


def methods(node: Node) -> dict[str, Method]:
    """Return the methods by their names."""
    chain, machine = node.chain, node.chain.machine

    def accounts(place: type_place) -> AccountDB:
        return chain.accounts(get(chain, place))

    def nonce(address: Any, place: type_place) -> str:
        if place != PENDING:
            return quantity(accounts(place).get_nonce(address))
        with node.lock:
            taken = chain.accounts().get_nonce(address)
            return quantity(node.pool.next_nonce(address, taken))

    def storage(address: Any, slot: int, place: type_place) -> str:
        return word(accounts(place).get_storage(address, slot))

    def call(asked: Call, place: type_place) -> str:
        return data(calls.call(machine, get(chain, place), asked))

    def estimate(asked: Call, place: type_place) -> str:
        return quantity(calls.estimate(machine, get(chain, place), asked))

    address, place = Parameter(read_address), Parameter(read_place, LATEST)
    return {
        "eth_getTransactionCount": Method(nonce, (address, place)),
        "eth_getBalance": Method(
            lambda whose, at: quantity(accounts(at).get_balance(whose)), (address, place)
        ),
        "eth_getCode": Method(
            lambda whose, at: data(accounts(at).get_code(whose)), (address, place)
        ),
        "eth_getStorageAt": Method(storage, (address, Parameter(_read_slot), place)),
        "eth_call": Method(call, (Parameter(Call.read), place)),
        "eth_estimateGas": Method(estimate, (Parameter(Call.read), place)),
    }


def _read_slot(given: Any) -> int:
    """Read the number of a slot, with leading zeros or without."""
    if isinstance(given, str) and len(given) % 2:
        given = given.replace("0x", "0x0", 1)
    value = read_data(given)
    if len(value) > _WORD:
        raise Misspelt("hex string too long, want at most 32 bytes")
    return int.from_bytes(value, "big")
