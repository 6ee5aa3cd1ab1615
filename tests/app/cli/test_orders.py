from __future__ import annotations

import getpass
import json
import socket
from dataclasses import replace

import pytest

from app.cli.jobs import orders
from tasks.job import states
from tasks.job.queue import depth
from tasks.watch import search
from tests.tasks.job.jobs import advance, claimed, record

SHELL = f"{getpass.getuser()}@{socket.gethostname()}"
SYSTEM = f"shell:{getpass.getuser()}"
WHICH = "name one job, or say which by a filter, or --all"


@pytest.fixture
def acts(auditor):
    """Return the audit trail, oldest first."""
    return lambda: [
        (row["operator"], row["action"], sorted(row["jobs"]), row["details"])
        for row in auditor.rows("SELECT * FROM operator_actions ORDER BY id")
    ]


def failed(database, job_id, **given):
    job = claimed(database, job_id, **given)
    advance(database, job, states.FAIL, code="no_use", error="no use", keep=60)


def test_a_job_is_cancelled_in_the_name_of_the_systems_user(run, database, auditor, acts):
    record(database, "waits")
    claimed(database, "works")

    waits, works = run("jobs", "cancel", "waits"), run("jobs", "cancel", "works")

    assert waits == (0, "1 cancelled\n")
    assert works == (0, "1 asked to stop at the next step\n")
    assert acts() == [
        (SYSTEM, "cancel", ["waits"], {"shell": SHELL}),
        (SYSTEM, "cancel", ["works"], {"shell": SHELL}),
    ]
    assert auditor.job("works")["cancelled_by"] == SYSTEM
    assert auditor.one("SELECT note FROM job_moves WHERE job_id = 'waits'") == f"by {SYSTEM}"


@pytest.mark.usefixtures("mary")
def test_an_order_may_be_an_operators_and_the_record_still_says_whose_shell_it_was(
    run, database, acts
):
    record(database, "a")

    done = run("jobs", "cancel", "a", "--as", "mary")

    assert done == (0, "1 cancelled\n")
    assert acts() == [("mary", "cancel", ["a"], {"shell": SHELL})]


@pytest.mark.usefixtures("john")
@pytest.mark.parametrize("name", ["john", "nobody", "shell:root", "a\x00"])
def test_nobody_orders_in_the_name_of_somebody_who_may_not(run, database, auditor, acts, name):
    record(database, "a")

    done = run("jobs", "cancel", "a", "--as", name)

    assert done == (1, "Error: --as names nobody with the role operator\n")
    assert auditor.job("a")["state"] == "pending"
    assert acts() == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("cancel", "over"), "the job has ended"),
        (("cancel", "nowhere"), "there is no such job"),
        (("retry", "nowhere"), "no job of a known type has this id"),
        (("retry", "open"), "the job has not ended"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, database, words, text):
    failed(database, "over")
    record(database, "open")

    assert run("jobs", *words) == (1, f"Error: {text}\n")


def test_a_job_runs_again_and_its_bell_has_rung_when_the_command_ends(run, database, acts, redis):
    failed(database, "a")

    status, out = run("jobs", "retry", "a")

    made = out.removeprefix("a runs again as ").split()[0]
    assert status == 0
    assert acts() == [(SYSTEM, "retry", ["a"], {"made": {"a": made}, "shell": SHELL})]
    assert depth(redis, "default") == 1
    assert run("jobs", "retry", "a")[0] == 1


def test_where_a_gate_is_held_its_holder_is_named(run, database):
    failed(database, "a", type="gated", gate="s", payload={"scope": "s", "path": "/p"})
    claimed(database, "b", type="gated", gate="s", payload={"scope": "s", "path": "/p"})

    assert run("jobs", "retry", "a") == (1, "Error: job b is in flight\n")


def test_all_that_match_are_cancelled_once_somebody_has_seen_how_many(run, database, acts, auditor):
    for name in "abc":
        record(database, name, tenant="x")
    record(database, "other")
    failed(database, "over", tenant="x")

    no = run("jobs", "cancel", "--tenant", "x", input="n\n")
    left = acts()
    yes = run("jobs", "cancel", "--tenant", "x", input="y\n")

    assert no == (1, "Cancel 3 jobs? [y/N]: n\nAborted!\n")
    assert left == []
    assert yes == (0, "Cancel 3 jobs? [y/N]: y\n3 cancelled\n")
    meant = {"tenant": "x", "states": ["pending", "running"]}
    assert acts() == [(SYSTEM, "cancel", ["a", "b", "c"], {"filter": meant, "shell": SHELL})]
    assert auditor.job("other")["state"] == "pending"


def test_all_that_failed_run_again_but_those_that_cannot(run, database):
    failed(database, "a")
    upload = {"org": "0x", "upload": "u", "format": "csv"}
    failed(database, "file", type="org_members", payload=upload)

    status, out = run("jobs", "retry", "--all", "--yes", "--json")

    done = json.loads(out)
    assert status == 0
    assert [one["id"] for one in done["repeated"]] == ["a"]
    assert done["refused"] == [
        {"id": "file", "reason": "the file was kept for the first job alone: send it again"}
    ]
    assert run("jobs", "retry", "--code", "other", "--yes") == (0, "no job matches\n")


def test_if_others_match_by_now_nothing_is_done_unless_nobody_wants_to_be_asked(
    run, database, monkeypatch, auditor
):
    record(database, "a")
    # What was counted a moment before four of them ended.
    monkeypatch.setattr(search, "count", lambda *_, **__: 5)

    asked = run("jobs", "cancel", "--all", input="y\n")
    meanwhile = auditor.job("a")["state"]
    unasked = run("jobs", "cancel", "--all", "--yes")

    assert asked[0] == 1
    assert asked[1].endswith("Error: 1 jobs match by now; nothing was done\n")
    assert meanwhile == "pending"
    assert unasked == (0, "1 cancelled\n")


def test_more_than_may_be_done_in_one_go_is_refused_before_anybody_is_asked(
    run, database, monkeypatch
):
    for name in "abc":
        failed(database, name)
    monkeypatch.setattr(orders, "_RETRY", replace(orders._RETRY, most=2))

    done = run("jobs", "retry", "--all")

    assert done == (1, "Error: more than 2 jobs match; that is the most in one go\n")


@pytest.mark.parametrize(
    "words", [[], ["a", "--tenant", "x"], ["a", "--all"], ["--all", "--state", "failed"]]
)
@pytest.mark.parametrize("order", ["cancel", "retry"])
def test_one_is_meant_or_several_and_never_everything_by_accident(run, order, words):
    assert run("jobs", order, *words) == (2, f"Error: {WHICH}\n")


def test_a_bad_filter_orders_nothing(run, database, auditor):
    record(database, "a")

    done = run("jobs", "cancel", "--state", "done", "--yes")

    assert done[0] == 2
    assert auditor.job("a")["state"] == "pending"
