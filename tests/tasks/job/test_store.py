from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tasks.job import lists, states, store
from tasks.job.errors import ClaimLost, GateHeld
from tasks.job.record import Standing
from tasks.job.states import State
from tests.tasks.job.jobs import advance, age, claim, claimed, record


def test_a_recorded_job_is_pending_and_reads_back(database):
    record(database, "a", tenant="org", queue="bulk", gate="g", payload={"n": 1, "text": "é\u2028"})

    with database.statement() as connection:
        job = store.get(connection, "a")

    assert (job.id, job.type, job.tenant, job.queue, job.gate) == ("a", "noop", "org", "bulk", "g")
    assert job.payload == {"n": 1, "text": "é\u2028"}
    assert job.state is State.PENDING
    assert (job.attempts, job.failures, job.worker) == (0, 0, None)
    assert (job.started_at, job.finished_at, job.expires_at) == (None, None, None)
    assert job.created_at.tzinfo is not None
    assert not job.is_over


def test_many_jobs_are_recorded_in_order_by_one_statement(database):
    jobs = [store.NewJob(f"j{n}", "noop", "org", "default", None, {"n": n}) for n in range(300)]

    with database.statement() as connection:
        store.add(connection, jobs)
        found = lists.page(connection, "org", ["noop"], limit=300, offset=0)

    assert [job.payload["n"] for job in found] == list(range(299, -1, -1))


def test_none_or_a_gate_survives_among_many(database):
    jobs = [
        store.NewJob("a", "noop", "org", "default", None, {}),
        store.NewJob("b", "noop", "org", "default", "g", {}),
    ]

    with database.statement() as connection:
        store.add(connection, jobs)
        gates = [store.get(connection, job_id).gate for job_id in ("a", "b")]

    assert gates == [None, "g"]


def test_a_job_that_nobody_recorded_is_none(database):
    with database.statement() as connection:
        assert store.get(connection, "nobody") is None
        assert store.standing(connection, "nobody") is None


def test_how_a_job_stands_is_read_without_the_rest_of_it(database):
    job = claimed(database, "a", worker="w1")
    with database.statement() as connection:
        store.checkpoint(connection, job, progress={"read": 3}, cursor={"row": 3})
        waiting = store.standing(connection, "a")
    advance(database, job, states.FAIL, code="no_use", error="no use")
    with database.statement() as connection:
        ended = store.standing(connection, "a")

    assert waiting == Standing("a", "noop", State.RUNNING, None, None, None, {"read": 3})
    assert ended == Standing("a", "noop", State.FAILED, None, "no use", None, {"read": 3})
    assert (waiting.is_over, ended.is_over) == (False, True)


def test_a_claim_counts_the_attempt_and_keeps_history(database, auditor):
    job = claimed(database, "a", worker="w1")

    assert (job.state, job.attempts, job.worker) == (State.RUNNING, 1, "w1")
    assert auditor.moves("a") == ["claim"]
    assert auditor.rows("SELECT attempt, state, worker FROM job_moves") == [
        {"attempt": 1, "state": "running", "worker": "w1"}
    ]


def test_a_claimed_job_cannot_be_claimed_again(database, auditor):
    claimed(database, "a", worker="w1")

    second = claim(database, "a", worker="w2")

    assert second is None
    assert auditor.job("a")["worker"] == "w1"
    assert auditor.moves("a") == ["claim"]


def test_a_job_is_claimed_under_its_own_type_only(database):
    record(database, "a")

    with database.statement() as connection:
        found = store.claim(connection, "a", "holds", worker="w", lease=9, timeout=9)

    assert found is None


def test_a_job_that_is_not_due_yet_cannot_be_claimed(database):
    job = claimed(database, "a")
    advance(database, job, states.RETRY, delay=60)

    assert claim(database, "a") is None


def test_an_ended_job_cannot_be_claimed(database):
    job = claimed(database, "a")
    advance(database, job, states.COMPLETE, result={}, keep=60)

    assert claim(database, "a") is None


def test_completing_frees_the_job_and_keeps_its_result(database, auditor):
    job = claimed(database, "a")

    done = advance(database, job, states.COMPLETE, result={"n": 1}, keep=60)

    assert done
    row = auditor.job("a")
    assert (row["state"], row["result"]) == ("completed", {"n": 1})
    assert (row["worker"], row["lease_until"], row["deadline_at"]) == (None, None, None)
    assert row["expires_at"] - row["finished_at"] == timedelta(seconds=60)
    assert row["failures"] == 0
    assert auditor.moves("a") == ["claim", "complete"]


