"""The chain's node stops, answers errors, is late, loses what it was sent, or changes its mind."""

from __future__ import annotations

import sys

from eth_account import Account

from tests.conftest import Process, environment, wait_until
from tests.faults.conftest import QUICK
from tests.faults.ledger_audit import audit_ledger
from tests.node import passes_on, refuses, says


def test_a_node_that_is_killed_and_started_anew_costs_time_only(
    start_ledger, chain, jobs, wait, auditor, audit
):
    start_ledger()
    start_ledger()
    first = jobs.add("inscribes", name="first")
    wait.until_over(first)

    sent = [jobs.add("inscribes", name=f"name {n}") for n in range(100)]
    wait_until(lambda: auditor.one("SELECT count(*) FROM jobs WHERE state = 'completed'") > 20)
    chain.kill()
    sent += [jobs.add("inscribes", name=f"later {n}") for n in range(100)]
    wait_until(
        lambda: (
            auditor.one("SELECT count(*) FROM job_moves WHERE note IS NULL AND move = 'park'") > 150
        )
    )
    chain.start()
    wait.until_over(*sent, seconds=90)

    assert {auditor.job(job)["state"] for job in sent} == {"completed"}
    assert auditor.one("SELECT sum(failures) FROM jobs") == 0
    audit()
    audit_ledger(auditor, chain)


def test_a_node_that_answers_nonsense_costs_time_only(
    start_front, start_ledger, chain, jobs, wait, auditor, audit
):
    front = start_front(passes_on(chain.url))
    start_ledger(CHAIN_RPC_URL=front.url)
    sent = []
    for fault in (says(500), says(429), says(200, b"<html>busy</html>")):
        front.does = fault
        asked = front.requests
        sent += [jobs.add("inscribes", name=f"name {n}") for n in range(len(sent), len(sent) + 10)]
        wait_until(lambda: front.requests > asked + 5)  # noqa: B023 - called at once
        front.does = passes_on(chain.url)

    wait.until_over(*sent)

    assert {auditor.job(job)["state"] for job in sent} == {"completed"}
    assert auditor.one("SELECT sum(failures) FROM jobs") == 0
    audit()
    audit_ledger(auditor, chain)


def test_a_node_that_refuses_everything_at_first_costs_time_only(
    start_front, start_worker, chain, jobs, wait, auditor, audit
):
    front = start_front(refuses)
    known = {"CHAIN_RPC_URL": front.url, "CHAIN_KEYS": chain.key, "CHAIN_PASS_SECONDS": "0.05"}
    start_worker(**QUICK, **known)
    job = jobs.add("inscribes", name="name")
    wait_until(lambda: auditor.job(job)["attempts"] > 1)

    front.does = passes_on(chain.url)
    wait.until_over(job)

    assert (auditor.job(job)["state"], auditor.job(job)["failures"]) == ("completed", 0)
    audit()
    audit_ledger(auditor, chain)


def test_a_node_that_takes_what_it_is_sent_and_answers_too_late_is_sent_the_same_again(
    start_front, start_ledger, chain, jobs, wait, auditor, audit
):
    front = start_front(passes_on(chain.url))
    start_ledger(CHAIN_RPC_URL=front.url, CHAIN_RPC_SECONDS="0.5")
    wait.until_over(jobs.add("inscribes", name="first"))

    def late(body):
        answer = passes_on(chain.url)(body)
        if b"eth_sendRawTransaction" in body:
            front.closing.wait(2)
        return answer

    front.does = late
    job = jobs.add("inscribes", name="late")
    wait.until_over(job)

    assert auditor.job(job)["state"] == "completed"
    audit()
    audit_ledger(auditor, chain)


def test_a_transaction_that_the_node_has_lost_is_sent_again(
    start_ledger, chain, jobs, wait, auditor, audit
):
    start_ledger()
    wait.until_over(jobs.add("inscribes", name="first"))
    chain.pause()
    job = jobs.add("inscribes", name="lost")
    wait_until(lambda: "park" in auditor.moves(job))
    (row,) = auditor.rows("SELECT hash FROM ledger_attempts ORDER BY created_at DESC LIMIT 1")

    chain.rpc("anvil_dropTransaction", row["hash"])
    wait_until(lambda: chain.rpc("eth_getTransactionByHash", row["hash"]))
    chain.resume()
    wait.until_over(job)

    assert auditor.job(job)["result"]["hash"] == row["hash"]
    audit()
    audit_ledger(auditor, chain)


def test_a_reorganization_before_a_block_is_final_is_noticed_and_the_same_bytes_are_mined(
    start_ledger, chain, jobs, wait, auditor, audit
):
    start_ledger()
    wait.until_over(jobs.add("inscribes", name="first"))
    chain.pause()
    job = jobs.add("inscribes", name="undone")
    wait_until(lambda: "park" in auditor.moves(job))
    chain.mine(1)
    asked = "SELECT block_hash FROM ledger_transactions WHERE job_id = %s"
    seen = wait_until(lambda: auditor.one(asked, job))

    chain.rpc("anvil_reorg", 1, [])
    wait_until(lambda: auditor.one(asked, job) is None)
    chain.resume()
    wait.until_over(job)

    assert auditor.job(job)["result"]["block"] not in {seen, None}
    assert auditor.one("SELECT count(*) FROM ledger_attempts") == 4  # two are the contracts'
    audit()
    audit_ledger(auditor, chain)


def test_a_block_that_was_taken_for_final_and_is_replaced_is_reported(
    start_ledger, chain, jobs, wait
):
    worker = start_ledger(CHAIN_FINALITY="depth:0")
    wait.until_over(jobs.add("inscribes", name="first"))
    chain.pause()

    chain.rpc("anvil_reorg", 3, [])
    wait_until(lambda: jobs.add("inscribes", name="second"))
    wait_until(lambda: "final_block_replaced" in worker.log.read_text())


