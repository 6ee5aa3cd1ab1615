"""Whatever becomes of a transaction that has a nonce, those behind it get on."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest

from tasks.ledger.settlement import Settlement
from tasks.ledger.signers import Signers
from tests.conftest import wait_until
from tests.node import passes_on

REFUSAL = "exceeds block gas limit"


class Refusing:
    """A node that refuses some of the transactions that it is sent."""

    def __init__(self, url: str) -> None:
        self._url = url
        #: What it says to which bytes; None is nothing.
        self.says = lambda _: None
        self.refused: list[str] = []

    def __call__(self, body: bytes) -> tuple[int, bytes]:
        asked = json.loads(body)
        calls = asked if isinstance(asked, list) else [asked]
        answers = [self._refuse(call) for call in calls]
        passed = [call for call, answer in zip(calls, answers, strict=True) if answer is None]
        if len(passed) == len(calls):
            return passes_on(self._url)(body)
        if passed:
            answers += httpx.post(self._url, json=passed).json()
        said = [answer for answer in answers if answer is not None]
        return 200, json.dumps(said if isinstance(asked, list) else said[0]).encode()

    def _refuse(self, call):
        if call["method"] != "eth_sendRawTransaction":
            return None
        (raw,) = call["params"]
        message = self.says(raw)
        if message is None:
            return None
        self.refused.append(raw)
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32000, "message": message}}


@pytest.fixture
def refusing(devchain) -> Refusing:
    """What the node of this test does: pass on, until it is told to refuse."""
    return Refusing(devchain.url)


@pytest.fixture
def front(start_front, refusing):
    """The node of this test."""
    return start_front(refusing)


@pytest.fixture
def node_url(front) -> str:
    return front.url


@pytest.fixture
def sent(front):
    """How many transactions the node was sent."""
    return lambda: [method for method, _ in front.calls].count("eth_sendRawTransaction")


@pytest.fixture
def forms(auditor):
    """What was signed for a job, the first form first."""
    asked = (
        "SELECT a.* FROM ledger_attempts AS a JOIN ledger_transactions AS t"
        " ON t.id = a.transaction_id WHERE t.job_id = %s ORDER BY a.created_at"
    )
    return lambda job: [
        {**row, "raw": f"0x{bytes(row['raw']).hex()}"} for row in auditor.rows(asked, job)
    ]


def test_what_the_node_refuses_for_good_gives_its_nonce_up_and_holds_up_nobody(
    bench, refusing, forms, devchain, auditor
):
    refusing.says = lambda raw: REFUSAL if not refusing.refused or raw in refusing.refused else None

    refused, *others = bench.begin("one", "two", "three")
    states = bench.until_over(refused, *others)

    assert states == ["failed", "completed", "completed"]
    job = auditor.job(refused)
    assert (job["code"], job["error"]) == ("refused", f"the node refused it: {REFUSAL}")
    assert bench.nonces()[2:] == [(2, "void"), (3, "final"), (4, "final")]
    real, empty = forms(refused)
    (row,) = auditor.rows("SELECT * FROM ledger_transactions WHERE job_id = %s", refused)
    assert (row["mined_hash"], row["heeded"]) == (empty["hash"], True)
    assert devchain.rpc("eth_getTransactionReceipt", real["hash"]) is None
    mined = devchain.rpc("eth_getTransactionByHash", empty["hash"])
    assert mined["from"] == mined["to"]
    assert (mined["input"], mined["value"], mined["nonce"]) == ("0x", "0x0", "0x2")


def test_a_node_that_refused_everything_for_a_while_costs_time_only(bench, refusing, forms):
    refusing.says = lambda _: "txpool is full"

    (job,) = bench.begin("one")
    wait_until(lambda: bench.settle() or len(forms(job)) > 1)
    real, empty = forms(job)
    refusing.says = lambda _: None
    states = bench.until_over(job)

    # What was signed first is what the node is asked to take first.
    assert (real["is_empty"], empty["is_empty"]) == (False, True)
    assert refusing.refused.count(empty["raw"]) == 1
    assert states == ["completed"]
    assert bench.nonces()[2:] == [(2, "final")]


def test_what_the_node_does_not_keep_for_its_price_pays_more(bench, refusing, forms):
    refusing.says = lambda raw: (
        "transaction underpriced" if not refusing.refused or raw in refusing.refused else None
    )

    (job,) = bench.begin("one")
    states = bench.until_over(job)

    first, second = forms(job)
    assert states == ["completed"]
    assert second["max_fee"] >= first["max_fee"] * 9 / 8
    assert bench.nonces()[2:] == [(2, "final")]
    assert [first["is_empty"], second["is_empty"]] == [False, False]


def test_who_lacks_funds_is_waited_for(bench, refusing, forms, devchain, sent):
    sender = bench.ledger.signers.addresses[0]
    refusing.says = lambda _: REFUSAL
    (job,) = bench.begin("one")
    devchain.rpc("anvil_setBalance", sender, "0x1")
    refusing.says = lambda _: None

    before = sent()
    wait_until(lambda: bench.settle() or sent() > before + 2)
    given_up = len(forms(job)) > 1
    devchain.rpc("anvil_setBalance", sender, hex(10**24))
    states = bench.until_over(job)

    assert (given_up, states) == (False, ["completed"])
    assert bench.nonces()[2:] == [(2, "final")]


def test_the_trouble_of_one_signer_is_not_the_others(
    bench, refusing, settings, database, keys, auditor
):
    refusing.says = lambda _: REFUSAL
    (stuck,) = bench.begin("one", tenant="one")
    refusing.says = lambda raw: REFUSAL if raw in refusing.refused else None

    # The key that the next form of it would be signed with is gone.
    left = Signers.from_settings(replace(settings, chain_keys=keys[1:]), bench.ledger.chain_id)
    bench.settlement = Settlement(settings, database, replace(bench.ledger, signers=left))
    first, second = bench.begin("two", "three", tenant="two")
    wait_until(lambda: bench.settle() or len(refusing.refused) > 2)
    states = bench.until_over(first, second)

    assert states == ["completed", "completed"]
    assert auditor.job(stuck)["state"] == "running"
