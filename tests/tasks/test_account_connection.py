from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tasks.connecting import collecting
from tasks.job import orders
from tasks.job.dispatch import Dispatch
from tasks.job.errors import NotRepeatable
from tasks.job.queue import Bell
from tests.accounts import JOB
from tests.connected import http, perform, settings_with_accounts, who
from workers.runner import Runner

__all__ = ["http", "perform", "settings_with_accounts", "who"]

#: How the documented sandbox logins end, by the password; of good names and of error.user.
ENDS = {
    ("goodlogin", "goodpassword"): "done",
    ("error.user", "login_error"): "login_error",
    ("error.user", "account_locked"): "account_locked",
    ("error.user", "mfa_error"): "mfa_error",
    ("error.user", "config_error"): "config_error",
    ("error.user", "no_data"): "no_data",
    ("error.user", "unavailable"): "unavailable",
    ("error.user", "unable_to_reset"): "unable_to_reset",
    ("error.user", "not_supported"): "not_supported",
    ("error.user", "error"): "error",
    ("goodlogin", "another password"): "login_error",
    ("nobody", "goodpassword"): "login_error",
}


@pytest.fixture
def finish(perform):
    """Run attempts at a task until it has ended or waits for a code; return the job's state."""

    def finish(task: str) -> str:
        return next((state for _ in range(6) if (state := perform(task)) != "running"), "running")

    return finish


@pytest.fixture
def told(who, receiver):
    """Have a receiver told of every status; return them by the task's id."""
    body = {"name": "test", "webhook_url": receiver.url, "env_type": "sandbox"}
    assert who.post("/v1/webhooks/", body).status_code == 201

    def told(auditor, task: str) -> list[str]:
        rows = auditor.rows(
            "SELECT data->>'status' AS word FROM webhook_deliveries WHERE about = %s ORDER BY seq",
            task,
        )
        return [row["word"] for row in rows]

    return told


@pytest.mark.parametrize("provider", ["adp", "harbour_bank"])
def test_every_documented_login_ends_as_it_is_documented(who, finish, auditor, provider):
    ends = {}
    for name, password in ENDS:
        task = who.login(name, password, provider=provider)["task_id"]
        finish(task)
        ends[name, password] = who.status(task)

    assert ends == ENDS
    assert auditor.one("SELECT count(*) FROM account_secrets") == 0


def test_every_status_is_told_once_and_full_parse_comes_before_done(who, finish, told, auditor):
    good = who.login()["task_id"]
    bad = who.login("goodlogin", "another password")["task_id"]
    finish(good)
    finish(bad)

    assert told(auditor, good) == ["login", "parse", "full_parse", "done"]
    assert told(auditor, bad) == ["login", "login_error"]
    row = auditor.rows("SELECT * FROM webhook_deliveries WHERE about = %s ORDER BY seq", good)[-1]
    at = row["data"].pop("updated_at")
    assert row["data"] == {
        "task_id": good,
        "link_id": who.task(good)["link_id"],
        "product": "income",
        "data_source": "payroll",
        "tracking_info": None,
        "event_type": "task-status-updated",
        "event_created_at": at,
        "status": "done",
        "user_id": who.task(good)["user_id"],
    }
    assert who.task(good)["updated_at"] == at


def test_a_code_is_waited_for_without_a_worker(who, perform, told, auditor):
    task = who.login("goodlogin", "mfa")["task_id"]
    state = perform(task)
    row = auditor.job(task)

    assert (state, who.status(task), row["worker"], row["lease_until"]) == (
        *("running", "mfa"),
        *(None, None),
    )
    until = auditor.one("SELECT code_until FROM account_secrets")
    assert row["due_at"] == until
    assert until - row["updated_at"] > timedelta(minutes=14)
    answer = who.code(task)
    woken = auditor.job(task)
    assert (answer.status_code, answer.json()) == (202, {"task_id": task})
    assert woken["due_at"] < until
    assert perform(task) == "completed"
    assert told(auditor, task) == ["login", "mfa", "parse", "full_parse", "done"]


