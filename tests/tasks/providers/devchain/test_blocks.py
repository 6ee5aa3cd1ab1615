from __future__ import annotations

from tests.tasks.providers.devchain.conftest import SOMEBODY, refusal, send

ZERO_HASH = "0x" + "0" * 64
#: The roots of nothing: keccak of an encoded empty string and of an encoded empty list.
NO_TRIE = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
NO_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"


def kept(number: int) -> str:
    """Return the topic of a number."""
    return f"0x{number:064x}"


def test_the_first_block_follows_from_the_chain_id_and_the_funded_accounts(chain):
    genesis = chain.rpc("eth_getBlockByNumber", "earliest", False)

    assert genesis == {
        "number": "0x0",
        "hash": genesis["hash"],
        "parentHash": ZERO_HASH,
        "nonce": "0x0000000000000000",
        "mixHash": ZERO_HASH,
        "sha3Uncles": NO_UNCLES,
        "logsBloom": "0x" + "0" * 512,
        "transactionsRoot": NO_TRIE,
        "stateRoot": "0x91b237640d5a485c8c812d23f19fe04d96fc60f99b613445bef2fc1fe33afb56",
        "receiptsRoot": NO_TRIE,
        "miner": "0x0000000000000000000000000000000000000000",
        "difficulty": "0x0",
        "extraData": "0x646576636861696e0000000000000539",
        "size": genesis["size"],
        "gasLimit": "0x1c9c380",
        "gasUsed": "0x0",
        "timestamp": "0x0",
        "baseFeePerGas": "0x3b9aca00",
        "withdrawalsRoot": NO_TRIE,
        "blobGasUsed": "0x0",
        "excessBlobGas": "0x0",
        "parentBeaconBlockRoot": NO_TRIE,
        "transactions": [],
        "uncles": [],
        "withdrawals": [],
    }


def test_a_block_names_its_transactions_or_holds_them(chain):
    sent = [send(chain) for _ in range(2)]
    chain.mine()

    named = chain.rpc("eth_getBlockByNumber", "0x1", False)
    held = chain.rpc("eth_getBlockByHash", named["hash"], True)

    assert named["transactions"] == sent
    assert [one["hash"] for one in held["transactions"]] == sent
    assert [one["transactionIndex"] for one in held["transactions"]] == ["0x0", "0x1"]
    assert {**held, "transactions": sent} == named
    assert named["gasUsed"] == "0xa410"
    assert named["parentHash"] == chain.rpc("eth_getBlockByNumber", "0x0", False)["hash"]


def test_a_block_that_is_not_there_is_null(chain):
    assert chain.rpc("eth_getBlockByNumber", "0x1", False) is None
    assert chain.rpc("eth_getBlockByHash", ZERO_HASH, False) is None
    assert chain.rpc("eth_getBlockReceipts", "0x1") is None


def test_the_pending_block_holds_what_waits_and_has_no_hash_yet(chain):
    sent = send(chain)

    pending = chain.rpc("eth_getBlockByNumber", "pending", False)

    assert (pending["number"], pending["transactions"]) == ("0x1", [sent])
    assert [pending[name] for name in ("hash", "nonce", "miner", "logsBloom")] == [None] * 4


def test_names_stand_for_blocks(chain):
    chain.mine(5)

    numbers = {
        name: chain.rpc("eth_getBlockByNumber", name, False)["number"]
        for name in ("earliest", "finalized", "safe", "latest", "pending")
    }

    assert numbers == {
        "earliest": "0x0",
        "finalized": "0x3",
        "safe": "0x4",
        "latest": "0x5",
        "pending": "0x6",
    }
    assert chain.rpc("eth_blockNumber") == "0x5"


def test_the_receipts_of_a_block_add_up(chain, contract):
    sent = [contract.send("keep(uint256)", 1), send(chain), contract.send("keep(uint256)", 2)]
    chain.mine()
    block = chain.rpc("eth_getBlockByNumber", "latest", False)

    receipts = chain.rpc("eth_getBlockReceipts", block["hash"])

    assert receipts == [chain.rpc("eth_getTransactionReceipt", one) for one in sent]
    assert [one["transactionIndex"] for one in receipts] == ["0x0", "0x1", "0x2"]
    assert [log["logIndex"] for one in receipts for log in one["logs"]] == ["0x0", "0x1"]
    assert sum(int(one["gasUsed"], 16) for one in receipts) == int(block["gasUsed"], 16)
    assert receipts[-1]["cumulativeGasUsed"] == block["gasUsed"]
    assert receipts == chain.rpc("eth_getBlockReceipts", "latest")


def test_logs_are_found_by_contract_topic_and_block(chain, contract):
    for number in (1, 2, 3):
        contract.send("keep(uint256)", number)
        chain.mine()
    block = chain.rpc("eth_getBlockByNumber", "0x3", False)["hash"]
    everywhere = {"fromBlock": "earliest", "toBlock": "latest"}

    def found(**wanted):
        return [int(log["topics"][2], 16) for log in chain.rpc("eth_getLogs", wanted)]

    assert found(**everywhere) == [1, 2, 3]
    assert found() == [3]
    assert found(fromBlock="0x2", toBlock="0x3") == [1, 2]
    assert found(blockHash=block) == [2]
    assert found(**everywhere, address=contract.address) == [1, 2, 3]
    assert found(**everywhere, address=[SOMEBODY]) == []
    assert found(**everywhere, topics=[None, None, kept(2)]) == [2]
    assert found(**everywhere, topics=[None, None, [kept(1), kept(3)]]) == [1, 3]
    assert found(**everywhere, topics=[None, kept(9)]) == []


def test_a_log_says_where_it_stands(chain, contract):
    sent = contract.send("keep(uint256)", 7)
    chain.mine()

    (log,) = chain.rpc("eth_getLogs", {"address": contract.address})

    block = chain.rpc("eth_getBlockByNumber", "latest", False)
    assert log == {
        "address": contract.address.lower(),
        # keccak of Kept(address,uint256,uint256), who it was, and the number.
        "topics": [
            log["topics"][0],
            "0x" + "0" * 24 + chain.address[2:].lower(),
            kept(7),
        ],
        "data": kept(0),
        "blockHash": block["hash"],
        "blockNumber": "0x2",
        "transactionHash": sent,
        "transactionIndex": "0x0",
        "logIndex": "0x0",
        "removed": False,
    }


def test_a_filter_that_makes_no_sense_is_refused(chain):
    both = {"blockHash": ZERO_HASH, "fromBlock": "0x0"}

    assert refusal(chain, "eth_getLogs", both) == (
        -32602,
        (
            "invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock, "
            "choose one or the other"
        ),
    )
    assert refusal(chain, "eth_getLogs", {"blockHash": ZERO_HASH}) == (-32000, "unknown block")
    assert refusal(chain, "eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x1"}) == (
        -32602,
        "invalid block range params",
    )
    assert refusal(chain, "eth_getLogs", {"topics": [None] * 5}) == (
        -32602,
        "invalid argument 0: exceed max topics",
    )
