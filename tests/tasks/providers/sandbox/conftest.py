from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from config.settings import SandboxProviderSettings
from tasks.providers.sandbox.people import Job, Person
from tasks.providers.sandbox.seed import Seed, add_account, plant
from tasks.providers.sandbox.store import Store
from tasks.providers.sandbox.vault import Vault
from tasks.providers.sandbox.web import application

JOB = Job(
    id="J-1",
    title="Warehouse Lead",
    employer="Lakeside Goods Inc",
    hired=date(2019, 3, 11),
    hourly=Decimal("36.50"),
)
SETTINGS = SandboxProviderSettings(sandbox_control_key="a key for tests", sandbox_slow_seconds=30)


def person(**given: Any) -> Person:
    """Return somebody with one job, paid up to 20 January 2026."""
    who = {"name": "Ada Fielding", "company": "lakeside", "jobs": (JOB,)}
    return Person(**{**who, "paid_until": date(2026, 1, 20), **given})


class Clock:
    """A time that goes on when a test says so; seconds."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The vault's clock."""
    return Clock()


@pytest.fixture
def vault(clock: Clock) -> Vault:
    """The accounts of the beginning, in memory."""
    made = Vault(Store(), session_seconds=900, code_seconds=600, clock=clock)
    plant(made)
    return made


@pytest.fixture
def enrol(vault: Vault):
    """Add somebody with a name of their own; return it."""

    def enrol(username: str = "ada", provider: str = "adp", **given: Any) -> str:
        with vault.store.transaction() as sql:
            seed = Seed(username, "a good password", person(**given))
            return add_account(sql, vault, provider, seed)

    return enrol


@pytest.fixture
def client(vault: Vault):
    """A client of the provider in this process."""
    return application(vault, SETTINGS).test_client()
