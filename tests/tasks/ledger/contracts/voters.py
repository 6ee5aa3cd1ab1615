"""A census of five voters, and the ballots that they fill in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tasks.ledger.ballots import Vote, address_of, sign_vote, vote_digest
from tasks.ledger.merkle import Tree, leaf
from tests.tasks.ledger.evm import CHAIN_ID

if TYPE_CHECKING:
    from tests.tasks.ledger.evm import Evm

KEYS = [bytes([n]) * 32 for n in range(1, 6)]
VOTERS = [address_of(key) for key in KEYS]
WEIGHTS = [1, 1, 7, 0, 2**256 - 1]
TREE = Tree(map(leaf, VOTERS, WEIGHTS))
#: Three questions, of two, three and 255 choices.
CHOICES = bytes([2, 3, 255])
PACKAGE = bytes([1, 0, 254])


def new_process(evm: Evm, job: int = 1, *, by: int = 1, **changed: Any) -> bytes:
    """Create a process for the census; return its id."""
    arguments = {
        "jobKey": job.to_bytes(32, "big"),
        "startTime": 0,
        "duration": 0,
        "maxVoters": 0,
        "censusRoot": TREE.root,
        "censusURI": "https://example.org/census/1",
        "metadataURI": "https://example.org/process/1",
        "choices": CHOICES,
    }
    made = evm.send("newProcess", *(arguments | changed).values(), by=by)
    return bytes.fromhex(made.output[2:])


def ballot(evm: Evm, process_id: bytes, number: int = 0, package: bytes = PACKAGE) -> Vote:
    """Return the ballot that a voter of the census has filled in and signed."""
    digest = vote_digest(CHAIN_ID, evm.address, process_id, package)
    return Vote(
        process_id=process_id,
        package=package,
        weight=WEIGHTS[number],
        proof=tuple(TREE.proof(number)),
        signature=sign_vote(KEYS[number], digest),
    )


def malleated(vote: Vote) -> Vote:
    """Return a ballot with the other form of its signature, which says the same."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    other = order - int.from_bytes(vote.s, "big")
    return replace(vote, signature=vote.r + other.to_bytes(32, "big") + bytes([27 + 28 - vote.v]))
