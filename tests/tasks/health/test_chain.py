from __future__ import annotations

import json

import pytest

from tests.node import says
from tests.tasks.health.findings import advice_of, found, level_of

POOR = "0x" + "7e" * 32


@pytest.fixture
def chain(examine, devchain):
    """Look at the chain, with something set differently."""

    def look(**changed):
        given = {"chain_rpc_url": devchain.url, "chain_keys": (devchain.new_key(),)}
        return examine(**{**given, **changed})

    return look


def bind(auditor, chain_id, genesis):
    auditor.rows("INSERT INTO ledger_chain (chain_id, genesis) VALUES (%s, %s)", chain_id, genesis)


def test_a_node_of_the_right_chain_with_a_signer_who_can_pay_is_well(chain, auditor, devchain):
    bind(auditor, 1337, devchain.rpc("eth_getBlockByNumber", "0x0", False)["hash"])

    findings = chain()

    assert level_of(findings, "chain") == "ok"
    assert found(findings, "chain").startswith("the node of chain 1337 is at block ")
    assert level_of(findings, "signers") == "ok"


def test_looking_binds_the_database_to_nothing(chain, auditor):
    chain()

    assert auditor.rows("SELECT * FROM ledger_chain") == []


def test_a_signer_without_funds_is_a_fault_and_named_by_its_address(chain):
    findings = chain(chain_keys=(POOR,))

    assert level_of(findings, "signers") == "fail"
    assert found(findings, "signers").endswith(" cannot pay for a transaction")
    assert advice_of(findings, "signers") == "send it funds"
    assert POOR[2:] not in str(findings)


def test_keys_that_cannot_sign_are_a_fault(chain):
    none = chain(chain_keys=())
    bad = chain(chain_keys=("hidden-word",))

    assert found(none, "signers") == "neither CHAIN_KEYS nor CHAIN_KEYSTORE names a key"
    assert found(bad, "signers") == "key 1 of CHAIN_KEYS is no private key"
    assert "hidden" not in str(bad)


def test_gas_that_costs_more_than_is_paid_is_worth_a_word(chain):
    findings = chain(chain_max_fee=1)

    assert level_of(findings, "signers") == "warn"
    assert "CHAIN_MAX_FEE" in found(findings, "signers")


@pytest.mark.parametrize(
    ("chain_id", "words"),
    [
        (7, "the node is of chain 1337, the database of another: 7"),
        (1337, "the node's chain 1337 has another first block than the database's"),
    ],
)
def test_a_node_of_another_chain_is_a_fault(chain, auditor, chain_id, words):
    bind(auditor, chain_id, "0x" + "0" * 64)

    findings = chain()

    assert (level_of(findings, "chain"), found(findings, "chain")) == ("fail", words)


def test_a_node_that_does_not_serve_us_is_a_fault_and_its_words_stay_its_own(examine, start_front):
    refusal = {"jsonrpc": "2.0", "id": 1, "error": {"message": "hidden-word"}}
    answers = {
        "the node answers 503; chain jobs wait": says(503),
        "the node's answer is not JSON-RPC; chain jobs wait": says(200, b"[]"),
        "the node refuses us; chain jobs wait": _refuses(refusal),
    }

    for words, answer in answers.items():
        node = start_front(answer)
        findings = examine(chain_rpc_url=f"{node.url}/hidden-word")

        assert (level_of(findings, "chain"), found(findings, "chain")) == ("fail", words)
        assert "hidden" not in str(findings)


def _refuses(refusal):
    def answer(body):
        asked = json.loads(body)
        return 200, json.dumps([{**refusal, "id": one["id"]} for one in asked]).encode()

    return answer


def test_a_node_that_is_not_there_is_a_fault(examine):
    findings = examine(chain_rpc_url="http://127.0.0.1:9/hidden-word")

    assert found(findings, "chain") == (
        "the node cannot be reached (ConnectError); chain jobs wait"
    )
    assert "hidden" not in str(findings)