def test_a_wrong_code_is_an_error_and_so_is_none_at_all(who, perform, auditor):
    wrong, late = (who.login("goodlogin", "mfa")["task_id"] for _ in range(2))
    perform(wrong)
    who.code(wrong, "54321")
    perform(wrong)
    perform(late)
    perform(late)  # too soon
    early = who.status(late)
    auditor.rows("UPDATE account_secrets SET code_until = now() WHERE job_id = %s", late)
    perform(late)

    assert who.task(wrong)["error_message"] == "the provider refused the code"
    assert (who.status(wrong), early, who.status(late)) == ("mfa_error", "mfa", "mfa_error")
    assert who.task(late)["error_message"] == "no code came in time"
    assert who.code(late).status_code == 400


def test_a_code_is_taken_once_and_only_where_it_is_waited_for(who, perform):
    task = who.login("goodlogin", "mfa")["task_id"]
    early = who.code(task)
    perform(task)
    first, second = who.code(task), who.code(task)
    perform(task)
    after = who.code(task)

    assert [one.status_code for one in (early, first, second, after)] == [400, 202, 400, 400]
    assert second.json()["error"]["extra"]["invalid-params"] == [
        {"field": "code", "message": "The task does not wait for a code."}
    ]
    assert who.status(task) == "done"


def test_documents_that_are_not_ready_are_waited_for_without_a_worker(
    who, perform, sandbox, auditor
):
    login = sandbox.account(papers="slow")
    task = who.login(login.username, login.password)["task_id"]
    state = perform(task)
    row = auditor.job(task)

    assert (state, row["worker"], who.status(task)) == ("running", None, "parse")
    assert (row["failures"], auditor.moves(task)) == (0, ["claim", "park"])
    assert row["due_at"] > row["updated_at"]
    sandbox.make_ready(login)
    assert perform(task) == "completed"
    assert sandbox.state(login)["sign_ins"] == 1


def test_an_attempt_whose_turn_is_over_has_read_one_document_at_least(
    who, perform, sandbox, monkeypatch
):
    monkeypatch.setattr(collecting, "TURN_SECONDS", 0.0)
    login = sandbox.account(jobs=[{**JOB, "frequency": "M", "hired": "2025-09-01"}])
    made = who.login(login.username, login.password)
    states = [perform(made["task_id"]) for _ in range(3)]
    (employment,) = who.report(made["link_id"])["employments"]

    assert states == ["running", "running", "completed"]
    assert len(employment["statements"]) == 4
    assert set(sandbox.state(login)["fetched"].values()) == {1}


def test_documents_that_never_get_ready_make_the_provider_unavailable(
    who, perform, sandbox, auditor
):
    login = sandbox.account(papers="slow")
    task = who.login(login.username, login.password)["task_id"]
    perform(task)
    auditor.rows(
        "UPDATE jobs SET cursor = jsonb_build_object('waits_since', now() - interval '61 minutes')"
    )
    sandbox.end_sessions(login)
    perform(task)

    assert who.task(task)["error_message"] == "the provider did not give its documents in time"
    assert who.status(task) == "unavailable"


def test_a_session_that_ends_in_the_middle_is_renewed_and_nothing_is_read_twice(
    who, perform, sandbox
):
    login = sandbox.account(papers="slow")
    task = who.login(login.username, login.password)["task_id"]
    perform(task)
    sandbox.end_sessions(login)
    again = perform(task)
    sandbox.make_ready(login)
    perform(task)
    state = sandbox.state(login)

    assert (again, who.status(task), state["sign_ins"]) == ("running", "done", 2)


def test_a_session_that_ends_where_a_code_is_needed_is_an_mfa_error(who, perform, sandbox):
    login = sandbox.account(papers="slow", code="12345")
    task = who.login(login.username, login.password)["task_id"]
    perform(task)
    who.code(task)
    perform(task)
    sandbox.end_sessions(login)
    perform(task)

    assert who.status(task) == "mfa_error"


