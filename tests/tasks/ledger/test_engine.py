"""Nonces follow each other: what does not get as far as a transaction costs none."""

from __future__ import annotations

import pytest
from eth_account import Account

from tasks.clients.ledger import Quote
from tasks.job.dispatch import Dispatch
from tasks.ledger import engine
from tasks.ledger.deployment import ContractDiffers, deploy
from tasks.ledger.engine import gas_limit
from tasks.watch import actions
from tests.conftest import wait_until
from tests.tasks.job.jobs import claim
from workers.sweep import lose_jobs_of

#: Two are the contracts'.
FIRST = 2


@pytest.fixture
def cancel(database):
    """Cancel a job as an operator; return whether it ended, was asked, or why it was not."""

    def cancel(job_id):
        with database.transaction() as connection:
            try:
                done = actions.cancel(Dispatch(connection), job_id, by="mary")
            except actions.NotPossible as refused:
                return str(refused)
        return "ended" if done.ended else "asked"

    return cancel


@pytest.fixture
def at(monkeypatch):
    """Have something happen when a job passes a place, once."""

    def arrange(place, do):
        said = []

        def pass_by(name):
            if name == place and not said:
                said.append("")
                said[0] = do()

        monkeypatch.setattr(engine, "failpoint", pass_by)
        return said

    return arrange


def test_what_the_contract_refuses_costs_no_nonce(bench, auditor):
    (done,) = bench.begin("one")
    bench.until_over(done)

    (refused,) = bench.begin("one")
    (after,) = bench.begin("two")
    bench.until_over(after)

    job = auditor.job(refused)
    assert (job["state"], job["code"], job["error"]) == ("failed", "reverted", "AlreadyExists")
    assert bench.nonces()[FIRST:] == [(FIRST, "final"), (FIRST + 1, "final")]


def test_who_lacks_funds_from_the_beginning_gets_no_nonce(bench, auditor, devchain):
    sender = bench.ledger.signers.addresses[0]
    devchain.rpc("anvil_setBalance", sender, "0x1")

    (poor,) = bench.begin("one")
    devchain.rpc("anvil_setBalance", sender, hex(10**24))
    (rich,) = bench.begin("two")
    bench.until_over(rich)

    job = auditor.job(poor)
    assert (job["state"], job["failures"]) == ("running", 1)
    (note,) = auditor.rows("SELECT note FROM job_moves WHERE move = 'retry'")
    assert note["note"] == f"the signer {sender} has not enough funds for gas"
    assert bench.nonces()[FIRST:] == [(FIRST, "final")]


def test_a_job_that_is_cancelled_before_it_runs_costs_no_nonce(bench, cancel):
    job = bench.add("one")

    assert cancel(job) == "ended"

    assert bench.perform(job).code == "cancelled"
    (after,) = bench.begin("two")
    assert bench.until_over(after) == ["completed"]
    assert bench.nonces()[FIRST:] == [(FIRST, "final")]


@pytest.mark.parametrize("place", ["ledger.before_nonce", "ledger.nonce_taken", "ledger.signed"])
def test_a_job_that_is_cancelled_before_its_signature_is_kept_costs_no_nonce(
    bench, cancel, at, place
):
    job = bench.add("one")
    said = at(place, lambda: cancel(job))

    ended = bench.perform(job)

    assert said == ["asked"]
    assert (ended.state, ended.code, ended.error) == ("failed", "cancelled", "it was cancelled")
    (after,) = bench.begin("two")
    assert bench.until_over(after) == ["completed"]
    assert bench.nonces()[FIRST:] == [(FIRST, "final")]


@pytest.mark.parametrize("place", ["ledger.kept", "ledger.sent"])
def test_what_is_signed_and_kept_is_done_whoever_asks_for_it_to_be_cancelled(
    bench, cancel, at, auditor, place
):
    job = bench.add("one")
    said = at(place, lambda: cancel(job))
    bench.perform(job)

    parked = cancel(job)
    states = bench.until_over(job)

    too_late = "its effects are on their way and cannot be taken back"
    assert (said, parked) == ([too_late], too_late)
    assert states == ["completed"]
    assert (auditor.job(job)["irrevocable"], auditor.job(job)["cancelled_by"]) == (True, None)
    assert bench.nonces()[FIRST:] == [(FIRST, "final")]
    assert cancel(job) == "the job has ended"


def test_a_job_whose_workers_died_too_often_still_says_what_its_transaction_came_to(
    bench, database, auditor
):
    early, late = bench.add("one"), bench.begin("two")[0]
    auditor.rows("UPDATE jobs SET due_at = now() - interval '1 second'")
    for job in (early, late):
        assert claim(database, job, worker="dead") is not None
    auditor.rows("UPDATE jobs SET attempts = 10, failures = 9")

    lose_jobs_of(database, ["dead"], "the worker process ended", "worker_ended")
    states = bench.until_over(late)

    given_up = auditor.job(early)
    assert (given_up["state"], given_up["code"]) == ("failed", "attempts_exhausted")
    assert states == ["completed"]
    assert auditor.job(late)["failures"] == 10
    assert bench.nonces()[FIRST:] == [(FIRST, "final")]


@pytest.mark.parametrize(
    ("gas", "block_gas", "limit"), [(100, 1000, 125), (900, 1000, 1000), (1100, 1000, 1100)]
)
def test_no_more_gas_is_asked_for_than_a_block_has(gas, block_gas, limit):
    quote = Quote(gas=gas, base_fee=7, tip=3, nonce=9, balance=10, block_gas=block_gas)

    assert gas_limit(quote) == limit


def test_other_code_where_a_contract_was_is_noticed(bench, auditor, database):
    other = auditor.one("SELECT address FROM ledger_contracts WHERE name = 'CredentialRegistry'")
    auditor.rows("UPDATE ledger_contracts SET address = %s", other)

    with pytest.raises(
        ContractDiffers, match=f"the code at {other} is not that of ProcessRegistry"
    ):
        deploy(database, bench.ledger)


def test_a_deployment_whose_nonce_somebody_else_uses_is_sent_anew(
    undeployed, devchain, database, auditor, keys
):
    sender = undeployed.ledger.signers.addresses[0]
    deploy(database, undeployed.ledger)
    fees = {"maxFeePerGas": 10**12, "maxPriorityFeePerGas": 10**12, "chainId": 1337}
    for nonce in (0, 1):
        other = {
            "nonce": nonce,
            "to": bytes.fromhex(sender[2:]),
            "value": 1,
            "gas": 21_000,
            "data": b"",
        }
        signed = Account.sign_transaction(other | fees, keys[0])
        devchain.rpc("eth_sendRawTransaction", f"0x{signed.raw_transaction.hex()}")
    wait_until(lambda: devchain.rpc("eth_getTransactionCount", sender, "finalized") == "0x2")

    undeployed.deploy()

    assert undeployed.nonces() == [(0, "displaced"), (1, "displaced"), (2, "final"), (3, "final")]
    steps = auditor.rows("SELECT step FROM ledger_transactions ORDER BY nonce")
    assert [row["step"] for row in steps] == [
        "deploy (nonce 0)", "deploy (nonce 1)", "deploy", "deploy",
    ]  # fmt: skip
