from __future__ import annotations

import pytest

from tests.tasks.providers.devchain.conftest import SOMEBODY, height, refusal, send


def test_a_reorganization_replaces_blocks_and_their_transactions_are_gone(chain, contract):
    kept = contract.send("keep(uint256)", 1)
    chain.mine()
    gone = [contract.send("keep(uint256)", number) for number in (2, 3)]
    chain.mine()
    before = [chain.rpc("eth_getBlockByNumber", hex(n), False)["hash"] for n in range(4)]

    assert chain.rpc("anvil_reorg", 1, []) is None

    after = [chain.rpc("eth_getBlockByNumber", hex(n), False)["hash"] for n in range(4)]
    assert after[:3] == before[:3]
    assert after[3] != before[3]
    assert height(chain) == 3
    assert chain.rpc("eth_getBlockByHash", before[3], False) is None
    assert chain.rpc("eth_getTransactionReceipt", kept)["blockHash"] == before[2]
    for tx_hash in gone:
        assert chain.rpc("eth_getTransactionReceipt", tx_hash) is None
        assert chain.rpc("eth_getTransactionByHash", tx_hash) is None
    assert chain.rpc("txpool_status") == {"pending": "0x0", "queued": "0x0"}
    assert contract.call("number()") == 1
    assert chain.rpc("eth_getTransactionCount", chain.address) == "0x2"
    assert len(chain.rpc("eth_getLogs", {"fromBlock": "0x0"})) == 1


def test_the_same_bytes_can_be_sent_again_after_a_reorganization(chain):
    first = send(chain)
    chain.mine()
    chain.rpc("anvil_reorg", "0x1", [])
    assert chain.node.chain.is_settled()

    again = send(chain, nonce=0)
    chain.mine()

    assert again == first
    assert chain.rpc("eth_getTransactionReceipt", again)["blockNumber"] == "0x2"


def test_what_waits_behind_a_transaction_that_is_gone_waits_for_another(chain):
    send(chain)
    chain.mine()
    later = send(chain)

    chain.rpc("anvil_reorg", 1, [])

    assert chain.rpc("txpool_status") == {"pending": "0x0", "queued": "0x1"}
    send(chain, nonce=0)
    chain.mine()
    assert chain.rpc("eth_getTransactionReceipt", later)["transactionIndex"] == "0x1"


def test_a_transaction_that_waits_can_be_dropped(chain):
    tx_hash = send(chain)

    assert chain.rpc("anvil_dropTransaction", tx_hash) == tx_hash
    assert chain.rpc("anvil_dropTransaction", tx_hash) is None

    assert chain.rpc("eth_getTransactionByHash", tx_hash) is None
    chain.mine()
    assert chain.rpc("eth_getBlockByNumber", "latest", False)["transactions"] == []


def test_the_base_fee_of_the_next_block_can_be_set_and_those_after_follow(chain):
    chain.rpc("anvil_setNextBlockBaseFeePerGas", "0x2540be400")
    chain.mine(2)

    found = [chain.rpc("eth_getBlockByNumber", hex(n), False)["baseFeePerGas"] for n in (1, 2)]

    assert [int(fee, 16) for fee in found] == [10_000_000_000, 8_750_000_000]


def test_a_balance_can_be_set_and_is_part_of_the_next_block(chain):
    chain.rpc("anvil_setBalance", SOMEBODY, "0x7")

    assert chain.rpc("eth_getBalance", SOMEBODY) == "0x7"
    assert chain.rpc("eth_getBalance", SOMEBODY, "0x0") == "0x0"
    assert height(chain) == 1


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("anvil_reorg", [2, []], (-32000, "the chain is not that long")),
        ("anvil_reorg", [1, [["0x00", 0]]], (-32000, "the new blocks are empty")),
        ("evm_setIntervalMining", [-1], (-32602, "invalid argument 0: not a number of seconds")),
        ("evm_mine", [3], (-32602, "invalid argument 0: not an object")),
    ],
)
def test_a_control_that_cannot_be_followed_is_refused(chain, method, params, error):
    chain.mine()

    assert refusal(chain, method, *params) == error
