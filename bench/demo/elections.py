"""An election: a census and a process on chain, votes, one of them twice, and the count."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import httpx

from bench.demo.guide import DemoFailed, heading
from tasks.ledger.abi import read_events
from tasks.ledger.ballots import Vote, address_of, sign_vote, vote_digest, write_vote

if TYPE_CHECKING:
    from bench.demo.guide import Guide

_QUESTIONS: list[dict[str, Any]] = [
    {"title": "Shall the budget pass?", "choices": [{"title": "Yes"}, {"title": "No"}]},
    {"title": "Who presides?", "choices": [{"title": "Ada"}, {"title": "Bob"}, {"title": "Eve"}]},
    {"title": "When do we meet?", "choices": [{"title": "May"}, {"title": "June"}]},
]
_VOTERS = 10


def show_election(guide: Guide, org: str) -> None:
    """Publish a census and a process, relay votes, and change the status."""
    heading(f"An election: three questions, {_VOTERS} voters, and one who votes twice")
    keys = [secrets.token_bytes(32) for _ in range(_VOTERS)]
    census = _publish_census(guide, org, keys)
    process = _publish_process(guide, org, census)
    votes = [_signed(guide, process, census, number, key) for number, key in enumerate(keys)]
    first = guide.show("POST", "/vote", json={"txPayload": votes[0]})["jobId"]
    # Whether the first is on its way still or counted by now, a second one is refused.
    other = _signed(guide, process, census, 1, keys[0])
    guide.show("POST", "/vote", json={"txPayload": other}, is_refused=True)
    batch = [{"txPayload": vote} for vote in votes[1:]]
    jobs = guide.show("POST", "/votes", json={"votes": batch})["jobs"]
    guide.finish(first)
    for job in jobs:
        guide.wait(f"/jobs/{job['jobId']}")
    guide.finish(guide.show("PUT", f"/process/{process}/status", json={"status": "ended"})["jobId"])
    counted = guide.show("GET", f"/process/{process}/results")
    if counted["votes"] != _VOTERS or counted["status"] != "ENDED":
        raise DemoFailed(f"{_VOTERS} voted, {counted['votes']} votes were counted")
    on_chain = _count_on_chain(guide, counted["address"])
    print(f"\n  counted again from the contract's events: {on_chain}")
    said = [[choice["votes"] for choice in one["choices"]] for one in counted["questions"]]
    if on_chain != said:
        raise DemoFailed(f"the chain says {on_chain}, the service {said}")


def _publish_census(guide: Guide, org: str, keys: list[bytes]) -> str:
    """Make members of voters, and of the members a census."""
    members = [
        {"memberNumber": f"voter {n}", "name": f"Voter {n}", "address": address_of(key)}
        for n, key in enumerate(keys)
    ]
    guide.show("POST", f"/organizations/{org}/members?async=false", json={"members": members})
    path = f"/organizations/{org}/members"
    pages = guide.get(f"{path}?limit=100")["pagination"]["lastPage"]
    found = [
        m for n in range(1, pages + 1) for m in guide.get(f"{path}?limit=100&page={n}")["members"]
    ]
    ids = [member["id"] for member in found if member["memberNumber"].startswith("voter ")]
    census = str(guide.show("POST", "/census", json={"orgAddress": org})["id"])
    guide.finish(guide.show("POST", f"/census/{census}", json={"memberIds": ids})["jobId"])
    guide.finish(guide.show("POST", f"/census/{census}/publish")["jobId"])
    return census


def _publish_process(guide: Guide, org: str, census: str) -> str:
    """Put a process of three questions on chain."""
    draft = {"orgAddress": org, "censusId": census, "title": "Assembly", "questions": _QUESTIONS}
    process = str(guide.show("POST", "/process", json=draft))
    guide.finish(guide.show("POST", f"/process/{process}/publish")["jobId"])
    guide.show("POST", f"/process/{process}/publish")
    guide.show("GET", f"/process/{process}")
    return process


def _signed(guide: Guide, process: str, census: str, number: int, key: bytes) -> str:
    """Return a voter's choices, signed, with the proof that the voter is in the census."""
    shown = guide.get(f"/process/{process}")
    proof = guide.get(f"/census/{census}/proof/{address_of(key)}")
    process_id = bytes.fromhex(shown["address"][2:])
    package = bytes([number % 2, number % 3, number % 2])
    digest = vote_digest(shown["chainId"], shown["registry"], process_id, package)
    return write_vote(
        Vote(
            process_id=process_id,
            package=package,
            weight=int(proof["weight"]),
            proof=tuple(bytes.fromhex(node[2:]) for node in proof["proof"]),
            signature=sign_vote(key, digest),
        )
    )


def _count_on_chain(guide: Guide, address: str) -> list[list[int]]:
    """Count the votes of a process out of the contract's events, past the service."""
    asked = {"fromBlock": "0x0", "topics": [None, address.ljust(66, "0")]}
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [asked]}
    logs = httpx.post(guide.stack.environment["CHAIN_RPC_URL"], json=call).json()["result"]
    events = read_events("ProcessRegistry", logs)
    packages = [
        bytes.fromhex(event.arguments["votePackage"][2:])
        for event in events
        if event.name == "VoteCast"
    ]
    return [
        [
            sum(package[at] == choice for package in packages)
            for choice, _ in enumerate(one["choices"])
        ]
        for at, one in enumerate(_QUESTIONS)
    ]
