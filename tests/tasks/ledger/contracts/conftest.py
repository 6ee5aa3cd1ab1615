from __future__ import annotations

import pytest

from tests.tasks.ledger.evm import Evm


@pytest.fixture
def processes() -> Evm:
    """An EVM with a process registry, where nothing has happened."""
    return Evm("ProcessRegistry")


@pytest.fixture
def credentials() -> Evm:
    """An EVM with a credential registry, where nothing has happened."""
    return Evm("CredentialRegistry")
