from __future__ import annotations

import pytest

import tests.job_types  # noqa: F401 - declares the types that are run here
from tasks.job import ending
from tasks.job.declare import JOB_TYPES
from tasks.job.queue import Bell, depth
from tasks.job.states import PROCESS
from tests.tasks.job.jobs import claim, claimed, record
from workers.runner import Runner
from workers.sweep import Sweep, lose_jobs_of


@pytest.fixture
def run(settings, database):
    """Record a job of the type that announces its end, and run an attempt at it."""
    runner = Runner(settings, database, "w1")

    def run(job_id: str = "a", how: str = "", gate: str | None = None) -> None:
        record(database, job_id, type="announced", payload={"how": how}, gate=gate)
        runner.hear(Bell("announced", job_id, "default"))

    return run


@pytest.fixture
def told(auditor):
    """What was dispatched about ends."""
    return lambda: [
        row["payload"] for row in auditor.rows("SELECT payload FROM jobs WHERE type = 'tells'")
    ]


@pytest.mark.parametrize(
    ("how", "state", "code"), [("", "completed", None), ("permanent", "failed", "no_use")]
)
def test_an_end_is_told_as_it_is_and_rung_for(run, told, redis, how, state, code):
    run(how=how)

    assert told() == [{"of": "a", "state": state, "code": code}]
    assert depth(redis, "told") == 1


@pytest.mark.parametrize("how", ["wait", "error"])
def test_what_is_no_end_is_not_told(run, told, how):
    run(how=how)

    assert told() == []


def test_the_last_failure_is_an_end(run, told, settings, database, auditor):
    run(how="error")
    auditor.rows("UPDATE jobs SET due_at = now() - interval '1 second'")

    Runner(settings, database, "w2").hear(Bell("announced", "a", "default"))

    assert told() == [{"of": "a", "state": "failed", "code": "attempts_exhausted"}]


def test_a_rejection_is_an_end(run, told, database):
    claimed(database, "holder", type="announced", gate="s")

    run("late", gate="s")

    assert told() == [{"of": "late", "state": "rejected", "code": None}]


def test_a_loss_too_many_is_an_end_whoever_notices_it(settings, database, auditor, told, redis):
    for job_id in ("by sweep", "by parent"):
        record(database, job_id, type="announced")
    sweep = Sweep(settings, database, ["default"])
    for _ in range(2):
        claim(database, "by sweep", worker="w1")
        auditor.rows(
            "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE worker = 'w1'"
        )
        sweep.once()
        claim(database, "by parent", worker="w2")
        bells = lose_jobs_of(database, ["w2"], "the worker process ended (SIGKILL)", PROCESS)

    assert {one["of"] for one in told()} == {"by sweep", "by parent"}
    assert len(told()) == 2
    assert depth(redis, "told") == 1
    assert [bell.type for bell in bells] == ["tells"]


@pytest.fixture
def broken(monkeypatch):
    """Have what follows from an end fail."""

    def fail(dispatch, job):
        dispatch.add("tells", {"of": job.id}, tenant="test")
        raise RuntimeError("secret-in-the-exception")

    kind = JOB_TYPES["announced"]
    changed = type(kind)(**{**vars(kind), "ended": fail})
    monkeypatch.setitem(JOB_TYPES, "announced", changed)


@pytest.mark.usefixtures("broken")
def test_an_end_without_what_follows_from_it_is_none(run, told, auditor):
    run()

    row = auditor.job("a")
    assert (row["state"], row["failures"], row["worker"]) == ("running", 1, None)
    assert told() == []


@pytest.mark.usefixtures("broken")
def test_one_end_that_cannot_be_told_holds_up_no_other(settings, database, auditor, told):
    record(database, "a", type="announced")
    record(database, "b")
    auditor.rows(
        "UPDATE jobs SET failures = 1, attempts = 1, state = 'running', started_at = now()"
    )
    claim(database, "a")
    claim(database, "b")
    auditor.rows("UPDATE jobs SET lease_until = now() - interval '1 second'")

    Sweep(settings, database, ["default"]).once()

    assert (auditor.job("a")["state"], auditor.job("a")["worker"]) == ("running", "w1")
    assert auditor.moves("b") == ["claim", "lose"]
    assert told() == []


@pytest.mark.parametrize(
    ("job_type", "is_alone"),
    [("noop", True), ("announced", False)],
)
def test_only_a_type_that_has_more_to_say_of_an_end_takes_a_transaction(
    database, job_type, is_alone
):
    with ending.moving(database, JOB_TYPES[job_type]) as connection:
        assert connection.connection.driver_connection.autocommit is is_alone
