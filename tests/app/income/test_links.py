from __future__ import annotations

import pytest

from tasks.records import income_links


@pytest.fixture
def link(who, perform):
    """A link that was read."""
    made = who.login()
    perform(made["task_id"])
    return made


@pytest.fixture
def again(who, link, perform):
    """Have the link read again; return the task and the answer to the request for it."""
    token = who.access_token(link)

    def again(**given: object) -> tuple[str, object]:
        answer = who.post("/v1/refresh/tasks/", {"access_token": token, **given})
        task = answer.json().get("task_id", "")
        if task:
            perform(task)
        return task, answer

    return again


def test_a_public_token_is_exchanged_once_by_its_client(who, stranger, link):
    body = {"public_token": link["public_token"]}
    foreign = stranger.post("/v1/link-access-tokens/", body)
    first = who.post("/v1/link-access-tokens/", body)
    second = who.post("/v1/link-access-tokens/", body)
    wrong = [
        who.post("/v1/link-access-tokens/", {"public_token": token})
        for token in (link["public_token"][:-2], "\u00e4", link["link_id"])
    ]

    assert first.status_code == 200
    assert set(first.json()) == {"access_token", "link_id"}
    assert first.json()["link_id"] == link["link_id"]
    assert (second.status_code, second.json()) == (
        410,
        {"error": {"code": "expired_token", "message": "The token is no longer valid"}},
    )
    for answer in (foreign, *wrong):
        assert answer.json()["error"]["extra"]["invalid-params"] == [
            {"field": "public_token", "message": "Not the public token of a link."}
        ]


def test_a_report_is_there_once_there_is_one_and_for_its_client_only(who, stranger, link):
    path = f"/v1/links/{link['link_id']}/income/report/"
    report = who.get(path).json()
    (employment,) = report.pop("employments")
    nothing = [
        stranger.get(path),
        who.get(f"/v1/links/{link['link_id']}/employment/report/"),
        who.get("/v1/links/%00/income/report/"),
        who.get(f"/v1/links/{who.login()['link_id']}/income/report/"),
    ]

    assert {**report, "updated_at": 0, "user_id": 0} == {
        "link_id": link["link_id"],
        "user_id": 0,
        "task_id": link["task_id"],
        "product_type": "income",
        "provider": {
            "id": "adp",
            "name": "ADP",
            "logo_url": "https://cdn.truv.com/providers/adp.svg",
        },
        "data_source": "payroll",
        "is_complete": True,
        "is_suspicious": False,
        "updated_at": 0,
        "bank_accounts": [],
    }
    assert employment["company"] == {"name": "Lakeside Goods Inc"}
    assert (employment["income"], employment["income_unit"]) == ("75920.00", "YEARLY")
    assert (employment["pay_rate"], employment["pay_frequency"]) == ("36.50", "BW")
    assert len(employment["statements"]) == 26
    assert {(one.status_code, one.text) for one in nothing} == {(404, nothing[0].text)}


def test_a_refresh_reads_again_without_a_login_and_doubles_nothing(
    who, link, again, sandbox, auditor
):
    account = sandbox.find("adp", "goodlogin", "goodpassword")
    before = sandbox.state(account)
    task, answer = again()
    after = sandbox.state(account)
    shown = who.get(f"/v1/refresh/tasks/{task}/").json()

    assert (answer.status_code, answer.json()) == (201, {"task_id": task})
    assert shown == {
        "id": task,
        "refresh_date": shown["created_at"][:10],
        "status": "done",
        "created_at": who.task(task)["created_at"],
    }
    assert who.task(task)["bridge_token"] is None
    assert who.task(task)["link_id"] == link["link_id"]
    assert (after["sign_ins"], after["fetched"]) == (before["sign_ins"], before["fetched"])
    assert auditor.one("SELECT count(*) FROM income_documents") == 26
    assert who.report(link["link_id"])["task_id"] == task


def test_a_refresh_of_a_bank_replaces_its_statements(who, perform, auditor):
    link = who.login(provider="harbour_bank")
    perform(link["task_id"])
    token = who.access_token(link)
    made = who.post("/v1/refresh/tasks/", {"access_token": token, "product_type": "transactions"})
    task = made.json()["task_id"]
    perform(task)

    jobs = auditor.rows("SELECT DISTINCT job_id FROM income_documents")
    assert (auditor.one("SELECT count(*) FROM income_documents"), jobs) == (2, [{"job_id": task}])
    assert who.report(link["link_id"], "transactions")["task_id"] == task


@pytest.mark.parametrize("product", ["income", "transactions"])
def test_an_account_that_the_bank_lists_no_more_leaves_every_report(
    who, perform, sandbox, auditor, product
):
    login = sandbox.account("harbour_bank")
    link = who.login(login.username, login.password, provider="harbour_bank")
    perform(link["task_id"])
    before = who.report(link["link_id"])["bank_accounts"]
    sandbox.change(login, person={"accounts": ["SAVINGS"]})
    body = {"access_token": who.access_token(link), "product_type": product}
    perform(who.post("/v1/refresh/tasks/", body).json()["task_id"])

    assert sorted(one["account_type"] for one in before) == ["CHECKING", "SAVINGS"]
    for asked in {"income", product}:
        report = who.report(link["link_id"], asked)
        (account,) = report["bank_accounts"]
        assert (report["product_type"], account["account_type"]) == (asked, "SAVINGS")
        assert len({one["id"] for one in account["transactions"]}) == len(account["transactions"])
    assert auditor.one("SELECT count(*) FROM income_documents") == 1


