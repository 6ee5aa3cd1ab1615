"""One story from a request to the webhook that tells of its end, though a worker was killed."""

from __future__ import annotations

from tests.conftest import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


def test_a_request_and_all_that_follows_from_it_are_one_trace(
    start_api, start_ledger, account, receiver, collector, wait, auditor, tmp_path
):
    once = tmp_path / "once"
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "WEBHOOKS_MAY_BE_PRIVATE": "true"}
    worker = start_ledger(**given, FAILPOINTS=f"runner.claimed=kill:{once}")
    api = start_api(**given, WEB_PROCESSES="1")
    hook = {"url": receiver.url, "events": ["did_create"]}
    assert api.post("/webhooks", json=hook, headers=account.headers).status_code == 200

    headers = {**account.headers, "traceparent": f"00-{TRACE}-{CALLER}-01"}
    did = api.post("/dids", json={}, headers=headers).json()
    wait_until(lambda: receiver.told)
    wait.until_over()
    # What waits for the next batch is sent when a process is told to stop.
    api.process.stop()
    worker.stop()

    of_trace = [span for span in collector.spans if span.trace == TRACE]
    by_name = {span.name: span for span in of_trace}
    asked, sent = by_name["POST /dids"], by_name["dispatch ledger_transaction"]
    assert (asked.service, asked.kind, asked.parent) == ("jobspine-api", "SERVER", CALLER)
    assert asked.attributes["http.response.status_code"] == 200
    assert (sent.kind, sent.parent) == ("PRODUCER", asked.id)
    assert sent.attributes["jobspine.job.id"] == did["id"]

    lost = by_name["lose ledger_transaction"]
    assert (lost.parent, lost.has_failed) == (sent.id, True)
    assert lost.attributes["error.type"] == "process"
    # Several processes send them, in no order.
    attempts = sorted(
        collector.named("attempt ledger_transaction"),
        key=lambda one: one.attributes["jobspine.job.attempt"],
    )
    assert {(one.service, one.kind, one.trace, one.parent) for one in attempts} == {
        ("jobspine-worker", "CONSUMER", TRACE, sent.id)
    }
    told = [
        (one.attributes["jobspine.job.attempt"], one.attributes["jobspine.move"])
        for one in attempts
    ]
    assert told[0][0] == lost.attributes["jobspine.job.attempt"] + 1
    assert told[-1][1] == "complete"
    assert {one.attributes["jobspine.job.id"] for one in attempts} == {did["id"]}

    end, following = by_name["end ledger_transaction"], by_name["dispatch deliver_webhook"]
    assert end.parent == attempts[-1].id
    assert following.parent == end.id
    assert by_name["attempt deliver_webhook"].parent == following.id

    everything = b"".join(collector.bodies)
    secrets = [account.key, account.uid, receiver.url, str(receiver.port), did["data"]["did"]]
    assert [secret for secret in secrets if secret.encode() in everything] == []
    kept = auditor.rows("SELECT trace_parent FROM jobs ORDER BY seq")
    assert {row["trace_parent"] for row in kept} == {
        f"00-{TRACE}-{sent.id}-01",
        f"00-{TRACE}-{following.id}-01",
    }