def test_pay_is_sent_to_another_account(who, perform, told, sandbox, auditor):
    account = {"account_number": "16002600", "routing_number": "123456789"}
    given = {"product_type": "deposit_switch", "account": account}
    login = sandbox.account()
    task = who.login(login.username, login.password, **given)["task_id"]
    kept = str(auditor.rows("SELECT b::text, s::text FROM bridge_tokens b, account_secrets s"))
    perform(task)

    assert told(auditor, task) == ["login", "parse", "full_parse", "switch_deposit", "done"]
    (allotment,) = sandbox.state(login)["allotments"]["J-1"]
    assert allotment["account_number"] == "16002600"
    assert allotment["percent"] == "100"
    assert "16002600" not in kept


@pytest.mark.parametrize(
    ("share", "switched"),
    [
        ({"deposit_type": "percent", "deposit_value": "12.5"}, {"percent": "12.5"}),
        ({"deposit_type": "amount", "deposit_value": 250}, {"amount": "250"}),
        ({"deposit_type": "amount", "deposit_value": "1250.50"}, {"amount": "1250.50"}),
    ],
)
def test_a_part_of_the_pay_is_sent_to_another_account(who, perform, sandbox, share, switched):
    account = {"account_number": "16002600", "routing_number": "123456789", **share}
    login = sandbox.account()
    given = {"product_type": "deposit_switch", "account": account}
    task = who.login(login.username, login.password, **given)["task_id"]
    perform(task)

    assert who.status(task) == "done"
    assert sandbox.state(login)["allotments"] == {
        "J-1": [
            {
                "routing_number": "123456789",
                "account_number": "16002600",
                "account_type": "checking",
                **switched,
            }
        ]
    }


def test_pay_that_nobody_gets_any_more_goes_nowhere(who, perform, sandbox):
    account = {"account_number": "16002600", "routing_number": "123456789"}
    login = sandbox.account(jobs=[{**JOB, "left": "2025-06-30"}])
    given = {"product_type": "deposit_switch", "account": account}
    task = who.login(login.username, login.password, **given)["task_id"]
    perform(task)

    assert (who.status(task), sandbox.state(login)["allotments"]) == ("no_data", {})


def test_more_than_all_of_the_pay_is_a_config_error(who, perform, sandbox):
    account = {"account_number": "16002600", "routing_number": "123456789"}
    more = {"deposit_type": "percent", "deposit_value": "120"}
    login = sandbox.account()
    given = {"product_type": "deposit_switch", "account": {**account, **more}}
    task = who.login(login.username, login.password, **given)["task_id"]
    perform(task)

    assert who.status(task) == "config_error"
    assert sandbox.state(login)["allotments"] == {}


@pytest.mark.parametrize(
    ("provider", "product"),
    [("adp", "insurance"), ("harbour_bank", "employment"), ("adp", "transactions")],
)
def test_what_a_provider_lacks_is_not_supported_and_nobody_signs_in_for_it(
    who, perform, sandbox, provider, product
):
    login = sandbox.account(provider)
    given = {"provider": provider, "product_type": product}
    task = who.login(login.username, login.password, **given)["task_id"]
    perform(task)

    assert who.status(task) == "not_supported"
    assert sandbox.state(login)["sign_ins"] == 0


def test_an_employment_without_statements_is_reported(who, perform, sandbox):
    login = sandbox.account()
    made = who.login(login.username, login.password, product_type="employment")
    perform(made["task_id"])
    (employment,) = who.report(made["link_id"], "employment")["employments"]

    assert (employment["job_title"], employment["income"]) == ("Warehouse Lead", "75920.00")
    assert employment["statements"] == []
    assert sandbox.state(login)["fetched"] == {}


def test_the_first_report_has_the_newest_statement_and_the_last_has_all(
    who, perform, sandbox, auditor
):
    login = sandbox.account()
    made = who.login(login.username, login.password)
    torn = sandbox.befall("/payroll/adp/api/statements", "fail", times=0)
    perform(made["task_id"])
    torn.end()
    perform(made["task_id"])
    report = who.report(made["link_id"])

    assert (report["is_complete"], report["is_suspicious"]) == (True, False)
    (employment,) = report["employments"]
    assert len(employment["statements"]) == 26
    assert auditor.one("SELECT count(*) FROM income_documents") == 26
    assert auditor.job(made["task_id"])["progress"] == {"done": 26, "total": 26}


