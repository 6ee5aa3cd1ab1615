from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from config.sealing import seal
from tasks.records import webhooks
from tests.tasks.health.findings import advice_of, found, level_of


@pytest.fixture
def sealed(database, settings):
    """A webhook with a sealed secret."""
    with database.statement() as connection:
        webhooks.add(
            connection, "credentials", "t", url="https://example.org", events=["did_create"],
            description="", active=True, sealed=seal(settings, b"{}"),
        )  # fmt: skip


@pytest.mark.usefixtures("sealed")
def test_a_key_that_opens_what_was_sealed_is_well(examine):
    assert level_of(examine(), "sealing") == "ok"


def test_without_a_key_it_is_said_what_is_refused_and_how_to_make_one(examine):
    findings = examine(sealing_keys=())

    assert level_of(findings, "sealing") == "warn"
    assert "Fernet.generate_key" in advice_of(findings, "sealing")


@pytest.mark.usefixtures("sealed")
def test_a_key_that_was_lost_is_a_fault(examine):
    findings = examine(sealing_keys=())

    assert found(findings, "sealing") == "there is no key for what was sealed"


@pytest.mark.usefixtures("sealed")
def test_another_key_is_a_fault_and_stands_nowhere(examine, settings):
    other = Fernet.generate_key().decode()

    findings = examine(sealing_keys=(other,))
    both = examine(sealing_keys=(other, *settings.sealing_keys))

    assert found(findings, "sealing") == "no key opens the secrets of 1 of 1 webhooks"
    assert level_of(both, "sealing") == "ok"
    assert other not in str(findings)
