"""What the three types of jobs that put something on chain ask of it, and what they keep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks import publish_process, relay_vote, set_process_status
from tasks.job.errors import Permanent, Wait
from tasks.ledger.transact import Mined
from tasks.records import processes
from tests.elections import ADDRESS, ADDRESSES, TREE, new_election, payload
from tests.tasks.job.jobs import record

KECCAK_OF_A = "3ac225168df54212a25c1c01fd35bebfea408fdac2e31ddd6f80a4bbf9a5f1cb"
VOTE_ID = "0x" + "99" * 32


class Chain:
    """Stands in for the ledger: takes a call, lets the job wait once, then says it is mined."""

    def __init__(self, events, *, nonce=5) -> None:
        self.events = events
        self.nonce = nonce
        self.calls = []

    def transact(self, _, call):
        self.calls.append(call)
        if len(self.calls) == 1:
            raise Wait(0)
        return Mined(
            hash="0xaa", raw="0xbb", block_hash="0xcc", block_number=12, nonce=self.nonce,
            events=self.events,
        )  # fmt: skip


@pytest.fixture
def run(database, perform, monkeypatch):
    """Run a job of a module until it has waited and come back, against a stand-in of the chain."""

    def through(module, chain, *, job_id="a", times=2, **given):
        monkeypatch.setattr(module, "transact", chain.transact)
        kind = module.__name__.removeprefix("tasks.")
        record(database, job_id, type=kind, queue="chain", payload=given)
        return [perform(job_id) for _ in range(times)][-1]

    return through


CREATED = {"NewProcess": {"processId": ADDRESS}}


def test_a_draft_is_created_with_its_census_and_questions_and_is_then_ready(run, draft, database):
    chain = Chain(CREATED)
    before = int(datetime.now(UTC).timestamp())

    job = run(publish_process, chain, process=draft.id)

    assert (job.state, job.result) == ("completed", {"address": ADDRESS, "status": "READY"})
    one, two = chain.calls
    assert one == two
    assert (one.contract, one.function) == ("ProcessRegistry", "newProcess")
    key, start, *rest = one.arguments
    assert key.hex() == KECCAK_OF_A
    assert before <= start <= datetime.now(UTC).timestamp()
    census, process = f"/census/{draft.census}/participants", f"/process/{draft.id}"
    assert rest == [0, 0, TREE.root, census, process, b"\2\3"]
    with database.statement() as connection:
        kept = processes.find(connection, draft.id)
    assert (kept.address, kept.status, kept.end_at) == (ADDRESS, "READY", None)
    assert kept.start_at.timestamp() == start


def test_a_start_and_an_end_become_a_start_and_a_duration(run, database, tenant):
    start = datetime(2030, 1, 1, tzinfo=UTC)
    timed = new_election(
        database, tenant, address=None, start_at=start, end_at=start + timedelta(hours=2),
        max_voters=9,
    )  # fmt: skip
    chain = Chain(CREATED)

    run(publish_process, chain, process=timed.id)

    assert chain.calls[0].arguments[1:4] == (1893456000, 7200, 9)
    with database.statement() as connection:
        kept = processes.find(connection, timed.id)
    assert (kept.start_at, kept.end_at) == (start, start + timedelta(hours=2))


def test_a_process_whose_end_has_passed_is_not_published(run, database, tenant):
    past = datetime.now(UTC) - timedelta(hours=2)
    late = [
        new_election(database, tenant, address=None, end_at=past),
        new_election(database, tenant, address=None, start_at=past, duration=60),
    ]

    for n, one in enumerate(late):
        job = run(publish_process, Chain({}), process=one.id, job_id=str(n), times=1)
        assert (job.state, job.code) == ("failed", "process_over")
        assert job.error == "the process would be over before it begins"


def test_a_process_that_an_earlier_attempt_put_on_chain_is_not_put_there_again(run, election):
    chain = Chain({})

    job = run(publish_process, chain, process=election.id, times=1)

    assert (job.result, chain.calls) == ({"address": ADDRESS, "status": "READY"}, [])


def test_what_is_not_there_or_not_ready_for_the_chain_fails_for_good(run, database, tenant, draft):
    early = new_election(database, tenant, published=False, address=None)
    cases = [
        (publish_process, {"process": "0" * 24}, "no_process"),
        (publish_process, {"process": early.id}, "census_unpublished"),
        (set_process_status, {"process": "0" * 24, "status": "ENDED"}, "no_process"),
        (set_process_status, {"process": draft.id, "status": "ENDED"}, "no_process"),
        (relay_vote, {"vote": "zz", "nullifier": VOTE_ID}, "no_vote"),
    ]

    for n, (module, given, code) in enumerate(cases):
        job = run(module, Chain({}), job_id=str(n), times=1, **given)
        assert (job.state, job.code) == ("failed", code)


@pytest.mark.parametrize(
    ("word", "number"), [("READY", 0), ("ENDED", 1), ("CANCELED", 2), ("PAUSED", 3)]
)
def test_a_status_is_asked_for_by_the_contracts_number(word, number):
    assert set_process_status.STATUSES[word] == number


def test_of_two_changes_of_a_status_the_one_that_was_mined_later_counts(run, election, database):
    late, early = Chain({}, nonce=8), Chain({}, nonce=7)

    ended = run(set_process_status, late, process=election.id, status="ENDED")
    paused = run(set_process_status, early, process=election.id, status="PAUSED", job_id="b")

    assert ended.result == {"address": ADDRESS, "status": "ENDED"}
    assert paused.result == {"address": ADDRESS, "status": "PAUSED"}
    assert late.calls[0].function == "setProcessStatus"
    assert late.calls[0].arguments == (b"\xab" * 31, 1)
    with database.statement() as connection:
        assert processes.find(connection, election.id).status == "ENDED"


def test_a_vote_is_kept_as_the_contract_counted_it_and_once(run, election, auditor):
    counted = {
        "VoteCast": {
            "processId": ADDRESS, "nullifier": VOTE_ID, "voter": ADDRESSES[1], "weight": 2,
            "votePackage": "0x0002",
        }
    }  # fmt: skip
    chain = Chain(counted)

    job = run(relay_vote, chain, vote=payload(1), nullifier=VOTE_ID)
    again = run(relay_vote, Chain(counted), vote=payload(1), nullifier=VOTE_ID, job_id="b")

    assert (job.state, job.result) == ("completed", {"voteID": VOTE_ID})
    assert again.state == "completed"
    process_id, package, weight, proof, v, r, s = chain.calls[0].arguments
    assert (process_id, package, weight) == (b"\xab" * 31, b"\0\2", 2)
    assert list(proof) == TREE.proof(1)
    assert (v in {27, 28}, len(r), len(s)) == (True, 32, 32)
    (row,) = auditor.rows("SELECT * FROM votes")
    assert (row["nullifier"], row["voter"], row["weight"]) == (VOTE_ID, ADDRESSES[1], 2)
    assert (bytes(row["package"]), row["transaction"], row["block"]) == (b"\0\2", "0xaa", 12)
    assert row["process"] == election.number


def test_what_the_contract_refuses_is_the_jobs_error(run, election, auditor):
    class Refusing(Chain):
        def transact(self, *_):
            raise Permanent("reverted", "NullifierAlreadyUsed")

    job = run(relay_vote, Refusing({}), vote=payload(), nullifier=VOTE_ID, times=1)

    assert (job.state, job.code, job.error) == ("failed", "reverted", "NullifierAlreadyUsed")
    assert auditor.one("SELECT count(*) FROM votes") == 0
    assert election.id
