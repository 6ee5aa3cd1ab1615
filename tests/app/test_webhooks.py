from __future__ import annotations

import re

import pytest

from tasks.job import states
from tasks.job.dispatch import Dispatch
from tasks.records import webhooks
from tasks.webhooks.announce import announce
from tests.tasks.job.jobs import advance, claim

URL = "https://receiver.example.com/hooks?a=b"
GIVEN = {"url": URL, "description": "My webhook", "events": ["did_create", "credential_revoke"]}
DATA = {"id": "7", "status": "finalized"}
EVENTS = [
    "credential_revoke", "credential_unrevoke", "did_create", "did_delete", "registry_create",
    "registry_delete", "schema_create",
]  # fmt: skip


@pytest.fixture
def webhook(send) -> dict:
    """A webhook of this test: the answer to its creation."""
    response = send("POST", "/webhooks", json=GIVEN)
    assert response.status_code == 200
    return response.json


@pytest.fixture
def path(webhook) -> str:
    """Where this test's webhook is."""
    return f"/webhooks/{webhook['id']}"


def test_a_webhook_is_made_with_secrets_that_are_shown_once_and_kept_sealed(
    send, webhook, path, auditor
):
    secret, signing = webhook.pop("secret"), webhook.pop("signingSecret")

    assert webhook == {
        "id": webhook["id"],
        "url": URL,
        "events": ["did_create", "credential_revoke"],
        "description": "My webhook",
        "status": 1,
        "created": webhook["created"],
    }
    assert webhook["id"].isdecimal()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", webhook["created"])
    assert re.fullmatch(r"[\w-]{64}", secret)
    assert re.fullmatch(r"whsec_[\w+/]{43}=", signing)
    assert send("GET", path).json == webhook
    assert send("GET", "/webhooks").json == [webhook]
    (row,) = auditor.rows("SELECT * FROM webhooks")
    assert secret not in str(row)
    assert secret.encode() not in bytes(row["sealed"])


def test_it_may_be_of_every_documented_event_and_disabled(send):
    made = send("POST", "/webhooks", json={"url": URL, "events": EVENTS, "status": 0}).json

    assert (made["events"], made["status"], made["description"]) == (EVENTS, 0, "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": "http://127.0.0.1/"}, "url: not a public address."),
        ({"url": "http://[::1]:80/"}, "url: not a public address."),
        ({"url": "ftp://example.org/"}, "url: neither http nor https."),
        ({"url": "https://a:b@example.org/"}, "url: with a user or a password in it."),
        ({"url": "nonsense"}, "url: not an address."),
        ({"url": "https://example.org/\0"}, "url: Not a text."),
        ({"url": 7}, "url: Not a valid string."),
        ({"events": []}, "events: Length must be between 1 and 7."),
        ({"events": "did_create"}, "events: Not a valid list."),
        ({"status": 2}, "status: Must be one of: 0, 1."),
        ({"status": "1"}, "status: Not a valid integer."),
        ({"description": "x" * 501}, "description: Length must be between 0 and 500."),
        (
            {"events": ["did_burn"]},
            f"events.0: Must be one of: {', '.join(EVENTS)}.",
        ),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_made_and_when_it_is_changed(
    send, path, change, message
):
    refused = {"status": 400, "type": "ValidationError", "message": f"invalid values: {message}"}
    before = send("GET", path).json

    made = send("POST", "/webhooks", json={**GIVEN, **change})
    changed = send("PATCH", path, json=change)

    assert (made.status_code, made.json) == (400, refused)
    assert (changed.status_code, changed.json) == (400, refused)
    assert send("GET", "/webhooks").json == [before]


def test_an_address_and_events_are_needed(send):
    message = send("POST", "/webhooks", json={}).json["message"]

    assert message == (
        "invalid values: url: Missing data for required field."
        " events: Missing data for required field."
    )


def test_without_a_key_to_seal_with_no_webhook_is_made(make_client, account, stored):
    client = make_client(sealing_keys=())

    response = client.post("/webhooks", json=GIVEN, headers=account.headers)

    assert response.status_code == 501
    assert response.json == {
        "status": 501,
        "type": "NotConfigured",
        "message": "this service cannot keep secrets: no SEALING_KEYS",
    }
    assert stored() == {}


def test_private_addresses_are_taken_where_that_is_set(make_client, account):
    client = make_client(webhooks_may_be_private=True)
    given = {**GIVEN, "url": "http://127.0.0.1:1/"}

    assert client.post("/webhooks", json=given, headers=account.headers).status_code == 200


def test_what_is_given_is_changed_and_the_rest_stays(send, webhook, path):
    del webhook["secret"], webhook["signingSecret"]

    assert send("PATCH", path, json={}).json == webhook
    disabled = send("PATCH", path, json={"status": 0, "id": "9"}).json
    assert disabled == {**webhook, "status": 0}
    new = {"url": "https://other.example/", "events": ["schema_create"], "description": ""}
    assert send("PATCH", path, json=new).json == {**disabled, **new}
    assert send("GET", path).json == {**disabled, **new}


def test_a_removed_webhook_is_gone_with_its_log(send, path, tell, auditor):
    tell()

    assert send("DELETE", path).json == {"deleted": True}
    assert send("DELETE", path).status_code == 404
    assert auditor.one("SELECT count(*) FROM webhook_deliveries") == 0


