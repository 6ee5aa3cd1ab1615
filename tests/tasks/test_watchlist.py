from __future__ import annotations

import pytest

from tasks import watchlist as module
from tasks.job import states
from tasks.job.context import Context
from tasks.job.dispatch import Dispatch
from tasks.job.errors import ClaimLost, Permanent, Temporary
from tasks.watchlist import watchlist
from tests.providers import Holding, InTurn, fails, found, hangs, is_listed, says
from tests.screened import verify
from tests.tasks.job.jobs import advance, claim, record


@pytest.fixture
def screening(database, service, provider, with_setting):
    """Record a verification of Acme and the people behind it, and claim a run of it."""

    def make(*others: str, job_id: str = "a", number: int = 0, **changed: object) -> Context:
        number = number or verify(database, service, "Acme", *others).id
        payload = {"verification": number, "source_action": "manual-api"}
        given = {"type": "watchlist", "queue": "screening", "tenant": service.uid}
        record(database, job_id, gate=str(number), payload=payload, **given)
        bounds = {"watchlist_subject_seconds": 20, "watchlist_url": provider.url}
        settings = with_setting(**{**bounds, "watchlist_key": "our key", **changed})
        return Context(claim(database, job_id), database, settings)

    return make


def run(context: Context) -> dict[str, object]:
    return watchlist(context, **module.Payload().load(context.job.payload))


def next_attempt(context: Context) -> Context:
    """The attempt after one that was lost."""
    advance(context.database, context.job, states.LOSE)
    return Context(claim(context.database, context.job.id), context.database, context.settings)


@pytest.fixture
def documents(auditor):
    """What is recorded of each subject by its name, of one run."""

    def documents(job_id: str = "a") -> dict[str, dict[str, object]]:
        rows = auditor.rows(
            "SELECT coalesce(stakeholders.name, 'Acme') AS name, screenings.* FROM screenings"
            " LEFT JOIN stakeholders ON stakeholders.id = subject"
            " WHERE job_id = %s ORDER BY screenings.seq",
            job_id,
        )
        return {row["name"]: row for row in rows}

    return documents


@pytest.fixture
def risks(auditor):
    """The risks that are recorded, oldest first."""
    return lambda: auditor.rows("SELECT * FROM risks ORDER BY seq")


def test_a_run_screens_the_entity_and_each_stakeholder(
    screening, provider, documents, risks, auditor
):
    provider.does["Bob"] = is_listed
    context = screening("Ada", "Bob")

    result = run(context)

    assert result == {
        "subjects": 3,
        "unanswered": 0,
        "concerns": 1,
        "level": "prohibited",
        "score": 75,
    }
    assert provider.asked == {"Acme": 1, "Ada": 1, "Bob": 1}
    assert sorted(provider.paths) == ["/v1/checkEntity"] + ["/v1/checkIndividual"] * 2
    assert {headers["x-api-key"] for headers in provider.headers} == {"our key"}
    assert {name: len(one["hits"]) for name, one in documents().items()} == {
        "Acme": 0,
        "Ada": 0,
        "Bob": 1,
    }
    (risk,) = risks()
    assert (risk["job_id"], risk["score"], risk["level"]) == ("a", 75, "prohibited")
    assert (risk["complete"], risk["before_score"], risk["version"]) == (True, None, "2026-11")
    assert set(risk["documents"]) == {one["id"] for one in documents().values()}
    assert auditor.job("a")["progress"] == {"done": 3, "total": 3}


def test_one_time_out_does_not_disturb_the_others(screening, provider, documents, risks):
    provider.does |= {"Ada": hangs, "Bob": fails(400)}
    context = screening("Ada", "Bob", "Cid", watchlist_subject_seconds=2)

    result = run(context)

    assert (result["subjects"], result["unanswered"], result["level"]) == (4, 2, "medium")
    found = {name: (one["status"], one["reason"]) for name, one in documents().items()}
    assert found == {
        "Acme": ("ok", None),
        "Ada": ("timeout", "the provider did not answer in time"),
        "Bob": ("error", "the provider answered 400"),
        "Cid": ("ok", None),
    }
    assert [risk["complete"] for risk in risks()] == [False]


