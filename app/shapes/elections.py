"""The voting API's JSON of groups, censuses, processes and votes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.shapes.voting import time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.records.censuses import Census, Participant
    from tasks.records.groups import Group
    from tasks.records.ledger import Registry
    from tasks.records.processes import Process
    from tasks.records.votes import Cast, Sum

#: What a process is before it is on chain.
DRAFT = "DRAFT"


def group(found: Group) -> dict[str, Any]:
    """A group, with how many are in it now."""
    return {
        "id": found.id,
        "title": found.title,
        "description": found.description,
        "includeAllMembers": found.includes_all,
        "membersCount": found.size,
        "createdAt": time(found.created_at),
    }


def census(found: Census) -> dict[str, Any]:
    """A census; what it gets when it is published is null before."""
    return {
        "id": found.id,
        "orgAddress": found.org,
        "authFields": list(found.auth_fields),
        "size": found.size,
        "root": found.root,
        "uri": found.uri,
        "publishedAt": time(found.published_at),
        "createdAt": time(found.created_at),
    }


def participant(found: Participant) -> dict[str, Any]:
    """One leaf of a census's tree."""
    return {"address": found.address, "weight": str(found.weight)}


def proof(root: str | None, weight: int, nodes: Iterable[bytes]) -> dict[str, Any]:
    """What a voter shows to the contract: from below, what leads to the root."""
    return {
        "root": root,
        "weight": str(weight),
        "proof": [f"0x{node.hex()}" for node in nodes],
    }


def process(found: Process, registry: Registry | None) -> dict[str, Any]:
    """A process, and what a voter's signature must name; what is not published yet is null."""
    return {
        "id": found.id,
        "orgAddress": found.org,
        "censusId": found.census_id,
        "title": found.title,
        "description": found.description,
        "questions": found.questions,
        "startDate": time(found.start_at),
        "endDate": time(found.end_at),
        "duration": found.duration,
        "maxVoters": found.max_voters,
        "status": found.status or DRAFT,
        "address": found.address,
        "chainId": registry.chain_id if registry else None,
        "registry": registry.address if registry else None,
        "publishedAt": time(found.published_at),
        "createdAt": time(found.created_at),
    }


def results(found: Process, votes: int, weight: int, sums: Iterable[Sum]) -> dict[str, Any]:
    """What the votes of a process come to, for every choice of every question."""
    by_choice = {(one.question, one.choice): one for one in sums}

    def of_choice(question: int, choice: int, title: str) -> dict[str, Any]:
        one = by_choice.get((question, choice))
        return {
            "title": title,
            "votes": one.votes if one else 0,
            "weight": str(one.weight if one else 0),
        }

    return {
        "address": found.address,
        "status": found.status or DRAFT,
        "votes": votes,
        "weight": str(weight),
        "questions": [
            {
                "title": question["title"],
                "choices": [
                    of_choice(number, at, choice["title"])
                    for at, choice in enumerate(question["choices"])
                ],
            }
            for number, question in enumerate(found.questions)
        ],
    }


def vote(found: Cast) -> dict[str, Any]:
    """A vote as the chain has it, with where on the chain that is."""
    return {
        "voteID": found.nullifier,
        "voter": found.voter,
        "package": found.package,
        "weight": str(found.weight),
        "transaction": found.transaction,
        "block": found.block,
    }
