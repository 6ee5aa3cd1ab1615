"""Links and users are removed with everything that is known of them."""

from __future__ import annotations

import threading

import pytest

from tasks.job.context import Context
from tasks.job.dispatch import Dispatch
from tasks.job.errors import ClaimLost
from tasks.records import income_links, income_tasks, income_users
from tests.conftest import wait_until
from tests.receiver import answers
from tests.tasks.job.jobs import claim

NOTHING = {"detail": "Not Found."}


@pytest.fixture
def remove(who):
    """Remove something; return the answer."""
    return lambda path, whose=who: whose.http.delete(path, headers=whose.headers)


@pytest.fixture
def told(who, auditor):
    """Have somebody told of everything; return what they are told, in its order."""
    events = ["task-status-updated", "link-deleted"]
    hook = {"name": "x", "webhook_url": "http://127.0.0.1:9/", "env_type": "dev", "events": events}
    assert who.post("/v1/webhooks/", hook).status_code == 201

    def told() -> list[str]:
        rows = auditor.rows("SELECT event, data FROM webhook_deliveries ORDER BY seq")
        return [row["data"].get("status", row["event"]) for row in rows]

    return told


@pytest.fixture
def user(who):
    """Somebody with a name and an address."""
    return who.user(
        external_user_id="their-own-number",
        first_name="Wilhelmina",
        last_name="Quist",
        email="wilhelmina@quist.example",
        phone="+14155550123",
    )


def everything(auditor) -> str:
    """Return all rows of all tables."""
    tables = auditor.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = (auditor.rows(f"SELECT t::text FROM {one['tablename']} AS t") for one in tables)
    return str(list(rows))


def test_a_link_is_removed_with_all_that_is_known_of_it(who, stranger, user, perform, remove, told):
    link = who.login(bridge_token=who.bridge_token(user, tracking_info="theirs"))
    other = who.login(bridge_token=who.bridge_token(user))
    perform(link["task_id"])
    perform(other["task_id"])
    token, path = who.access_token(link), f"/v1/links/{link['link_id']}/"
    again = who.bridge_token(user, access_token=token)

    foreign, gone, twice = remove(path, stranger), remove(path), remove(path)
    login = {"bridge_token": again, "provider_id": "adp", "username": "a", "password": "b"}

    assert (foreign.status_code, foreign.json()) == (404, NOTHING)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (twice.status_code, twice.json()) == (404, NOTHING)
    for left in (
        f"/v1/links/{link['link_id']}/income/report/",
        f"/v1/tasks/{link['task_id']}/",
        "/v1/links/%00/income/report/",
    ):
        assert who.get(left).status_code == 404
    assert who.post("/v1/refresh/tasks/", {"access_token": token}).status_code == 400
    assert who.http.post("/v1/bridge/login/", json=login).status_code == 401
    assert [one["id"] for one in who.get("/v1/tasks/").json()["results"]] == [other["task_id"]]
    assert who.report(other["link_id"])["is_complete"]
    assert told()[-1] == "link-deleted"


def test_what_is_told_of_a_removed_link_is_as_documented(who, user, perform, remove, auditor, told):
    link = who.login(bridge_token=who.bridge_token(user, tracking_info="theirs"))
    perform(link["task_id"])
    remove(f"/v1/links/{link['link_id']}/")
    (row,) = auditor.rows("SELECT * FROM webhook_deliveries WHERE event = 'link-deleted'")
    at = row["data"].pop("event_created_at")

    assert row["data"] == {
        "link_id": link["link_id"],
        "product": "income",
        "data_source": "payroll",
        "tracking_info": "theirs",
        "event_type": "link-deleted",
        "updated_at": at,
        "user_id": user,
    }
    # In the line of its last task, so that it arrives behind that.
    assert row["about"] == link["task_id"]
    assert told() == ["login", "parse", "full_parse", "done", "link-deleted"]


def test_nothing_of_a_removed_user_is_left_in_any_table(
    who, stranger, user, perform, remove, auditor
):
    account = {"account_number": "98761234", "routing_number": "123456789"}
    bank = who.login(provider="harbour_bank", bridge_token=who.bridge_token(user))
    payroll = who.login(bridge_token=who.bridge_token(user))
    waiting = who.login("goodlogin", "mfa", bridge_token=who.bridge_token(user))
    who.bridge_token(user, product_type="deposit_switch", account=account)
    for login in (bank, payroll, waiting):
        perform(login["task_id"])
    who.access_token(payroll)
    assert who.code(waiting["task_id"]).status_code == 202
    secret = (
        *("Wilhelmina", "Quist", "quist.example", "+14155550123", "their-own-number"),
        *("Ada Fielding", "Lakeside Goods", "LAKESIDE", "Warehouse Lead", "CORNER GROCERY"),
        "****7801",
        "gAAAA",  # as everything begins that is sealed
    )
    before = everything(auditor)
    foreign, gone, twice = (
        remove(f"/v1/users/{user}/", stranger),
        remove(f"/v1/users/{user}/"),
        remove(f"/v1/users/{user}/"),
    )
    after = everything(auditor)

    assert [one for one in secret if one not in before and one != "gAAAA"] == []
    assert (foreign.status_code, gone.status_code, twice.status_code) == (404, 204, 404)
    assert twice.json() == NOTHING
    assert [one for one in secret if one in after] == []
    for table in (
        *("income_users", "links", "bridge_tokens", "link_access_tokens", "account_tasks"),
        *("account_secrets", "income_documents", "income_reports"),
    ):
        assert auditor.one(f"SELECT count(*) FROM {table}") == 0
    assert auditor.one("SELECT count(*) FROM jobs WHERE finished_at IS NULL") == 0
    assert who.get("/v1/users/").json()["count"] == 0


