"""Transactions of the funded account, signed as a client would sign them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eth_account import Account

if TYPE_CHECKING:
    from tests.chain import Devchain

GWEI = 10**9
SOMEBODY = "0x1111111111111111111111111111111111111111"


class Signed(NamedTuple):
    """A transaction's bytes and its hash, with 0x."""

    raw: str
    hash: str


def sign(chain: Devchain, nonce: int, **changed: Any) -> Signed:
    """Sign a transfer of 1 wei, or what is changed of it; None leaves a field out."""
    fields = {
        "chainId": 1337,
        "nonce": nonce,
        "to": SOMEBODY,
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 10 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        "data": b"",
        **changed,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    signed = Account.sign_transaction(given, chain.key)
    return Signed(f"0x{signed.raw_transaction.hex()}", f"0x{signed.hash.hex()}")


def nonce_of(chain: Devchain) -> int:
    """Return the funded account's next nonce, behind what waits."""
    return int(chain.rpc("eth_getTransactionCount", chain.address, "pending"), 16)


def send(chain: Devchain, **changed: Any) -> str:
    """Send a transaction of the funded account; return its hash."""
    nonce = changed.pop("nonce", None)
    signed = sign(chain, nonce_of(chain) if nonce is None else nonce, **changed)
    assert chain.rpc("eth_sendRawTransaction", signed.raw) == signed.hash
    return signed.hash


def height(chain: Devchain, name: str = "latest") -> int:
    """Return the height of the block of a name."""
    return int(chain.rpc("eth_getBlockByNumber", name, False)["number"], 16)
