"""Accounts that call the credentials API in tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tasks.records import accounts

if TYPE_CHECKING:
    from config.database import Database


@dataclass(frozen=True)
class Account:
    """An account and a key that it calls with."""

    uid: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request in its name carries."""
        return {"Authorization": f"Bearer {self.key}"}


def new_account(database: Database) -> Account:
    """Register an account with a key."""
    with database.transaction() as connection:
        uid = accounts.add_account(connection, name="test")
        return Account(uid, accounts.add_key(connection, uid))


@pytest.fixture
def account(database: Database) -> Account:
    """An account of this test."""
    return new_account(database)


@pytest.fixture
def other_account(database: Database) -> Account:
    """Another account."""
    return new_account(database)
