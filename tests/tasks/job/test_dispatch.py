from __future__ import annotations

import pytest
from sqlalchemy import text

import tests.job_types  # noqa: F401 - declares the types that are dispatched here
from tasks.job import states
from tasks.job.dispatch import dispatch_one, dispatching
from tasks.job.errors import GateHeld, PayloadInvalid
from tasks.job.queue import Bell
from tests.tasks.job.jobs import advance, claim


class Listening:
    """Rings nothing and remembers everything, with what was committed by then."""

    def __init__(self, auditor) -> None:
        self._auditor = auditor
        self.heard: list[Bell] = []
        self.recorded: list[int] = []

    def ring(self, bells) -> None:
        self.heard += bells
        self.recorded.append(self._auditor.one("SELECT count(*) FROM jobs"))


@pytest.fixture
def ringer(auditor):
    """Where the bells of this test end."""
    return Listening(auditor)


GATED = {"scope": "s", "path": "/nowhere"}


def test_a_dispatched_job_is_recorded_before_its_bell_rings(database, ringer, auditor):
    job_id = dispatch_one(database, ringer, "noop", {"n": 7}, tenant="org")

    row = auditor.job(job_id)
    assert (row["type"], row["tenant"], row["queue"], row["state"], row["payload"]) == (
        "noop",
        "org",
        "default",
        "pending",
        {"n": 7},
    )
    assert ringer.heard == [Bell("noop", job_id, "default")]
    assert ringer.recorded == [1]


def test_what_belongs_to_jobs_is_committed_with_them(database, ringer, auditor):
    with dispatching(database, ringer) as dispatch:
        dispatch.add("noop", {}, tenant="org")
        dispatch.add("noop", {}, tenant="org")
        dispatch.connection.execute(text("INSERT INTO workers (id, queues) VALUES ('w', '{}')"))
        before = auditor.one("SELECT count(*) FROM jobs"), list(ringer.heard)

    assert before == (0, [])
    assert len(ringer.heard) == 2
    assert ringer.recorded == [2]
    assert auditor.one("SELECT count(*) FROM workers") == 1


def test_many_jobs_are_recorded_in_one_statement_or_none_of_them(database, ringer, auditor):
    given = [("a", {"n": 1}), ("b", {"n": 2}), ("a", {"n": 3})]

    with dispatching(database, ringer) as dispatch:
        ids = dispatch.add_many("noop", given)
    with pytest.raises(PayloadInvalid), dispatching(database, ringer) as dispatch:
        dispatch.add_many("noop", [("a", {"n": 4}), ("a", {"n": "five"})])

    rows = [auditor.job(job_id) for job_id in ids]
    assert [(row["tenant"], row["payload"]) for row in rows] == given
    assert ringer.heard == [Bell("noop", job_id, "default") for job_id in ids]
    assert auditor.one("SELECT count(*) FROM jobs") == 3


def test_an_error_in_the_transaction_records_and_rings_nothing(database, ringer, auditor):
    with pytest.raises(ZeroDivisionError), dispatching(database, ringer) as dispatch:
        dispatch.add("noop", {"n": 1 / 0}, tenant="org")

    assert auditor.one("SELECT count(*) FROM jobs") == 0
    assert ringer.recorded == []


def test_a_type_may_have_ids_that_are_decimal_and_increase(database, ringer):
    first, second = (dispatch_one(database, ringer, "numbered", {}, tenant="org") for _ in "ab")

    assert first.isdecimal()
    assert int(second) > int(first)


@pytest.mark.parametrize("payload", [{"n": "seven"}, {"m": 7}, {"n": 1, "more": 1}])
def test_a_payload_that_does_not_fit_records_nothing(database, ringer, auditor, payload):
    with pytest.raises(PayloadInvalid):
        dispatch_one(database, ringer, "noop", payload, tenant="org")

    assert auditor.one("SELECT count(*) FROM jobs") == 0
    assert ringer.heard == []


def test_a_required_field_that_is_missing_does_not_fit(database, ringer):
    with pytest.raises(PayloadInvalid, match="path"):
        dispatch_one(database, ringer, "holds", {}, tenant="org")


def test_dispatching_into_a_held_gate_names_the_holder_and_records_nothing(
    database, ringer, auditor
):
    holder = dispatch_one(database, ringer, "gated", GATED, tenant="org")
    claim(database, holder)

    with pytest.raises(GateHeld) as held:
        dispatch_one(database, ringer, "gated", GATED, tenant="org")

    assert held.value.holder == holder
    assert auditor.one("SELECT count(*) FROM jobs") == 1
    assert dispatch_one(database, ringer, "gated", {**GATED, "scope": "t"}, tenant="org")


def test_a_gate_is_free_before_a_claim_and_after_the_end(database, ringer):
    first = dispatch_one(database, ringer, "gated", GATED, tenant="org")
    second = dispatch_one(database, ringer, "gated", GATED, tenant="org")
    job = claim(database, first)
    advance(database, job, states.COMPLETE, result={}, keep=9)

    third = dispatch_one(database, ringer, "gated", GATED, tenant="org")

    assert len({first, second, third}) == 3


def test_a_parked_job_is_woken_by_the_commit_and_rung_for(database, ringer, auditor):
    job_id = dispatch_one(database, ringer, "noop", {}, tenant="org")
    advance(database, claim(database, job_id), states.PARK, delay=3600)
    with dispatching(database, ringer) as dispatch:
        dispatch.wake([job_id, "unknown"])
        before = auditor.one("SELECT due_at > now() FROM jobs")

    assert before
    assert auditor.one("SELECT due_at <= now() FROM jobs")
    assert ringer.heard == [Bell("noop", job_id, "default")] * 2
