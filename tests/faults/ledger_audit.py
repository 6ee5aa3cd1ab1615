"""The ledger's part of the audit: what stands on chain beside what the database says of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.chain import Devchain
    from tests.conftest import Auditor

#: What becomes of a transaction whose form was mined: by whether it was empty, and its status.
STATES = {
    (False, "0x1"): "final",
    (False, "0x0"): "reverted",
    (True, "0x1"): "void",
}


@dataclass
class Outcome:
    """What there is once all jobs are over."""

    #: Every transaction in our name that is in a block, with its receipt, by its hash.
    mined: dict[str, dict[str, Any]]
    #: Every form that was signed, by its hash.
    signed: dict[str, dict[str, Any]]
    #: The transactions that these are forms of, lowest nonce first.
    kept: list[dict[str, Any]]
    #: The jobs of the queue `chain`.
    jobs: list[dict[str, Any]]


def mined_of(chain: Devchain, sender: str) -> dict[str, dict[str, Any]]:
    """Return every transaction of an account that is in a block, with its receipt, by its hash."""
    found = {}
    for number in range(int(chain.rpc("eth_blockNumber"), 16) + 1):
        block = chain.rpc("eth_getBlockByNumber", hex(number), True)
        for tx in block["transactions"]:
            if tx["from"].lower() == sender:
                found[tx["hash"]] = {
                    **tx,
                    "receipt": chain.rpc("eth_getTransactionReceipt", tx["hash"]),
                }
    return found


def outcome(auditor: Auditor, chain: Devchain) -> Outcome:
    """Return what there is on a chain and in a database."""
    signed = auditor.rows("SELECT hash, transaction_id, is_empty FROM ledger_attempts")
    return Outcome(
        mined=mined_of(chain, chain.address.lower()),
        signed={row["hash"]: row for row in signed},
        kept=auditor.rows("SELECT * FROM ledger_transactions ORDER BY nonce"),
        jobs=auditor.rows("SELECT * FROM jobs WHERE queue = 'chain' ORDER BY seq"),
    )


def audit_ledger(auditor: Auditor, chain: Devchain) -> None:
    """Check that every transaction of ours was mined once, and nothing else in our name."""
    judge(outcome(auditor, chain))


def judge(found: Outcome) -> None:
    """Check an outcome.

    Raises:
        AssertionError: something was sent twice, was lost, or is not as it is said to be.
    """
    assert set(found.mined) <= set(found.signed), "something was mined that nobody kept"
    landed = Counter(found.signed[tx_hash]["transaction_id"] for tx_hash in found.mined)
    assert landed == Counter(row["id"] for row in found.kept), "not everything was mined once"
    nonces = [row["nonce"] for row in found.kept]
    assert nonces == list(range(len(nonces))), "the nonces have a gap"
    for row in found.kept:
        assert row["mined_hash"] in found.mined, f"no receipt of {row['job_id']}"
        form = found.signed[row["mined_hash"]]
        assert form["transaction_id"] == row["id"], f"somebody else's receipt: {row['job_id']}"
        _is_told_as_it_is(row, form, found.mined[row["mined_hash"]])
    by_job: dict[str, list[dict[str, Any]]] = {}
    for row in found.kept:
        by_job.setdefault(row["job_id"], []).append(row)
    for job in found.jobs:
        _job_knows(job, by_job.get(job["id"], []))


def _is_told_as_it_is(row: dict[str, Any], form: dict[str, Any], tx: dict[str, Any]) -> None:
    receipt = tx["receipt"]
    told = f"{row['job_id']} is not told as it is"
    assert row["state"] == STATES[form["is_empty"], receipt["status"]], told
    assert row["block_hash"] == receipt["blockHash"], told
    assert row["block_number"] == int(receipt["blockNumber"], 16), told
    assert row["nonce"] == int(tx["nonce"], 16), told


def _job_knows(job: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """A job that is over knows of its one transaction, and of one that came to nothing it says so.

    Of tests' own jobs the result names it too.
    """
    says = f"{job['type']} {job['id']} is {job['state']}"
    states = [row["state"] for row in rows]
    if job["state"] == "completed":
        assert states == ["final"], f"{says}, its transactions are {states}"
    else:
        assert job["finished_at"] is not None, says
        assert len(states) < 2, f"{says}, its transactions are {states}"
        assert "final" not in states, f"{says} though it is done"
    assert all(row["heeded"] for row in rows), f"{says} and was not told"
    if job["type"] == "inscribes" and rows and job["state"] == "completed":
        (row,) = rows
        named = {"hash": row["mined_hash"], "block": row["block_hash"]}
        assert job["result"] == named, f"{says} with the result of another"
