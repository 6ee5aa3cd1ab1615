"""census_participants: add participants to a census, or publish it under the root of its tree.

The participants of a chunk, the errors, the counts and the place in the list commit together. A
census is published in one transaction, and is final from then on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields, validate

from config.failpoints import failpoint
from tasks.job.declare import job_type
from tasks.job.errors import NotRepeatable, Permanent, Wait
from tasks.ledger import merkle
from tasks.records import censuses, groups, members
from tasks.records.censuses import Place
from tasks.records.members import LARGEST_NUMBER, RowError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from tasks.job.context import Context
    from tasks.job.dispatch import Dispatch
    from tasks.job.record import Job
    from tasks.records.censuses import Census
    from tasks.records.members import Voter

#: Members that are added together, and leaves that are read together.
CHUNK = 2000
#: How long a job keeps its slot before it queues again behind other work; seconds.
TURN_SECONDS = 120.0
#: Weights stay below this, so that no sum of them overflows on chain.
WEIGHT_BOUND = 2**128
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class Payload(Schema):
    """Which census, and what to do with it."""

    census = fields.String(required=True)
    action = fields.String(required=True, validate=validate.OneOf(["add", "publish"]))
    #: Whom to add: a group of members, or null for those who are kept for this job.
    group = fields.String(load_default=None, allow_none=True)
    #: How many these were when they were named.
    total = fields.Integer(load_default=0)


class Result(Schema):
    """How many were added, of how many; or what the census is published under."""

    added = fields.Integer()
    total = fields.Integer()
    errors = fields.Integer()
    root = fields.String()
    size = fields.Integer()
    uri = fields.String()


def _tidy(connection: Connection, cleared: Sequence[str]) -> None:
    censuses.forget_named(connection, cleared)
    members.remove_errors_of(connection, cleared)


def _check_repeat(_dispatch: Dispatch, job: Job, _again: str) -> None:
    if job.payload["action"] == "add" and job.payload.get("group") is None:
        raise NotRepeatable("the members were named for the first job alone: name them again")


@job_type(
    "census_participants",
    payload=Payload,
    result=Result,
    attempts=5,
    timeout=2 * TURN_SECONDS,
    tidy=_tidy,
    repeated=_check_repeat,
)
def census_participants(
    ctx: Context, *, census: str, action: str, group: str | None, total: int
) -> dict[str, Any]:
    """Do what was asked for; both ways begin again where an earlier attempt was."""
    return _publish(ctx, census) if action == "publish" else _add(ctx, census, group, total)


def _add(ctx: Context, census_id: str, group_id: str | None, total: int) -> dict[str, Any]:
    """Add members chunk by chunk; who is in the census already stays where they are."""
    facts = {"read": 0, "added": 0, "errors": 0, "total": total, **ctx.progress_so_far}
    while True:
        with ctx.step() as step:
            census = _locked(step.connection, census_id)
            if census.root is not None:
                raise Permanent("census_published", "the census is published")
            named = _named(step.connection, ctx, census, group_id, facts["read"])
            failpoint("census.chunk_read")
            if named:
                _add_chunk(step.connection, ctx, census, named, facts)
                step.save(progress=facts, cursor={"after": named[-1]})
            else:
                # A group may have grown or shrunk since it was named.
                facts["total"] = facts["read"]
                step.save(progress=facts)
        failpoint("census.committed")
        if not named:
            return {name: facts[name] for name in ("added", "total", "errors")}
        if ctx.elapsed > TURN_SECONDS:
            raise Wait(0)


def _locked(connection: Connection, census_id: str) -> Census:
    census = censuses.lock(connection, census_id)
    if census is None:
        raise Permanent("no_census", "the census does not exist")
    return census


def _named(
    connection: Connection, ctx: Context, census: Census, group_id: str | None, read: int
) -> list[str]:
    """Return the ids of the next members of the list or the group."""
    if group_id is None:
        return censuses.named(connection, ctx.job.id, read, limit=CHUNK)
    group = groups.find(connection, census.org_id, group_id)
    if group is None:
        raise Permanent("no_group", "the group does not exist")
    after = int(ctx.cursor.get("after", "0"), 16)
    found = groups.members_after(connection, group, after, limit=CHUNK)
    return [f"{number:024x}" for number in found]


def _add_chunk(
    connection: Connection,
    ctx: Context,
    census: Census,
    named: Sequence[str],
    facts: dict[str, int],
) -> None:
    """Give members their places, keep what was wrong, and count both."""
    numbers = [n for n in (int(name, 16) for name in named) if n <= LARGEST_NUMBER]
    known = members.voters(connection, census.org_id, numbers)
    addresses = [voter.address.lower() for voter in known.values()]
    taken = censuses.taken(connection, census.number, numbers, addresses)
    places, wrong = give_places(named, known, taken, census.size)
    size = max([census.size, *(one.no + 1 for one in places)])
    censuses.place(connection, census.number, size, places)
    errors = [RowError(facts["read"] + at + 1, text) for at, text in wrong]
    members.add_errors(connection, ctx.job.id, facts["errors"], errors)
    facts["read"] += len(named)
    facts["added"] += size - census.size
    facts["errors"] += len(errors)


def give_places(
    named: Sequence[str], known: Mapping[int, Voter], taken: Sequence[Place], size: int
) -> tuple[list[Place], list[tuple[int, str]]]:
    """Return which places members get in a census of a size, and who gets none, and why.

    A member who has a place keeps it, with the address and the weight of now. An address is
    held by one member: two could not both vote with it.
    """
    places = {one.member: one for one in taken}
    holders = {one.address: one.member for one in taken}
    given: dict[int, Place] = {}
    wrong = []
    for at, name in enumerate(named):
        number = int(name, 16)
        voter = known.get(number)
        fault = _fault(voter)
        if voter is not None and not fault:
            address = voter.address.lower()
            if holders.setdefault(address, number) == number:
                no = places[number].no if number in places else size
                size += number not in places
                places[number] = given[number] = Place(no, number, address, voter.weight)
            else:
                fault = "the address of another participant"
        if fault:
            wrong.append((at, f"member {name}: {fault}"))
    return list(given.values()), wrong


def _fault(voter: Voter | None) -> str:
    """Say in a few words why somebody cannot vote; empty if they can."""
    if voter is None:
        return "unknown"
    if not _ADDRESS.fullmatch(voter.address):
        return "no address"
    return "weight too large" if voter.weight >= WEIGHT_BOUND else ""


def _publish(ctx: Context, census_id: str) -> dict[str, Any]:
    """Fix the census as it is; one that is published already stays as it was."""
    with ctx.step() as step:
        census = _locked(step.connection, census_id)
        if census.root is None:
            if not census.size:
                raise Permanent("census_empty", "the census has no participants")
            tree = merkle.Tree(_leaves(step.connection, census))
            failpoint("census.tree_made")
            uri = f"{ctx.settings.public_url.rstrip('/')}/census/{census_id}/participants"
            root = f"0x{tree.root.hex()}"
            censuses.publish(step.connection, census, root=root, uri=uri, nodes=tree.nodes)
            census = _locked(step.connection, census_id)
    failpoint("census.published")
    return {"root": census.root, "size": census.size, "uri": census.uri}


def _leaves(connection: Connection, census: Census) -> Iterator[bytes]:
    for first in range(0, census.size, CHUNK):
        for one in censuses.participants(connection, census.number, first, limit=CHUNK):
            yield merkle.leaf(one.address, one.weight)
