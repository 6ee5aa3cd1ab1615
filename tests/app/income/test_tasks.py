from __future__ import annotations

import re

import httpx
import pytest

from app import create_app
from tasks.account_connection import _tidy
from tasks.job import states
from tasks.job.context import Context
from tests.tasks.job.jobs import advance, claim

STAMP = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


@pytest.fixture
def begun(who):
    """A task that nobody has worked on, of a token with everything that one can have."""
    token = who.bridge_token(
        user := who.user(),
        tracking_info="0c8d444ff53947cd822efca7b3d9ef18",
        order_id="48427a36d43c4d5aa6324bc06c692456",
    )
    return {**who.login(bridge_token=token), "bridge_token": token, "user_id": user}


@pytest.fixture
def claimed(database, settings, begun):
    """The first attempt at it."""
    return Context(claim(database, begun["task_id"]), database, settings)


def test_a_task_has_every_field_of_the_documented_example(who, begun, claimed, database, auditor):
    task = begun["task_id"]
    advance(database, claimed.job, states.COMPLETE, result={})
    auditor.rows("UPDATE jobs SET created_at = '2022-06-07 15:00', updated_at = '2022-06-07 15:30'")
    auditor.rows("UPDATE links SET is_suspicious = true")

    shown = who.task(task)

    assert list(shown.items()) == [
        ("id", task),
        ("status", "done"),
        ("product_type", "income"),
        (
            "provider",
            {
                "id": "adp",
                "name": "ADP",
                "logo_url": "https://cdn.truv.com/providers/adp.svg",
            },
        ),
        ("created_at", "2022-06-07T15:00:00Z"),
        ("updated_at", "2022-06-07T15:30:00Z"),
        ("link_id", begun["link_id"]),
        ("user_id", begun["user_id"]),
        ("error_message", None),
        ("tracking_info", "0c8d444ff53947cd822efca7b3d9ef18"),
        ("bridge_token", begun["bridge_token"]),
        ("data_source", "payroll"),
        ("is_suspicious", True),
        ("order_id", "48427a36d43c4d5aa6324bc06c692456"),
    ]
    ids = [shown[name] for name in ("id", "link_id", "user_id", "bridge_token")]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


def test_what_a_task_lacks_is_null(who):
    shown = who.task(who.login()["task_id"])

    nothing = {name for name, value in shown.items() if value is None}
    assert nothing == {"error_message", "tracking_info", "order_id"}
    assert shown["is_suspicious"] is False
    assert STAMP.fullmatch(shown["created_at"])
    assert STAMP.fullmatch(shown["updated_at"])


def test_a_status_is_new_then_the_stage_then_the_word_of_the_failure(who, begun, claimed, database):
    task = begun["task_id"]
    seen = [who.status(task)]
    for stage in ("login", "mfa", "parse", "full_parse", "switch_deposit"):
        claimed.stage(stage)
        seen.append(who.status(task))
    text = "the provider has locked this account"
    advance(database, claimed.job, states.FAIL, code="account_locked", error=text)
    end = who.task(task)

    assert seen == ["new", "login", "mfa", "parse", "full_parse", "switch_deposit"]
    assert (end["status"], end["error_message"]) == ("account_locked", text)


def test_a_failure_of_our_own_is_called_error(who, begun, claimed, database):
    text = "gave up after 4 failures: the worker vanished"
    advance(database, claimed.job, states.FAIL, code="attempts_exhausted", error=text)
    end = who.task(begun["task_id"])

    assert (end["status"], end["error_message"]) == ("error", text)


def test_others_tasks_unknown_ones_and_those_of_other_apis_are_not_found(who, stranger, begun):
    paths = {"tasks": begun["task_id"], "refresh/tasks": begun["task_id"]}
    answers = [stranger.get(f"/v1/{kind}/{task}/") for kind, task in paths.items()]
    answers += [who.get(f"/v1/tasks/{task}/") for task in ("0" * 32, "%00", "x" * 500, "-")]
    answers.append(who.get(f"/v1/refresh/tasks/{begun['task_id']}/"))  # it is no refresh

    assert [(one.status_code, one.json()) for one in answers] == [
        (404, {"detail": "Not Found."})
    ] * 7
    assert who.http.get(f"/jobs/{begun['task_id']}").status_code == 404


def test_tasks_are_listed_newest_first_with_the_pages_beside(who, stranger):
    one, other = who.user(), who.user()
    tasks = [
        who.login(bridge_token=who.bridge_token(user))["task_id"] for user in (one, one, other, one)
    ]
    stranger.login()

    whole = who.get("/v1/tasks/").json()
    middle = who.get(f"/v1/tasks?user_id={one}&page=2&page_size=1").json()
    following = who.http.get(middle["next"], headers=who.headers).json()

    assert (whole["count"], whole["next"], whole["previous"]) == (4, None, None)
    assert [task["id"] for task in whole["results"]] == tasks[::-1]
    assert whole["results"][0] == who.task(tasks[3])
    assert [task["id"] for task in middle["results"]] == [tasks[1]]
    assert middle["count"] == 3
    assert middle["next"].startswith(f"http://localhost/v1/tasks?user_id={one}&page")
    assert [task["id"] for task in following["results"]] == [tasks[0]]
    assert (following["next"] is None, following["previous"] is None) == (True, False)
    assert who.get(f"/v1/tasks/?user_id={'0' * 32}").json() == {
        "count": 0, "next": None, "previous": None, "results": [],
    }  # fmt: skip


def test_a_page_that_is_none_is_refused(who):
    bad = who.get("/v1/tasks/?page=x&page_size=0")
    none = who.get("/v1/tasks/?page=2")

    assert bad.json()["error"]["extra"] == {
        "invalid-params": [{"field": "page", "message": "Not a number above zero."}]
    }
    assert (none.status_code, none.json()) == (404, {"detail": "Not Found."})


def test_the_addresses_of_pages_are_those_that_clients_reach(with_setting, who):
    who.login()
    who.login()
    app = create_app(with_setting(public_url="https://api.example.org/income"))
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://localhost") as http:
        page = who.at(http).get("/v1/tasks/?page_size=1").json()
    app.extensions["jobspine"].database.close()

    assert page["next"] == "https://api.example.org/income/v1/tasks/?page_size=1&page=2"


def test_a_cleared_job_takes_its_task_with_it_but_not_the_link(who, begun, auditor, database):
    with database.transaction() as connection:
        _tidy(connection, [begun["task_id"]])

    assert who.get(f"/v1/tasks/{begun['task_id']}/").status_code == 404
    assert auditor.one("SELECT count(*) FROM account_secrets") == 0
    assert auditor.one("SELECT count(*) FROM links") == 1
