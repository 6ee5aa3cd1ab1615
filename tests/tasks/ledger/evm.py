"""An EVM within the test's process, with our contracts on it: no node, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eth import constants
from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.vm.forks.shanghai import ShanghaiVM
from eth_keys.datatypes import PrivateKey

from tasks.ledger import abi
from tasks.ledger.contracts import artefact

if TYPE_CHECKING:
    from collections.abc import Mapping

CHAIN_ID = 1337
#: When the chain begins; seconds since 1970.
GENESIS_AT = 1_700_000_000
GAS = 15_000_000
PRICE = 10**9


class _Chain(MiningChain):
    chain_id = CHAIN_ID
    vm_configuration = ((constants.GENESIS_BLOCK_NUMBER, ShanghaiVM),)


class Refused(Exception):
    """The contract refused a call; the text is its reason."""


class Done(NamedTuple):
    """A transaction that the contract let through."""

    output: Any
    events: list[abi.Event]
    gas: int


def account(number: int) -> PrivateKey:
    """Return one of the accounts that have funds: 1, 2 or 3."""
    return PrivateKey(number.to_bytes(32, "big"))


def address(number: int) -> str:
    return account(number).public_key.to_address()


class Evm:
    """A chain with one contract; every transaction is signed, and has a block to itself."""

    def __init__(self, contract: str, *, by: int = 1) -> None:
        rich = {"balance": 10**24, "nonce": 0, "code": b"", "storage": {}}
        state = {account(n).public_key.to_canonical_address(): rich for n in (1, 2, 3)}
        genesis = {"timestamp": GENESIS_AT, "gas_limit": 2 * GAS, "difficulty": 0}
        self.chain = _Chain.from_genesis(AtomicDB(), genesis, state)
        self.contract = contract
        self.now = GENESIS_AT
        receipt, self.creation = self._apply(account(by), b"", artefact(contract).bytecode)
        self.gas = receipt.gas_used
        self.address = "0x" + self.creation.msg.storage_address.hex()

    def send(self, function: str, *arguments: Any, by: int = 1) -> Done:
        """Send a transaction from an account; return what came of it.

        Raises:
            Refused: the contract reverted it.
        """
        data = abi.encode_call(self.contract, function, arguments)
        receipt, computation = self._apply(account(by), self._to, data)
        if computation.is_error:
            assert receipt.logs == ()
            raise Refused(abi.revert_reason(bytes(computation.output)))
        output = abi.decode_output(self.contract, function, computation.output)
        logs = [_json(log) for log in receipt.logs]
        return Done(output, abi.read_events(self.contract, logs), receipt.gas_used)

    def view(self, function: str, *arguments: Any) -> Any:
        """Return what a function answers, changing nothing.

        Raises:
            Refused: the contract reverted it.
        """
        data = abi.encode_call(self.contract, function, arguments)
        vm = self.chain.get_vm()
        computation = vm.execute_bytecode(
            constants.ZERO_ADDRESS, 0, GAS, self._to, constants.ZERO_ADDRESS, 0, data, self.code
        )
        if computation.is_error:
            raise Refused(abi.revert_reason(bytes(computation.output)))
        return abi.decode_output(self.contract, function, computation.output)

    @property
    def code(self) -> bytes:
        """What stands at the contract's address."""
        return self.chain.get_vm().state.get_code(self._to)

    @property
    def _to(self) -> bytes:
        return bytes.fromhex(self.address[2:])

    def _apply(self, key: PrivateKey, to: bytes, data: bytes) -> Any:
        """Run a transaction in a block of its own, now or as soon as may be."""
        parent = self.chain.get_canonical_head()
        self.chain.set_header_timestamp(max(self.now, parent.timestamp + 1))
        vm = self.chain.get_vm()
        nonce = vm.state.get_nonce(key.public_key.to_canonical_address())
        unsigned = vm.create_unsigned_transaction(
            nonce=nonce, gas_price=PRICE, gas=GAS, to=to, value=0, data=data
        )
        transaction = unsigned.as_signed_transaction(key, chain_id=CHAIN_ID)
        _, receipt, computation = self.chain.apply_transaction(transaction)
        self.chain.mine_block()
        return receipt, computation


def _json(log: Any) -> Mapping[str, Any]:
    """Return a log as JSON-RPC has it."""
    topics = [f"0x{topic:064x}" for topic in log.topics]
    return {"topics": topics, "data": f"0x{log.data.hex()}"}
