from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tasks.job import states
from tasks.ledger.ballots import nullifier, read_vote
from tests.elections import ADDRESS, ADDRESSES, TREE, new_election, payload
from tests.tasks.job.jobs import advance, claim

pytestmark = pytest.mark.usefixtures("registry")

OTHER_PROCESS = "0x" + "cd" * 31
OUTSIDE = "the signer is not in the census with this weight"


@pytest.fixture
def vote(client):
    """Send a vote."""
    return lambda text, **more: client.post("/vote", json={"txPayload": text}, **more)


def use(auditor, election, voter=0, *, process=ADDRESS) -> str:
    """Keep a vote of a voter, as if it had been relayed before; return its id."""
    vote_id = f"0x{nullifier(ADDRESSES[voter], bytes.fromhex(process[2:])).hex()}"
    auditor.rows(
        "INSERT INTO votes (process, nullifier, voter, weight, package, transaction, block)"
        " VALUES (%s, %s, %s, 1, '\\x0002', '0x01', 7)",
        election.number,
        vote_id,
        ADDRESSES[voter],
    )
    return vote_id


@pytest.mark.usefixtures("election")
def test_a_vote_is_relayed_by_a_job_of_the_process_owner(vote, client, auditor, tenant):
    text = payload(1)

    accepted = vote(text)

    job = accepted.json["jobId"]
    assert (accepted.status_code, accepted.json) == (202, {"jobId": job})
    assert len(job) == 64
    assert accepted.headers["Location"] == f"/jobs/{job}"
    row = auditor.job(job)
    assert (row["type"], row["tenant"], row["queue"]) == ("relay_vote", tenant.address, "chain")
    vote_id = f"0x{nullifier(ADDRESSES[1], bytes.fromhex(ADDRESS[2:])).hex()}"
    assert row["payload"] == {"vote": text, "nullifier": vote_id}
    assert row["gate"] == vote_id
    assert client.get(f"/jobs/{job}").json["status"] == "pending"


@pytest.mark.usefixtures("election")
def test_hexadecimal_is_read_in_its_usual_forms_and_no_credential_is_looked_at(vote):
    expired = {"Authorization": "Bearer expired"}
    answers = [vote(f"0x{payload()}"), vote(payload().upper()), vote(payload(), headers=expired)]

    assert [a.status_code for a in answers] == [202, 202, 202]


@pytest.mark.usefixtures("election")
def test_what_the_contract_would_refuse_is_400_code_40007_with_the_reason(
    vote, database, tenant, stored
):
    new_election(database, tenant, address="0x" + "01" * 31, begins_in=timedelta(hours=1))
    new_election(
        database,
        tenant,
        address="0x" + "02" * 31,
        begins_in=timedelta(hours=-2),
        ends_in=timedelta(seconds=-1),
    )
    signature = read_vote(payload(2)).signature
    foreign = signature[:64] + bytes([55 - signature[64]])
    before = stored()
    wrong = {
        "": "the payload is not an ABI-encoded vote",
        "0x": "the payload is not an ABI-encoded vote",
        "zz": "the payload is not hexadecimal",
        "0xabc": "the payload is not hexadecimal",
        "ab cd": "the payload is not hexadecimal",
        "\ud800": "the payload is not hexadecimal",
        "é\0": "the payload is not hexadecimal",
        "ab" * 32: "the payload is not an ABI-encoded vote",
        payload()[:-2]: "the payload is not an ABI-encoded vote",
        payload() + "00": "the payload holds more than a vote",
        "00" * 5000: "the payload is too long for a vote",
        payload(signature=b"\1" * 64): "the signature does not have 65 bytes",
        payload(process=OTHER_PROCESS): "unknown process",
        payload(process="0x" + "01" * 31): "the process has not begun",
        payload(process="0x" + "02" * 31): "the process is over",
        payload(package=b"\0"): "the vote package does not answer the questions",
        payload(package=b"\0\3"): "the vote package does not answer the questions",
        payload(package=b"\0\0\0"): "the vote package does not answer the questions",
        payload(package=b""): "the vote package does not answer the questions",
        payload(signature=b"\0" * 65): "the signature is not valid",
        payload(2, signature=foreign): OUTSIDE,
        payload(4, place=0): OUTSIDE,
        payload(1, place=0): OUTSIDE,
        payload(weight=2): OUTSIDE,
        payload(proof=()): OUTSIDE,
        payload(proof=tuple(TREE.proof(2))): OUTSIDE,
        payload(chain_id=1): OUTSIDE,
        payload(registry="0x" + "c1" * 20): OUTSIDE,
    }

    answers = {text: vote(text) for text in wrong}

    assert {text: a.json for text, a in answers.items()} == {
        text: {"error": f"invalid transaction: {why}", "code": 40007} for text, why in wrong.items()
    }
    assert {a.status_code for a in answers.values()} == {400}
    assert stored() == before


