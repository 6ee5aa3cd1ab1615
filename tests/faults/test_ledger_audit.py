"""The audit of the ledger finds whatever is wrong with an outcome: each has one thing wrong."""

from __future__ import annotations

import pytest

from tests.faults.ledger_audit import Outcome, judge

BLOCK = "0xb"


def tx(nonce, *, status="0x1"):
    receipt = {"status": status, "blockHash": BLOCK, "blockNumber": "0x9"}
    return {"nonce": hex(nonce), "receipt": receipt}


def form(number, *, is_empty=False):
    return {"transaction_id": number, "is_empty": is_empty}


def row(number, state, tx_hash):
    return {
        "id": number, "job_id": f"job {number}", "nonce": number, "state": state, "heeded": True,
        "mined_hash": tx_hash, "block_hash": BLOCK, "block_number": 9,
    }  # fmt: skip


def job(number, state, **result):
    return {
        "id": f"job {number}", "type": "inscribes", "state": state, "finished_at": "now",
        "result": result,
    }  # fmt: skip


@pytest.fixture
def found():
    """A sound outcome: of three jobs one is done, one was refused, one was given up."""
    return Outcome(
        mined={"0x0": tx(0), "0x1": tx(1, status="0x0"), "0x2e": tx(2)},
        signed={
            "0x0": form(0), "0x0+": form(0), "0x1": form(1), "0x2": form(2),
            "0x2e": form(2, is_empty=True),
        },
        kept=[row(0, "final", "0x0"), row(1, "reverted", "0x1"), row(2, "void", "0x2e")],
        jobs=[job(0, "completed", hash="0x0", block=BLOCK), job(1, "failed"), job(2, "failed")],
    )  # fmt: skip


def test_what_is_sound_passes(found):
    judge(found)


def sent_twice(found):
    """As whoever asks for the pending nonce, sends, and is killed before it writes that down."""
    found.mined["0xd"] = tx(3)


def sent_twice_and_kept(found):
    found.mined["0xd"] = tx(3)
    found.signed["0xd"] = form(0)


def lost(found):
    del found.mined["0x1"]


def without_a_receipt(found):
    found.kept[0]["mined_hash"] = None


def with_a_receipt_of_another(found):
    found.kept[0]["mined_hash"] = "0x1"


def with_a_gap(found):
    found.kept[2]["nonce"] = 3
    found.mined["0x2e"]["nonce"] = "0x3"


def told_to_be_done_though_refused(found):
    found.kept[1]["state"] = "final"


def told_to_be_done_though_empty(found):
    found.kept[2]["state"] = "final"


def told_to_be_in_another_block(found):
    found.kept[0]["block_hash"] = "0xc"


def failed_though_it_is_done(found):
    found.jobs[0]["state"] = "failed"


def completed_though_refused(found):
    found.jobs[1]["state"] = "completed"


def with_two_transactions(found):
    found.kept[1]["job_id"] = "job 2"


def never_ended(found):
    found.jobs[1] |= {"state": "running", "finished_at": None}


def not_told(found):
    found.kept[1]["heeded"] = False


def with_the_result_of_another(found):
    found.jobs[0]["result"]["hash"] = "0x1"


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (sent_twice, "something was mined that nobody kept"),
        (sent_twice_and_kept, "not everything was mined once"),
        (lost, "not everything was mined once"),
        (without_a_receipt, "no receipt of job 0"),
        (with_a_receipt_of_another, "somebody else's receipt: job 0"),
        (with_a_gap, "the nonces have a gap"),
        (told_to_be_done_though_refused, "job 1 is not told as it is"),
        (told_to_be_done_though_empty, "job 2 is not told as it is"),
        (told_to_be_in_another_block, "job 0 is not told as it is"),
        (failed_though_it_is_done, "job 0 is failed though it is done"),
        (completed_though_refused, "job 1 is completed, its transactions are"),
        (with_two_transactions, "job 2 is failed, its transactions are"),
        (never_ended, "job 1 is running"),
        (not_told, "job 1 is failed and was not told"),
        (with_the_result_of_another, "job 0 is completed with the result of another"),
    ],
)
def test_what_is_not_is_found(found, spoil, complaint):
    spoil(found)

    with pytest.raises(AssertionError, match=complaint):
        judge(found)
