"""A worker that connects an account is killed at every stage."""

from __future__ import annotations

import pytest

from tests.conftest import wait_until
from tests.faults.income.conftest import told

#: As many as a task survives: it begins anew at once after each.
KILLS = [
    # In each stage, and in the commit that begins the next one.
    ("income.login", "income.parse", "income.document_kept@7"),
    ("income.full_parse", "income.reported", "ending.before_commit"),
    ("step.before_commit@9", "income.document_kept", "runner.before_settle"),
]


@pytest.mark.usefixtures("hook")
@pytest.mark.parametrize("places", KILLS)
def test_a_killed_connection_goes_on_without_another_login(
    places, who, sandbox, start_connecting, wait, auditor, audit, tmp_path
):
    marks = [tmp_path / str(number) for number in range(len(places))]
    kills = " ".join(
        f"{place.replace('@', '=kill@') if '@' in place else f'{place}=kill'}:{mark}"
        for place, mark in zip(places, marks, strict=True)
    )
    start_connecting(FAILPOINTS=kills)
    login = sandbox.account()

    made = who.login(login.username, login.password)
    wait.until_over(made["task_id"])
    task, state = made["task_id"], sandbox.state(login)

    assert all(mark.exists() for mark in marks)
    assert auditor.moves(task) == [*["claim", "lose"] * 3, "claim", "complete"]
    assert (who.status(task), state["sign_ins"]) == ("done", 1)
    assert told(auditor, task) == ["login", "parse", "full_parse", "done"]
    assert auditor.one("SELECT count(*) FROM income_documents") == 26
    assert len(who.report(made["link_id"])["employments"][0]["statements"]) == 26
    assert auditor.one("SELECT count(*) FROM account_secrets") == 0
    audit(over=False)  # the webhooks' own jobs wait for workers of theirs


@pytest.mark.usefixtures("hook")
def test_a_session_that_was_not_kept_is_the_only_one_that_is_lost(
    who, sandbox, start_connecting, wait, auditor, tmp_path
):
    start_connecting(FAILPOINTS=f"income.signed_in=kill:{tmp_path / 'once'}")
    login = sandbox.account()

    task = who.login(login.username, login.password)["task_id"]
    wait.until_over(task)

    assert (who.status(task), sandbox.state(login)["sign_ins"]) == ("done", 2)
    assert told(auditor, task) == ["login", "parse", "full_parse", "done"]


@pytest.mark.usefixtures("hook")
def test_a_connection_that_was_killed_with_its_code_asks_for_another(
    who, sandbox, start_connecting, wait, auditor, tmp_path
):
    kills = f"income.mfa=kill:{tmp_path / '1'} income.code_answered=kill:{tmp_path / '2'}"
    start_connecting(FAILPOINTS=kills)
    login = sandbox.account(code="12345")
    waits = "SELECT count(*) FROM account_secrets WHERE challenge IS NOT NULL AND code IS NULL"

    task = who.login(login.username, login.password)["task_id"]
    wait_until(lambda: "lose" in auditor.moves(task) and "park" in auditor.moves(task))
    assert who.code(task).status_code == 202
    wait_until(lambda: auditor.moves(task).count("lose") == 2 and auditor.one(waits))
    stage = who.status(task)
    assert who.code(task).status_code == 202
    wait.until_over(task)

    assert (stage, who.status(task)) == ("mfa", "done")
    assert told(auditor, task) == ["login", "mfa", "parse", "full_parse", "done"]


@pytest.mark.usefixtures("hook")
def test_a_connection_that_kills_its_worker_every_time_is_an_error_and_leaves_no_secrets(
    who, start_connecting, wait, auditor
):
    start_connecting(FAILPOINTS="income.parse=kill")

    task = who.login()["task_id"]
    wait.until_over(task)
    shown = who.task(task)

    assert shown["status"] == "error"
    assert shown["error_message"] == (
        "gave up after 4 failures: the worker process ended (SIGKILL)"
    )
    assert told(auditor, task) == ["login", "parse", "error"]
    assert auditor.one("SELECT count(*) FROM account_secrets") == 0


@pytest.mark.usefixtures("hook")
def test_pay_is_sent_elsewhere_whenever_its_worker_is_killed(
    who, sandbox, start_connecting, wait, auditor, tmp_path
):
    # Once between the mark that nobody may cancel it and the effect, once behind that.
    kills = (
        f"income.switch_deposit=kill:{tmp_path / '1'} income.deposit_switched=kill:{tmp_path / '2'}"
    )
    start_connecting(FAILPOINTS=kills)
    account = {"account_number": "16002600", "routing_number": "123456789"}
    login = sandbox.account()

    given = {"product_type": "deposit_switch", "account": account}
    task = who.login(login.username, login.password, **given)["task_id"]
    wait.until_over(task)

    assert auditor.moves(task) == [*["claim", "lose"] * 2, "claim", "complete"]
    assert (who.status(task), sandbox.state(login)["sign_ins"]) == ("done", 1)
    assert [one["percent"] for one in sandbox.state(login)["allotments"]["J-1"]] == ["100"]
    assert told(auditor, task) == ["login", "parse", "full_parse", "switch_deposit", "done"]
    assert auditor.one("SELECT count(*) FROM account_secrets") == 0
