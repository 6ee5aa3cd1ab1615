from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.providers import dribbles_a_body, fails, hangs_up, says
from tests.tasks.health.findings import advice_of, found, level_of


def lists(*given):
    return says({"lists": list(given)})


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


@pytest.fixture
def watchlists(examine, provider):
    """Look at a watchlist provider that answers so."""

    def look(answer):
        provider.otherwise = answer
        return examine(watchlist_url=provider.url, watchlist_key="hidden-word")

    return look


def test_a_provider_with_new_lists_is_well(watchlists, provider):
    findings = watchlists(lists({"name": "OFAC SDN", "as_of": days_ago(2), "refused": None}))

    assert level_of(findings, "watchlists") == "ok"
    assert found(findings, "watchlists") == "the provider answers; OFAC SDN is 2 days old"
    assert provider.headers[-1]["x-api-key"] == "hidden-word"
    assert "hidden" not in str(findings)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        ({"as_of": days_ago(30), "refused": None}, "OFAC SDN is 30 days old"),
        ({"in_use_since": None, "refused": None}, "OFAC SDN is absent"),
        (
            {"as_of": days_ago(1), "refused": {"reason": "it is cut off", "at": "now"}},
            "a newer OFAC SDN was refused: it is cut off",
        ),
    ],
)
def test_lists_that_are_old_or_missing_are_worth_a_word(watchlists, one, words):
    findings = watchlists(lists({"name": "OFAC SDN", **one}))

    assert level_of(findings, "watchlists") == "warn"
    assert words in found(findings, "watchlists")
    assert "LISTS_FOLDER" in advice_of(findings, "watchlists")


@pytest.mark.parametrize(
    ("answer", "why", "advice"),
    [
        (fails(401), "the provider refused our key", "WATCHLIST_KEY"),
        (fails(503), "the provider answered 503", "WATCHLIST_URL"),
        (hangs_up, "the provider could not be reached", "WATCHLIST_URL"),
        (says(b"<html>"), "the provider's answer cannot be read", "WATCHLIST_URL"),
        (says({"lists": [{"as_of": "2026"}]}), "the provider's answer cannot be read", ""),
    ],
)
def test_a_provider_that_does_not_serve_us_is_a_fault(watchlists, answer, why, advice):
    findings = watchlists(answer)

    assert level_of(findings, "watchlists") == "fail"
    assert found(findings, "watchlists") == why
    assert advice in advice_of(findings, "watchlists")


def test_a_provider_that_dribbles_holds_nothing_up_for_long(watchlists):
    findings = watchlists(dribbles_a_body)

    assert found(findings, "watchlists") == "the provider did not answer in time"


def test_a_provider_that_does_not_tell_its_lists_is_well(watchlists):
    findings = watchlists(fails(404))

    assert level_of(findings, "watchlists") == "ok"
    assert "does not say how old" in found(findings, "watchlists")


def test_what_is_not_configured_is_said(examine):
    findings = examine()

    assert level_of(findings, "watchlists") == "warn"
    assert level_of(findings, "accounts") == "ok"
    assert level_of(findings, "chain") == "warn"
    assert found(findings, "chain") == "no node is configured: chain jobs wait"


def test_payroll_providers_answer_or_do_not(examine, provider):
    provider.otherwise = fails(404)
    well = examine(accounts_url=provider.url)
    provider.otherwise = fails(502)

    findings = examine(accounts_url=provider.url)

    assert level_of(well, "accounts") == "ok"
    assert found(findings, "accounts") == "the provider is out of service"
    assert "ACCOUNTS_URL" in advice_of(findings, "accounts")