def test_a_bank_is_reported_with_deposits_that_are_income_and_no_account_number(
    who, perform, auditor
):
    made = who.login(provider="harbour_bank")
    perform(made["task_id"])
    report = who.report(made["link_id"])
    accounts = {one["account_type"]: one for one in report["bank_accounts"]}

    assert who.task(made["task_id"])["data_source"] == "financial_accounts"
    assert (report["data_source"], report["employments"]) == ("financial_accounts", [])
    (stream,) = accounts["CHECKING"]["income_streams"]
    assert (stream["name"], stream["pay_frequency"]) == ("LAKESIDE GOODS INC PAYROLL", "BW")
    income = [one for one in accounts["CHECKING"]["transactions"] if one["is_income"]]
    assert {one["description"] for one in income} == {"LAKESIDE GOODS INC PAYROLL"}
    assert accounts["SAVINGS"]["income_streams"] == []
    kept = auditor.rows("SELECT content->0->>'account_id' AS number FROM income_documents")
    assert all(re.fullmatch(r"\*{4}\d{4}", row["number"]) for row in kept)
    assert len(kept) == 2


@pytest.mark.parametrize(
    ("does", "path", "word"),
    [
        ("out_of_service", "/payroll/adp/login", "unavailable"),
        ("fail", "/payroll/adp/api", "unavailable"),
        ("other_login", "/payroll/adp/login", "error"),
        ("elsewhere", "/payroll/adp/login", "error"),
        ("vast", "/payroll/adp/api/statements", "error"),
    ],
)
def test_a_provider_that_misbehaves_ends_the_task_with_a_documented_word(
    who, finish, sandbox, auditor, does, path, word
):
    login = sandbox.account()
    sandbox.befall(path, does)
    task = who.login(login.username, login.password)["task_id"]
    finish(task)

    assert who.status(task) == word
    tries = 4 if word == "unavailable" else 1
    assert auditor.job(task)["attempts"] == tries


def test_a_provider_that_is_away_for_a_while_costs_nothing_but_time(who, perform, sandbox):
    login = sandbox.account()
    sandbox.befall("/payroll/adp/api/statements", "out_of_service", times=2)
    task = who.login(login.username, login.password)["task_id"]
    states = [perform(task) for _ in range(3)]

    assert states == ["running", "running", "completed"]
    assert sandbox.state(login)["sign_ins"] == 1


@pytest.mark.parametrize(
    ("provider", "papers"),
    [
        ("adp", "torn"),
        ("adp", "encrypted"),
        ("adp", "vast"),
        ("harbour_bank", "torn"),
        ("harbour_bank", "vast"),
    ],
)
def test_a_statement_that_cannot_be_read_is_an_error(who, perform, sandbox, provider, papers):
    login = sandbox.account(provider, papers=papers)
    task = who.login(login.username, login.password, provider=provider)["task_id"]
    perform(task)

    assert who.status(task) == "error"
    assert who.task(task)["error_message"]


def test_statements_that_contradict_each_other_are_suspicious(who, perform, sandbox):
    login = sandbox.account(papers="altered")
    made = who.login(login.username, login.password)
    perform(made["task_id"])
    report = who.report(made["link_id"])
    (employment,) = report["employments"]

    assert who.task(made["task_id"])["is_suspicious"] is True
    assert (report["is_suspicious"], employment["is_suspicious"]) == (True, True)
    assert employment["statements"][0]["suspicions"]


def test_a_provider_that_hangs_is_waited_for_no_longer_than_a_request_may_take(
    who, sandbox, database, with_setting, auditor
):
    login = sandbox.account()
    mishap = sandbox.befall("/payroll/adp/login", "hold")
    task = who.login(login.username, login.password)["task_id"]
    runner = Runner(with_setting(accounts_seconds=0.1), database, "w1")
    runner.hear(Bell("account_connection", task, "q"))
    row = auditor.job(task)
    mishap.end()

    assert (row["state"], row["stage"], row["failures"]) == ("running", "login", 1)
    note = auditor.one("SELECT note FROM job_moves WHERE move = 'retry'")
    assert note == "the provider did not answer in time"


