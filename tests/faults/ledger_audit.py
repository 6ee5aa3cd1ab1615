"""The ledger's part of the audit: what stands on chain beside what the database says of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.chain import Devchain
    from tests.conftest import Auditor


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


def audit_ledger(auditor: Auditor, chain: Devchain) -> None:
    """Check that every transaction of ours was mined once, and nothing else in our name."""
    mined = mined_of(chain, chain.address.lower())
    signed = {
        row["hash"]: row
        for row in auditor.rows(
            "SELECT a.hash, t.* FROM ledger_attempts AS a"
            " JOIN ledger_transactions AS t ON t.id = a.transaction_id"
        )
    }
    assert set(mined) <= set(signed), "something was mined that nobody kept"
    landed = Counter(signed[tx_hash]["id"] for tx_hash in mined)
    kept = auditor.rows("SELECT * FROM ledger_transactions ORDER BY nonce")
    assert landed == Counter(row["id"] for row in kept), "not every transaction was mined once"
    assert [row["nonce"] for row in kept] == list(range(len(kept))), "the nonces have a gap"
    for row in kept:
        _is_told_as_it_is(row, mined[row["mined_hash"]])
    _jobs_have_one_each(auditor)


def _is_told_as_it_is(row: dict[str, Any], tx: dict[str, Any]) -> None:
    receipt = tx["receipt"]
    assert row["state"] == ("final" if receipt["status"] == "0x1" else "reverted"), row["job_id"]
    assert row["block_hash"] == receipt["blockHash"], row["job_id"]
    assert row["block_number"] == int(receipt["blockNumber"], 16), row["job_id"]
    assert row["nonce"] == int(tx["nonce"], 16), row["job_id"]


def _jobs_have_one_each(auditor: Auditor) -> None:
    for job in auditor.rows("SELECT * FROM jobs WHERE type = 'inscribes' AND state = 'completed'"):
        (row,) = auditor.rows("SELECT * FROM ledger_transactions WHERE job_id = %s", job["id"])
        assert (row["state"], row["heeded"]) == ("final", True), job["id"]
        assert job["result"] == {"hash": row["mined_hash"], "block": row["block_hash"]}, job["id"]
