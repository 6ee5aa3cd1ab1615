"""The keys that sign transactions: out of the environment or a keystore file, kept nowhere else."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from eth_account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eth_account.signers.local import LocalAccount

    from config.settings import Settings

# Importing it raises Python's limit a hundredfold, and a message that is nested deeply enough then
# overflows the stack, which ends the process, instead of being refused.
sys.setrecursionlimit(1000)

#: Chains on which keys that everybody knows may sign.
DEVELOPMENT_CHAINS = frozenset({1337, 31337})
#: The first accounts of the development mnemonic "test test … junk"; thieves watch them.
_KNOWN_TO_EVERYBODY = frozenset(
    {
        "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
        "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
        "0x90f79bf6eb2c4f870365e785982e1f101e93b906",
        "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65",
        "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc",
        "0x976ea74026e726554db657fa54763abd0c3a0aa9",
        "0x14dc79964da2c08b23698b3d3cc7ca32193d9955",
        "0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f",
        "0xa0ee7a142d267c1f36714e4a8f75612f20a79720",
    }
)


class SignersFaulty(Exception):
    """There is no key that may sign; the message says why and shows no key."""


class Signed(NamedTuple):
    """A transaction as it is sent."""

    #: 0x and 64 hexadecimal digits.
    hash: str
    raw: bytes


class Fees(NamedTuple):
    """What is paid for a unit of gas, in wei."""

    #: In all, at the most.
    most: int
    #: Beyond the base fee, to whoever makes the block.
    tip: int


class Order(NamedTuple):
    """What a transaction does, whatever it pays."""

    chain_id: int
    nonce: int
    #: None: a contract is created.
    target: str | None
    data: bytes
    gas: int


class Signers:
    """Accounts that this process can sign for, in the order in which they are configured."""

    def __init__(self, accounts: Sequence[LocalAccount], chain_id: int) -> None:
        """Take the accounts.

        Raises:
            SignersFaulty: there are none, or one whose key everybody knows, on a real chain.
        """
        self._accounts = {account.address.lower(): account for account in accounts}
        if not self._accounts:
            raise SignersFaulty("neither CHAIN_KEYS nor CHAIN_KEYSTORE names a key")
        if chain_id not in DEVELOPMENT_CHAINS and self._accounts.keys() & _KNOWN_TO_EVERYBODY:
            raise SignersFaulty("a key for development must not sign on this chain")

    @classmethod
    def from_settings(cls, settings: Settings, chain_id: int) -> Signers:
        """Read the configured keys.

        Raises:
            SignersFaulty: they cannot be used.
        """
        return cls(list(_accounts(settings)), chain_id)

    @property
    def addresses(self) -> list[str]:
        """0x and 40 lower-case hexadecimal digits each."""
        return list(self._accounts)

    def sign(self, sender: str, order: Order, fees: Fees) -> Signed:
        """Sign a transaction.

        Raises:
            SignersFaulty: the sender's key is not configured here.
        """
        account = self._accounts.get(sender)
        if account is None:
            raise SignersFaulty(f"no key for {sender} is configured")
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": order.chain_id,
            "nonce": order.nonce,
            "gas": order.gas,
            "maxFeePerGas": fees.most,
            "maxPriorityFeePerGas": fees.tip,
            "value": 0,
            "data": order.data,
        }
        signed = account.sign_transaction(fields | {"to": _target(order.target)})
        return Signed(f"0x{bytes(signed.hash).hex()}", bytes(signed.raw_transaction))


def _target(target: str | None) -> bytes:
    return bytes.fromhex(target.removeprefix("0x")) if target else b""


def _accounts(settings: Settings) -> Iterator[LocalAccount]:
    for number, key in enumerate(settings.chain_keys, 1):
        try:
            yield Account.from_key(bytes.fromhex(key.removeprefix("0x")))
        except Exception:  # noqa: BLE001 - whatever is wrong, its text may quote the key
            raise SignersFaulty(f"key {number} of CHAIN_KEYS is no private key") from None
    if settings.chain_keystore:
        yield _unlocked(settings.chain_keystore, settings.chain_keystore_password)


def _unlocked(file: str, password: str) -> LocalAccount:
    try:
        key = Account.decrypt(json.loads(Path(file).read_text()), password)
        account: LocalAccount = Account.from_key(key)
    except Exception:  # noqa: BLE001 - likewise
        raise SignersFaulty("CHAIN_KEYSTORE cannot be read with its password") from None
    return account