def test_a_process_that_is_not_ready_takes_no_votes(vote, election, auditor):
    answers = {}
    for status in ("PAUSED", "ENDED", "CANCELED", "RESULTS"):
        auditor.rows("UPDATE processes SET status = %s WHERE id = %s", status, election.id)
        answers[status] = vote(payload())

    assert {status: (a.status_code, a.json) for status, a in answers.items()} == {
        status: (400, {"error": f"invalid transaction: the process is {status}", "code": 40007})
        for status in ("PAUSED", "ENDED", "CANCELED", "RESULTS")
    }


def test_a_voter_whose_vote_is_known_is_refused_in_that_process_only(
    vote, election, auditor, database, tenant
):
    new_election(database, tenant, address=OTHER_PROCESS)
    use(auditor, election)

    again, elsewhere, another = (
        vote(payload(package=b"\1\1")),
        vote(payload(process=OTHER_PROCESS)),
        vote(payload(1)),
    )

    assert (again.status_code, again.json) == (
        400,
        {"error": "invalid transaction: nullifier already used", "code": 40007},
    )
    assert (elsewhere.status_code, another.status_code) == (202, 202)


@pytest.mark.usefixtures("election")
def test_of_a_voter_one_vote_is_on_its_way_whatever_else_is_sent(vote, client, auditor):
    first = vote(payload())

    again = [vote(f"0x{payload().upper()}"), vote(payload())]
    other = vote(payload(package=b"\1\1"))
    texts = [payload(package=b"\1\1"), payload(), payload(1)]
    batch = client.post("/votes", json={"votes": [{"txPayload": text} for text in texts]})

    job = first.json["jobId"]
    refusal = {
        "error": "invalid transaction: another vote with this nullifier is on its way",
        "code": 40007,
    }
    assert [(a.status_code, a.json) for a in again] == [(202, {"jobId": job})] * 2
    assert (other.status_code, other.json) == (400, refusal)
    refused, same, new = batch.json["jobs"]
    assert (refused, same) == (refusal, {"jobId": job})
    assert new["jobId"] != job
    assert auditor.one("SELECT count(*) FROM jobs") == 2


@pytest.mark.usefixtures("election")
def test_a_vote_that_failed_on_its_way_may_be_cast_again(vote, database, auditor):
    job = vote(payload()).json["jobId"]
    failed = {"code": "refused", "error": "the node refused it", "keep": 60}
    advance(database, claim(database, job), states.FAIL, **failed)

    again = vote(payload(package=b"\1\1"))

    assert again.status_code == 202
    assert auditor.one("SELECT count(*) FROM jobs") == 2


@pytest.mark.usefixtures("election")
def test_in_a_storm_of_votes_of_one_voter_one_costs_a_transaction(app, auditor, perform):
    texts = [payload(package=bytes([n % 2, n % 3])) for n in range(24)]

    def send(text):
        return app.test_client().post("/vote", json={"txPayload": text})

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(send, texts))

    accepted = {a.json["jobId"] for a in answers if a.status_code == 202}
    assert {a.status_code for a in answers} <= {202, 400}
    for job in accepted:
        perform(job)
    states = [auditor.job(job)["state"] for job in accepted]
    assert states.count("running") == 1
    assert set(states) <= {"running", "rejected"}