def test_a_nonce_that_somebody_else_has_used_is_given_up_for_a_new_one(
    start_ledger, chain, jobs, wait, auditor, audit
):
    start_ledger()
    wait.until_over(jobs.add("inscribes", name="first"))
    chain.pause()
    job = jobs.add("inscribes", name="displaced")
    wait_until(lambda: "park" in auditor.moves(job))
    asked = "SELECT * FROM ledger_transactions WHERE job_id = %s ORDER BY nonce"
    (row,) = auditor.rows(asked, job)

    other = {"nonce": row["nonce"], "to": chain.address, "value": 1, "gas": 21_000, "data": b""}
    fees = {"maxFeePerGas": 10**12, "maxPriorityFeePerGas": 10**12, "chainId": 1337}
    signed = Account.sign_transaction(other | fees, chain.key)
    chain.rpc("eth_sendRawTransaction", f"0x{signed.raw_transaction.hex()}")
    chain.resume()
    wait.until_over(job)

    given_up, mined = auditor.rows(asked, job)
    assert (given_up["state"], given_up["step"]) == ("displaced", f"send (nonce {row['nonce']})")
    assert (mined["state"], mined["step"]) == ("final", "send")
    assert auditor.job(job)["result"]["hash"] == mined["mined_hash"]
    audit()


def test_a_transaction_that_pays_too_little_is_replaced_under_its_own_nonce(
    start_ledger, chain, jobs, wait, auditor, audit
):
    start_ledger(CHAIN_STUCK_SECONDS="0.5")
    wait.until_over(jobs.add("inscribes", name="first"))
    chain.pause()
    job = jobs.add("inscribes", name="cheap")
    wait_until(lambda: "park" in auditor.moves(job))
    number = "SELECT id FROM ledger_transactions WHERE job_id = %s"

    # Blocks have become so dear meanwhile that what was signed is not worth taking.
    (cheap,) = auditor.rows(
        "SELECT max_fee FROM ledger_attempts WHERE transaction_id = (" + number + ")", job
    )
    chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(int(cheap["max_fee"]) + 10))
    chain.resume()
    wait.until_over(job)

    attempts = auditor.rows(
        "SELECT * FROM ledger_attempts WHERE transaction_id = (" + number + ") ORDER BY max_fee",
        job,
    )
    assert len(attempts) > 1
    assert auditor.job(job)["result"]["hash"] in {attempt["hash"] for attempt in attempts[1:]}
    assert attempts[1]["max_fee"] >= attempts[0]["max_fee"] * 9 / 8
    audit()
    audit_ledger(auditor, chain)


def test_what_a_contract_refuses_fails_with_its_reason(
    start_ledger, chain, jobs, wait, auditor, audit
):
    start_ledger()
    wait.until_over(jobs.add("inscribes", name="once"))
    at_once = jobs.add("inscribes", name="once")
    wait.until_over(at_once)
    chain.pause()
    twins = [jobs.add("inscribes", name="same"), jobs.add("inscribes", name="same")]
    wait_until(lambda: all("park" in auditor.moves(job) for job in twins))
    chain.resume()
    wait.until_over(*twins)

    job = auditor.job(at_once)
    assert (job["state"], job["code"], job["error"]) == ("failed", "reverted", "AlreadyExists")
    assert auditor.moves(at_once) == ["claim", "fail"]
    # It cost no nonce; which of the twins is refused shows when they are mined.
    assert auditor.rows("SELECT * FROM ledger_transactions WHERE job_id = %s", at_once) == []
    ends = sorted((auditor.job(job)["state"], auditor.job(job)["error"]) for job in twins)
    assert ends == [("completed", None), ("failed", "AlreadyExists")]
    audit()
    audit_ledger(auditor, chain)


def test_a_contract_without_code_is_not_called(start_ledger, jobs, wait, auditor, audit):
    start_ledger().stop()
    nobody = "0x" + "ab" * 20
    auditor.rows("UPDATE ledger_contracts SET address = %s", nobody)
    start_ledger()

    job = jobs.add("inscribes", name="lost")
    wait.until_over(job)

    found = auditor.job(job)
    assert found["error"] == (
        f"gave up after 10 failures: there is no CredentialRegistry at {nobody}"
    )
    assert auditor.rows("SELECT * FROM ledger_transactions WHERE job_id = %s", job) == []
    audit()


def test_a_signer_without_funds_fails_readably_after_its_attempts(
    start_ledger, jobs, wait, auditor, audit
):
    start_ledger().stop()
    start_ledger(CHAIN_KEYS="11" * 32)

    job = jobs.add("inscribes", name="poor")
    wait.until_over(job)

    assert auditor.job(job)["error"] == (
        "gave up after 10 failures: the signer 0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a"
        " has not enough funds for gas"
    )
    assert auditor.rows("SELECT * FROM ledger_transactions WHERE job_id = %s", job) == []
    audit()


def test_workers_refuse_to_start_on_another_chain_than_the_databases(
    settings, chain, auditor, tmp_path
):
    auditor.rows("INSERT INTO ledger_chain (chain_id, genesis) VALUES (1, '0xd4e5')")

    worker = Process(
        [sys.executable, "-m", "workers"],
        environment(settings, CHAIN_RPC_URL=chain.url, CHAIN_KEYS=chain.key),
        tmp_path / "refused.log",
    )

    assert worker.popen.wait(30) == 1
    assert "this database belongs to chain 1" in worker.log.read_text()
