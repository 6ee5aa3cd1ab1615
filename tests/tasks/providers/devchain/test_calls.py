from __future__ import annotations

import sys

import pytest

from tasks.providers.devchain.calls import reason_of
from tests.tasks.providers.devchain.conftest import SOMEBODY, refusal, send


def panic(number: int) -> bytes:
    """Return what a compiler's own checks answer: Panic(uint256)."""
    return bytes.fromhex("4e487b71") + number.to_bytes(32, "big")


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (b"", ""),
        (bytes.fromhex("08c379a0"), ""),
        (bytes.fromhex("f92ee8a9"), ""),
        (panic(0x11), "arithmetic underflow or overflow"),
        (panic(0x12), "division or modulo by zero"),
        (panic(0x77), "unknown panic code: 0x77"),
    ],
)
def test_a_reason_is_read_from_what_a_contract_answered(output, reason):
    assert reason_of(output) == reason


def deploy(chain, code: str) -> str:
    """Put code on the chain; return where it is."""
    length = len(code) // 2
    # PUSH1 length, PUSH1 12, PUSH1 0, CODECOPY, PUSH1 length, PUSH1 0, RETURN
    init = f"60{length:02x}600c60003960{length:02x}6000f3{code}"
    tx_hash = send(chain, to=None, value=0, gas=200_000, data=f"0x{init}")
    chain.mine()
    return chain.rpc("eth_getTransactionReceipt", tx_hash)["contractAddress"]


def test_a_contract_that_wants_gas_left_gets_it_by_the_estimate(chain):
    # PUSH3 100,000, GAS, GT, PUSH1 10, JUMPI, INVALID, JUMPDEST, STOP
    address = deploy(chain, "620186a05a11600a57fe5b00")

    estimate = int(chain.rpc("eth_estimateGas", {"to": address}), 16)

    assert 121_000 < estimate < 123_000
    assert chain.rpc("eth_call", {"to": address, "gas": hex(estimate - 21_000)}) == "0x"


def test_contracts_may_call_each_other_deep(chain):
    # A contract that calls itself with all but a 64th of its gas, for as long as there is any.
    address = deploy(chain, "600080808080305af15000")

    sys.setrecursionlimit(12_000)  # as py-evm would have it
    assert chain.rpc("eth_call", {"to": address}) == "0x"


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ("0x", "invalid argument 0: not an object"),
        ({"to": SOMEBODY, "value": "1"}, "invalid argument 0: hex string without 0x prefix"),
        ({"to": "0x11"}, "invalid argument 0: hex string has length 2, want 40 for common.Address"),
    ],
)
def test_a_call_that_is_misspelt_is_refused(chain, asked, complaint):
    assert refusal(chain, "eth_call", asked) == (-32602, complaint)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("0x5f56", "invalid jump destination"),
        ("0x01", "stack underflow"),
        ("0x0c", "invalid opcode: INVALID"),
        ("0x5b5f56", "out of gas"),
    ],
)
def test_code_that_is_wrong_says_how(chain, code, message):
    assert refusal(chain, "eth_call", {"input": code, "gas": "0x2710"}) == (-32000, message)
