from __future__ import annotations

import pytest

from tests.elections import ADDRESS, ADDRESSES

PACKAGES = ["0002", "0100", "0102"]


@pytest.fixture
def votes(auditor, election) -> list[str]:
    """The ids of three votes that were counted."""
    found = []
    for n, package in enumerate(PACKAGES):
        found.append(f"0x{n:064x}")
        auditor.rows(
            "INSERT INTO votes (process, nullifier, voter, weight, package, transaction, block)"
            " VALUES (%s, %s, %s, %s, decode(%s, 'hex'), %s, %s)",
            election.number, found[-1], ADDRESSES[n], 10**30 + n, package, f"0x{n:02x}", 7 + n,
        )  # fmt: skip
    return found


def test_the_results_are_counted_and_weighed_for_every_choice(client, election, votes):
    response = client.get(f"/process/{election.id}/results")

    assert len(votes) == 3
    assert response.status_code == 200
    assert response.json == {
        "address": ADDRESS,
        "status": "READY",
        "votes": 3,
        "weight": "3000000000000000000000000000003",
        "questions": [
            {
                "title": "Budget?",
                "choices": [
                    {"title": "Yes", "votes": 1, "weight": "1000000000000000000000000000000"},
                    {"title": "No", "votes": 2, "weight": "2000000000000000000000000000003"},
                ],
            },
            {
                "title": "Colour?",
                "choices": [
                    {"title": "Red", "votes": 1, "weight": "1000000000000000000000000000001"},
                    {"title": "Green", "votes": 0, "weight": "0"},
                    {"title": "Blue", "votes": 2, "weight": "2000000000000000000000000000002"},
                ],
            },
        ],
    }


def test_nothing_was_voted_on_in_a_draft(client, draft):
    results = client.get(f"/process/{draft.id}/results").json

    assert (results["address"], results["status"]) == (None, "DRAFT")
    assert (results["votes"], results["weight"]) == (0, "0")
    assert {c["votes"] for q in results["questions"] for c in q["choices"]} == {0}
    assert client.get(f"/process/{draft.id}/votes").json["votes"] == []


def test_every_vote_is_listed_with_its_place_on_chain(client, election, votes):
    pages = [client.get(f"/process/{election.id}/votes?limit=2&page={n}").json for n in (1, 2)]

    assert pages[0]["pagination"] == {
        "totalItems": 3,
        "previousPage": None,
        "currentPage": 1,
        "nextPage": 2,
        "lastPage": 2,
    }
    assert [one["voteID"] for page in pages for one in page["votes"]] == votes
    assert pages[0]["votes"][1] == {
        "voteID": votes[1],
        "voter": ADDRESSES[1],
        "package": "0x0100",
        "weight": "1000000000000000000000000000001",
        "transaction": "0x01",
        "block": 8,
    }


@pytest.mark.parametrize("query", ["?page=x", "?page=3", "?limit=x"])
def test_a_page_that_is_not_there_is_400_code_40010(client, election, query):
    response = client.get(f"/process/{election.id}/votes{query}")

    assert (response.status_code, response.json["code"]) == (400, 40010)