def test_an_empty_result_is_a_result(database, auditor):
    job = claimed(database, "a")

    assert advance(database, job, states.COMPLETE, result={}, keep=60)
    assert auditor.job("a")["result"] == {}


def test_failing_counts_and_says_why(database, auditor):
    job = claimed(database, "a")

    advance(database, job, states.FAIL, code="no_use", error="there is no use", keep=60)

    row = auditor.job("a")
    assert (row["state"], row["code"], row["error"]) == ("failed", "no_use", "there is no use")
    assert row["failures"] == 1
    assert auditor.rows("SELECT note FROM job_moves WHERE move = 'fail'") == [
        {"note": "there is no use"}
    ]


def test_parking_and_handing_back_are_no_failures(database, auditor):
    advance(database, claimed(database, "a"), states.PARK)
    advance(database, claim(database, "a"), states.HAND_BACK)

    row = auditor.job("a")

    assert (row["state"], row["attempts"], row["failures"]) == ("running", 2, 0)


def test_a_job_can_be_parked_until_a_time(database, auditor):
    until = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)

    advance(database, claimed(database, "a"), states.PARK, until=until)

    assert auditor.job("a")["due_at"] == until


def test_an_old_attempt_cannot_settle_a_newer_one(database, auditor):
    old = claimed(database, "a", worker="w1")
    advance(database, old, states.LOSE)
    claim(database, "a", worker="w1")

    late = advance(database, old, states.COMPLETE, result={"late": True}, keep=60)

    assert not late
    assert auditor.job("a")["state"] == "running"
    assert auditor.moves("a") == ["claim", "lose", "claim"]


def test_a_worker_that_lost_its_claim_cannot_settle_before_the_next_claim_either(database, auditor):
    job = claimed(database, "a", worker="w1")
    advance(database, job, states.LOSE)

    late = advance(database, job, states.COMPLETE, result={}, keep=60)

    assert not late
    assert auditor.moves("a") == ["claim", "lose"]


def test_an_end_never_changes(database, auditor):
    job = claimed(database, "a")
    advance(database, job, states.COMPLETE, result={"n": 1}, keep=60)

    assert not advance(database, job, states.FAIL, code="c", error="e", keep=60)
    assert not advance(database, job, states.COMPLETE, result={"n": 2}, keep=60)
    assert not advance(database, job, states.LOSE)
    assert auditor.job("a")["result"] == {"n": 1}
    assert auditor.moves("a") == ["claim", "complete"]


def test_a_pending_job_cannot_complete(database):
    record(database, "a")
    with database.statement() as connection:
        job = store.get(connection, "a")

    assert not advance(database, job, states.COMPLETE, result={}, keep=60)


def test_a_lease_that_was_renewed_meanwhile_is_not_ended(database, auditor):
    job = claimed(database, "a")

    assert not advance(database, job, states.LOSE, lease_ended=True)
    assert auditor.job("a")["worker"] == "w1"


def test_the_second_claim_in_a_scope_finds_the_gate_held(database, auditor):
    claimed(database, "a", gate="g")
    record(database, "b", gate="g")

    with pytest.raises(GateHeld):
        claim(database, "b")

    assert auditor.job("b")["state"] == "pending"
    assert auditor.job("b")["attempts"] == 0
    assert auditor.moves("b") == []


def test_another_scope_and_another_type_have_gates_of_their_own(database):
    claimed(database, "a", gate="g")

    assert claimed(database, "b", gate="h").id == "b"
    assert claimed(database, "c", gate="g", type="holds").id == "c"


def test_a_parked_job_that_is_woken_is_due_and_its_bell_is_given(database, auditor):
    advance(database, claimed(database, "a", queue="chain"), states.PARK, delay=600)
    record(database, "waits")

    with database.statement() as connection:
        bells = store.wake(connection, ["a", "waits", "nobody"])
        again = store.wake(connection, ["a"])

    assert bells == [("noop", "a", "chain")]
    assert again == []
    job = auditor.job("a")
    assert job["due_at"] == job["rung_at"]
    assert claim(database, "a").attempts == 2
    assert auditor.job("a")["woken"] is False


def test_what_comes_while_a_job_is_still_at_work_is_not_slept_over(database):
    job = claimed(database, "a")
    other = claimed(database, "b")

    with database.statement() as connection:
        assert store.wake(connection, ["a"]) == []
    advance(database, job, states.PARK, delay=600)
    advance(database, other, states.PARK, delay=600)

    assert claim(database, "a") is not None
    assert claim(database, "b") is None


