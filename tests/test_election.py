"""A whole vote over HTTP, real workers and a real chain, from the members to the count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import tasks.relay_vote  # noqa: F401 - declares the type that is dispatched here
from tasks.job.dispatch import dispatch_one
from tasks.job.queue import Ringer
from tasks.ledger.ballots import Vote, address_of, nullifier, sign_vote, vote_digest, write_vote
from tasks.ledger.merkle import Tree, leaf
from tests.conftest import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

CHAIN_ID = 1337
KEYS = [bytes([n]) * 32 for n in range(1, 5)]
WEIGHTS = [1, 2, 5, 10]
QUESTIONS = [
    {"title": "Budget?", "choices": [{"title": "Yes"}, {"title": "No"}]},
    {"title": "Colour?", "choices": [{"title": "Red"}, {"title": "Green"}, {"title": "Blue"}]},
    {"title": "Chair?", "choices": [{"title": "Ada"}, {"title": "Bob"}]},
]


class Organizer:
    """Somebody who runs a vote over HTTP and waits for every job."""

    def __init__(self, api: Any, tenant: Any) -> None:
        self.api = api
        self.tenant = tenant

    def send(self, method: str, path: str, **json: Any) -> Any:
        """Send a request with the organization's credential."""
        body = {"json": json} if json else {}
        answer = self.api.request(method, path, headers=self.tenant.headers, **body)
        assert answer.status_code < 300, answer.text
        return answer

    def done(self, answer: Any) -> dict[str, Any]:
        """Poll the job of an answer at its Location until it is over."""
        assert answer.status_code == 202
        at = answer.headers["Location"]
        assert at == f"/jobs/{answer.json()['jobId']}"
        return wait_until(lambda: (p := self.api.get(at).json())["status"] != "pending" and p)

    def result(self, answer: Any) -> dict[str, Any]:
        """Return what the job of an answer came to."""
        poll = self.done(answer)
        assert poll["status"] == "completed", poll
        return poll["result"]


@pytest.fixture
def organizer(start_api, start_worker, devchain, tenant, auditor) -> Organizer:
    """An organizer with workers that know the session's chain."""
    known = {"CHAIN_RPC_URL": devchain.url, "CHAIN_KEYS": devchain.key}
    start_worker(CHAIN_PASS_SECONDS="0.05", **known)
    wait_until(lambda: auditor.one("SELECT count(*) FROM ledger_contracts") == 2)
    return Organizer(start_api(), tenant)


@pytest.fixture
def registry(auditor, organizer) -> Callable[[], str]:
    """The address of the contract that processes are in."""
    assert organizer
    asked = "SELECT address FROM ledger_contracts WHERE name = 'ProcessRegistry'"
    return lambda: auditor.one(asked)


def signed(organizer, registry, process, voter, package, census):
    """Return a voter's ballot, with the proof that the service gives them."""
    address = address_of(KEYS[voter])
    proof = organizer.api.get(f"/census/{census}/proof/{address}").json()
    process_id = bytes.fromhex(process[2:])
    digest = vote_digest(CHAIN_ID, registry, process_id, package)
    return write_vote(
        Vote(
            process_id=process_id,
            package=package,
            weight=int(proof["weight"]),
            proof=tuple(bytes.fromhex(node[2:]) for node in proof["proof"]),
            signature=sign_vote(KEYS[voter], digest),
        )
    )


def test_members_become_a_census_and_the_census_votes(
    organizer, registry, tenant, database, settings
):
    send, result, done = organizer.send, organizer.result, organizer.done
    members = [
        {"name": f"Voter {n}", "weight": str(WEIGHTS[n]), "address": address_of(key)}
        for n, key in enumerate(KEYS)
    ]
    path = f"/organizations/{tenant.address}"
    send("POST", f"{path}/members?async=false", members=[*members, {"name": "No key"}])
    group = send("POST", f"{path}/groups", title="All", includeAllMembers=True).json()["id"]
    census = send("POST", "/census", orgAddress=tenant.address).json()["id"]
    draft = {"title": "Assembly", "questions": QUESTIONS, "censusId": census}
    process = send("POST", "/process", orgAddress=tenant.address, **draft).json()

    added = result(send("POST", f"/census/{census}", groupId=group))
    published = result(send("POST", f"/census/{census}/publish"))
    on_chain = result(send("POST", f"/process/{process}/publish"))

    root = Tree([leaf(address_of(key), n) for key, n in zip(KEYS, WEIGHTS, strict=True)]).root
    assert added == {"added": 4, "total": 5, "progress": 100}
    assert published == {
        "root": f"0x{root.hex()}",
        "size": 4,
        "uri": f"/census/{census}/participants",
    }
    assert on_chain["status"] == "READY"
    assert len(on_chain["address"]) == 2 + 62
    again = send("POST", f"/process/{process}/publish")
    assert (again.status_code, again.json()) == (200, on_chain)

    address = on_chain["address"]
    packages = [b"\x00\x02\x01", b"\x01\x02\x00", b"\x00\x00\x01"]
    ballots = [
        signed(organizer, registry(), address, n, package, census)
        for n, package in enumerate(packages)
    ]
    first = result(send("POST", "/vote", txPayload=ballots[0]))
    batch = send("POST", "/votes", votes=[{"txPayload": one} for one in ballots[1:]])
    jobs = [f"/jobs/{one['jobId']}" for one in batch.json()["jobs"]]
    wait_until(lambda: all(organizer.api.get(j).json()["status"] == "completed" for j in jobs))

    vote_id = f"0x{nullifier(address_of(KEYS[0]), bytes.fromhex(address[2:])).hex()}"
    assert first == {"voteID": vote_id}
    other = signed(organizer, registry(), address, 0, b"\x01\x01\x01", census)
    late = organizer.api.post("/vote", json={"txPayload": other})
    assert (late.status_code, late.json()) == (
        400,
        {"error": "invalid transaction: nullifier already used", "code": 40007},
    )

    # One that slipped past the door beside the first is refused by the contract.
    given = {"vote": other, "nullifier": "0x" + "00" * 32}
    slipped = dispatch_one(database, Ringer(settings), "relay_vote", given, tenant=tenant.address)
    refused = wait_until(
        lambda: (p := organizer.api.get(f"/jobs/{slipped}").json())["status"] != "pending" and p
    )
    assert (refused["status"], refused["error"]) == ("failed", "NullifierAlreadyUsed")

    paused = result(send("PUT", f"/process/{process}/status", status="paused"))
    assert paused == {"address": address, "status": "PAUSED"}
    assert result(send("PUT", f"/process/{process}/status", status="ended"))["status"] == "ENDED"
    refused = done(send("PUT", f"/process/{process}/status", status="ready"))
    assert (refused["status"], refused["error"]) == ("failed", "InvalidStatus")

    shown = organizer.api.get(f"/process/{process}").json()
    tally = organizer.api.get(f"/process/{process}/results").json()
    votes = organizer.api.get(f"/process/{process}/votes").json()["votes"]
    assert (shown["address"], shown["status"]) == (address, "ENDED")
    assert (tally["votes"], tally["weight"]) == (3, "8")
    weights = [[c["weight"] for c in question["choices"]] for question in tally["questions"]]
    assert weights == [["6", "2"], ["5", "0", "3"], ["2", "6"]]
    assert sorted(one["weight"] for one in votes) == ["1", "2", "5"]
    assert all(int(one["block"]) > 0 for one in votes)
