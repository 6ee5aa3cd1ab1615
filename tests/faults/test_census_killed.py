"""A census is filled and published by workers that are killed at every step of the way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sha3 import keccak_256

from tests.conftest import wait_until
from tests.faults.conftest import QUICK

if TYPE_CHECKING:
    from tests.faults.conftest import Member

#: Two chunks and a rest; the fourth pass finds that nobody is left.
VOTERS = 4_500
#: Of them these have no address to vote with.
SILENT = (7, 2_345)
#: Where a worker is killed while it adds, and at which time that its process passes the place. Of
#: each list every place is fatal once, one after the other: a job has five attempts.
FROM_THE_CLAIM = (
    "runner.claimed=kill step.before_commit=kill census.chunk_read=kill@2 census.committed=kill@2"
)
TO_THE_END = (
    "census.chunk_read=kill step.before_commit=kill@2 census.committed=kill@3"
    " runner.before_settle=kill"
)
PUBLISHING = (
    "census.tree_made=kill step.before_commit=kill census.published=kill runner.before_settle=kill"
)
KILLED_FOUR_TIMES = ["claim", "lose"] * 4 + ["claim", "complete"]


def address(number: int) -> str:
    return f"0x{number:040x}"


#: Who must be in a census, in the order of its leaves.
EXPECTED = [
    {"address": address(number), "weight": str(number % 7)}
    for number in range(1, VOTERS + 1)
    if number not in SILENT
]


def expected_root() -> str:
    """The root as OpenZeppelin describes it, calculated apart from the service."""

    def keccak(data: bytes) -> bytes:
        return bytes(keccak_256(data).digest())

    level = [
        keccak(keccak(bytes(12) + bytes.fromhex(one["address"][2:]) + bytes(31)
                      + bytes([int(one["weight"])])))
        for one in EXPECTED
    ]  # fmt: skip
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [keccak(b"".join(sorted(pair))) if pair[1:] else pair[0] for pair in pairs]
    return f"0x{level[0].hex()}"


@dataclass(frozen=True)
class Census:
    """A census of this test's organization, over HTTP."""

    member: Member
    id: str

    def _post(self, path: str, **body: object) -> str:
        answer = self.member.api.post(path, json=body, headers=self.member.tenant.headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["jobId"])

    def add(self, **who: object) -> str:
        return self._post(f"/census/{self.id}", **who)

    def publish(self) -> str:
        return self._post(f"/census/{self.id}/publish")

    def outcome(self, job_id: str) -> dict[str, object]:
        """What everybody can see of a job that is over."""
        return dict(self.member.api.get(f"/jobs/{job_id}").json())

    def participants(self) -> list[dict[str, str]]:
        """Everybody in it, as anybody can read them."""
        accept = {"Accept": "application/x-ndjson"}
        answer = self.member.api.get(f"/census/{self.id}/participants", headers=accept)
        return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture
def voters(member, perform, auditor) -> list[str]:
    """Members with addresses; return their ids."""
    lines = ["memberNumber,name,weight,address"]
    lines += [
        f"{n},Ada {n},{n % 7},{'' if n in SILENT else address(n)}" for n in range(1, VOTERS + 1)
    ]
    perform(member.send_file("\n".join(lines).encode()))
    return [f"{row['id']:024x}" for row in auditor.rows("SELECT id FROM members ORDER BY id")]


@pytest.fixture
def new_census(member):
    """Make an empty census."""

    def make() -> Census:
        body = {"orgAddress": member.tenant.address}
        made = member.api.post("/census", json=body, headers=member.tenant.headers).json()
        return Census(member, made["id"])

    return make


@pytest.fixture
def start_killed(start_worker, tmp_path):
    """Start a worker that is killed once at each of some places; return the marks of that."""

    def start(places):
        once = [tmp_path / place for place in places.split()]
        faults = " ".join(
            f"{place}:{file}" for place, file in zip(places.split(), once, strict=True)
        )
        start_worker(**QUICK, WORKER_PROCESSES="1", FAILPOINTS=faults)
        return once

    return start


@pytest.mark.parametrize(("places", "in_a_group"), [(FROM_THE_CLAIM, False), (TO_THE_END, True)])
def test_everybody_is_added_once_though_every_step_kills_a_worker(
    places, in_a_group, start_killed, voters, new_census, member, wait, auditor, audit
):
    once = start_killed(places)
    census, twin = new_census(), new_census()
    who = {"memberIds": voters}
    if in_a_group:
        path = f"/organizations/{member.tenant.address}/groups"
        made = {"title": "All", "includeAllMembers": True}
        group = member.api.post(path, json=made, headers=member.tenant.headers).json()
        who = {"groupId": group["id"]}

    job = census.add(**who)
    with member.polling(job):
        wait.until_over(job, seconds=60)
        wait_until(lambda: member.progress(job)["progress"] == 100)
    unkilled = twin.add(**who)
    wait.until_over(unkilled)
    published = [census.publish(), twin.publish()]
    wait.until_over(*published)

    assert [file.exists() for file in once] == [True] * 4
    assert auditor.moves(job) == KILLED_FOUR_TIMES
    assert auditor.moves(unkilled) == ["claim", "complete"]
    assert (
        member.progress(job)
        == member.progress(unkilled)
        == {
            "added": VOTERS - 2,
            "total": VOTERS,
            "progress": 100,
            "errors": [f"member {voters[n - 1]}: no address" for n in SILENT],
        }
    )
    assert census.participants() == twin.participants() == EXPECTED
    roots = [census.outcome(one)["result"]["root"] for one in published]
    assert roots == [expected_root()] * 2
    audit()


def test_a_census_has_one_root_though_every_step_of_publishing_kills_a_worker(
    start_killed, voters, new_census, perform, wait, auditor, audit
):
    census, twin = new_census(), new_census()
    for one in (census, twin):
        perform(one.add(memberIds=voters))
    once = start_killed(PUBLISHING)

    job = census.publish()
    wait.until_over(job, seconds=60)
    again, unkilled = census.publish(), twin.publish()
    wait.until_over(again, unkilled)

    assert [file.exists() for file in once] == [True] * 4
    assert auditor.moves(job) == KILLED_FOUR_TIMES
    first, second, other = (census.outcome(one) for one in (job, again, unkilled))
    assert first["result"] == second["result"]
    assert first["result"]["root"] == other["result"]["root"] == expected_root()
    assert (first["result"]["size"], other["result"]["size"]) == (VOTERS - 2, VOTERS - 2)
    assert census.participants() == EXPECTED
    trees = auditor.rows(
        "SELECT md5(string_agg(nodes, '' ORDER BY no)) AS tree FROM census_nodes GROUP BY census"
    )
    assert len(trees) == 2
    assert trees[0] == trees[1]
    audit()