def test_each_product_has_a_report_of_its_own(who, link, again):
    task, _ = again(product_type="employment")
    income = who.report(link["link_id"])
    employment = who.report(link["link_id"], "employment")

    assert (income["task_id"], employment["task_id"]) == (link["task_id"], task)
    assert who.get(f"/v1/links/{link['link_id']}/assets/report/").status_code == 404


def test_a_refresh_that_sends_pay_elsewhere_says_where(again):
    _, answer = again(product_type="deposit_switch")

    assert answer.json()["error"]["extra"]["invalid-params"] == [
        {"field": "account", "message": "Missing data for required field."}
    ]


def test_a_session_that_ended_takes_no_newer_one_with_it(who, perform, sandbox, auditor):
    first, second = sandbox.account(), sandbox.account()
    link = who.login(first.username, first.password)
    perform(link["task_id"])
    token, user = who.access_token(link), who.task(link["task_id"])["user_id"]
    refresh = who.post("/v1/refresh/tasks/", {"access_token": token}).json()["task_id"]
    bridge = who.bridge_token(user, access_token=token)
    perform(who.login(second.username, second.password, bridge_token=bridge)["task_id"])
    kept = auditor.one("SELECT session FROM links")
    sandbox.end_sessions(first)
    perform(refresh)

    assert who.status(refresh) == "login_error"
    assert auditor.one("SELECT session FROM links") == kept


def test_two_tasks_that_read_one_link_at_a_time_double_nothing(who, perform, sandbox, auditor):
    login = sandbox.account("harbour_bank")
    link = who.login(login.username, login.password, provider="harbour_bank")
    perform(link["task_id"])
    sandbox.change(login, person={"papers": "slow"})
    body = {"access_token": who.access_token(link)}
    one, other = (who.post("/v1/refresh/tasks/", body).json()["task_id"] for _ in range(2))
    states = [perform(one), perform(other)]
    sandbox.make_ready(login)
    states += [perform(other), perform(one)]

    assert states == ["running", "running", "completed", "completed"]
    assert auditor.one("SELECT count(*) FROM income_documents") == 2
    report = who.report(link["link_id"])
    assert (report["task_id"], len(report["bank_accounts"])) == (one, 2)


def test_an_access_token_is_good_for_three_refreshes_a_day(again, auditor):
    statuses = [again()[1].status_code for _ in range(3)]
    _, fourth = again()
    auditor.rows("UPDATE account_tasks SET created_at = created_at - interval '1 day'")
    _, next_day = again()

    assert statuses == [201, 201, 201]
    assert (fourth.status_code, fourth.json()) == (
        429,
        {
            "error": {
                "code": "throttled",
                "message": "Request was throttled: Refresh limit for the access_token exceeded",
            }
        },
    )
    assert 86_300 < int(fourth.headers["Retry-After"]) <= 86_400
    assert next_day.status_code == 201


def test_a_refresh_needs_a_session_that_lasts(who, link, again, sandbox, auditor):
    sandbox.end_sessions(sandbox.find("adp", "goodlogin", "goodpassword"))
    ended, _ = again()
    forgotten = auditor.one("SELECT session FROM links")
    later, _ = again()

    assert who.status(ended) == who.status(later) == "login_error"
    assert who.task(later)["error_message"] == (
        "the session with the provider is over: the user has to sign in again"
    )
    assert forgotten is None
    assert who.report(link["link_id"])["task_id"] == link["task_id"]


def test_only_an_access_token_of_ones_own_is_refreshed(who, stranger, link):
    token = who.access_token(link)
    answers = [
        stranger.post("/v1/refresh/tasks/", {"access_token": token}),
        who.post("/v1/refresh/tasks/", {"access_token": "0" * 32}),
    ]

    for answer in answers:
        assert answer.json()["error"]["extra"]["invalid-params"] == [
            {"field": "access_token", "message": "Not the access token of a link."}
        ]


def test_a_link_is_connected_again_with_its_access_token(who, link, perform):
    token = who.access_token(link)
    user = who.task(link["task_id"])["user_id"]
    bridge = who.bridge_token(user, access_token=token)
    other = who.bridge_token(user, access_token=token)
    again = who.login(bridge_token=bridge)
    perform(again["task_id"])
    body = {"bridge_token": other, "provider_id": "paywell", "username": "a", "password": "b"}
    wrong = who.http.post("/v1/bridge/login/", json=body)

    assert again["link_id"] == link["link_id"]
    assert who.status(again["task_id"]) == "done"
    assert wrong.json()["error"]["extra"]["invalid-params"][0]["field"] == "provider_id"


@pytest.mark.usefixtures("link")
def test_the_session_of_a_link_is_forgotten_when_it_ends(auditor, database):
    with database.statement() as connection:
        income_links.forget_sessions(connection)
        kept = auditor.one("SELECT session IS NOT NULL FROM links")
        auditor.rows("UPDATE links SET session_ends_at = now()")
        income_links.forget_sessions(connection)

    assert kept
    assert auditor.rows("SELECT session, session_ends_at FROM links") == [
        {"session": None, "session_ends_at": None}
    ]
