from __future__ import annotations

import pytest

from tests.chain import Failed
from tests.tasks.providers.devchain.conftest import SOMEBODY, refusal, send

MILLION_ETHER = "0xd3c21bcecceda1000000"
NOBODY = "0x2222222222222222222222222222222222222222"


def test_the_chain_says_which_it_is(chain):
    assert chain.rpc("eth_chainId") == "0x539"
    assert chain.rpc("net_version") == "1337"
    assert chain.rpc("web3_clientVersion") == "devchain/py-evm-0.12.1b1"
    assert chain.rpc("eth_syncing") is False
    assert chain.rpc("eth_accounts") == []


def test_an_account_is_told_as_each_block_left_it(chain):
    send(chain, value=5)
    chain.mine()
    block = chain.rpc("eth_getBlockByNumber", "0x0", False)["hash"]

    assert chain.rpc("eth_getBalance", chain.address, "earliest") == MILLION_ETHER
    assert chain.rpc("eth_getBalance", SOMEBODY, "latest") == "0x5"
    assert chain.rpc("eth_getBalance", SOMEBODY) == "0x5"
    assert chain.rpc("eth_getBalance", SOMEBODY, "0x0") == "0x0"
    assert chain.rpc("eth_getBalance", SOMEBODY, {"blockHash": block}) == "0x0"
    assert chain.rpc("eth_getBalance", SOMEBODY, {"blockNumber": "0x1"}) == "0x5"
    assert refusal(chain, "eth_getBalance", SOMEBODY, "0x2") == (-32000, "header not found")


def test_the_next_nonce_depends_on_what_is_counted(chain):
    for _ in range(3):
        send(chain)
        chain.mine()
    send(chain)
    send(chain)
    send(chain, nonce=7)

    names = ("earliest", "finalized", "safe", "latest", "pending")
    counts = [chain.rpc("eth_getTransactionCount", chain.address, name) for name in names]

    assert counts == ["0x0", "0x1", "0x2", "0x3", "0x5"]


def test_a_contract_has_code_and_storage(chain, contract):
    contract.send("keep(uint256)", 42)
    chain.mine()

    assert len(chain.rpc("eth_getCode", contract.address)) > 100
    assert chain.rpc("eth_getCode", contract.address, "0x0") == "0x"
    assert chain.rpc("eth_getCode", SOMEBODY) == "0x"
    # Vyper keeps slot 0 for itself.
    for slot in ("0x1", "0x01", f"0x{1:064x}"):
        assert chain.rpc("eth_getStorageAt", contract.address, slot) == f"0x{42:064x}"
    assert chain.rpc("eth_getStorageAt", contract.address, "0x1", "0x1") == "0x" + "0" * 64


def test_a_contract_answers_as_of_each_block_and_keeps_nothing_of_a_call(chain, contract):
    contract.send("keep(uint256)", 42)
    chain.mine()
    keep = {"to": contract.address, "data": contract.data("keep(uint256)", 7)}

    assert chain.rpc("eth_call", keep, "latest") == "0x"

    assert contract.call("number()") == 42
    assert contract.call("number()", at="0x1") == 0
    block = chain.rpc("eth_getBlockByNumber", "0x1", False)
    assert contract.call("number()", at={"blockHash": block["hash"]}) == 0
    assert contract.call("second()", at="0x1") == int(block["timestamp"], 16)


#: What `assert …, "TooLarge"` answers: Error(string).
TOO_LARGE = (
    "0x08c379a0"
    "0000000000000000000000000000000000000000000000000000000000000020"
    "0000000000000000000000000000000000000000000000000000000000000008"
    "546f6f4c61726765000000000000000000000000000000000000000000000000"
)


@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas"])
def test_a_contract_that_refuses_gives_its_reason(chain, contract, method):
    asked = {"to": contract.address, "data": contract.data("keep(uint256)", 100)}

    with pytest.raises(Failed) as failed:
        chain.rpc(method, asked)

    error = failed.value
    assert (error.code, error.message) == (3, "execution reverted: TooLarge")
    assert error.data == TOO_LARGE


def test_a_contract_that_runs_out_of_gas_or_money_says_so(chain, contract):
    burn = {"to": contract.address, "data": contract.data("burn()"), "gas": "0x186a0"}
    pay = {
        "from": NOBODY,
        "to": contract.address,
        "data": contract.data("pay()"),
        "value": "0x1",
    }

    assert refusal(chain, "eth_call", burn) == (-32000, "out of gas")
    assert refusal(chain, "eth_call", pay) == (-32000, "insufficient funds for transfer")
    assert refusal(chain, "eth_estimateGas", {"to": SOMEBODY, "gas": "0x1"}) == (
        -32000,
        "intrinsic gas too low: gas 1, minimum needed 21000",
    )


def test_a_transfer_needs_21000_gas(chain):
    assert chain.rpc("eth_estimateGas", {"from": chain.address, "to": SOMEBODY}) == "0x5208"


def test_a_transaction_gets_through_with_what_was_estimated_and_not_with_less(chain, contract):
    asked = {
        "from": chain.address,
        "to": contract.address,
        "data": contract.data("keep(uint256)", 7),
    }
    estimate = int(chain.rpc("eth_estimateGas", asked), 16)

    sent = [
        contract.send("keep(uint256)", 7, gas=estimate - 1),
        contract.send("keep(uint256)", 7, gas=estimate),
    ]
    chain.mine()

    receipts = [chain.rpc("eth_getTransactionReceipt", one) for one in sent]
    assert [one["status"] for one in receipts] == ["0x0", "0x1"]


def test_the_making_of_a_contract_is_estimated_and_called(chain, compiled):
    asked = {"from": chain.address, "data": compiled["bytecode"]}

    estimate = int(chain.rpc("eth_estimateGas", asked), 16)
    send(chain, to=None, value=0, gas=estimate, data=compiled["bytecode"])
    chain.mine()

    (receipt,) = chain.rpc("eth_getBlockReceipts", "latest")
    assert receipt["status"] == "0x1"
    assert chain.rpc("eth_call", asked) == chain.rpc("eth_getCode", receipt["contractAddress"])
