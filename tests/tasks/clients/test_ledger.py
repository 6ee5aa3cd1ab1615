from __future__ import annotations

import contextlib

import pytest

from tasks.clients.ledger import BATCH, Block, JsonRpc, NodeAway, NodeRefused, Quote, Receipt
from tests.node import answers, says

HEAD = {"number": "0x10", "hash": "0xbb", "baseFeePerGas": "0x7"}
RECEIPT = {
    "transactionHash": "0x01", "blockHash": "0xb1", "blockNumber": "0x2", "status": "0x1",
    "contractAddress": None, "logs": [{"topics": ["0xaa"], "data": "0x"}],
}  # fmt: skip


@pytest.fixture
def client():
    """Return a client of the node at an address."""
    with contextlib.ExitStack() as open_ones:
        yield lambda url: open_ones.enter_context(JsonRpc(url, seconds=5))


@pytest.fixture
def ask(client, start_front):
    """Return a client of a node that behaves as is said."""
    return lambda does: client(start_front(does).url)


def test_a_chain_is_known_by_its_id_and_its_first_block(ask):
    node = ask(answers(eth_chainId="0x539", eth_getBlockByNumber={"hash": "0xgenesis"}))

    assert node.identity() == (1337, "0xgenesis")


@pytest.mark.parametrize(
    ("which", "spelled"), [("finalized", "finalized"), ("safe", "safe"), (16, "0x10")]
)
def test_a_block_is_asked_for_by_tag_or_number(client, start_front, which, spelled):
    front = start_front(answers(eth_getBlockByNumber=HEAD))

    block = client(front.url).block(which)

    assert block == Block(16, "0xbb", 7)
    assert front.calls == [("eth_getBlockByNumber", [spelled, False])]


def test_what_a_transaction_needs_to_know_is_one_request(client, start_front):
    front = start_front(
        answers(
            eth_estimateGas="0x5208",
            eth_getBlockByNumber=HEAD | {"gasLimit": "0x1c9c380"},
            eth_maxPriorityFeePerGas="0x3",
            eth_getTransactionCount="0x9",
            eth_getBalance="0xde0b6b3a7640000",
        )
    )

    quote = client(front.url).quote("0xaa", "0xbb", b"\x01\x02")

    assert quote == Quote(
        gas=21000, base_fee=7, tip=3, nonce=9, balance=10**18, block_gas=30_000_000
    )
    assert front.requests == 1
    assert front.calls[0] == (
        "eth_estimateGas",
        [{"from": "0xaa", "data": "0x0102", "to": "0xbb"}],
    )


def test_what_an_account_has_is_told_in_wei(client, start_front):
    front = start_front(answers(eth_getBalance="0xde0b6b3a7640000"))

    assert client(front.url).balance("0xaa") == 10**18
    assert front.calls == [("eth_getBalance", ["0xaa", "latest"])]


def test_whether_a_nonce_is_used_and_by_what_is_one_request(client, start_front):
    front = start_front(
        answers(
            eth_getTransactionCount="0x3",
            eth_getTransactionReceipt=lambda h: RECEIPT if h == "0x01" else None,
        )
    )

    count, receipts = client(front.url).used("0xaa", 16, ["0x01", "0x02"])

    assert (count, set(receipts), front.requests) == (3, {"0x01"}, 1)
    assert front.calls[0] == ("eth_getTransactionCount", ["0xaa", "0x10"])


def test_receipts_are_asked_for_by_the_hundred(client, start_front):
    front = start_front(
        answers(eth_getTransactionReceipt=lambda h: RECEIPT if h == "0x01" else None)
    )

    found = client(front.url).receipts(["0x01", *(f"0xf{n}" for n in range(BATCH))])

    assert found == {
        "0x01": Receipt(
            hash="0x01",
            block_hash="0xb1",
            block_number=2,
            succeeded=True,
            contract=None,
            logs=({"topics": ["0xaa"], "data": "0x"},),
        )
    }
    assert front.requests == 2


@pytest.mark.parametrize(
    "harmless",
    [
        "already known",
        "Transaction already imported",
        "nonce too low: next nonce 5, tx nonce 3",
        "replacement transaction underpriced",
    ],
)
def test_that_a_node_has_a_transaction_already_is_no_error(ask, harmless):
    node = ask(answers(eth_sendRawTransaction=Exception({"code": -32000, "message": harmless})))

    assert node.send([b"\x01", b"\x02"]) == ["", ""]


def test_a_refused_transaction_holds_up_no_other(ask):
    def take(raw):
        return "0xok" if raw == "0x02" else Exception({"code": -32000, "message": "no funds"})

    node = ask(answers(eth_sendRawTransaction=take))

    assert node.send([b"\x01", b"\x02"]) == ["no funds", ""]


def test_what_a_contract_says_comes_with_the_refusal(ask):
    error = {"code": 3, "message": "execution reverted: ProofInvalid", "data": "0x08c379a0"}
    node = ask(answers(eth_call=Exception(error)))

    with pytest.raises(NodeRefused, match="ProofInvalid") as refused:
        node.replay("0xaa", "0xbb", b"", 4)

    assert refused.value.data == "0x08c379a0"


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (500, b"", "the node answers 500"),
        (429, b"", "the node answers 429"),
        (200, b"<html>", "the node cannot be reached"),
        (200, b'{"jsonrpc": "2.0"}', "the node's answer is not JSON-RPC"),
        (200, b"[]", "the node's answer is not JSON-RPC"),
        (200, b"7", "the node's answer is not JSON-RPC"),
        (200, b'{"id": 1, "result": "no number"}', "the node's answer is no number"),
        (200, b'{"id": 1, "result": null}', "the node's answer is no number"),
    ],
)
def test_an_answer_that_is_none_counts_as_absence(ask, status, body, complaint):
    with pytest.raises(NodeAway, match=complaint):
        ask(says(status, body)).count("0xaa", "latest")


def test_a_node_that_is_not_there_is_away_and_its_address_is_not_told(client):
    node = client("http://127.0.0.1:9/secret-key")

    with pytest.raises(NodeAway) as away:
        node.count("0xaa", "latest")

    assert str(away.value) == "the node cannot be reached (ConnectError)"
