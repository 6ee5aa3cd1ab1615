"""What a transaction asks of the ledger, what it keeps, whom it waits for, and who is told."""

from __future__ import annotations

import pytest

from tasks import ledger_transaction as module
from tasks.job.declare import JOB_TYPES
from tasks.job.dispatch import Dispatch
from tasks.job.errors import Permanent, Temporary, Wait
from tasks.ledger.names import credential_name, did_name, schema_digest
from tasks.ledger.transact import Mined
from tasks.records import registrations, webhooks

DID = "did:jobspine:3b68ef6c-1eea-493e-9fd5-6f51e5a87fa9"
OTHER = "did:example:other"
REGISTRY, SCHEMA = "ab" * 32, "0x" + "cd" * 32
CREDENTIAL = "0x" + "11" * 32
KECCAK_OF_A = "3ac225168df54212a25c1c01fd35bebfea408fdac2e31ddd6f80a4bbf9a5f1cb"
CONTENT = {
    "did": {"controller": DID},
    "registry": {"addOnly": True, "policy": [DID], "type": "t"},
    "schema": {"type": "object"},
}


class Chain:
    """Stands in for the ledger: takes a call, and says at once that it is mined."""

    def __init__(self) -> None:
        self.calls = []
        self.nonce = 7
        self.refusal = None

    def transact(self, _, call):
        self.calls.append((call.contract, call.function, call.arguments))
        if self.refusal is not None:
            raise self.refusal
        return Mined(
            hash="0xaa", raw="0xbb", block_hash="0xcc", block_number=12, nonce=self.nonce,
            events={},
        )  # fmt: skip


@pytest.fixture
def chain(monkeypatch) -> Chain:
    """The ledger of this test."""
    made = Chain()
    monkeypatch.setattr(module, "transact", made.transact)
    return made


@pytest.fixture
def known(database, account):
    """Record something in a state, as its creation left it."""

    def record(kind: str, thing_id: str, state: str = "registered", last: str = "long-gone"):
        with database.transaction() as connection:
            content = CONTENT[kind]
            registrations.add(connection, kind, thing_id, account.uid, content, job=last)
            registrations.move(connection, kind, thing_id, before=["pending"], after=state)

    return record


@pytest.fixture
def dispatch(database, account):
    """Record a transaction; return the job's id."""

    def add(event: str, subject: str, **given) -> str:
        payload = {"event": event, "subject": subject, "user_data": DID, **given}
        with database.transaction() as connection:
            return Dispatch(connection).add("ledger_transaction", payload, tenant=account.uid)

    return add


@pytest.fixture
def state(auditor):
    """In which state something is."""
    return lambda thing_id: auditor.one("SELECT state FROM registrations WHERE id = %s", thing_id)


