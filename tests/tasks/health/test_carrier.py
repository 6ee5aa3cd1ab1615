from __future__ import annotations

import pytest

from tests.faults.conftest import away, frozen
from tests.tasks.health.findings import advice_of, found, level_of


@pytest.fixture
def configured(redis):
    """Set something of Redis for the length of a test."""
    before = {}

    def configure(**options):
        for word, value in options.items():
            name = word.replace("_", "-")
            before.setdefault(name, redis.config_get(name)[name])
            redis.config_set(name, value)

    yield configure
    for name, value in before.items():
        redis.config_set(name, value)


def test_a_redis_that_is_well_is_well(examine):
    findings = examine()

    assert level_of(findings, "redis") == "ok"
    assert found(findings, "redis memory").endswith("no limit, nothing is evicted")


def test_a_redis_that_was_stopped_is_a_fault_and_said_not_to_stop_work(examine, servers):
    with away(servers.redis):
        findings = examine()

    assert level_of(findings, "redis") == "fail"
    assert found(findings, "redis") == "cannot be reached; jobs go on, more slowly"
    assert advice_of(findings, "redis") == "start it, or correct REDIS_URL"
    assert level_of(findings, "clocks") == "ok"


def test_a_redis_that_hangs_holds_nothing_up(examine, servers):
    with frozen(servers.redis.pid):
        findings = examine()

    assert found(findings, "redis") == "does not answer in time; jobs go on, more slowly"


def test_a_wrong_password_is_told_apart_and_not_shown(examine, servers, redis):
    redis.config_set("requirepass", "right")
    try:
        address = servers.redis.url.removeprefix("unix://")
        findings = examine(redis_url=f"unix://:hidden-word@{address}")
    finally:
        redis.execute_command("AUTH", "right")
        redis.config_set("requirepass", "")

    assert found(findings, "redis") == "refuses the password; jobs go on, more slowly"
    assert "hidden" not in str(findings)


def test_a_policy_that_evicts_bells_is_worth_a_word(examine, configured):
    configured(maxmemory="50mb", maxmemory_policy="allkeys-lru")

    findings = examine()

    assert level_of(findings, "redis memory") == "warn"
    assert "allkeys-lru throws bells away" in found(findings, "redis memory")
    assert advice_of(findings, "redis memory").startswith("set maxmemory-policy noeviction")


def test_a_memory_that_is_nearly_full_is_worth_a_word(examine, configured, redis):
    configured(maxmemory=str(int(redis.info()["used_memory"] * 1.02)))

    findings = examine()

    assert level_of(findings, "redis memory") == "warn"
    assert "are in use" in found(findings, "redis memory")


def test_a_user_who_may_not_ask_how_it_is_is_told_so(examine, servers, redis):
    redis.execute_command("ACL", "SETUSER", "bell", "on", "nopass", "~*", "+@all", "-info")
    try:
        address = servers.redis.url.removeprefix("unix://")
        findings = examine(redis_url=f"unix://bell:any@{address}")
    finally:
        redis.execute_command("ACL", "DELUSER", "bell")

    assert level_of(findings, "redis") == "warn"
    assert advice_of(findings, "redis") == "allow the command INFO"