def test_what_is_somebody_elses_or_nobodys_is_not_found(send, path, tell, other_account):
    delivery, _ = tell()
    others = [(path, {"who": other_account})]
    for url, who in (*others, ("/webhooks/0", {}), ("/webhooks/x", {}), ("/webhooks/%D9%A1", {})):
        for method, below in (
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "/deliveries"),
            ("POST", f"/deliveries/{delivery}/replay"),
        ):
            response = send(method, f"{url}{below}", json={}, **who)
            assert (response.status_code, response.json["type"]) == (404, "NotFound"), (url, below)
    assert send("POST", f"{path}/deliveries/msg_x/replay").status_code == 404
    assert send("POST", f"{path}/deliveries/%00/replay").status_code == 404


def test_lists_are_given_part_by_part(send, webhook):
    second = send("POST", "/webhooks", json=GIVEN).json["id"]

    assert [one["id"] for one in send("GET", "/webhooks?limit=1").json] == [webhook["id"]]
    assert [one["id"] for one in send("GET", "/webhooks?offset=1").json] == [second]
    assert send("GET", "/webhooks?limit=65").status_code == 400
    assert send("GET", f"/webhooks/{second}/deliveries?offset=x").status_code == 400


# What was told.


@pytest.fixture
def tell(database, account, webhook):
    """Have this test's webhook told of something; return the ids of the delivery and its job."""
    assert webhook

    def record() -> tuple[str, str]:
        with database.transaction() as connection:
            dispatch = Dispatch(connection)
            announce(dispatch, "credentials", account.uid, "did_create", about="7", data=DATA)
            (bell,) = dispatch.bells
        with database.statement() as connection:
            found = webhooks.logged(connection, int(webhook["id"]))[0]
        return found.id, bell.id

    return record


@pytest.fixture
def end(database):
    """End the job of a delivery as the worker does."""

    def settle(job_id: str, move, **changes) -> None:
        advance(database, claim(database, job_id), move, keep=60, **changes)
        with database.transaction() as connection:
            delivered = move is states.COMPLETE
            webhooks.end_delivery(connection, job_id, delivered=delivered)

    return settle


def test_the_log_shows_every_try_and_the_next_and_no_secret(send, webhook, path, tell, auditor):
    secret = webhook["secret"]
    delivery, _ = tell()
    for code, reason in ((500, "the receiver answered 500"), (None, "the receiver is away")):
        auditor.rows(
            "INSERT INTO webhook_attempts (delivery_id, response_code, reason, seconds)"
            " VALUES (%s, %s, %s, 0.5)",
            delivery,
            code,
            reason,
        )

    (shown,) = send("GET", f"{path}/deliveries").json

    tries = shown.pop("log")
    assert shown == {
        "id": delivery,
        "event": "did_create",
        "jobId": "7",
        "status": "pending",
        "attempts": 2,
        "responseCode": None,
        "error": "the receiver is away",
        "created": shown["created"],
        "delivered": None,
        "nextAttempt": shown["nextAttempt"],
    }
    assert shown["nextAttempt"] >= shown["created"]
    assert [(one["responseCode"], one["error"], one["seconds"]) for one in tries] == [
        (500, "the receiver answered 500", 0.5),
        (None, "the receiver is away", 0.5),
    ]
    assert secret not in str(shown)


def test_what_was_delivered_is_delivered_again_under_the_same_id(
    send, path, tell, end, auditor, account
):
    delivery, job = tell()
    end(job, states.COMPLETE, result={"code": 200})
    before = send("GET", f"{path}/deliveries").json[0]

    response = send("POST", f"{path}/deliveries/{delivery}/replay")

    assert (before["status"], before["nextAttempt"]) == ("delivered", None)
    assert before["delivered"] is not None
    assert response.status_code == 200
    assert (response.json["id"], response.json["status"]) == (delivery, "pending")
    assert response.json["delivered"] is None
    assert response.json["nextAttempt"] is not None
    again = auditor.one("SELECT job_id FROM webhook_deliveries")
    assert again != job
    row = auditor.job(again)
    assert (row["type"], row["tenant"], row["payload"]) == (
        "deliver_webhook", account.uid, {"delivery": delivery},
    )  # fmt: skip
    assert len(send("GET", f"{path}/deliveries").json) == 1


def test_a_replay_with_a_key_is_one_replay(send, path, tell, end, auditor):
    delivery, job = tell()
    end(job, states.COMPLETE, result={"code": 200})
    replay, key = f"{path}/deliveries/{delivery}/replay", {"Idempotency-Key": "k"}

    first, second = (send("POST", replay, headers=key) for _ in range(2))
    other = send("POST", f"{path}/deliveries/msg_x/replay", headers=key)

    assert (first.status_code, second.status_code, other.status_code) == (200, 200, 422)
    assert first.data == second.data
    assert auditor.one("SELECT count(*) FROM jobs") == 2


def test_what_was_given_up_is_tried_again_and_what_is_under_way_is_not(
    send, path, tell, end, auditor
):
    delivery, job = tell()
    replay = f"{path}/deliveries/{delivery}/replay"

    early = send("POST", replay)
    end(job, states.FAIL, code="c", error="e")
    failed = send("GET", f"{path}/deliveries").json[0]["status"]
    first, second = send("POST", replay), send("POST", replay)

    assert (early.status_code, early.json["type"]) == (409, "Conflict")
    assert early.headers["Retry-After"] == "2"
    assert failed == "failed"
    assert (first.status_code, second.status_code) == (200, 409)
    assert auditor.one("SELECT count(*) FROM jobs") == 2
