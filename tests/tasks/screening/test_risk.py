from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.records.screenings import KeptRisk, Screening
from tasks.records.verifications import Stakeholder, Verification
from tasks.screening.risk import assess, level_of, role_weight

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def verified(*roles: str, **more: Any) -> Verification:
    """A verification whose stakeholders are s0, s1 and so on, in these roles."""
    given = {"country": "AU", "ownership_layers": 0, "owners_identified": True, **more}
    country = given.pop("of_stakeholders", "")
    others = [
        Stakeholder(
            id=f"s{number}",
            type="individual",
            name="Ada",
            role=role,
            date_of_birth=None,
            country=country,
            identifiers={},
        )
        for number, role in enumerate(roles)
    ]
    return Verification(
        id=1,
        trace="t",
        service_uid="u",
        type="company",
        sub_type="",
        name="Acme",
        date_of_birth=None,
        identifiers={},
        addresses={},
        rescreen_days=None,
        rescreen_at=None,
        created_at=NOW,
        stakeholders=tuple(others),
        **given,
    )


def hit(kind: str, decision: str = "match", record: str = "r1") -> dict[str, str]:
    return {"recordId": record, "sourceType": kind, "decision": decision}


def document(subject: str, *hits: dict[str, str], status: str = "ok", id: str = "") -> Screening:  # noqa: A002
    return Screening(
        id=id or f"d-{subject}",
        job_id="j",
        subject=subject,
        status=status,
        reason=None if status == "ok" else "the provider did not answer in time",
        hits=hits,
        sources=[],
        triggered_by="manual-api",
        screened_at=NOW,
    )


def kept(score: int) -> KeptRisk:
    return KeptRisk(
        job_id="earlier",
        score=score,
        level="prohibited",
        complete=True,
        subjects=[],
        version="2026-11",
        documents=[],
        before_score=None,
        before_level=None,
        calculated_at=NOW,
    )


def by_subject(*documents: Screening) -> dict[str, Screening]:
    return {one.subject: one for one in documents}


def of_entity(*hits: dict[str, str], **more: Any) -> Any:
    """The risk of an entity alone, about which the provider said this."""
    documents = by_subject(document("entity", *hits))
    return assess(verified(**more), documents, documents, None)


def factors(risk: Any, subject: str = "entity") -> dict[str, int]:
    (found,) = [one for one in risk.subjects if one.subject == subject]
    return {factor.code: factor.weight for factor in found.factors}


@pytest.mark.parametrize(
    ("score", "level"),
    [
        *((0, "low"), (25, "low"), (26, "medium"), (50, "medium")),
        *((51, "high"), (74, "high"), (75, "prohibited"), (100, "prohibited")),
    ],
)
def test_a_level_begins_at_its_least_score(score, level):
    assert level_of(score) == level


@pytest.mark.parametrize(
    ("kind", "decision", "code", "weight"),
    [
        ("SANCTION", "match", "sanctions_match", 75),
        ("CRIMINAL", "match", "criminal_match", 40),
        ("PEP", "match", "pep_match", 40),
        ("OTHER", "match", "possible_match", 35),
        ("SANCTION", "possible", "possible_match", 35),
        ("PEP", "possible", "possible_match", 35),
    ],
)
def test_a_hit_weighs_what_the_table_says(kind, decision, code, weight):
    risk = of_entity(hit(kind, decision))

    assert factors(risk) == {code: weight}
    assert risk.score == weight
    assert risk.subjects[0].factors[0].because == ("r1",)


@pytest.mark.parametrize(
    ("given", "code", "weight"),
    [
        ({"country": "KP"}, "high_risk_country", 20),
        ({"country": "IR"}, "high_risk_country", 20),
        ({"country": "MM"}, "high_risk_country", 20),
        ({"country": "VN"}, "medium_risk_country", 10),
        ({"ownership_layers": 3}, "ownership_layers", 10),
        ({"owners_identified": False}, "unidentified_owner", 20),
    ],
)
def test_what_is_known_of_an_entity_weighs_what_the_table_says(given, code, weight):
    risk = of_entity(**given)

    assert factors(risk) == {code: weight}
    assert (risk.score, risk.level) == (weight, "low")


@pytest.mark.parametrize("given", [{"country": ""}, {"country": "AU"}, {"ownership_layers": 2}])
def test_what_is_usual_weighs_nothing(given):
    risk = of_entity(**given)

    assert (risk.score, risk.level, factors(risk)) == (0, "low", {})


def test_who_owns_an_entity_is_no_factor_of_a_stakeholder():
    documents = by_subject(document("entity"), document("s0"))

    risk = assess(
        verified("director", ownership_layers=3, owners_identified=False, of_stakeholders="IR"),
        documents,
        documents,
        None,
    )

    assert factors(risk, "entity") == {"ownership_layers": 10, "unidentified_owner": 20}
    assert factors(risk, "s0") == {"high_risk_country": 20}


def test_a_discounted_hit_weighs_nothing():
    assert of_entity(hit("SANCTION", "discounted")).score == 0


