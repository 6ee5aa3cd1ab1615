from __future__ import annotations

import pytest

from tasks import census_participants as module
from tasks.census_participants import census_participants, give_places
from tasks.job import states
from tasks.job.context import Context
from tasks.job.errors import ClaimLost, Permanent, Wait
from tasks.ledger.merkle import Tree, leaf
from tasks.records import censuses, groups
from tasks.records.censuses import Place
from tasks.records.members import Voter
from tests.elections import ADDRESSES, add_members
from tests.tasks.job.jobs import advance, claim, record

A, B, C = ADDRESSES[:3]


def member(number: int) -> str:
    return f"{number:024x}"


# Whom a place is given to.


@pytest.mark.parametrize(
    ("voter", "why"),
    [
        (None, "unknown"),
        (Voter("", 1), "no address"),
        (Voter("0x12", 1), "no address"),
        (Voter(A[2:], 1), "no address"),
        (Voter(A + "\n", 1), "no address"),
        (Voter(A, 2**128), "weight too large"),
    ],
)
def test_who_cannot_vote_gets_no_place_and_a_reason(voter, why):
    known = {} if voter is None else {7: voter}

    assert give_places([member(7)], known, [], 0) == ([], [(0, f"member {member(7)}: {why}")])


def test_places_follow_each_other_and_addresses_are_kept_in_lower_case():
    known = {1: Voter(A.upper().replace("X", "x"), 0), 2: Voter(B, 2**128 - 1)}

    places, wrong = give_places([member(2), member(1), member(2)], known, [], 5)

    assert places == [Place(5, 2, B, 2**128 - 1), Place(6, 1, A, 0)]
    assert wrong == []


def test_who_has_a_place_keeps_it_with_the_address_and_the_weight_of_now():
    taken = [Place(3, 1, A, 1)]

    assert give_places([member(1)], {1: Voter(C, 9)}, taken, 4) == ([Place(3, 1, C, 9)], [])


def test_an_address_is_held_by_one_member():
    text = f"member {member(2)}: the address of another participant"
    known = {1: Voter(A, 1), 2: Voter(A, 1)}

    assert give_places([member(2)], known, [Place(0, 1, A, 1)], 1) == ([], [(0, text)])
    assert give_places([member(1), member(2)], known, [], 0)[1] == [(1, text)]


# The job.


@pytest.fixture
def census(database, tenant) -> str:
    """An empty census."""
    with database.transaction() as connection:
        return censuses.add(connection, tenant.id, auth_fields=[])


@pytest.fixture
def job(database, settings, census):
    """Record and claim a job that adds members, or publishes."""

    def make(named=(), *, job_id="a", action="add", group=None, census=census) -> Context:
        given = {"census": census, "action": action, "group": group, "total": len(named)}
        record(database, job_id, type="census_participants", payload=given)
        with database.transaction() as connection:
            censuses.name(connection, job_id, named)
        return Context(claim(database, job_id), database, settings)

    return make


def run(context: Context):
    return census_participants(context, **module.Payload().load(context.job.payload))


def next_attempt(context: Context) -> Context:
    """The attempt after one that was lost."""
    advance(context.database, context.job, states.LOSE)
    return Context(claim(context.database, context.job.id), context.database, context.settings)


@pytest.mark.parametrize("at", range(1, 5))
def test_a_job_that_broke_off_anywhere_goes_on_with_everybody_once(
    job, auditor, tenant, monkeypatch, at
):
    monkeypatch.setattr(module, "CHUNK", 2)
    ids = add_members(auditor, tenant, *((one, 1) for one in (A, None, B, C, None)))
    context = job(ids)
    passed = iter(range(1, 100))

    def breaks(name):
        if name == "census.committed" and next(passed) == at:
            raise ZeroDivisionError

    monkeypatch.setattr(module, "failpoint", breaks)
    result = None
    while result is None:
        try:
            result = run(context)
        except ZeroDivisionError:
            context = next_attempt(context)

    assert result == {"added": 3, "total": 5, "errors": 2}
    rows = auditor.rows("SELECT no, address FROM census_participants ORDER BY no")
    assert [tuple(row.values()) for row in rows] == [(0, A), (1, B), (2, C)]
    assert auditor.one("SELECT size FROM censuses") == 3
    assert auditor.rows("SELECT seq, row FROM import_errors ORDER BY seq") == [
        {"seq": 0, "row": 2},
        {"seq": 1, "row": 5},
    ]


