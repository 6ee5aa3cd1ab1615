"""A chain in this process that makes blocks when told, and what a client signs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import vyper
from eth_account import Account
from eth_utils.address import to_checksum_address

from tasks.providers.devchain import rpc
from tasks.providers.devchain.chain import Chain, address_of
from tasks.providers.devchain.controls import controls
from tasks.providers.devchain.methods import methods
from tasks.providers.devchain.node import Node
from tasks.providers.devchain.store import Store
from tests.chain import KEY, Failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.chain import Devchain

GWEI = 10**9
SOMEBODY = "0x1111111111111111111111111111111111111111"

#: A contract that answers, keeps, tells and refuses.
SOURCE = """
# pragma version 0.4.3
# pragma evm-version shanghai

event Kept:
    who: indexed(address)
    number: indexed(uint256)
    before: uint256

number: public(uint256)

@external
def keep(number: uint256):
    assert number < 100, "TooLarge"
    log Kept(who=msg.sender, number=number, before=self.number)
    self.number = number

@external
def add(more: uint256):
    self.number += more

@external
def burn():
    for i: uint256 in range(1000000):
        self.number += i

@external
@payable
def pay():
    pass

@external
@view
def second() -> uint256:
    return block.timestamp
"""


class Local:
    """A node in this process, without HTTP and without a timer."""

    def __init__(self, file: Path) -> None:
        self.key = KEY
        self.address = Account.from_key(KEY).address
        self.node = Node(Chain(Store(file), 1337, [address_of(KEY)]), 0.05)
        self._methods = {**methods(self.node), **controls(self.node)}

    def rpc(self, method: str, *params: Any) -> Any:
        """Return the result of a method, or raise `Failed`."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = json.loads(rpc.serve(self._methods, json.dumps(asked).encode()))
        if "error" in answer:
            raise Failed(answer["error"])
        return answer["result"]

    def mine(self, blocks: int = 1) -> None:
        """Make blocks."""
        self.rpc("evm_mine", {"blocks": blocks})


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Local]:
    """A chain at its beginning."""
    made = Local(tmp_path / "chain.sqlite")
    yield made
    made.node.chain.store.close()


class Other:
    """Another account on a chain, which has money too."""

    def __init__(self, chain: Local) -> None:
        self.key = "7a" * 32
        self.address = Account.from_key(self.key).address
        self.rpc = chain.rpc
        self.rpc("anvil_setBalance", self.address, hex(10**20))


@pytest.fixture
def other(chain: Local) -> Other:
    """Another account, since block 1."""
    return Other(chain)


class Contract:
    """The contract on a chain."""

    def __init__(self, chain: Local, compiled: dict[str, Any]) -> None:
        self._selectors = compiled["method_identifiers"]
        tx_hash = send(chain, to=None, value=0, gas=2_000_000, data=compiled["bytecode"])
        chain.mine()
        receipt = chain.rpc("eth_getTransactionReceipt", tx_hash)
        self.address = to_checksum_address(receipt["contractAddress"])
        self._chain = chain

    def data(self, function: str, *numbers: int) -> str:
        """Return what calls a function."""
        return self._selectors[function] + "".join(f"{number:064x}" for number in numbers)

    def send(self, function: str, *numbers: int, **changed: Any) -> str:
        """Send a call of a function; return the transaction's hash."""
        fields = {"value": 0, "gas": 200_000, **changed}
        return send(self._chain, to=self.address, data=self.data(function, *numbers), **fields)

    def call(self, function: str, *numbers: int, at: Any = "latest") -> int:
        """Return the number that a function answers."""
        asked = {"to": self.address, "data": self.data(function, *numbers)}
        return int(self._chain.rpc("eth_call", asked, at), 16)


@pytest.fixture(scope="session")
def compiled() -> dict[str, Any]:
    """The contract's bytecode and the selectors of its functions."""
    return vyper.compile_code(SOURCE, output_formats=["bytecode", "method_identifiers"])


@pytest.fixture
def contract(chain: Local, compiled: dict[str, Any]) -> Contract:
    """The contract, in block 1."""
    return Contract(chain, compiled)


class Signed(NamedTuple):
    """A transaction's bytes and its hash, with 0x."""

    raw: str
    hash: str


def sign(chain: Local | Other | Devchain, nonce: int, **changed: Any) -> Signed:
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


def nonce_of(chain: Local | Other | Devchain) -> int:
    """Return the funded account's next nonce, behind what waits."""
    return int(chain.rpc("eth_getTransactionCount", chain.address, "pending"), 16)


def send(chain: Local | Other | Devchain, **changed: Any) -> str:
    """Send a transaction of the funded account; return its hash."""
    nonce = changed.pop("nonce", None)
    signed = sign(chain, nonce_of(chain) if nonce is None else nonce, **changed)
    assert chain.rpc("eth_sendRawTransaction", signed.raw) == signed.hash
    return signed.hash


def height(chain: Local | Other | Devchain, name: str = "latest") -> int:
    """Return the height of the block of a name."""
    return int(chain.rpc("eth_getBlockByNumber", name, False)["number"], 16)


def refusal(chain: Local | Other | Devchain, method: str, *params: Any) -> tuple[int, str]:
    """Return the code and the message with which a method fails."""
    with pytest.raises(Failed) as failed:
        chain.rpc(method, *params)
    return failed.value.code, failed.value.message
