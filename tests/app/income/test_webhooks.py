from __future__ import annotations

import hashlib
import hmac

import pytest

from tests.app.income.test_users import params
from tests.receiver import answers

HOOK = {
    "name": "my webhook",
    "webhook_url": "http://127.0.0.1:9/",
    "env_type": "dev",
    "events": ["task-status-updated", "order-status-updated"],
}


def test_a_webhook_is_made_listed_changed_and_removed(who, stranger):
    made = who.post("/v1/webhooks/", HOOK)
    path = f"/v1/webhooks/{made.json()['id']}/"
    changed = who.http.patch(path, json={"env_type": "prod", "name": "x"}, headers=who.headers)
    listed = who.get("/v1/webhooks/").json()
    foreign = [
        stranger.get(path),
        stranger.http.patch(path, json={}, headers=stranger.headers),
        stranger.http.delete(path, headers=stranger.headers),
        who.get("/v1/webhooks/x/"),
    ]
    removed = who.http.delete(path, headers=who.headers)

    assert made.status_code == 201
    assert {**made.json(), "created_at": 0, "updated_at": 0} == {
        "id": made.json()["id"],
        **HOOK,
        "created_at": 0,
        "updated_at": 0,
    }
    assert changed.json() == {
        **made.json(),
        "env_type": "prod",
        "name": "x",
        "updated_at": changed.json()["updated_at"],
    }
    assert (listed["count"], listed["results"]) == (1, [changed.json()])
    assert [one.status_code for one in foreign] == [404] * 4
    assert (removed.status_code, removed.content) == (204, b"")
    assert who.get(path).status_code == 404
    assert stranger.get("/v1/webhooks/").json()["results"] == []


def test_what_is_wrong_with_a_webhook_is_named(who, make_client):
    wrong = who.post("/v1/webhooks/", {"webhook_url": "x", "env_type": "x", "events": ["x"]})
    scheme = who.post("/v1/webhooks/", {**HOOK, "webhook_url": "ftp://example.org/"})
    strict = make_client(webhooks_may_be_private=False)
    private = strict.post("/v1/webhooks/", json=HOOK, headers=who.headers)

    assert set(params(wrong)) == {"name", "env_type", "events.0"}
    assert params(scheme) == {"webhook_url": "neither http nor https."}
    assert private.json["error"]["extra"]["invalid-params"] == [
        {"field": "webhook_url", "message": "not a public address."}
    ]


@pytest.fixture
def deliver(perform, auditor):
    """Run the deliveries of a task, those that were asked for last at first, until none is left."""

    def deliver() -> None:
        asked = "SELECT id FROM jobs WHERE type = 'deliver_webhook' AND finished_at IS NULL"
        for _ in range(20):
            left = auditor.rows(f"{asked} ORDER BY seq DESC")
            if not left:
                return
            for row in left:
                perform(row["id"])

    return deliver


def test_statuses_arrive_in_their_order_and_signed(who, perform, receiver, deliver, auditor):
    who.post("/v1/webhooks/", {**HOOK, "webhook_url": f"{receiver.url}/hook"})
    other = {**HOOK, "webhook_url": receiver.url, "events": ["link-deleted"]}
    who.post("/v1/webhooks/", other)
    task = who.login()["task_id"]
    perform(task)
    deliver()

    assert [told.path for told in receiver.told] == ["/hook"] * 4
    assert [told.json["status"] for told in receiver.told] == [
        "login",
        "parse",
        "full_parse",
        "done",
    ]
    for told in receiver.told:
        sign = hmac.new(who.secret.encode(), told.body, hashlib.sha256).hexdigest()
        assert told.headers["x-webhook-sign"] == f"v1={sign}"
        assert set(told.json) == {
            "webhook_id", "task_id", "link_id", "product", "data_source", "tracking_info",
            "event_type", "event_created_at", "updated_at", "status", "user_id",
        }  # fmt: skip
        assert told.json["webhook_id"] == told.headers["webhook-id"]
    assert auditor.one("SELECT count(*) FROM webhook_deliveries WHERE state <> 'delivered'") == 0


def test_what_cannot_be_delivered_holds_up_what_comes_after_and_no_other_task(
    who, perform, receiver, auditor
):
    who.post("/v1/webhooks/", {**HOOK, "webhook_url": receiver.url})
    receiver.otherwise = answers(500)
    bad = who.login("goodlogin", "another password")["task_id"]
    perform(bad)
    first, second = auditor.rows("SELECT job_id FROM webhook_deliveries ORDER BY seq")
    perform(second["job_id"])
    perform(first["job_id"])
    perform(second["job_id"])
    waiting = auditor.job(second["job_id"])
    tries = [told.json["status"] for told in receiver.told]
    receiver.otherwise = answers(200)
    perform(first["job_id"])
    woken = auditor.job(second["job_id"])
    perform(second["job_id"])

    assert tries == ["login"]
    assert (waiting["state"], waiting["failures"]) == ("running", 0)
    assert (waiting["due_at"] - waiting["updated_at"]).total_seconds() == 3600
    assert woken["due_at"] == woken["updated_at"]
    assert [told.json["status"] for told in receiver.told] == ["login", "login", "login_error"]


def test_a_webhook_that_is_gone_lets_the_next_ones_go(who, perform, receiver, deliver, auditor):
    who.post("/v1/webhooks/", {**HOOK, "webhook_url": receiver.url})
    receiver.otherwise = answers(410)
    perform(who.login("goodlogin", "another password")["task_id"])
    deliver()

    assert [told.json["status"] for told in receiver.told] == ["login", "login_error"]
    rows = auditor.rows("SELECT state, code FROM jobs WHERE type = 'deliver_webhook'")
    assert rows == [{"state": "failed", "code": "gone"}] * 2


def test_operators_see_what_was_told_of_a_task_and_have_it_told_again(
    who, mary, perform, receiver, deliver
):
    made = who.post("/v1/webhooks/", {**HOOK, "webhook_url": receiver.url})
    receiver.otherwise = answers(410)
    task = who.login("goodlogin", "another password")["task_id"]
    perform(task)
    deliver()
    show = lambda: who.http.get(f"/ops/v1/jobs/{task}", headers=mary.headers).json()["deliveries"]  # noqa: E731
    before = show()
    receiver.otherwise = answers(200)
    path = f"/ops/v1/jobs/{before[1]['jobId']}/retry"
    again = who.http.post(path, headers=mary.headers).json()["as"]
    perform(again)
    after = show()

    assert [(one["event"], one["state"], one["tries"]) for one in before] == [
        ("task-status-updated", "failed", 1)
    ] * 2
    assert {str(one["webhookId"]) for one in before} == {made.json()["id"]}
    assert [(one["state"], one["tries"]) for one in after] == [("failed", 1), ("delivered", 2)]
    assert (after[1]["id"], after[1]["jobId"]) == (before[1]["id"], again)
    first, second = receiver.told[1], receiver.told[2]
    assert second.headers["webhook-id"] == first.headers["webhook-id"] == before[1]["id"]
    assert (second.body, second.json["status"]) == (first.body, "login_error")
