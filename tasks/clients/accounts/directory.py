"""The payroll providers and banks that accounts can be connected at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tasks.clients.accounts.ofx import Ofx
from tasks.clients.accounts.portal import Portal

if TYPE_CHECKING:
    from tasks.clients.accounts.protocol import Connector


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A payroll provider or a bank."""

    id: str
    name: str
    logo_url: str | None
    #: What it speaks.
    protocol: Literal["portal", "ofx"]
    #: The documented word for where its data comes from.
    data_source: Literal["payroll", "financial_accounts"]


#: By their ids.
PROVIDERS = {
    one.id: one
    for one in (
        Provider(
            id="adp",
            name="ADP",
            logo_url="https://cdn.truv.com/providers/adp.svg",
            protocol="portal",
            data_source="payroll",
        ),
        Provider(
            id="paywell",
            name="Paywell",
            logo_url=None,
            protocol="portal",
            data_source="payroll",
        ),
        Provider(
            id="harbour_bank",
            name="Harbour Bank",
            logo_url=None,
            protocol="ofx",
            data_source="financial_accounts",
        ),
    )
}


def connector(provider: Provider, url: str, *, seconds: float) -> Connector:
    """Return what speaks with a provider under the address of all of them.

    One request may take so many seconds.
    """
    if provider.protocol == "ofx":
        return Ofx(f"{url}/ofx/{provider.id}", seconds=seconds)
    return Portal(f"{url}/payroll/{provider.id}", seconds=seconds)