def test_a_task_that_waits_is_ended_and_told_so(who, perform, remove, auditor, told):
    link = who.login("goodlogin", "mfa")
    perform(link["task_id"])

    assert remove(f"/v1/links/{link['link_id']}/").status_code == 204
    row = auditor.job(link["task_id"])
    assert (row["state"], row["code"]) == ("failed", "cancelled")
    assert told() == ["login", "mfa", "error", "link-deleted"]
    note = "SELECT note FROM job_moves WHERE move = 'cancel'"
    assert auditor.one(note) == "by the client, who removed the link"
    assert who.code(link["task_id"]).json() == NOTHING


def test_a_worker_that_reads_the_account_just_now_can_keep_nothing_more(
    who, remove, database, settings, auditor, told
):
    link = who.login()
    at_work = Context(claim(database, link["task_id"]), database, settings)

    assert remove(f"/v1/links/{link['link_id']}/").status_code == 204
    with pytest.raises(ClaimLost), at_work.step(locked=True):
        pass
    assert auditor.job(link["task_id"])["worker"] is None
    assert told() == ["error", "link-deleted"]


def test_pay_that_is_being_sent_elsewhere_holds_a_removal_up(who, perform, remove, sandbox, told):
    account = {"account_number": "16002600", "routing_number": "123456789"}
    login = sandbox.account()
    given = {"product_type": "deposit_switch", "account": account}
    link = who.login(login.username, login.password, **given)
    sandbox.befall("/payroll/adp/api/employments/J-1/deposits", "fail", times=1)
    perform(link["task_id"])
    path, user = f"/v1/links/{link['link_id']}/", who.task(link["task_id"])["user_id"]

    early = remove(path)
    with_user = remove(f"/v1/users/{user}/")
    perform(link["task_id"])
    late = remove(path)

    assert (early.status_code, early.headers["Retry-After"]) == (409, "2")
    assert early.json() == {
        "error": {"code": "conflict", "message": "Pay is being sent elsewhere just now"}
    }
    assert (with_user.status_code, late.status_code) == (409, 204)
    assert told()[-3:] == ["switch_deposit", "done", "link-deleted"]


def test_a_login_that_is_on_its_way_is_ended_with_what_it_logs_in_to(
    who, user, remove, database, auditor
):
    gone = []
    removing = threading.Thread(target=lambda: gone.append(remove(f"/v1/users/{user}/")))
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with database.transaction() as connection:
        assert income_users.hold(connection, user)
        removing.start()
        wait_until(lambda: auditor.one(waits) == 1)
        what = {"user_id": user, "product_type": "income"}
        link = income_links.add(connection, provider_id="adp", **what)
        job = Dispatch(connection).add("account_connection", {"link": link}, tenant=who.id)
        income_tasks.add(connection, job, client_id=who.id, link_id=link, **what)
    removing.join()

    assert gone[0].status_code == 204
    assert auditor.job(job)["code"] == "cancelled"
    assert auditor.one("SELECT count(*) FROM links") == 0
    with database.transaction() as connection:
        assert not income_users.hold(connection, user)


@pytest.mark.usefixtures("told")
def test_a_link_whose_tasks_were_cleared_long_ago_is_told_of_too(who, perform, remove, auditor):
    link = who.login()
    perform(link["task_id"])
    auditor.rows("DELETE FROM account_tasks")
    auditor.rows("DELETE FROM webhook_deliveries")

    assert remove(f"/v1/links/{link['link_id']}/").status_code == 204
    (row,) = auditor.rows(
        "SELECT about, data->>'tracking_info' AS tracking FROM webhook_deliveries"
    )
    assert row == {"about": link["link_id"], "tracking": None}


def test_a_removal_reaches_the_receiver_signed_and_behind_the_rest(
    who, perform, remove, receiver, auditor
):
    receiver.otherwise = answers(200)
    events = ["task-status-updated", "link-deleted"]
    hook = {"name": "x", "webhook_url": receiver.url, "env_type": "dev", "events": events}
    who.post("/v1/webhooks/", hook)
    link = who.login("goodlogin", "another password")
    perform(link["task_id"])
    remove(f"/v1/links/{link['link_id']}/")
    jobs = auditor.rows("SELECT job_id FROM webhook_deliveries ORDER BY seq DESC")
    for row in (*jobs, *jobs, *jobs):
        perform(row["job_id"])

    assert [told.json.get("status", told.json["event_type"]) for told in receiver.told] == [
        "login",
        "login_error",
        "link-deleted",
    ]
    assert receiver.told[-1].headers["x-webhook-sign"].startswith("v1=")
