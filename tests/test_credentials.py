"""Credentials over HTTP, real workers, a real chain, and a receiver that is told of it all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest
from sha3 import keccak_256

from tests.conftest import wait_until

if TYPE_CHECKING:
    from tests.callers import Account
    from tests.conftest import Process
    from tests.receiver import Receiver, Told

CREDENTIAL = (
    "https://creds.dock.io/f087cbfabc90f8b996971ba47598e82b1a03523cb9460217ad58a819cd9c09eb"
)
#: What is logged of a transaction, in this order.
ON_THE_WAY = [
    "dispatched",
    "transaction_signed",
    "transaction_sent",
    "transaction_settled",
    "transaction_final",
]


class Issuer:
    """Somebody who registers and revokes over HTTP."""

    def __init__(self, api: Any, account: Account, worker: Process) -> None:
        self.api = api
        self.account = account
        self.worker = worker

    def send(self, method: str, path: str, **json: Any) -> Any:
        """Send a request in the name of the account, and return what it answers."""
        body = {"json": json} if json else {}
        answer = self.api.request(method, path, headers=self.account.headers, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def done(self, started: dict[str, Any]) -> dict[str, Any]:
        """Poll a transaction until it is over."""
        over = {"finalized", "error"}
        path = f"/jobs/{started['id']}"
        return wait_until(lambda: (p := self.send("GET", path))["status"] in over and p)

    def log_of(self, job_id: str) -> list[dict[str, Any]]:
        """Return what all processes have logged of a job, oldest first."""
        written = [process.log.read_text() for process in (self.api.process, self.worker)]
        lines = [line for text in written for line in text.splitlines() if line[:1] == "{"]
        entries = [json.loads(line) for line in lines if job_id in line]
        entries.sort(key=lambda entry: str(entry["timestamp"]))
        return [one for one in entries if job_id in (one.get("job"), *one.get("jobs", []))]


@pytest.fixture
def issuer(start_api, start_worker, devchain, account, auditor) -> Issuer:
    """An issuer with workers that know the session's chain."""
    private = {"WEBHOOKS_MAY_BE_PRIVATE": "true"}
    known = {"CHAIN_RPC_URL": devchain.url, "CHAIN_KEYS": devchain.key}
    worker = start_worker(CHAIN_PASS_SECONDS="0.05", **known, **private)
    wait_until(lambda: auditor.one("SELECT count(*) FROM ledger_contracts") == 2)
    return Issuer(start_api(**private), account, worker)


def is_signed(told: Told, signing: str) -> bool:
    """Check a delivery as a receiver with the secret does."""
    headers = told.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + told.body
    key = base64.b64decode(signing.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == f"v1,{digest}"


def test_dids_registries_and_schemas_come_on_chain_in_order_and_the_receiver_is_told(
    issuer: Issuer, receiver: Receiver, devchain
):
    events = ["did_create", "registry_create", "credential_revoke", "credential_unrevoke"]
    hook = issuer.send("POST", "/webhooks", url=receiver.url, events=events)

    # All at once: what comes later waits for what it needs.
    did = issuer.send("POST", "/dids")
    whose = did["data"]["did"]
    registry = issuer.send("POST", "/registries", policy=[whose])
    path = f"/registries/{registry['data']['id']}"
    revoking = [
        issuer.send("POST", path, action=action, credentialIds=[CREDENTIAL])
        for action in ("revoke", "revoke", "unrevoke", "revoke")
    ]
    schema = issuer.send("POST", "/schemas", type="object", author=whose)
    removal = issuer.send("DELETE", f"/dids/{whose}")

    started = [did, registry, *revoking, schema, removal]
    polls = [issuer.done(one) for one in started]
    for poll in polls:
        assert poll["status"] == "finalized", poll
        assert poll["result"]["userData"] == whose
        block = devchain.rpc("eth_getBlockByHash", poll["result"]["result"]["InBlock"], False)
        raw = bytes.fromhex(poll["result"]["encodedTx"][2:])
        assert f"0x{keccak_256(raw).hexdigest()}" in block["transactions"]
    (name,) = revoking[0]["data"]["revokeIds"]
    status = f"/revocationStatus/{registry['data']['id']}/{name}"
    assert issuer.send("GET", status) == {"type": True}
    assert issuer.send("GET", path)["status"] == "registered"
    assert issuer.api.get(f"/dids/{whose}", headers=issuer.account.headers).status_code == 404

    wait_until(lambda: len(receiver.told) == 6)
    by_job = {told.json["data"]["id"]: told for told in receiver.told}
    assert [by_job[one["id"]].json["event"] for one in started[:6]] == [
        "did_create", "registry_create", "credential_revoke", "credential_revoke",
        "credential_unrevoke", "credential_revoke",
    ]  # fmt: skip
    for poll in polls[:6]:
        told = by_job[poll["id"]]
        assert told.json["data"] == poll
        assert told.json["token"] == hook["secret"]
        assert is_signed(told, hook["signingSecret"])
    log = issuer.send("GET", f"/webhooks/{hook['id']}/deliveries")
    assert {one["status"] for one in log} == {"delivered"}
    assert len(log) == 6


def test_what_the_contract_refuses_is_an_error_with_its_reason(issuer: Issuer, receiver: Receiver):
    issuer.send("POST", "/webhooks", url=receiver.url, events=["credential_unrevoke"])
    registry = issuer.send("POST", "/registries", policy=["did:x:y"], addOnly=True)
    path = f"/registries/{registry['data']['id']}"
    issuer.done(registry)

    poll = issuer.done(issuer.send("POST", path, action="unrevoke", credentialIds=["x"]))

    assert poll["status"] == "error"
    assert poll["result"]["error"] == "RegistryAddOnly"
    assert poll["result"]["userData"] == "did:x:y"
    wait_until(lambda: receiver.told)
    assert receiver.told[0].json["data"] == poll


def test_a_transaction_can_be_followed_from_request_to_receipt_by_its_job(issuer: Issuer):
    started = issuer.send("POST", "/dids")

    poll = issuer.done(started)
    lines = wait_until(
        lambda: (f := issuer.log_of(started["id"])) and f[-1].get("state") == "completed" and f
    )

    signed, sent, settled, final = (
        next(line for line in lines if line["event"] == f"transaction_{word}")
        for word in ("signed", "sent", "settled", "final")
    )
    events = [line["event"] for line in lines]
    # The pass may settle it before the first attempt has said that it ended.
    assert [one for one in events if one in ON_THE_WAY] == ON_THE_WAY
    assert (events.count("attempt_began"), events.count("attempt_ended")) == (2, 2)
    assert events[-1] == "attempt_ended"
    raw = bytes.fromhex(poll["result"]["encodedTx"][2:])
    assert f"0x{keccak_256(raw).hexdigest()}" == signed["hash"] == sent["hash"] == final["hash"]
    assert signed["nonce"] == sent["nonce"]
    assert settled["state"] == "final"
    assert final["block"] > 0
