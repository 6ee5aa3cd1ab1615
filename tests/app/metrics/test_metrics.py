from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from app.metrics import measured
from tasks.job import states
from tests.faults.conftest import away
from tests.tasks.job.jobs import advance, claimed, record, tally

TOKEN = "a token that is long enough"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def watched(make_client):
    """A client of an API that has a token for its metrics."""
    return make_client(metrics_token=TOKEN)


@pytest.fixture
def scrape(watched):
    """Read the metrics: values by name and labels."""

    def scrape():
        answer = watched.get("/metrics", headers=HEADERS)
        assert answer.status_code == 200
        return {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    return scrape


def test_without_a_token_of_its_own_an_api_has_no_metrics(client):
    answer = client.get("/metrics", headers=HEADERS)

    assert answer.status_code == 404
    assert answer.data == client.get("/nothing").data


@pytest.mark.parametrize("credential", ["", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_without_the_token_nobody_reads_them(watched, credential):
    answer = watched.get("/metrics", headers={"Authorization": credential})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_they_come_in_the_form_that_is_asked_for(watched):
    plain = watched.get("/metrics", headers=HEADERS)
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    open_metrics = watched.get("/metrics", headers={**HEADERS, **accept})

    assert plain.content_type.startswith("text/plain")
    assert "# TYPE jobspine_record_up gauge\njobspine_record_up 1.0\n" in plain.text
    assert open_metrics.content_type.startswith("application/openmetrics-text")
    assert open_metrics.text.endswith("# EOF\n")


def test_requests_are_counted_by_route_and_status_and_paths_are_not_told(watched, scrape):
    before = scrape()
    for path in ("/jobs/secret-id", "/jobs/other-id", "/nowhere/secret"):
        watched.get(path)
    watched.open("/healthz", method="SECRET")
    after = scrape()

    def more(*labels):
        name = ("jobspine_http_requests_total", *sorted(labels))
        return after.get(name, 0) - before.get(name, 0)

    assert more("GET", "/jobs/<job_id>", "404") == 2
    assert more("GET", "none", "404") == 1
    assert more("other", "none", "405") == 1
    took = ("jobspine_http_request_duration_seconds_count", *sorted(["GET", "/jobs/<job_id>"]))
    assert after[took] - before.get(took, 0) == 2
    assert not [key for key in after if "secret" in str(key).lower()]


def test_what_the_record_knows_is_told_with_the_names_of_our_states(database, auditor, scrape):
    record(database, "a")
    advance(database, claimed(database, "b"), states.COMPLETE, result={}, keep=60)
    job = claimed(database, "c")
    advance(database, job, states.FAIL, code="x", error="x", cause="no_use", keep=60)
    advance(database, claimed(database, "d"), states.LOSE, cause="lease")
    webhook = {"type": "deliver_webhook", "queue": "webhooks"}
    advance(database, claimed(database, "e", **webhook), states.RETRY, cause="status_5xx")
    advance(database, claimed(database, "f", **webhook), states.COMPLETE, result={}, keep=60)
    tally(database)
    auditor.rows("INSERT INTO causes VALUES ('noop', 'ring', 'unheard', 3)")

    told = scrape()

    def value(name, *labels):
        return told[f"jobspine_{name}", *sorted(labels)]

    assert value("record_up") == 1
    assert value("queue_jobs", "default", "due") == 2
    assert value("queue_age_seconds", "default") > 0
    assert value("jobs_in_flight", "noop", "pending") == 1
    assert value("attempts_total", "noop") == 3
    assert value("jobs_ended_total", "noop", "completed") == 1
    assert value("attempt_failures_total", "noop", "no_use") == 1
    assert value("claims_lost_total", "noop", "lease") == 1
    assert value("sweep_rescues_total", "noop", "lease") == 1
    assert value("sweep_rescues_total", "noop", "bell") == 3
    assert value("webhook_tries_total", "status_5xx") == 1
    assert value("webhook_tries_total", "delivered") == 1
    assert value("webhook_deliveries_total", "delivered") == 1
    assert value("job_duration_seconds_count", "noop", "completed") == 1
    assert value("job_duration_seconds_bucket", "noop", "completed", "+Inf") == 1
    assert value("job_duration_seconds_bucket", "noop", "completed", "1") == 1
    assert value("job_duration_seconds_sum", "noop", "completed") > 0
    assert value("attempt_duration_seconds_count", "noop", "lost") == 1
    assert value("job_wait_seconds_count", "noop") == 3
    assert value("count_lag_seconds") == 0


def test_while_postgresql_is_away_the_rest_is_told(servers, watched, scrape):
    watched.get("/healthz")

    with away(servers.postgres):
        told = scrape()

    assert told["jobspine_record_up",] == 0
    assert ("jobspine_count_lag_seconds",) not in told
    assert told["jobspine_http_requests_total", "/healthz", "200", "GET"] >= 1


def test_a_record_that_does_not_answer_in_time_holds_nobody_up(
    database, watched, scrape, monkeypatch
):
    monkeypatch.setattr(measured, "_PATIENCE", 0.1)
    with database.transaction() as connection:
        connection.execute(text("LOCK TABLE totals"))
        told = scrape()
    reading = watched.application.extensions["jobspine"].measured._reading
    reading.join()

    assert told["jobspine_record_up",] == 0
