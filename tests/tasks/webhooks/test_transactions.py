from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tasks.job.record import Job
from tasks.job.states import State
from tasks.webhooks.transactions import poll

DID = "did:cheqd:testnet:f48d2ace-4947-4cb7-8550-1cef3d63e651"
BLOCK = "0x42a20e7e74001680ff7f1cb1833d5941c641c2961a46d655b72bb36e0dd602d3"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job(state: State, **given: object) -> Job:
    """A transaction job in a state."""
    unset = ("gate", "result", "code", "error", "conflict", "stage", "worker")
    values = dict.fromkeys((*unset, "started_at", "finished_at", "expires_at"))
    return Job(
        **{
            **values,
            "id": "2436",
            "seq": 1,
            "type": "ledger_transaction",
            "tenant": "a",
            "state": state,
            "queue": "chain",
            "payload": {"event": "did_create", "subject": DID, "user_data": DID},
            "progress": {},
            "cursor": {},
            "attempts": 1,
            "failures": 0,
            "created_at": NOW,
            "updated_at": NOW,
            "due_at": NOW,
            **given,
        }
    )


def test_a_finalized_transaction_is_as_the_document_shows_it():
    result = {"encoded_tx": "0x9101", "user_data": DID, "in_block": BLOCK}

    shown = poll(job(State.COMPLETED, result=result))

    assert shown == {
        "id": "2436",
        "result": {"encodedTx": "0x9101", "userData": DID, "result": {"InBlock": BLOCK}},
        "status": "finalized",
    }
    assert list(shown) == ["id", "result", "status"]
    assert list(shown["result"]) == ["encodedTx", "userData", "result"]


@pytest.mark.parametrize(
    ("state", "status"), [(State.PENDING, "todo"), (State.RUNNING, "in_progress")]
)
def test_before_its_end_there_is_no_result(state, status):
    assert poll(job(state)) == {"id": "2436", "status": status}


@pytest.mark.parametrize(("encoded", "sent"), [(None, {}), ("0x9101", {"encodedTx": "0x9101"})])
def test_an_error_carries_its_reason_and_the_transaction_if_it_came_to_one(encoded, sent):
    shown = poll(job(State.FAILED, error="RegistryAddOnly"), encoded)

    assert shown == {
        "id": "2436",
        "result": {**sent, "userData": DID, "error": "RegistryAddOnly"},
        "status": "error",
    }