def test_waking_shortens_no_back_off_that_comes_after(database):
    job = claimed(database, "a")
    with database.statement() as connection:
        store.wake(connection, ["a"])

    advance(database, job, states.RETRY, delay=600)

    assert claim(database, "a") is None


def test_a_parked_job_keeps_its_gate(database):
    advance(database, claimed(database, "a", gate="g"), states.PARK, delay=60)

    with pytest.raises(GateHeld):
        claimed(database, "b", gate="g")


@pytest.mark.parametrize(
    ("move", "changes"),
    [(states.COMPLETE, {"result": {}}), (states.FAIL, {"code": "c", "error": "e"})],
)
def test_ending_the_holder_frees_the_gate(database, move, changes):
    advance(database, claimed(database, "a", gate="g"), move, keep=60, **changes)

    assert claimed(database, "b", gate="g").id == "b"


def test_the_holder_of_a_gate_is_the_running_job(database):
    record(database, "waiting", gate="g")
    with database.statement() as connection:
        before = store.holder(connection, "noop", "g")
    claim(database, "waiting")

    with database.statement() as connection:
        assert before is None
        assert store.holder(connection, "noop", "g") == "waiting"
        assert store.holder(connection, "noop", "h") is None


def test_a_scope_is_in_flight_while_a_job_of_it_waits_or_runs(database):
    record(database, "a", gate="g")
    with database.statement() as connection:
        waiting = store.is_in_flight(connection, "noop", "t", "g")
        elsewhere = [
            store.is_in_flight(connection, *scope)
            for scope in (("holds", "t", "g"), ("noop", "u", "g"), ("noop", "t", "h"))
        ]
    job = claim(database, "a")
    with database.statement() as connection:
        running = store.is_in_flight(connection, "noop", "t", "g")
    advance(database, job, states.COMPLETE, result={})
    with database.statement() as connection:
        ended = store.is_in_flight(connection, "noop", "t", "g")

    assert (waiting, running, ended) == (True, True, False)
    assert elsewhere == [False, False, False]


def test_a_checkpoint_merges_facts(database, auditor):
    job = claimed(database, "a")

    with database.transaction() as connection:
        store.checkpoint(connection, job, progress={"read": 1, "total": 9}, cursor={"at": 1})
        store.checkpoint(connection, job, progress={"read": 2}, cursor={"x": None}, stage="parse")
        store.checkpoint(connection, job, progress={}, cursor={})

    row = auditor.job("a")
    assert row["progress"] == {"read": 2, "total": 9}
    assert row["cursor"] == {"at": 1, "x": None}
    assert row["stage"] == "parse"


def lost_checkpoint(database, job):
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO workers (id, queues) VALUES ('effect', '{}')"))
        store.checkpoint(connection, job, progress={"read": 1}, cursor={})


def test_a_checkpoint_of_a_lost_attempt_undoes_its_transaction(database, auditor):
    old = claimed(database, "a", worker="w1")
    advance(database, old, states.LOSE)
    claim(database, "a", worker="w1")

    with pytest.raises(ClaimLost):
        lost_checkpoint(database, old)

    assert auditor.job("a")["progress"] == {}
    assert auditor.one("SELECT count(*) FROM workers") == 0


def test_a_checkpoint_between_loss_and_the_next_claim_is_refused(database):
    job = claimed(database, "a")
    advance(database, job, states.LOSE)

    with pytest.raises(ClaimLost):
        lost_checkpoint(database, job)


def test_a_checkpoint_of_an_ended_job_is_refused(database):
    job = claimed(database, "a")
    advance(database, job, states.COMPLETE, result={}, keep=60)

    with pytest.raises(ClaimLost):
        lost_checkpoint(database, job)


def renewed(database, job, lease):
    with database.statement() as connection:
        return store.renew(connection, job, lease=lease).is_held


def test_a_renewal_is_of_one_attempt_by_its_owner(database, auditor):
    job = claimed(database, "a", lease=10)
    other = claimed(database, "b", lease=10)
    before = auditor.job("b")["lease_until"]

    assert renewed(database, job, 30)
    assert auditor.job("b")["lease_until"] == before
    assert auditor.one("SELECT lease_until > now() + interval '20 s' FROM jobs WHERE id = 'a'")
    assert not renewed(database, replace(other, worker="w2"), 30)
    assert not renewed(database, replace(other, attempts=2), 30)


