from __future__ import annotations

import json

from tasks.job import states
from tests.tasks.job.jobs import advance, claimed, record


def test_a_job_is_shown_with_its_history_and_why_it_is_not_running(run, database):
    advance(database, claimed(database, "a", gate="g"), states.RETRY, delay=600, note="it is busy")
    run("jobs", "cancel", "a", "--yes")
    record(database, "b", queue="bulk")

    status, out = run("jobs", "show", "a")
    _, other = run("jobs", "show", "b")

    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert status == 0
    assert lines[0] == "noop a failed"
    assert lines[1].startswith("It has failed: it was cancelled by shell:")
    assert {"queue default", "gate g", "attempts 1", "failures 1", "code cancelled"} <= set(lines)
    assert [line.split()[2:] for line in lines[lines.index("moves") + 1 :][:3]] == [
        ["claim", "1", "w1"],
        ["retry", "1", "w1", "it", "is", "busy"],
        ["cancel", "1", *lines[lines.index("moves") + 3].split()[4:]],
    ]
    assert other.splitlines()[1] == "No worker serves its queue, bulk."


def test_what_is_declared_as_personal_or_secret_is_masked(run, database):
    payload = {"verification": 1, "source_action": "manual-api", "source_email": "ada@x.org"}
    record(database, "a", type="watchlist", queue="screening", payload=payload)

    _, out = run("jobs", "show", "a")
    _, as_json = run("jobs", "show", "a", "--json")

    assert '"source_email": "(personal)"' in out
    assert "ada@x.org" not in out + as_json


def test_a_job_for_scripts_is_shown_as_the_api_shows_it(run, database, client, john):
    advance(database, claimed(database, "a"), states.COMPLETE, result={"n": 1}, keep=60)

    _, out = run("jobs", "show", "a", "--json")

    assert json.loads(out) == client.get("/ops/v1/jobs/a", headers=john.headers).json


def test_a_job_that_is_not_there_is_one_line(run):
    assert run("jobs", "show", "nowhere") == (1, "Error: there is no job nowhere\n")
    assert run("jobs", "show", "a\x1b") == (1, "Error: there is no job of this id\n")
