from __future__ import annotations

import time

import pytest

from tasks.health.clocks import clocks
from tests.tasks.health.findings import level_of


@pytest.fixture
def look(database, settings):
    """Compare the clocks, with this machine's so many seconds behind."""

    def look(behind):
        with database.statement() as connection:
            return clocks(connection, settings, here=lambda: time.time() - behind)

    return look


def test_clocks_that_agree_are_well(look):
    assert (look(0).level, look(0).found) == ("ok", "those of 3 places agree within 1 s")


@pytest.mark.parametrize(
    ("behind", "level", "words"),
    [(5, "warn", "5.0 s ahead of ours"), (-5, "warn", "5.0 s behind ours"),
     (90, "fail", "90.0 s ahead of ours")],
)  # fmt: skip
def test_a_clock_that_goes_wrong_is_noticed_on_either_side(look, behind, level, words):
    finding = look(behind)

    assert finding.level == level
    assert finding.found.endswith(words)
    assert "NTP" in finding.advice


def test_without_redis_the_others_are_compared(with_setting, database):
    with database.statement() as connection:
        finding = clocks(connection, with_setting(redis_url="unix:///nowhere/redis.sock"))

    assert finding.found == "those of 2 places agree within 1 s"


def test_a_workers_machine_that_goes_wrong_is_named(examine, auditor):
    auditor.rows("INSERT INTO workers (id, queues, skew) VALUES ('far.1.ab', '{default}', -40)")

    findings = examine()

    assert level_of(findings, "clocks") == "fail"
    assert "that of the worker far.1.ab is 40.0 s behind ours" in str(findings)