def test_another_body_is_400_code_40004(client):
    bodies = [
        {},
        {"data": b"{"},
        {"data": b"\xff"},
        {"json": []},
        {"json": "ab"},
        {"json": {"txPayload": 7}},
        {"json": {"txPayload": None}},
        {"json": {"payload": "ab"}},
        {"json": {"votes": {"0": "ab"}}},
        {"json": {"votes": None}},
        {"json": {"votes": []}},
        {"json": {"votes": [{"txPayload": "ab"}] * 1001}},
        {"data": b"txPayload=ab", "content_type": "application/x-www-form-urlencoded"},
    ]

    answers = [client.post(path, **body) for path in ("/vote", "/votes") for body in bodies]

    assert {(a.status_code, a.json["code"]) for a in answers} == {(400, 40004)}
    assert answers[-2].json["error"] == "malformed body: votes: From 1 to 1000 of them."


def test_a_body_that_is_larger_than_any_vote_is_413_code_41300(vote):
    answer = vote("00" * 32_768)

    assert (answer.status_code, answer.json) == (
        413,
        {"error": "the body is too large", "code": 41300},
    )


@pytest.mark.usefixtures("election")
def test_many_votes_are_a_job_each_or_an_error_in_their_order(client, auditor, tenant):
    texts = [payload(0), "zz", payload(1), payload(4, place=0), payload(0, b"\1\1"), payload(2)]
    votes = [*({"txPayload": text} for text in texts), {}, 7]

    answer = client.post("/votes", json={"votes": votes})

    jobs = answer.json["jobs"]
    assert answer.status_code == 202
    assert [one.get("error", "") for one in jobs] == [
        "",
        "invalid transaction: the payload is not hexadecimal",
        "",
        f"invalid transaction: {OUTSIDE}",
        "invalid transaction: nullifier already used",
        "",
        "malformed body: txPayload is not a text",
        "malformed body: txPayload is not a text",
    ]
    assert [one.get("code") for one in jobs] == [
        None, 40007, None, 40007, 40007, None, 40004, 40004,
    ]  # fmt: skip
    rows = {one["jobId"]: auditor.job(one["jobId"]) for one in jobs if "jobId" in one}
    assert [row["payload"]["vote"] for row in rows.values()] == [texts[n] for n in (0, 2, 5)]
    assert {row["tenant"] for row in rows.values()} == {tenant.address}
    assert auditor.one("SELECT count(DISTINCT xact) FROM jobs") == 1
    assert auditor.one("SELECT count(*) FROM jobs") == 3


@pytest.mark.usefixtures("election")
def test_a_full_queue_is_503_code_50301(make_client, auditor):
    client = make_client(chain_queue_limit=2)

    first = client.post("/vote", json={"txPayload": payload(0)})
    batch = client.post("/votes", json={"votes": [{"txPayload": payload(n)} for n in (1, 2)]})
    second = client.post("/vote", json={"txPayload": payload(1)})
    third = client.post("/vote", json={"txPayload": payload(2)})

    assert [a.status_code for a in (first, batch, second, third)] == [202, 503, 202, 503]
    for refused in (batch, third):
        assert refused.json == {
            "error": "the transaction queue is full, nothing was accepted",
            "code": 50301,
        }
        assert refused.headers["Retry-After"] == "5"
    assert auditor.one("SELECT count(*) FROM jobs") == 2


@pytest.mark.usefixtures("election")
def test_the_same_key_and_vote_give_the_same_job_though_it_is_counted_by_then(
    vote, client, auditor, election
):
    headers = {"Idempotency-Key": "k"}
    batch = {"votes": [{"txPayload": payload(1)}, {"txPayload": "zz"}]}

    one = vote(payload(), headers=headers)
    many = client.post("/votes", json=batch, headers=headers)
    use(auditor, election)
    use(auditor, election, 1)

    assert vote(payload(), headers=headers).data == one.data
    assert client.post("/votes", json=batch, headers=headers).data == many.data
    assert vote(payload()).status_code == 400
    # The key of one voter is not in the way of another one, who may well have chosen the same.
    assert vote(payload(2), headers=headers).status_code == 202


@pytest.mark.usefixtures("election")
def test_without_a_ledger_votes_are_503_and_malformed_ones_400(vote, auditor):
    auditor.rows("DELETE FROM ledger_contracts")

    good, bad = vote(payload()), vote("zz")

    assert (good.status_code, good.json["code"], bad.status_code) == (503, 50301, 400)
    assert good.headers["Retry-After"] == "1"