def test_a_renewal_never_passes_the_time_limit(database, auditor):
    job = claimed(database, "a", lease=5, timeout=20)

    renewed(database, job, 60)

    row = auditor.job("a")
    assert row["lease_until"] == row["deadline_at"]
    assert row["deadline_at"] == row["started_at"] + timedelta(seconds=22)


def test_a_renewal_never_revives_a_claim_that_has_ended(database, auditor):
    job = claimed(database, "a", lease=5)
    age(auditor, "a", lease_until=6)
    before = auditor.job("a")["lease_until"]

    assert not renewed(database, job, 60)
    assert auditor.job("a")["lease_until"] == before


def test_a_lost_claim_cannot_be_renewed(database, auditor):
    job = claimed(database, "a")
    advance(database, job, states.LOSE)

    assert not renewed(database, job, 60)
    assert auditor.job("a")["lease_until"] is None


#: A row that every constraint accepts, by state; a test spoils one column.
SOUND = {
    "pending": {},
    "running": {"attempts": 1, "started_at": "now"},
    "owned": {
        "state": "running",
        "attempts": 1,
        "started_at": "now",
        "worker": "w",
        "lease_until": "now",
    },
    "completed": {
        "attempts": 1,
        "started_at": "now",
        "finished_at": "now",
        "expires_at": "now",
        "result": "{}",
    },
    "failed": {
        "attempts": 1,
        "started_at": "now",
        "finished_at": "now",
        "expires_at": "now",
        "error": "e",
        "code": "c",
        "failures": 1,
    },
    "rejected": {"finished_at": "now", "expires_at": "now", "conflict": "other"},
}


def insert(auditor, state: str, spoilt: dict[str, object]) -> None:
    row = {
        "id": json.dumps([state, spoilt]),
        "type": "noop",
        "tenant": "t",
        "queue": "q",
        "payload": "{}",
        "state": state,
        **SOUND[state],
        **spoilt,
    }
    auditor.rows(
        f"INSERT INTO jobs ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",
        *row.values(),
    )


@pytest.mark.parametrize("state", SOUND)
def test_the_table_takes_a_sound_row_of_every_state(auditor, state):
    insert(auditor, state, {})

    assert auditor.one("SELECT count(*) FROM jobs") == 1


@pytest.mark.parametrize(
    ("state", "spoilt", "constraint"),
    [
        ("running", {"state": "todo"}, "jobs_state_known"),
        (
            "completed",
            {"finished_at": None, "expires_at": None},
            "jobs_finished_iff_terminal",
        ),
        (
            "running",
            {"finished_at": "now", "expires_at": "now"},
            "jobs_finished_iff_terminal",
        ),
        ("completed", {"expires_at": None}, "jobs_expire_iff_finished"),
        ("running", {"expires_at": "now"}, "jobs_expire_iff_finished"),
        ("completed", {"result": None}, "jobs_result_iff_completed"),
        ("failed", {"result": "{}"}, "jobs_result_iff_completed"),
        ("failed", {"error": None}, "jobs_error_iff_failed"),
        ("failed", {"code": None}, "jobs_error_iff_failed"),
        ("completed", {"error": "e", "code": "c"}, "jobs_error_iff_failed"),
        ("rejected", {"conflict": None}, "jobs_conflict_iff_rejected"),
        ("failed", {"conflict": "other"}, "jobs_conflict_iff_rejected"),
        ("owned", {"lease_until": None}, "jobs_owned_only_when_running"),
        ("owned", {"worker": None}, "jobs_owned_only_when_running"),
        ("pending", {"worker": "w", "lease_until": "now"}, "jobs_owned_only_when_running"),
        ("completed", {"worker": "w", "lease_until": "now"}, "jobs_owned_only_when_running"),
        ("running", {"started_at": None}, "jobs_attempted_iff_started"),
        ("pending", {"started_at": "now"}, "jobs_attempted_iff_started"),
        ("running", {"attempts": 0, "started_at": None}, "jobs_pending_iff_unattempted"),
        ("pending", {"attempts": 1, "started_at": "now"}, "jobs_pending_iff_unattempted"),
        ("running", {"failures": 2}, "jobs_failures_bounded_by_attempts"),
        ("running", {"failures": -1}, "jobs_failures_bounded_by_attempts"),
    ],
)
def test_the_table_refuses_a_contradiction(auditor, state, spoilt, constraint):
    with pytest.raises(psycopg2.errors.CheckViolation) as refused:
        insert(auditor, state, spoilt)

    assert refused.value.diag.constraint_name == constraint


def test_a_job_id_is_taken_once(database):
    record(database, "a")

    with pytest.raises(IntegrityError):
        record(database, "a")
