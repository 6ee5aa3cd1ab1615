"""A worker that puts something on chain is killed at every step of the way."""

from __future__ import annotations

import signal

import pytest
from eth_account import Account

from tests.conftest import wait_until
from tests.faults.ledger_audit import audit_ledger

#: In the order in which a transaction passes them.
PLACES = [
    "ledger.before_nonce=kill",
    "ledger.nonce_taken=kill",
    "ledger.signed=kill",
    "step.before_commit=kill",
    "ledger.kept=kill",
    "ledger.sent=kill",
    "runner.before_settle=kill",
    "runner.claimed=kill@2",
    "ledger.heeded=kill",
]


def test_a_transaction_whose_worker_is_killed_at_every_step_is_mined_once(
    start_ledger, chain, jobs, wait, auditor, audit, tmp_path
):
    once = [tmp_path / str(number) for number in range(len(PLACES))]
    faults = " ".join(f"{place}:{file}" for place, file in zip(PLACES, once, strict=True))
    start_ledger(WORKER_PROCESSES="1", FAILPOINTS=faults)

    first = jobs.add("inscribes", name="one")
    wait.until_over(first, seconds=90)
    # Whatever was left behind holds up nobody.
    second = jobs.add("inscribes", name="two")
    wait.until_over(second)

    assert [auditor.job(job)["state"] for job in (first, second)] == ["completed", "completed"]
    assert [file.exists() for file in once] == [True] * 9
    assert [*auditor.moves(first), *auditor.moves(second)].count("lose") == 9
    audit()
    audit_ledger(auditor, chain)


def test_a_job_goes_on_when_whoever_looked_after_transactions_is_killed(
    start_ledger, chain, jobs, wait, auditor, audit
):
    killed = start_ledger()
    wait.until_over(jobs.add("inscribes", name="one"))
    chain.pause()
    sent = [jobs.add("inscribes", name=f"name {n}") for n in range(10)]
    wait_until(
        lambda: (
            auditor.one("SELECT count(*) FROM ledger_attempts WHERE sent_at > '-infinity'") >= 10
        )
    )

    killed.signal_all(signal.SIGKILL)
    chain.resume()
    start_ledger()
    wait.until_over(*sent)

    assert {auditor.job(job)["state"] for job in sent} == {"completed"}
    audit()
    audit_ledger(auditor, chain)


def test_two_hundred_jobs_of_one_signer_on_two_workers_follow_each_other(
    start_ledger, chain, jobs, wait, auditor, audit
):
    start_ledger()
    start_ledger()

    sent = [jobs.add("inscribes", name=f"name {n}") for n in range(200)]
    wait.until_over(*sent, seconds=90)

    assert {auditor.job(job)["state"] for job in sent} == {"completed"}
    audit()
    audit_ledger(auditor, chain)
    _send_again(chain, auditor, sent[0])
    with pytest.raises(AssertionError, match="something was mined that nobody kept"):
        audit_ledger(auditor, chain)


def _send_again(chain, auditor, job):
    """Send what a job has sent as whoever forgets it would, under the next nonce."""
    asked = "SELECT target, data, gas FROM ledger_transactions WHERE job_id = %s"
    (kept,) = auditor.rows(asked, job)
    call = {
        "to": bytes.fromhex(kept["target"][2:]), "data": bytes(kept["data"]), "gas": kept["gas"],
        "nonce": int(chain.rpc("eth_getTransactionCount", chain.address, "pending"), 16),
        "maxFeePerGas": 10**12, "maxPriorityFeePerGas": 1, "chainId": 1337,
    }  # fmt: skip
    signed = Account.sign_transaction(call, chain.key)
    sent = chain.rpc("eth_sendRawTransaction", f"0x{signed.raw_transaction.hex()}")
    wait_until(lambda: chain.rpc("eth_getTransactionReceipt", sent))
