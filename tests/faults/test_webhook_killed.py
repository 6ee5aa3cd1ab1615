"""Workers are killed between a transaction's end on chain and the receiver's answer."""

from __future__ import annotations

import pytest

import tasks.ledger_transaction  # noqa: F401 - declares the type that is dispatched here
from tasks.job.dispatch import dispatching
from tasks.job.queue import Ringer
from tasks.records import registrations, webhooks
from tasks.webhooks.forms import new_secrets, seal_secrets
from tests.faults.ledger_audit import audit_ledger
from tests.providers import InTurn
from tests.receiver import answers

DID = "did:jobspine:3b68ef6c-1eea-493e-9fd5-6f51e5a87fa9"
#: In the order in which the two jobs pass them.
PLACES = ["transaction.recorded", "ending.before_commit", "webhook.sent"]


@pytest.fixture
def register(database, settings, account, receiver):
    """Have the receiver listen, and dispatch the registration of a DID; return the job's id."""
    secrets = seal_secrets(settings, new_secrets())

    def dispatch() -> str:
        with dispatching(database, Ringer(settings)) as dispatch:
            webhooks.add(
                dispatch.connection, "credentials", account.uid, url=receiver.url,
                events=["did_create"], description="", active=True, sealed=secrets,
            )  # fmt: skip
            payload = {"event": "did_create", "subject": DID, "user_data": DID}
            job = dispatch.add("ledger_transaction", payload, tenant=account.uid)
            content = {"controller": DID}
            registrations.add(dispatch.connection, "did", DID, account.uid, content, job=job)
        return job

    return dispatch


def test_one_transaction_has_one_end_and_one_delivery_whoever_is_killed(
    start_ledger, chain, register, receiver, wait, auditor, audit, tmp_path
):
    once = [tmp_path / str(number) for number in range(len(PLACES))]
    faults = " ".join(f"{place}=kill:{file}" for place, file in zip(PLACES, once, strict=True))
    receiver.otherwise = InTurn(answers(500), answers(200))
    start_ledger(WORKER_PROCESSES="4", FAILPOINTS=faults, WEBHOOKS_MAY_BE_PRIVATE="true")

    job = register()
    wait.until_over(job, seconds=60)
    wait.until_over(seconds=60)

    assert [file.exists() for file in once] == [True] * len(PLACES)
    assert auditor.job(job)["state"] == "completed"
    (delivery,) = auditor.rows("SELECT * FROM webhook_deliveries")
    assert (delivery["about"], delivery["state"]) == (job, "delivered")
    assert auditor.one("SELECT count(*) FROM jobs WHERE type = 'deliver_webhook'") == 1
    # Killed before it could note the first answer, it told the same again.
    assert {told.headers["webhook-id"] for told in receiver.told} == {delivery["id"]}
    assert len(receiver.told) == 2
    assert auditor.one("SELECT state FROM registrations") == "registered"
    audit()
    audit_ledger(auditor, chain)
