"""Voters with keys, and the censuses and processes that tests vote in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tasks.job import store
from tasks.job.declare import discover
from tasks.job.queue import Bell
from tasks.ledger.ballots import Vote, address_of, sign_vote, vote_digest, write_vote
from tasks.ledger.merkle import Tree, leaf
from tasks.records import censuses, processes
from tasks.records.censuses import Place
from workers.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.database import Database
    from config.settings import Settings
    from tasks.job.record import Job
    from tests.conftest import Auditor, Tenant

CHAIN_ID, REGISTRY = 1337, "0x" + "c0" * 20
#: Where a process is that no chain was asked for.
ADDRESS = "0x" + "ab" * 31
KEYS = [bytes([n]) * 32 for n in range(1, 6)]
ADDRESSES = [address_of(key) for key in KEYS]
#: The first three voters are in the census.
WEIGHTS = [1, 2, 5]
TREE = Tree(map(leaf, ADDRESSES[:3], WEIGHTS))
QUESTIONS = [
    {"title": "Budget?", "choices": [{"title": "Yes"}, {"title": "No"}]},
    {"title": "Colour?", "choices": [{"title": "Red"}, {"title": "Green"}, {"title": "Blue"}]},
]
DRAFT: dict[str, Any] = {
    "title": "Assembly",
    "description": "",
    "questions": QUESTIONS,
    "start_at": None,
    "end_at": None,
    "duration": None,
    "max_voters": 0,
}


@dataclass(frozen=True)
class Election:
    """A process with a published census."""

    id: str
    census: str
    #: Its number, and the census's, in the tables.
    number: int
    census_number: int


def payload(
    voter: int = 0,
    package: bytes = b"\x00\x02",
    *,
    place: int | None = None,
    process: str = ADDRESS,
    registry: str = REGISTRY,
    chain_id: int = CHAIN_ID,
    tree: Tree = TREE,
    **changed: Any,
) -> str:
    """Return a vote as the voter sends it, with the proof of another place if that is said."""
    at = voter if place is None else place
    process_id = bytes.fromhex(process[2:])
    digest = vote_digest(chain_id, registry, process_id, package)
    fields = {
        "process_id": process_id,
        "package": package,
        "weight": WEIGHTS[at],
        "proof": tuple(tree.proof(at)),
        "signature": sign_vote(KEYS[voter], digest),
    }
    return write_vote(Vote(**{**fields, **changed}))


def add_members(auditor: Auditor, tenant: Tenant, *voters: tuple[str | None, int]) -> list[str]:
    """Give an organization members with these addresses and weights; return their ids."""
    found = []
    for address, weight in voters:
        other = "{}" if address is None else f'{{"address": "{address}"}}'
        number = auditor.one(
            "INSERT INTO members (org_id, member_number, name, surname, national_id, email, phone,"
            " password_hash, weight, other) VALUES (%s, '', '', '', '', '', '', '', %s, %s)"
            " RETURNING id",
            tenant.id,
            weight,
            other,
        )
        found.append(f"{number:024x}")
    auditor.rows(
        "UPDATE organizations SET member_count = member_count + %s WHERE id = %s",
        len(found),
        tenant.id,
    )
    return found


def new_election(
    database: Database,
    tenant: Tenant,
    *,
    published: bool = True,
    address: str | None = ADDRESS,
    begins_in: timedelta = timedelta(hours=-1),
    ends_in: timedelta | None = None,
    **draft: Any,
) -> Election:
    """Make a process whose census is published; at an address, unless it is a draft."""
    now = datetime.now(UTC)
    with database.transaction() as connection:
        census_id = censuses.add(connection, tenant.id, auth_fields=[])
        census = censuses.find(connection, census_id)
        places = [Place(n, n + 1, ADDRESSES[n], WEIGHTS[n]) for n in range(3)]
        censuses.place(connection, census.number, 3, places)
        if published:
            root, uri = f"0x{TREE.root.hex()}", f"/census/{census_id}/participants"
            censuses.publish(connection, census, root=root, uri=uri, nodes=TREE.nodes)
        made = processes.add(connection, tenant.id, census.number, {**DRAFT, **draft})
        if address is not None:
            end = now + ends_in if ends_in else None
            processes.published(
                connection, made, address=address, nonce=1, start_at=now + begins_in, end_at=end
            )
        number = processes.find(connection, made).number
    return Election(made, census_id, number, census.number)


@pytest.fixture
def election(database: Database, tenant: Tenant) -> Election:
    """A process that takes votes."""
    return new_election(database, tenant)


@pytest.fixture
def draft(database: Database, tenant: Tenant) -> Election:
    """A process that is not published, with a published census."""
    return new_election(database, tenant, address=None)


@pytest.fixture
def registry(auditor: Auditor) -> None:
    """What is known of the chain once the contracts are there."""
    auditor.rows("INSERT INTO ledger_chain (chain_id, genesis) VALUES (%s, '0x00')", CHAIN_ID)
    auditor.rows("INSERT INTO ledger_contracts VALUES ('ProcessRegistry', %s)", REGISTRY)


@pytest.fixture
def perform(database: Database, settings: Settings) -> Callable[[str], Job]:
    """Run a job in this process as a worker does, and return what has become of it."""
    discover()
    runner = Runner(settings, database, "this-test")

    def run(job_id: str) -> Job:
        with database.statement() as connection:
            found = store.get(connection, job_id)
        runner.help_out(Bell(found.type, job_id, found.queue))
        with database.statement() as connection:
            return store.get(connection, job_id)

    return run