def test_factors_of_different_kinds_add_up():
    assert of_entity(hit("PEP"), hit("CRIMINAL")).score == 80
    assert of_entity(hit("PEP"), hit("PEP", "possible"), country="VN").score == 85


def test_factors_of_one_kind_count_once_and_name_every_record():
    risk = of_entity(hit("SANCTION", record="a"), hit("SANCTION", record="b"))

    assert risk.score == 75
    assert risk.subjects[0].factors[0].because == ("a", "b")


def test_a_possible_match_beside_a_sanction_adds_nothing():
    assert factors(of_entity(hit("SANCTION"), hit("PEP", "possible"))) == {"sanctions_match": 75}


def test_a_score_ends_at_a_hundred():
    risk = of_entity(hit("PEP"), hit("SANCTION"), country="KP", owners_identified=False)

    assert sum(factors(risk).values()) == 155
    assert (risk.score, risk.level, risk.subjects[0].score) == (100, "prohibited", 100)


@pytest.mark.parametrize("role", ["Secretary", " SECRETARY ", "secretary"])
def test_a_role_weighs_the_same_however_it_is_spelled(role):
    assert role_weight(role) == 0.8
    assert role_weight("Authorised  Representative") == role_weight("authorised_representative")


@pytest.mark.parametrize(
    ("role", "score"),
    [
        *(("beneficial-owner", 75), ("shareholder", 75), ("director", 75), ("partner", 75)),
        *(("trustee", 75), ("settlor", 75), ("beneficiary", 68)),
        *(("authorised-representative", 68), ("secretary", 60), ("anything else", 75)),
    ],
)
def test_a_stakeholder_weighs_by_its_role(role, score):
    documents = by_subject(document("entity"), document("s0", hit("SANCTION")))

    risk = assess(verified(role), documents, documents, None)

    assert risk.score == score
    assert risk.subjects[1].score == 75


def test_the_highest_of_entity_and_stakeholders_is_the_verification():
    documents = by_subject(
        document("entity", hit("PEP")), document("s0", hit("SANCTION")), document("s1")
    )

    risk = assess(verified("director", "secretary"), documents, documents, None)

    assert (risk.score, risk.level) == (75, "prohibited")
    assert [one.score for one in risk.subjects] == [40, 75, 0]


def test_a_subject_without_an_answer_adds_ten_to_what_was_known_of_it():
    run = by_subject(document("entity", status="timeout"))
    known = by_subject(document("entity", hit("PEP"), id="earlier"))

    risk = assess(verified(), run, known, None)

    assert factors(risk) == {"pep_match": 40, "screening_incomplete": 10}
    assert (risk.score, risk.complete, risk.documents) == (50, False, ("earlier",))


@pytest.mark.parametrize("status", ["timeout", "error"])
def test_an_incomplete_run_never_lowers_a_risk(status):
    run = by_subject(document("entity"), document("s0", status=status))

    risk = assess(verified("director"), run, by_subject(document("entity")), kept(80))

    assert (risk.score, risk.level, risk.complete) == (80, "prohibited", False)


def test_an_incomplete_run_raises_a_risk_where_it_must():
    run = by_subject(document("entity", hit("SANCTION")), document("s0", status="error"))

    risk = assess(verified("director"), run, by_subject(run["entity"]), kept(30))

    assert (risk.score, risk.level) == (75, "prohibited")


def test_a_complete_run_lowers_a_risk():
    documents = by_subject(document("entity"))

    risk = assess(verified(), documents, documents, kept(80))

    assert (risk.score, risk.level, risk.complete) == (0, "low", True)


def test_a_document_that_is_missing_makes_a_run_incomplete():
    run = by_subject(document("entity"))

    risk = assess(verified("director"), run, run, kept(75))

    assert (risk.score, risk.complete) == (75, False)


def test_who_was_never_screened_is_at_least_a_medium_risk():
    run = by_subject(document("entity"), document("s0", status="timeout"))

    risk = assess(verified("director"), run, by_subject(document("entity")), None)

    assert factors(risk, "s0") == {"screening_incomplete": 10}
    assert (risk.score, risk.level) == (26, "medium")


def test_an_answer_out_of_fewer_lists_than_before_is_incomplete_and_lowers_nothing():
    both = replace(document("entity"), sources=[{"name": "OFAC SDN"}, {"name": "UN SC"}])
    one = replace(document("entity"), sources=[{"name": "OFAC SDN"}])

    fewer = assess(verified(), by_subject(one), by_subject(both), kept(80))
    as_many = assess(verified(), by_subject(both), by_subject(one), kept(80))

    assert (fewer.complete, fewer.score) == (False, 80)
    assert factors(fewer) == {"screening_incomplete": 10}
    assert (as_many.complete, as_many.score) == (True, 0)


def test_a_risk_names_its_table_and_the_documents_that_it_rests_on():
    run = by_subject(document("entity"), document("s0", status="error", id="failed"))

    risk = assess(verified("director"), run, by_subject(document("entity", id="earlier")), None)

    assert risk.documents == ("d-entity", "failed")
    assert risk.version == "2026-11"