def test_subjects_that_the_time_of_a_run_does_not_reach_are_recorded_as_timed_out(
    screening, provider, documents
):
    provider.otherwise = hangs
    late = {"watchlist_subject_seconds": 30, "watchlist_run_seconds": 0.2}
    context = screening("Ada", "Bob", watchlist_concurrency=1, **late)

    with pytest.raises(Temporary):
        run(context)

    assert {one["status"] for one in documents().values()} == {"timeout"}
    assert len(documents()) == 3


def test_no_more_subjects_are_asked_about_at_once_than_are_allowed(screening, provider):
    together = Holding(found())
    provider.does |= {"Acme": together, "Ada": together, "Bob": found()}
    late = {"watchlist_subject_seconds": 0.4, "watchlist_run_seconds": 0.4}

    with pytest.raises(Temporary):
        run(screening("Ada", "Bob", watchlist_concurrency=2, **late))

    assert provider.asked["Bob"] == 0


def test_where_nobody_answered_another_attempt_may_help(screening, provider, documents, risks):
    provider.otherwise = fails(503)
    context = screening("Ada")

    with pytest.raises(Temporary) as failed:
        run(context)

    assert str(failed.value) == "no subject could be screened: the provider answered 503"
    assert {one["status"] for one in documents().values()} == {"error"}
    assert risks() == []


def test_another_attempt_comes_no_sooner_than_the_provider_asks(screening, provider):
    provider.otherwise = fails(429, Retry_After="120")

    with pytest.raises(Temporary) as failed:
        run(screening("Ada", watchlist_concurrency=1))

    assert 110 < failed.value.after <= 120
    assert provider.asked == {"Acme": 1}


def test_where_nobody_will_ever_answer_no_attempt_can_help(screening, provider, risks):
    provider.otherwise = fails(401)
    context = screening("Ada")

    with pytest.raises(Permanent) as failed:
        run(context)

    assert failed.value.code == "provider_failed"
    assert str(failed.value) == "no subject could be screened: the provider refused our key"
    assert risks() == []


def test_a_provider_that_is_not_configured_is_no_use_to_try(screening):
    with pytest.raises(Permanent, match="no watchlist provider is configured"):
        run(screening(watchlist_url=""))


def test_a_verification_that_is_gone_is_no_use_to_try(screening):
    with pytest.raises(Permanent, match="the verification does not exist"):
        run(screening(number=12345))


def test_another_attempt_asks_only_about_whom_none_was_told(
    screening, provider, documents, auditor
):
    provider.does["Ada"] = InTurn(fails(400), is_listed)
    first = screening("Ada", "Bob")

    run(first)
    before = documents()
    result = run(next_attempt(first))

    assert provider.asked == {"Acme": 1, "Ada": 2, "Bob": 1}
    assert [one["id"] for one in documents().values()] == [one["id"] for one in before.values()]
    assert documents()["Bob"] == before["Bob"]
    assert documents()["Ada"]["status"] == "ok"
    assert (result["unanswered"], result["concerns"]) == (0, 1)
    assert auditor.job("a")["progress"] == {"done": 3, "total": 3}


def test_the_risk_of_a_run_is_that_of_its_last_attempt(screening, provider, risks):
    provider.does["Ada"] = InTurn(fails(400), is_listed)
    first = screening("Ada")

    run(first)
    result = run(next_attempt(first))

    (risk,) = risks()
    assert (risk["score"], risk["level"], risk["complete"]) == (75, "prohibited", True)
    assert (result["score"], result["level"]) == (75, "prohibited")


