from __future__ import annotations

import re

import pytest

from tasks.records import screenings
from tasks.screening.risk import assess
from tests.app.conftest import new_verification

NOT_FOUND = {"type": "not_found"}
JOB, LATER = "a" * 21, "b" * 21
SOURCES = [
    {"name": "OFAC SDN", "version": "2026-11-20"},
    {"name": "UN Consolidated", "version": "2026-11-18"},
]
MATCH = {
    "recordId": "ofac-36",
    "sourceType": "SANCTION",
    "source": "OFAC SDN",
    "sourceId": "36",
    "name": "ADA BYRON",
    "score": 1.0,
    "decision": "match",
}
POSSIBLE = {**MATCH, "recordId": "un-6", "source": "", "score": 0.9, "decision": "possible"}
DISCOUNTED = {**MATCH, "recordId": "ofac-7", "source": "X", "decision": "discounted"}


@pytest.fixture
def keep(database, verification):
    """Keep a document of a subject, as a run does."""

    def write(subject: str, job_id: str = JOB, *, of=verification, **found) -> None:
        values = {"status": "ok", "reason": None, "hits": [], "sources": SOURCES, **found}
        with database.transaction() as connection:
            screenings.keep(
                connection,
                job_id=job_id,
                verification_id=of.id,
                subject=subject,
                triggered_by="manual-api",
                **values,
            )

    return write


@pytest.fixture
def keep_risk(database, verification):
    """Calculate the risk from the documents of a run and keep it."""

    def write(job_id: str = JOB) -> None:
        with database.transaction() as connection:
            before = screenings.latest_risk(connection, verification.id, but=job_id)
            risk = assess(
                verification,
                screenings.of_run(connection, job_id),
                screenings.latest_known(connection, verification.id),
                before,
            )
            screenings.keep_risk(
                connection,
                job_id=job_id,
                verification_id=verification.id,
                risk=risk,
                before=before,
            )

    return write


@pytest.fixture
def get(client, at, service):
    """Ask for something of this test's verification."""
    return lambda below="": client.get(at + below, headers=service.headers)


@pytest.fixture
def ada(verification) -> str:
    """The first stakeholder."""
    return verification.stakeholders[0].id


# Documents.


def test_before_the_first_run_nobody_has_a_document(get, ada):
    answers = [get("/watchlist/latest"), get(f"/stakeholders/{ada}/watchlist/latest")]

    assert [(one.status_code, one.json["error"]) for one in answers] == [(404, NOT_FOUND)] * 2


def test_the_latest_document_of_the_entity(get, keep, service, verification, auditor):
    keep("entity", hits=[MATCH, POSSIBLE, DISCOUNTED])
    auditor.rows("UPDATE screenings SET screened_at = '2025-02-28T04:00:00.120Z'")

    response = get("/watchlist/latest")

    document = response.json["data"]["screeningId"]
    assert response.status_code == 200
    assert re.fullmatch("[0-9A-Za-z_-]{21}", document)
    assert list(response.json.items()) == [
        ("timestamp", response.json["timestamp"]),
        ("serviceUid", service.uid),
        ("trace", verification.trace),
        ("path", "/v5/verifications/:trace/watchlist/latest"),
        ("pathParams", {"trace": verification.trace}),
        ("statusCode", 200),
        ("message", "Screening retrieved."),
        ("help", None),
        ("status", "success"),
        (
            "data",
            {
                "screeningId": document,
                "trace": verification.trace,
                "subject": "entity",
                "jobId": JOB,
                "status": "ok",
                "reason": None,
                "totalHits": 2,
                "hasMatches": True,
                "matchedSources": ["OFAC SDN", "SANCTION"],
                "sourcesChecked": ["OFAC SDN", "UN Consolidated"],
                "sourceVersions": SOURCES,
                "triggeredByAction": "manual-api",
                "screenedAt": 1740715200120,
                "hits": [MATCH, POSSIBLE, DISCOUNTED],
            },
        ),
        ("error", None),
    ]


def test_the_latest_document_of_a_stakeholder(get, keep, ada, verification):
    keep("entity", hits=[MATCH])
    keep(ada)

    response = get(f"/stakeholders/{ada}/watchlist/latest")

    assert response.status_code == 200
    assert response.json["path"] == (
        "/v5/verifications/:trace/stakeholders/:stakeholderId/watchlist/latest"
    )
    assert response.json["pathParams"] == {"trace": verification.trace, "stakeholderId": ada}
    found = response.json["data"]
    assert (found["subject"], found["totalHits"], found["hasMatches"]) == (ada, 0, False)
    assert found["matchedSources"] == []