CASES = [
    ("did_create", "did", DID, "pending", "newDid", (did_name(DID), ""), "registered"),
    ("did_delete", "did", DID, "removing", "removeDid", (did_name(DID),), "removed"),
    (
        "registry_create", "registry", REGISTRY, "pending",
        "newRegistry", (b"\xab" * 32, True), "registered",
    ),
    (
        "registry_delete", "registry", REGISTRY, "removing",
        "removeRegistry", (b"\xab" * 32,), "removed",
    ),
    (
        "schema_create", "schema", SCHEMA, "pending",
        "newSchema", (b"\xcd" * 32, schema_digest({"type": "object"})), "registered",
    ),
    ("schema_delete", "schema", SCHEMA, "removing", "removeSchema", (b"\xcd" * 32,), "removed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "kind", "subject", "before", "function", "arguments", "after"),
    CASES,
    ids=[case[0] for case in CASES],
)
def test_what_is_registered_or_removed_is_so_on_chain_and_then_in_our_records(
    chain, known, dispatch, perform, state, event, kind, subject, before, function, arguments, after
):
    known(kind, subject, before)

    job = perform(dispatch(event, subject))

    assert chain.calls == [("CredentialRegistry", function, arguments)]
    assert (job.state, state(subject)) == ("completed", after)
    assert job.result == {"encoded_tx": "0xbb", "user_data": DID, "in_block": "0xcc"}
    assert job.id.isdecimal()


def test_a_controller_of_its_own_is_named(chain, database, account, dispatch, perform):
    with database.transaction() as connection:
        content = {"controller": OTHER}
        registrations.add(connection, "did", DID, account.uid, content, job="x")

    perform(dispatch("did_create", DID))

    assert chain.calls[0][2] == (did_name(DID), OTHER)


def test_names_on_chain_are_hashes_and_what_is_a_name_stays():
    assert did_name("a").hex() == KECCAK_OF_A
    assert credential_name("a") == f"0x{KECCAK_OF_A}"
    assert credential_name("0x" + "AB" * 32) == "0x" + "ab" * 32
    assert schema_digest({"b": 1, "a": [2]}) == schema_digest({"a": [2], "b": 1})
    # keccak256 of the two characters {}
    assert schema_digest({}).hex().startswith("b48d38f93eaa084033fc5970bf96e559c33c4cdc07d8")


@pytest.fixture
def revoked(auditor):
    """Which credentials are said to be revoked."""
    rows = "SELECT credential_id, revoked FROM revocations ORDER BY credential_id"
    return lambda: {row["credential_id"]: row["revoked"] for row in auditor.rows(rows)}


def test_credentials_are_revoked_and_made_good_again_and_twice_is_as_once(
    chain, known, dispatch, perform, revoked, state
):
    known("registry", REGISTRY)
    given = {"credentials": [CREDENTIAL, "0x" + "22" * 32]}

    for nonce in (7, 8):
        chain.nonce = nonce
        first = perform(dispatch("credential_revoke", REGISTRY, **given))
    after_two = revoked()
    chain.nonce = 9
    last = perform(dispatch("credential_unrevoke", REGISTRY, credentials=[CREDENTIAL]))

    assert chain.calls[0][1:] == ("revoke", (b"\xab" * 32, [b"\x11" * 32, b"\x22" * 32]))
    assert chain.calls[2][1:] == ("unrevoke", (b"\xab" * 32, [b"\x11" * 32]))
    assert after_two == {CREDENTIAL: True, "0x" + "22" * 32: True}
    assert revoked() == {CREDENTIAL: False, "0x" + "22" * 32: True}
    assert (first.state, last.state, state(REGISTRY)) == ("completed", "completed", "registered")


def test_of_two_whose_jobs_end_in_another_order_the_one_later_on_chain_counts(
    chain, known, dispatch, perform, revoked
):
    known("registry", REGISTRY)
    for nonce, event in ((9, "credential_unrevoke"), (8, "credential_revoke")):
        chain.nonce = nonce
        perform(dispatch(event, REGISTRY, credentials=[CREDENTIAL]))

    assert revoked() == {CREDENTIAL: False}


@pytest.mark.parametrize(
    ("event", "before", "after"),
    [
        ("did_create", "pending", "failed"),
        # Somebody asked to remove what was on its way.
        ("did_create", "removing", "failed"),
        ("did_delete", "removing", "registered"),
    ],
)
def test_a_refusal_is_an_error_with_the_reason_of_the_contract_and_is_taken_back(
    chain, known, dispatch, perform, state, event, before, after
):
    known("did", DID, before)
    chain.refusal = Permanent("reverted", "AlreadyExists")

    job = perform(dispatch(event, DID))

    assert (job.state, job.code, job.error) == ("failed", "reverted", "AlreadyExists")
    assert state(DID) == after


def test_a_node_that_is_in_trouble_is_asked_again(chain, known, dispatch, perform, state):
    known("did", DID, "pending")
    chain.refusal = Temporary("the node refuses: out of sorts")

    job = perform(dispatch("did_create", DID))

    assert (job.state, job.failures, state(DID)) == ("running", 1, "pending")


@pytest.mark.parametrize("subject", [DID, OTHER])
def test_what_never_came_on_chain_cannot_be_changed(chain, known, dispatch, perform, subject):
    known("did", DID, "failed")

    job = perform(dispatch("did_delete", subject))

    assert (job.state, job.code) == ("failed", "not_registered")
    assert job.error == "the did was never registered"
    assert chain.calls == []


# One behind the other.


def test_what_is_asked_of_a_thing_on_its_way_waits_until_it_is_there(
    chain, known, dispatch, perform, auditor
):
    known("registry", REGISTRY, "pending")
    creation = dispatch("registry_create", REGISTRY)
    revocation = dispatch("credential_revoke", REGISTRY, credentials=[CREDENTIAL], after=creation)

    early = perform(revocation)
    created = perform(creation)
    auditor.rows("UPDATE jobs SET due_at = now() - interval '1 second'")
    late = perform(revocation)

    assert (early.state, early.worker) == ("running", None)
    assert [created.state, late.state] == ["completed", "completed"]
    assert [function for _, function, _ in chain.calls] == ["newRegistry", "revoke"]


@pytest.mark.usefixtures("chain")
def test_a_change_waits_for_the_place_of_the_one_before_and_not_for_its_end(
    known, dispatch, perform, auditor
):
    known("registry", REGISTRY)
    first = dispatch("credential_revoke", REGISTRY, credentials=[CREDENTIAL])
    second = dispatch("credential_unrevoke", REGISTRY, credentials=[CREDENTIAL], after=first)

    early = perform(second)
    auditor.rows("INSERT INTO ledger_accounts (address) VALUES ('0x1')")
    auditor.rows(
        "INSERT INTO ledger_transactions (job_id, step, sender, nonce, target, data, gas)"
        " VALUES (%s, 'send', '0x1', 7, '0x2', '', 1)",
        first,
    )
    auditor.rows("UPDATE jobs SET due_at = now() - interval '1 second'")
    late = perform(second)

    assert early.state == "running"
    assert late.state == "completed"
    assert auditor.job(first)["state"] == "pending"


def test_who_waits_long_looks_seldom(known, dispatch, perform, chain, auditor):
    known("registry", REGISTRY)
    first = dispatch("credential_revoke", REGISTRY, credentials=[CREDENTIAL])
    waits = {}
    for age in (0, 40, 4000):
        job = dispatch("credential_revoke", REGISTRY, credentials=[CREDENTIAL], after=first)
        auditor.rows(
            "UPDATE jobs SET created_at = now() - %s * interval '1 second' WHERE id = %s", age, job
        )
        perform(job)
        row = auditor.job(job)
        waits[age] = round((row["due_at"] - row["updated_at"]).total_seconds(), 1)

    assert waits == {0: 0.2, 40: 10.0, 4000: 30.0}
    assert chain.calls == []


# Who is told.


@pytest.fixture
def listen(database, account):
    """Add a webhook that listens to events, of this test's account unless another is said."""

    def add(*events: str, tenant: str = account.uid, api="credentials", active=True) -> int:
        with database.transaction() as connection:
            return webhooks.add(
                connection, api, tenant, url="https://example.org/", events=events,
                description="", active=active, sealed=b"",
            ).id  # fmt: skip

    return add


@pytest.fixture
def told(auditor):
    """What is to be told, and to whom."""
    return lambda: auditor.rows(
        "SELECT webhook_id, event, about, data, d.state, j.type, j.tenant, j.payload, j.queue, d.id"
        " FROM webhook_deliveries d JOIN jobs j ON j.id = d.job_id ORDER BY d.seq"
    )


@pytest.mark.usefixtures("chain")
def test_each_webhook_that_listens_is_told_once_with_the_body_of_the_poll(
    known, dispatch, perform, listen, told, account, other_account
):
    first, second = listen("did_create", "did_delete"), listen("did_create")
    listen("schema_create")
    listen("did_create", active=False)
    listen("did_create", tenant=other_account.uid)
    listen("did_create", api="income")
    known("did", DID, "pending")

    job = perform(dispatch("did_create", DID))

    rows = told()
    assert [row["webhook_id"] for row in rows] == [first, second]
    assert len({row["id"] for row in rows}) == 2
    for row in rows:
        assert row["id"].startswith("msg_")
        assert (row["event"], row["about"], row["state"]) == ("did_create", job.id, "pending")
        assert (row["type"], row["queue"]) == ("deliver_webhook", "webhooks")
        assert (row["tenant"], row["payload"]) == (account.uid, {"delivery": row["id"]})
        assert row["data"] == {
            "id": job.id,
            "result": {"encodedTx": "0xbb", "userData": DID, "result": {"InBlock": "0xcc"}},
            "status": "finalized",
        }


def test_an_error_is_told_with_the_bytes_that_it_came_to(
    chain, known, dispatch, perform, listen, told, auditor
):
    listen("credential_unrevoke")
    known("registry", REGISTRY)
    job = dispatch("credential_unrevoke", REGISTRY, credentials=[CREDENTIAL])
    auditor.rows("INSERT INTO ledger_accounts (address) VALUES ('0x1')")
    number = auditor.one(
        "INSERT INTO ledger_transactions (job_id, step, sender, nonce, target, data, gas,"
        " mined_hash) VALUES (%s, 'send', '0x1', 7, '0x2', '', 1, '0x0b') RETURNING id",
        job,
    )
    for tx_hash, raw in (("0x0a", b"\x0a"), ("0x0b", b"\x0b"), ("0x0c", b"\x0c")):
        auditor.rows(
            "INSERT INTO ledger_attempts (hash, transaction_id, raw, max_fee, max_priority)"
            " VALUES (%s, %s, %s, 1, 1)",
            tx_hash,
            number,
            raw,
        )
    chain.refusal = Permanent("reverted", "RegistryAddOnly")

    perform(job)

    (row,) = told()
    assert row["data"] == {
        "id": job,
        "result": {"encodedTx": "0x0b", "userData": DID, "error": "RegistryAddOnly"},
        "status": "error",
    }


def test_what_has_not_ended_is_told_to_nobody(chain, known, dispatch, perform, listen, told):
    listen("did_create")
    known("did", DID, "pending")
    chain.refusal = Wait(60)

    perform(dispatch("did_create", DID))

    assert told() == []


def test_the_type_is_as_documented():
    kind = JOB_TYPES["ledger_transaction"]

    assert (kind.api, kind.queue) == ("credentials", "chain")
