"""The outside systems that jobs ask: watchlists, payroll providers and banks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tasks.clients.accounts.protocol import AccountAway, AccountFailed
from tasks.clients.accounts.web import Web
from tasks.clients.watchlist_answers import ProviderFailed
from tasks.clients.watchlists import Dilisense
from tasks.health.finding import Finding, fail, ok, warn

if TYPE_CHECKING:
    from config.settings import Settings
    from tasks.clients.watchlist_answers import SearchedList

#: How long a provider may take to answer; seconds.
_PATIENCE = 3.0
#: How old a list may be before somebody should know; days. They change several times a week.
_OLD = 7


def watchlists(settings: Settings) -> Finding:
    """Check that the provider answers us, and how old its lists are."""
    if not settings.watchlist_url:
        return warn("watchlists", "no provider is configured: screenings fail", "set WATCHLIST_URL")
    try:
        lists = asyncio.run(_lists(settings))
    except ProviderFailed as failed:
        advice = (
            "correct WATCHLIST_KEY, which the provider has to know as well"
            if "key" in str(failed)
            else "start the provider, or correct WATCHLIST_URL"
        )
        return fail("watchlists", str(failed), advice)
    if lists is None:
        return ok("watchlists", "the provider answers; it does not say how old its lists are")
    return _judged(lists)


async def _lists(settings: Settings) -> list[SearchedList] | None:
    async with Dilisense(
        settings.watchlist_url, settings.watchlist_key, try_seconds=_PATIENCE, connections=1
    ) as provider:
        return await provider.lists()


def _judged(lists: list[SearchedList]) -> Finding:
    today = datetime.now(UTC).date()
    ages = {one.name: (today - one.as_of).days for one in lists if one.as_of is not None}
    told = "the provider answers; " + ", ".join(
        f"{one.name} is {ages[one.name]} days old" if one.name in ages else f"{one.name} is absent"
        for one in lists
    )
    if refused := next((one for one in lists if one.refused), None):
        told = f"{told}; a newer {refused.name} was refused: {refused.refused}"
        return warn("watchlists", told, "put a whole list into LISTS_FOLDER")
    if len(ages) < len(lists) or max(ages.values(), default=_OLD) > _OLD:
        return warn("watchlists", told, "put newer lists into the provider's LISTS_FOLDER")
    return ok("watchlists", told)


def accounts(settings: Settings) -> Finding:
    """Check that payroll providers and banks answer, where their address is configured."""
    if not settings.accounts_url:
        return ok("accounts", "no provider is configured: connections of accounts fail")
    try:
        with Web(settings.accounts_url, seconds=_PATIENCE) as web:
            web.send("GET", "")
    except AccountAway as away:
        return fail("accounts", str(away), "start the provider, or correct ACCOUNTS_URL")
    except AccountFailed:
        pass  # whatever it answered, it did
    return ok("accounts", "the provider answers")
