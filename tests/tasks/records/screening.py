"""Verifications and documents that tests begin with."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from tasks.records import screenings, services, verifications

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tasks.records.verifications import Verification

PERSON = {
    "name": "Ada Lovelace",
    "type": "individual",
    "role": "director",
    "date_of_birth": date(1815, 12, 10),
    "country": "GB",
    "identifiers": {"passport": "1"},
}


def new_verification(connection: Connection, *people: dict[str, Any], **given: Any) -> Verification:
    """Record a company of a service of its own, with those behind it."""
    values = {
        "country": "AU",
        "type": "company",
        "sub_type": "",
        "name": "Example Ltd",
        "date_of_birth": None,
        "identifiers": {},
        "addresses": {},
        "ownership_layers": 0,
        "owners_identified": True,
        "rescreen_days": None,
    }
    uid = services.add_service(connection)
    return verifications.add(connection, uid, {**values, **given}, people)


def keep(connection: Connection, verification: Verification, **given: Any) -> None:
    """Keep a document of the entity, without hits unless given."""
    values = {
        "job_id": "run-1",
        "subject": "entity",
        "status": "ok",
        "reason": None,
        "hits": [],
        "sources": [{"name": "OFAC SDN", "version": "1"}],
        "triggered_by": "manual-api",
    }
    screenings.keep(connection, verification_id=verification.id, **{**values, **given})
