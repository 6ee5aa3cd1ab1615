from __future__ import annotations

import pytest
import rlp

from tests.tasks.providers.devchain.conftest import GWEI, SOMEBODY, refusal, send, sign

NO_SUCH = "0x" + "77" * 32


def of_legacy(**changed):
    """Return what turns a transaction into one from before there were types."""
    return {"maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 5 * GWEI, **changed}


def test_a_transaction_that_waits_has_no_place_and_no_receipt(chain):
    tx_hash = send(chain, value=9)

    waiting = chain.rpc("eth_getTransactionByHash", tx_hash)

    assert waiting == {
        "hash": tx_hash,
        "type": "0x2",
        "nonce": "0x0",
        "from": chain.address.lower(),
        "to": SOMEBODY,
        "value": "0x9",
        "gas": "0x5208",
        "gasPrice": "0x2540be400",
        "maxFeePerGas": "0x2540be400",
        "maxPriorityFeePerGas": "0x3b9aca00",
        "input": "0x",
        "blockHash": None,
        "blockNumber": None,
        "transactionIndex": None,
        "chainId": "0x539",
        "accessList": [],
        "r": waiting["r"],
        "s": waiting["s"],
        "v": waiting["v"],
        "yParity": waiting["v"],
    }
    assert waiting["v"] in {"0x0", "0x1"}
    assert chain.rpc("eth_getTransactionReceipt", tx_hash) is None


def test_a_transaction_in_a_block_has_its_place_and_the_price_that_it_paid(chain):
    tx_hash = send(chain)
    waiting = chain.rpc("eth_getTransactionByHash", tx_hash)
    chain.mine()

    block = chain.rpc("eth_getBlockByNumber", "0x1", False)

    base_fee = int(block["baseFeePerGas"], 16)
    assert chain.rpc("eth_getTransactionByHash", tx_hash) == {
        **waiting,
        "gasPrice": hex(base_fee + GWEI),
        "blockHash": block["hash"],
        "blockNumber": "0x1",
        "transactionIndex": "0x0",
    }


def test_a_receipt_has_every_field_of_the_standard(chain):
    tx_hash = send(chain)
    chain.mine()

    receipt = chain.rpc("eth_getTransactionReceipt", tx_hash)

    block = chain.rpc("eth_getBlockByNumber", "0x1", False)
    assert receipt == {
        "blockHash": block["hash"],
        "blockNumber": "0x1",
        "transactionHash": tx_hash,
        "transactionIndex": "0x0",
        "type": "0x2",
        "status": "0x1",
        "from": chain.address.lower(),
        "to": SOMEBODY,
        "contractAddress": None,
        "cumulativeGasUsed": "0x5208",
        "gasUsed": "0x5208",
        "effectiveGasPrice": hex(int(block["baseFeePerGas"], 16) + GWEI),
        "logsBloom": "0x" + "0" * 512,
        "logs": [],
    }


def test_the_receipt_of_what_failed_has_status_0_and_of_what_made_a_contract_its_address(
    chain, contract
):
    failed = contract.send("keep(uint256)", 100)
    chain.mine()

    (made,) = chain.rpc("eth_getBlockReceipts", "0x1")
    assert chain.rpc("eth_getTransactionReceipt", failed)["status"] == "0x0"
    assert made["contractAddress"] == contract.address.lower()
    assert made["to"] is None


def test_transactions_of_the_older_types_are_taken(chain):
    entry = {"address": SOMEBODY, "storageKeys": ["0x" + "01" * 32]}
    legacy = send(chain, **of_legacy())
    listed = send(chain, **of_legacy(accessList=[entry], gas=50_000))
    chain.mine()

    first, second = (chain.rpc("eth_getTransactionByHash", one) for one in (legacy, listed))

    assert (first["type"], second["type"]) == ("0x0", "0x1")
    assert first["v"] in {"0xa95", "0xa96"}  # 1337 * 2 + 35 or 36
    assert "accessList" not in first
    assert second["accessList"] == [entry]
    assert [first["gasPrice"], second["gasPrice"]] == ["0x12a05f200"] * 2
    receipts = chain.rpc("eth_getBlockReceipts", "latest")
    assert [one["type"] for one in receipts] == ["0x0", "0x1"]
    assert [one["effectiveGasPrice"] for one in receipts] == ["0x12a05f200"] * 2


def test_a_transaction_that_nobody_knows_is_null(chain):
    assert chain.rpc("eth_getTransactionByHash", NO_SUCH) is None
    assert chain.rpc("eth_getTransactionReceipt", NO_SUCH) is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"chainId": 1},
            "invalid sender: invalid chain id for signer: have 1 want 1337",
        ),
        (
            {**of_legacy(), "chainId": None},
            "only replay-protected (EIP-155) transactions allowed over RPC",
        ),
        ({"gas": 30_000_001}, "exceeds block gas limit"),
        ({"gas": 20_999}, "intrinsic gas too low: gas 20999, minimum needed 21000"),
        (
            {"to": None, "gas": 53_000, "data": "0x00"},
            "intrinsic gas too low: gas 53000, minimum needed 53006",
        ),
        (
            {"to": None, "gas": 10**6, "data": b"\0" * 49_153},
            "max initcode size exceeded: code size 49153, limit 49152",
        ),
        (
            {"data": b"\0" * 131_072, "gas": 10**6},
            "oversized data: transaction size 131190, limit 131072",
        ),
        (
            {"maxFeePerGas": GWEI - 1},
            (
                "max priority fee per gas higher than max fee per gas: "
                "maxPriorityFeePerGas: 1000000000, maxFeePerGas: 999999999"
            ),
        ),
        (
            {"maxPriorityFeePerGas": 0},
            "transaction underpriced: gas tip cap 0, minimum needed 1",
        ),
        (
            {"value": 10**24},
            (
                "insufficient funds for gas * price + value: balance 1000000000000000000000000, "
                "tx cost 1000000000210000000000000, overshot 210000000000000"
            ),
        ),
    ],
)
def test_a_transaction_that_no_block_could_hold_is_refused(chain, changed, message):
    raw = sign(chain, 0, **changed).raw

    assert refusal(chain, "eth_sendRawTransaction", raw) == (-32000, message)


#: Half the order of the curve, which s may not exceed (EIP-2).
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@pytest.mark.parametrize("signature", [(0, 0, 1), (0, 1, 0), (0, 1, HALF_ORDER + 1), (7, 1, 1)])
def test_a_signature_of_nobody_is_refused(chain, signature):
    fields = [1337, 0, 1, 1, 21_000, bytes(20), 0, b"", [], *signature]

    assert refusal(chain, "eth_sendRawTransaction", f"0x02{rlp.encode(fields).hex()}") == (
        -32000,
        "invalid sender: invalid transaction v, r, s values",
    )


def test_a_transaction_with_blobs_is_refused(chain):
    fields = [1337, 0, 1, 1, 21_000, bytes(20), 0, b"", [], 1, [b"\1" * 32], 0, 1, 1]

    assert refusal(chain, "eth_sendRawTransaction", f"0x03{rlp.encode(fields).hex()}") == (
        -32000,
        "transaction type not supported",
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("0x", "rlp: Encoded transaction was empty, which makes it invalid"),
        ("0x04c0", "transaction type not supported"),
        ("0xb8", "rlp: "),
    ],
)
def test_what_is_no_transaction_is_refused(chain, raw, message):
    code, said = refusal(chain, "eth_sendRawTransaction", raw)

    assert code == -32000
    assert said.startswith(message)