def test_adding_twice_adds_once_and_overtaken_attempts_add_nobody(job, auditor, tenant, census):
    ids = add_members(auditor, tenant, (A, 1), (B, 2))
    old = job(ids)
    next_attempt(old)
    with pytest.raises(ClaimLost):
        run(old)
    nobody = auditor.one("SELECT count(*) FROM census_participants")

    first = run(job(ids, job_id="b"))
    second = run(job(ids, job_id="c"))

    assert (nobody, auditor.one("SELECT size FROM censuses")) == (0, 2)
    assert first == {"added": 2, "total": 2, "errors": 0}
    assert second == {"added": 0, "total": 2, "errors": 0}
    assert census


def test_a_group_is_added_as_it_is_when_the_job_runs(job, auditor, tenant, database, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 1)
    monkeypatch.setattr(module, "TURN_SECONDS", 0.0)
    with database.transaction() as connection:
        everybody, _ = groups.add(connection, tenant.id, title="All", description="", members=None)
    context = job(group=everybody)
    add_members(auditor, tenant, (A, 1), (B, 2))

    turns = 0
    while True:
        try:
            result = run(context)
            break
        except Wait as wait:
            turns += 1
            advance(context.database, context.job, states.PARK, delay=wait.until)
            context = Context(claim(database, "a"), database, context.settings)

    assert (turns, result) == (2, {"added": 2, "total": 2, "errors": 0})


def test_a_census_is_published_under_the_root_of_those_in_it(
    job, auditor, tenant, census, with_setting
):
    ids = add_members(auditor, tenant, (A, 1), (B, 2**127))
    run(job(ids))
    context = job(job_id="b", action="publish")
    context.settings = with_setting(public_url="https://vote.example/api/")

    result = run(context)

    root = Tree([leaf(A, 1), leaf(B, 2**127)]).root
    uri = f"https://vote.example/api/census/{census}/participants"
    assert result == {"root": f"0x{root.hex()}", "size": 2, "uri": uri}
    assert bytes(auditor.one("SELECT nodes FROM census_nodes"))[-32:] == root
    assert run(next_attempt(context)) == result
    with pytest.raises(Permanent, match="the census is published"):
        run(job(ids, job_id="c"))


def test_the_nodes_of_a_tree_are_found_wherever_their_piece_ends(
    auditor, tenant, database, census, job, monkeypatch
):
    monkeypatch.setattr(censuses, "PIECE_NODES", 2)
    run(job(add_members(auditor, tenant, *((one, 1) for one in ADDRESSES))))
    run(job(job_id="b", action="publish"))

    with database.statement() as connection:
        number = censuses.find(connection, census).number
        found = list(censuses.nodes(connection, number, [7, 0, 3, 10]))

    tree = Tree([leaf(one, 1) for one in ADDRESSES])
    assert found == [tree.nodes[32 * n : 32 * n + 32] for n in (7, 0, 3, 10)]
    assert auditor.one("SELECT count(*) FROM census_nodes") == 6


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"census": "0" * 24}, "no_census"),
        ({"census": "0" * 24, "action": "publish"}, "no_census"),
        ({"group": "0" * 24}, "no_group"),
        ({"action": "publish"}, "census_empty"),
    ],
)
def test_what_cannot_be_ends_the_job_for_good(job, given, code):
    with pytest.raises(Permanent) as end:
        run(job(**given))

    assert end.value.code == code


def test_what_belongs_to_a_job_is_cleared_with_it(job, auditor, database, tenant):
    run(job([*add_members(auditor, tenant, (A, 1)), "f" * 24]))

    with database.transaction() as connection:
        module._tidy(connection, ["a"])

    assert auditor.one("SELECT count(*) FROM census_additions") == 0
    assert auditor.one("SELECT count(*) FROM import_errors") == 0