@pytest.mark.parametrize(
    ("stage", "person", "failing"),
    [
        ("new", {}, ""),
        ("login", {}, "/payroll/adp/login"),
        ("mfa", {"code": "12345"}, ""),
        ("parse", {"papers": "slow"}, ""),
        ("full_parse", {}, "/payroll/adp/api/statements/J-1-2025"),
    ],
)
def test_a_task_is_cancelled_wherever_it_is_and_leaves_no_secrets(
    who, perform, told, database, sandbox, auditor, stage, person, failing
):
    login = sandbox.account(**person)
    if failing:
        sandbox.befall(failing, "fail")
    task = who.login(login.username, login.password)["task_id"]
    if stage != "new":
        perform(task)
    before = who.status(task)
    with database.transaction() as connection:
        orders.cancel(connection, [task], by="mary")

    assert (before, who.status(task)) == (stage, "error")
    assert told(auditor, task)[-1] == "error"
    assert auditor.one("SELECT count(*) FROM account_secrets") == 0
    assert perform(task) == "failed"


def test_a_cancelled_task_is_an_error_and_leaves_no_secrets(who, perform, told, database, auditor):
    task = who.login("goodlogin", "mfa")["task_id"]
    perform(task)
    with database.transaction() as connection:
        orders.cancel(connection, [task], by="mary")
    shown = who.task(task)

    assert (shown["status"], shown["error_message"]) == ("error", "it was cancelled")
    assert told(auditor, task) == ["login", "mfa", "error"]
    assert auditor.one("SELECT count(*) FROM account_secrets") == 0
    assert who.code(task).status_code == 400


def test_pay_that_is_being_sent_elsewhere_cannot_be_cancelled(who, perform, database, sandbox):
    account = {"account_number": "16002600", "routing_number": "123456789"}
    login = sandbox.account()
    given = {"product_type": "deposit_switch", "account": account}
    task = who.login(login.username, login.password, **given)["task_id"]
    sandbox.befall("/payroll/adp/api/employments/J-1/deposits", "fail", times=1)
    perform(task)
    with database.transaction() as connection:
        done = orders.cancel(connection, [task], by="mary")
    stage = who.status(task)
    perform(task)

    assert (done.ended, stage, who.status(task)) == ([], "switch_deposit", "done")


def test_a_task_is_run_again_with_the_session_of_its_link_or_not_at_all(
    who, perform, database, sandbox
):
    login = sandbox.account()
    done = who.login(login.username, login.password)["task_id"]
    failed = who.login("goodlogin", "another password")["task_id"]
    perform(done)
    perform(failed)
    with database.transaction() as connection:
        again = orders.repeat(Dispatch(connection), done)
    perform(again)
    with pytest.raises(NotRepeatable) as refused, database.transaction() as connection:
        orders.repeat(Dispatch(connection), failed)

    assert who.status(again) == "done"
    assert who.task(again)["link_id"] == who.task(done)["link_id"]
    assert who.task(again)["bridge_token"] == who.task(done)["bridge_token"]
    assert sandbox.state(login)["sign_ins"] == 1
    assert str(refused.value) == "what the user entered is gone: they have to sign in again"


@pytest.mark.parametrize(
    ("changed", "word"),
    [({"accounts_url": ""}, "unavailable"), ({"sealing_keys": ("bmV3" * 10 + "bmU=",)}, "error")],
)
def test_a_task_fails_where_no_provider_or_another_key_is_configured(
    who, database, with_setting, auditor, changed, word
):
    task = who.login()["task_id"]
    Runner(with_setting(**changed), database, "w1").hear(Bell("account_connection", task, "q"))

    assert who.status(task) == word
    assert auditor.one("SELECT count(*) FROM account_secrets") == 0
