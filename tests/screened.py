"""Services and verifications that tests have screened."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tasks.records import services, verifications

if TYPE_CHECKING:
    from config.database import Database
    from tasks.records.verifications import Verification


@dataclass(frozen=True)
class Service:
    """A service and a key that it calls with."""

    uid: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request in its name carries."""
        credentials = base64.b64encode(f"{self.uid}:{self.key}".encode()).decode()
        return {"Authorization": f"Basic {credentials}"}


@pytest.fixture
def service(database: Database) -> Service:
    """A service of this test."""
    with database.transaction() as connection:
        uid = services.add_service(connection, name="test")
        return Service(uid, services.add_key(connection, uid, channel="api"))


def verify(
    database: Database,
    service: Service,
    name: str,
    *others: str,
    role: str = "director",
    rescreen_days: int | None = None,
) -> Verification:
    """Record a company with so many people behind it."""
    given: dict[str, Any] = {
        "country": "AU",
        "type": "company",
        "sub_type": "",
        "name": name,
        "date_of_birth": None,
        "identifiers": {},
        "addresses": {},
        "ownership_layers": 0,
        "owners_identified": True,
        "rescreen_days": rescreen_days,
    }
    person = {"type": "individual", "role": role, "date_of_birth": None, "country": ""}
    stakeholders = [{**person, "name": one, "identifiers": {}} for one in others]
    with database.transaction() as connection:
        return verifications.add(connection, service.uid, given, stakeholders)
