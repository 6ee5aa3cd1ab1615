from __future__ import annotations

from datetime import date, timedelta

import pytest

from tasks.records import screenings, verifications
from tasks.screening.risk import Risk
from tests.tasks.records.screening import PERSON, new_verification


@pytest.fixture
def connection(database):
    """A connection to this test's database."""
    with database.statement() as connection:
        yield connection


def test_a_verification_reads_back_with_those_behind_it_in_their_order(connection):
    made = new_verification(
        connection,
        PERSON,
        {**PERSON, "name": "Brünhild Ōe", "role": "trustee", "date_of_birth": None},
        addresses={"street": {"city": "Sydney"}},
        ownership_layers=3,
    )

    found = verifications.find(connection, made.service_uid, made.trace)

    assert found == made
    assert [one.name for one in found.stakeholders] == ["Ada Lovelace", "Brünhild Ōe"]
    assert [one.date_of_birth for one in found.stakeholders] == [date(1815, 12, 10), None]
    assert found.stakeholders[0].identifiers == {"passport": "1"}
    assert (found.addresses, found.ownership_layers) == ({"street": {"city": "Sydney"}}, 3)
    assert len({one.id for one in found.stakeholders}) == 2


def test_another_services_verification_is_as_good_as_none(connection):
    made, other = new_verification(connection), new_verification(connection)

    assert verifications.find(connection, other.service_uid, made.trace) is None
    assert verifications.find(connection, made.service_uid, "no such trace") is None
    assert verifications.get(connection, made.id) == made
    assert verifications.get(connection, 0) is None


def test_a_verification_is_screened_again_only_if_it_asks_for_that(connection, auditor):
    made = new_verification(connection)
    new_verification(connection, rescreen_days=30)
    due_in_days = "SELECT round(extract(epoch FROM rescreen_at - now()) / 86400) FROM verifications"

    assert (made.rescreen_days, made.rescreen_at) == (None, None)
    assert auditor.one(f"{due_in_days} WHERE rescreen_days IS NOT NULL") == 30

    verifications.rescreen_every(connection, made.id, 7)
    assert auditor.one(f"{due_in_days} WHERE id = {made.id}") == 7

    verifications.rescreen_every(connection, made.id, None)
    assert auditor.one(f"{due_in_days} WHERE id = {made.id}") is None


def test_days_are_counted_from_the_last_screening(connection, auditor):
    made = new_verification(connection)
    for job_id in ("first", "last"):
        risk = Risk(score=0, level="low", complete=True, subjects=(), documents=())
        screenings.keep_risk(
            connection, job_id=job_id, verification_id=made.id, risk=risk, before=None
        )
    auditor.rows("UPDATE risks SET calculated_at = now() - interval '10 days'")
    auditor.rows("UPDATE risks SET calculated_at = now() - interval '99 days' WHERE seq = 1")
    due_in_days = "SELECT round(extract(epoch FROM rescreen_at - now()) / 86400) FROM verifications"

    verifications.rescreen_every(connection, made.id, 30)
    later = auditor.one(due_in_days)
    verifications.rescreen_every(connection, made.id, 7)

    assert later == 20
    assert verifications.take_due(connection, limit=9) == [(made.id, made.service_uid)]


def test_what_is_due_is_taken_once_an_hour_until_a_run_puts_it_off(connection, auditor):
    due = new_verification(connection, rescreen_days=10)
    never = new_verification(connection)
    new_verification(connection, rescreen_days=10)
    left = f"SELECT rescreen_at - now() FROM verifications WHERE id = {due.id}"
    auditor.rows("UPDATE verifications SET rescreen_at = now() WHERE id = %s", due.id)

    first = verifications.take_due(connection, limit=9)
    second = verifications.take_due(connection, limit=9)
    soon = auditor.one(left)
    for one in (due, never):
        verifications.put_off(connection, one.id)
    later = auditor.one(left)

    assert first == [(due.id, due.service_uid)]
    assert second == []
    assert timedelta(minutes=59) < soon <= timedelta(hours=1)
    assert timedelta(days=9) < later <= timedelta(days=10)
    assert verifications.get(connection, never.id).rescreen_at is None


def test_the_number_of_a_verification_is_its_own_services_to_know(connection):
    made, other = new_verification(connection), new_verification(connection)

    assert verifications.number_of(connection, made.service_uid, made.trace) == made.id
    assert verifications.number_of(connection, other.service_uid, made.trace) is None
    assert verifications.find_any(connection, made.trace) == (made.id, made.service_uid)
    assert verifications.find_any(connection, "no such trace") is None
