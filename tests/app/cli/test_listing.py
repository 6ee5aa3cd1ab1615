from __future__ import annotations

import json

import pytest

from tasks.job import states
from tests.tasks.job.jobs import advance, age, claimed, record

HEAD = ["STATE", "ID", "TYPE", "AGE", "TRIES", "NOTE"]


@pytest.fixture
def filled(database, auditor):
    """A job in each state, each an hour older than the next one."""
    record(database, "aaa1", tenant="x")
    claimed(database, "aaa2", type="org_members", queue="bulk")
    auditor.rows(
        "UPDATE jobs SET progress = %s, stage = 'parse' WHERE id = 'aaa2'",
        json.dumps({"read": 41, "total": 100}),
    )
    advance(database, claimed(database, "bbb1"), states.COMPLETE, result={}, keep=60)
    failed = claimed(database, "bbb2", type="fails")
    advance(database, failed, states.FAIL, code="no_use", error="there is no use", keep=60)
    record(database, "ccc1", type="gated", gate="s")
    for hours, job_id in enumerate(("ccc1", "bbb2", "bbb1", "aaa2", "aaa1")):
        age(auditor, job_id, created_at=3600 * (hours + 1))


def listed(out: str) -> list[list[str]]:
    return [line.split(maxsplit=5) for line in out.splitlines()]


@pytest.mark.usefixtures("filled")
def test_jobs_are_listed_newest_first_with_what_matters_in_their_state(run):
    status, out = run("jobs", "list")

    assert status == 0
    assert listed(out) == [
        HEAD,
        ["pending", "ccc1", "gated", "1h00m", "0"],
        ["failed", "bbb2", "fails", "2h00m", "1", "no_use: there is no use"],
        ["completed", "bbb1", "noop", "3h00m", "1"],
        ["running", "aaa2", "org_members", "4h00m", "1", "parse, 41 %"],
        ["pending", "aaa1", "noop", "5h00m", "0"],
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--id", "aaa"], ["aaa2", "aaa1"]),
        (["--state", "failed,running"], ["bbb2", "aaa2"]),
        (["--tenant", "x"], ["aaa1"]),
        (["--type", "noop,fails", "--code", "no_use"], ["bbb2"]),
        (["--api", "screening"], []),
        (["--since", "150m"], ["ccc1", "bbb2"]),
        (["--since", "4h", "--until", "9000s"], ["bbb1"]),
        (["--until", "1990-01-01T00:00:00Z"], []),
    ],
)
@pytest.mark.usefixtures("filled")
def test_jobs_are_found_by_the_filters_of_the_operators_api(run, words, found):
    status, out = run("jobs", "list", *words)

    assert status == 0
    assert [row[1] for row in listed(out)[1:]] == found


@pytest.mark.usefixtures("filled")
def test_a_list_for_scripts_is_one_object_a_line_as_the_api_has_it(run, client, john):
    _, out = run("jobs", "list", "--json")

    said = client.get("/ops/v1/jobs", headers=john.headers).json["jobs"]
    assert [json.loads(line) for line in out.splitlines()] == said


@pytest.mark.usefixtures("filled")
def test_a_list_goes_over_pages_and_says_where_it_goes_on(run, monkeypatch, auditor):
    monkeypatch.setattr("tasks.watch.search.MAX_LIMIT", 2)

    _, first = run("jobs", "list", "--limit", "3")
    number = auditor.one("SELECT seq FROM jobs WHERE id = 'bbb1'")
    _, second = run("jobs", "list", "--before", str(number))

    assert [row[1] for row in listed(first)[1:4]] == ["ccc1", "bbb2", "bbb1"]
    assert first.endswith(f"There may be older ones: --before {number}\n")
    assert [row[1] for row in listed(second)[1:]] == ["aaa2", "aaa1"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--state", "done"], "state is none of pending, running, completed, failed, rejected"),
        (["--since", "yesterday"], "since is not a time as RFC 3339 has it"),
        (["--until", "2026-13-01"], "until is not a time as RFC 3339 has it"),
        (["--tenant", "a\x1b[2Jb"], "tenant is not a text of up to 255 letters"),
        (["--id", "a" * 256], "id is not a text of up to 255 letters"),
    ],
)
def test_a_bad_filter_is_one_line_and_exit_status_2(run, words, text):
    assert run("jobs", "list", *words) == (2, f"Error: {text}\n")


@pytest.mark.parametrize("limit", ["0", "100001", "x"])
def test_a_bad_limit_is_a_usage_error(run, limit):
    status, out = run("jobs", "list", "--limit", limit)

    assert status == 2
    assert "Invalid value for '--limit'" in out


def test_what_is_printed_commands_no_terminal(run, database):
    failed = claimed(database, "a", tenant="t\x1b]0;title\x07")
    advance(database, failed, states.FAIL, code="c", error="red \x1b[31m \x9b1m", keep=60)

    _, listing = run("jobs", "list")
    _, shown = run("jobs", "show", "a")

    assert "red ?[31m ?1m" in listing
    assert "t?]0;title?" in shown
    assert "\x1b" not in listing + shown