def test_hits_that_are_all_discounted_are_no_matches(get, keep):
    keep("entity", hits=[DISCOUNTED])

    found = get("/watchlist/latest").json["data"]

    assert (found["totalHits"], found["hasMatches"]) == (0, False)
    assert (found["matchedSources"], found["hits"]) == ([], [DISCOUNTED])


def test_a_later_run_has_the_latest_document(get, keep):
    keep("entity", hits=[MATCH])
    keep("entity", LATER)

    assert get("/watchlist/latest").json["data"]["jobId"] == LATER


@pytest.mark.parametrize("status", ["timeout", "error"])
def test_where_nobody_answered_it_is_not_known_whether_there_are_matches(get, keep, status):
    keep("entity", hits=[MATCH])
    keep("entity", LATER, status=status, reason="no answer in time", sources=[])

    found = get("/watchlist/latest").json["data"]

    assert (found["status"], found["reason"]) == (status, "no answer in time")
    assert (found["totalHits"], found["hasMatches"]) == (None, None)
    assert (found["matchedSources"], found["sourcesChecked"]) == ([], [])


@pytest.mark.parametrize("stakeholder", ["x", "%00", "%ed%a0%80", "%C3%A9", "x" * 5000, "entity"])
def test_a_stakeholder_that_is_none_is_404(get, keep, stakeholder):
    keep("entity")

    response = get(f"/stakeholders/{stakeholder}/watchlist/latest")

    assert (response.status_code, response.json["error"]) == (404, NOT_FOUND)


def test_a_stakeholder_of_another_verification_is_404(get, keep, database, service):
    another = new_verification(database, service)
    theirs = another.stakeholders[0].id
    keep(theirs, of=another)

    response = get(f"/stakeholders/{theirs}/watchlist/latest")

    assert (response.status_code, response.json["error"]) == (404, NOT_FOUND)


# Risk.


def test_after_a_run_a_verification_has_a_risk_with_its_factors(
    get, keep, keep_risk, verification, ada, auditor
):
    bob = verification.stakeholders[1].id
    keep("entity")
    keep(ada, hits=[MATCH])
    keep(bob, hits=[DISCOUNTED])
    keep_risk()
    auditor.rows("UPDATE risks SET calculated_at = '2025-02-28T04:00:03.400Z'")
    documents = auditor.rows("SELECT id FROM screenings ORDER BY seq")

    data = get().json["data"]

    nothing = {"score": 0, "level": "low", "factors": []}
    sanctioned = {"code": "sanctions_match", "weight": 75, "because": ["ofac-36"]}
    assert data["risk"] == {
        "score": 75,
        "level": "prohibited",
        "complete": True,
        "before": None,
        "subjects": [
            {"subject": "entity", "role": "entity", **nothing},
            {
                "subject": ada,
                "role": "director",
                "score": 75,
                "level": "prohibited",
                "factors": [sanctioned],
            },
            {"subject": bob, "role": "secretary", **nothing},
        ],
        "version": "2026-11",
        "screeningIds": [row["id"] for row in documents],
        "jobId": JOB,
        "calculatedAt": 1740715203400,
    }
    assert [one["risk"] for one in data["stakeholders"]] == [
        {"score": 75, "level": "prohibited"},
        {"score": 0, "level": "low"},
    ]


def test_the_next_risk_says_what_it_was_before(get, keep, keep_risk, verification, ada):
    bob = verification.stakeholders[1].id
    for job_id, hits in ((JOB, [MATCH]), (LATER, [])):
        keep("entity", job_id)
        keep(ada, job_id, hits=hits)
        keep(bob, job_id)
        keep_risk(job_id)

    risk = get().json["data"]["risk"]

    assert (risk["score"], risk["level"], risk["jobId"]) == (0, "low", LATER)
    assert risk["before"] == {"score": 75, "level": "prohibited"}


def test_a_risk_that_rests_on_less_than_everybody_is_not_complete(get, keep, keep_risk, ada):
    keep("entity")
    keep(ada, status="timeout", reason="no answer in time")
    keep_risk()

    risk = get().json["data"]["risk"]

    assert (risk["score"], risk["level"], risk["complete"]) == (26, "medium", False)
    assert [factor["code"] for one in risk["subjects"] for factor in one["factors"]] == [
        "screening_incomplete",
        "screening_incomplete",
    ]
