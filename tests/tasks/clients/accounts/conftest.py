from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.clients.accounts.directory import PROVIDERS, connector
from tasks.clients.accounts.protocol import AccountFailed, Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.clients.accounts.protocol import Connector
    from tests.accounts import Login, Sandbox


@pytest.fixture
def adp(sandbox: Sandbox):
    """A payroll provider of the sandbox."""
    with connector(PROVIDERS["adp"], sandbox.url, seconds=5) as made:
        yield made


@pytest.fixture
def bank(sandbox: Sandbox):
    """A bank of the sandbox."""
    with connector(PROVIDERS["harbour_bank"], sandbox.url, seconds=5) as made:
        yield made


def credentials(login: Login, **more: str) -> Credentials:
    """Return what an account is signed in to with."""
    return Credentials(**{"username": login.username, "password": login.password, **more})


def documented(password: str, username: str = "error.user") -> Credentials:
    """Return a login that the income API documents for its sandbox."""
    return Credentials(username=username, password=password)


def failure(act: Callable[..., Any], *given: Any) -> tuple[str, str]:
    """Return the word and the text of a failure."""
    with pytest.raises(AccountFailed) as failed:
        act(*given)
    return failed.value.word, str(failed.value)


def signed_in(connector: Connector, login: Login) -> Any:
    """Sign in to an account that asks for no code."""
    return connector.login(credentials(login))
