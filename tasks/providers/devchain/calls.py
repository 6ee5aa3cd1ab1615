"""Running a contract without a transaction: eth_call and eth_estimateGas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eth._utils.address import generate_contract_address
from eth.constants import CREATE_CONTRACT_ADDRESS, ZERO_ADDRESS
from eth.exceptions import (
    InsufficientFunds,
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
    OutOfGas,
    Revert,
    VMError,
    WriteProtection,
)
from eth.vm.forks.cancun.transactions import CancunTransactionBuilder
from eth.vm.message import Message

from tasks.providers.devchain import hexes
from tasks.providers.devchain.evm import GAS_LIMIT
from tasks.providers.devchain.faults import Refused, Reverted

if TYPE_CHECKING:
    from eth.abc import BlockHeaderAPI, ComputationAPI, StateAPI
    from eth_typing import Address

    from tasks.providers.devchain.evm import Machine

#: What Solidity's and Vyper's compilers put before a reason, and before the number of a panic.
_ERROR, _PANIC = bytes.fromhex("08c379a0"), bytes.fromhex("4e487b71")
_PANICS = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}

_WORDS: dict[type[VMError], str] = {
    OutOfGas: "out of gas",
    InvalidInstruction: "invalid opcode: INVALID",
    InvalidJumpDestination: "invalid jump destination",
    InsufficientStack: "stack underflow",
    WriteProtection: "write protection",
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a contract is asked; without a recipient it is made."""

    sender: Address = ZERO_ADDRESS
    to: Address = CREATE_CONTRACT_ADDRESS
    gas: int = GAS_LIMIT
    gas_price: int = 0
    value: int = 0
    data: bytes = b""

    @classmethod
    def read(cls, given: Any) -> Call:
        """Read a transaction object of JSON-RPC.

        Raises:
            Misspelt: a field is not written as it must be.
        """
        if not isinstance(given, dict):
            raise hexes.Misspelt("not an object")
        readers = {
            "sender": (("from",), hexes.read_address),
            "to": (("to",), hexes.read_address),
            "gas": (("gas",), hexes.read_quantity),
            "gas_price": (("maxFeePerGas", "gasPrice"), hexes.read_quantity),
            "value": (("value",), hexes.read_quantity),
            "data": (("input", "data"), hexes.read_data),
        }
        values: dict[str, Any] = {}
        for name, (keys, read) in readers.items():
            found = next((given[key] for key in keys if given.get(key) is not None), None)
            if found is not None:
                values[name] = read(found)
        call = cls(**values)
        return replace(call, gas=min(call.gas, GAS_LIMIT))

    def intrinsic_gas(self) -> int:
        """Return what a transaction with it costs before anything runs."""
        unsigned = CancunTransactionBuilder.create_unsigned_transaction(
            nonce=0, gas_price=0, gas=0, to=self.to, value=0, data=self.data
        )
        return unsigned.intrinsic_gas


def call(machine: Machine, header: BlockHeaderAPI, asked: Call) -> bytes:
    """Return what a contract answers in the state that a block left.

    Raises:
        Reverted: it gave up.
        Refused: it could not run to its end.
    """
    computation = _run(machine, header, asked, asked.gas)
    if computation.is_error:
        raise _fault(computation)
    return computation.output


def estimate(machine: Machine, header: BlockHeaderAPI, asked: Call) -> int:
    """Return the least gas with which a transaction does what it does with plenty.

    Raises:
        Reverted: the contract gives up.
        Refused: it cannot run to its end.
    """
    intrinsic = asked.intrinsic_gas()
    plenty = asked.gas - intrinsic
    if plenty < 0:
        raise Refused(f"intrinsic gas too low: gas {asked.gas}, minimum needed {intrinsic}")
    computation = _run(machine, header, asked, plenty)
    if computation.is_error:
        raise _fault(computation)
    # Refunds come when all is over; until then it must have what it uses.
    enough = plenty - computation.get_gas_remaining()
    if _run(machine, header, asked, enough).is_error:
        enough = _search(machine, header, asked, enough, plenty)
    return intrinsic + enough


def _search(machine: Machine, header: BlockHeaderAPI, asked: Call, low: int, high: int) -> int:
    """Find what a contract needs that looks at its gas, to about a part in a hundred."""
    while high - low > max(1, low // 100):
        middle = min((low + high) // 2, 2 * low + 1)
        if _run(machine, header, asked, middle).is_error:
            low = middle
        else:
            high = middle
    return high


def _run(machine: Machine, header: BlockHeaderAPI, asked: Call, gas: int) -> ComputationAPI:
    vm, _ = machine.vm(header)
    state = vm.state
    made = (
        None if asked.to else generate_contract_address(asked.sender, state.get_nonce(asked.sender))
    )
    message = Message(
        gas=gas,
        to=asked.to,
        sender=asked.sender,
        value=asked.value,
        data=asked.data if asked.to else b"",
        code=state.get_code(asked.to) if asked.to else asked.data,
        create_address=made,  # type: ignore[arg-type] # None is its default
    )
    state.mark_address_warm(asked.sender)
    state.mark_address_warm(message.storage_address)
    return _apply(state, message, asked)


def _apply(state: StateAPI, message: Message, asked: Call) -> ComputationAPI:
    context = state.get_transaction_context_class()(gas_price=asked.gas_price, origin=asked.sender)
    machine = state.computation_class
    apply = machine.apply_create_message if message.is_create else machine.apply_message
    try:
        return apply(state, message, context)
    except InsufficientFunds:
        raise Refused("insufficient funds for transfer") from None
    except VMError as error:
        raise Refused(_words(error)) from None


def _fault(computation: ComputationAPI) -> Refused | Reverted:
    error = computation.error
    if not isinstance(error, Revert):
        return Refused(_words(error))
    reason = reason_of(computation.output)
    words = f"execution reverted: {reason}" if reason else "execution reverted"
    return Reverted(words, hexes.data(computation.output))


def _words(error: VMError) -> str:
    return next((words for kind, words in _WORDS.items() if isinstance(error, kind)), str(error))


def reason_of(output: bytes) -> str:
    """Return the reason in what a contract said when it gave up; empty where there is none."""
    if output.startswith(_ERROR) and len(output) >= 68:  # noqa: PLR2004 - selector, offset, length
        length = int.from_bytes(output[36:68], "big")
        return output[68 : 68 + length].decode(errors="replace")
    if output.startswith(_PANIC) and len(output) == 36:  # noqa: PLR2004 - selector and number
        number = int.from_bytes(output[4:], "big")
        return _PANICS.get(number, f"unknown panic code: {number:#x}")
    return ""
