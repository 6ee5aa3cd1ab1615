"""The providers, companies and accounts that there are from the beginning.

The logins that the income API documents for its sandbox are accounts here, each in the state
that leads to what is documented. Nothing of it is known elsewhere.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tasks.providers.sandbox.people import Company, Job, Papers, Person

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from tasks.providers.sandbox.vault import Vault

PAYROLL = ("pay_statements", "employment_records", "direct_deposit")


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A payroll provider or a bank."""

    id: str
    name: str
    is_bank: bool = False
    #: What a payroll provider offers, in its own words.
    features: tuple[str, ...] = ()


PROVIDERS = {
    one.id: one
    for one in (
        Provider(id="adp", name="ADP", features=PAYROLL),
        Provider(id="paywell", name="Paywell", features=PAYROLL[:2]),
        Provider(id="harbour_bank", name="Harbour Bank", is_bank=True),
    )
}

#: `moved-away` is in the file of one account, and is no company any more.
COMPANIES = (
    Company(id="lakeside", name="Lakeside Goods Inc", features=PAYROLL),
    Company(id="papermill", name="Papermill Ltd", features=()),
    Company(id="nightshift", name="Nightshift Logistics", features=PAYROLL, is_down=True),
)

_WAREHOUSE = Job(
    id="L-1001",
    title="Warehouse Lead",
    employer="Lakeside Goods Inc",
    hired=date(2019, 3, 11),
    hourly=Decimal("36.50"),
)


@dataclass(frozen=True)
class Seed:
    """An account of the beginning."""

    username: str
    password: str = field(repr=False)
    person: Person
    is_locked: bool = False
    are_codes_blocked: bool = False


def seeds() -> Iterator[Seed]:
    """Return the accounts that every provider has."""
    yield Seed("goodlogin", "goodpassword", _ada())
    yield Seed("goodlogin", "mfa", _ada(code="12345"))
    yield Seed("goodlogin", "longcheck", _ada(papers=Papers.SLOW))
    yield Seed("error.user", "account_locked", _ada(), is_locked=True)
    yield Seed("error.user", "mfa_error", _ada(code="sent"), are_codes_blocked=True)
    yield Seed("error.user", "config_error", _ada(company="moved-away"))
    yield Seed("error.user", "no_data", _ada(jobs=()))
    yield Seed("error.user", "unavailable", _ada(company="nightshift"))
    yield Seed("error.user", "unable_to_reset", _ada(password_expired=True, can_reset=False))
    yield Seed("error.user", "not_supported", _ada(company="papermill", can_download=False))
    yield Seed("error.user", "error", _ada(papers=Papers.TORN))
    # The only one of its name, so that three wrong passwords lock it.
    yield Seed("forgetful.user", "goodpassword", _ada())


def _ada(**more: Any) -> Person:
    given = {"name": "Ada Fielding", "company": "lakeside", "jobs": (_WAREHOUSE,), **more}
    return Person(**given)


def plant(vault: Vault) -> None:
    """Put what is missing of the beginning into the vault's store."""
    with vault.store.transaction() as sql:
        for provider in PROVIDERS:
            for company in COMPANIES:
                add_company(sql, provider, company)
            for seed in seeds():
                add_account(sql, vault, provider, seed)


def add_company(sql: sqlite3.Connection, provider: str, company: Company) -> None:
    """Add a company, if there is none of its id."""
    row = (provider, company.id, company.name, " ".join(company.features), company.is_down)
    sql.execute("INSERT INTO companies VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)


def add_account(sql: sqlite3.Connection, vault: Vault, provider: str, seed: Seed) -> str:
    """Add an account, if there is none of its name and password; return its id."""
    password = vault.hashed(seed.username, seed.password)
    sql.execute(
        "INSERT INTO accounts"
        " (id, provider, username, password, person, is_locked, are_codes_blocked)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            uuid.uuid4().hex,
            provider,
            seed.username,
            password,
            seed.person.as_json(),
            seed.is_locked,
            seed.are_codes_blocked,
        ),
    )
    (made,) = sql.execute(
        "SELECT id FROM accounts WHERE provider = ? AND username = ? AND password = ?",
        (provider, seed.username, password),
    ).fetchone()
    return str(made)