def test_an_attempt_that_lost_its_claim_keeps_nothing(screening, documents, risks):
    late = screening("Ada")
    next_attempt(late)

    with pytest.raises(ClaimLost):
        run(late)

    assert documents() == {}
    assert risks() == []


def test_a_run_that_learns_little_does_not_lower_a_risk(screening, provider, risks):
    provider.does["Ada"] = InTurn(is_listed, fails(400))
    first = screening("Ada")
    run(first)
    advance(first.database, first.job, states.COMPLETE, result={})

    result = run(screening(job_id="b", number=int(first.job.gate)))

    assert (result["score"], result["level"]) == (85, "prohibited")
    assert [(risk["before_score"], risk["score"]) for risk in risks()] == [(None, 75), (75, 85)]


def test_a_run_that_clears_everybody_lowers_a_risk(screening, provider, risks):
    provider.does["Ada"] = InTurn(is_listed, found())
    first = screening("Ada")
    run(first)
    advance(first.database, first.job, states.COMPLETE, result={})

    result = run(screening(job_id="b", number=int(first.job.gate)))

    assert (result["score"], result["level"]) == (0, "low")
    assert risks()[1]["before_level"] == "prohibited"


def test_texts_that_postgresql_does_not_take_are_kept_without(screening, provider, documents):
    record = {"name": "Ada\x00 \ud800", "id": "\udfff1", "links": ["\x00a"], "source_type": "PEP"}
    provider.does["Ada"] = says({"total_hits": 1, "found_records": [record]})

    run(screening("Ada"))

    (hit,) = documents()["Ada"]["hits"]
    assert (hit["name"], hit["recordId"], hit["details"]) == ("Ada", "1", {"links": ["a"]})


def schedule(database) -> list[str]:
    with database.transaction() as connection:
        dispatch = Dispatch(connection)
        module._schedule(dispatch)
        return [bell.id for bell in dispatch.bells]


@pytest.fixture
def due(database, service, auditor):
    """The number of a verification that is due for another screening."""
    number = verify(database, service, "Acme", rescreen_days=30).id
    auditor.rows("UPDATE verifications SET rescreen_at = now() - interval '1 hour'")
    return number


def test_a_run_that_ends_puts_the_next_one_off_by_its_days(due, screening, provider, auditor):
    provider.otherwise = found()
    auditor.rows("UPDATE verifications SET rescreen_at = now()")

    run(screening(number=due))

    left = auditor.one("SELECT extract(epoch FROM rescreen_at - now()) FROM verifications")
    assert 29.9 < left / 86400 <= 30


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        *(("individual", True), ("Natural Person", True), ("sole_trader", True)),
        *(("company", False), ("Organisation", False), ("TRUST", False)),
        *(("", None), ("human", None), ("smsf", None)),
    ],
)
def test_a_type_that_says_neither_is_looked_for_everywhere(kind, said):
    assert module.is_person(kind) is said


def test_what_is_due_is_dispatched_once_and_again_soon(due, database, service, auditor):
    (job,) = schedule(database)
    again = schedule(database)

    row = auditor.job(job)
    assert (row["tenant"], row["gate"], row["state"]) == (service.uid, str(due), "pending")
    assert row["payload"] == {"verification": due, "source_action": "scheduled"}
    assert again == []
    (row,) = auditor.rows(
        "SELECT extract(epoch FROM rescreen_at - now()) AS left FROM verifications"
    )
    assert 3500 < row["left"] <= 3600


@pytest.mark.parametrize("state", ["pending", "running"])
def test_what_is_in_flight_is_not_dispatched_again(state, due, screening, database, auditor):
    context = screening(number=due)
    if state == "pending":
        auditor.rows("DELETE FROM jobs")
        record(database, "b", type="watchlist", tenant=context.job.tenant, gate=str(due))

    assert schedule(database) == []
    assert auditor.one("SELECT count(*) FROM jobs") == 1
    assert auditor.one("SELECT rescreen_at > now() FROM verifications")
