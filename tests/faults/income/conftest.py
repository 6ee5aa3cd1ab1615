"""What the fault tests of account connections share: workers that do nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.connected import http, perform, settings_with_accounts, who
from tests.faults.conftest import QUICK

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Auditor, Process
    from tests.connected import Client

__all__ = ["http", "perform", "settings_with_accounts", "who"]


@pytest.fixture
def start_connecting(start_worker: Callable[..., Process]) -> Callable[..., Process]:
    """Start a worker that connects accounts, and leaves webhooks to others."""
    # Only processes are killed here, and their parent sees that: nobody waits for a lease.
    alone = {"WORKER_PROCESSES": "3", "WORKER_QUEUES": "income", "LEASE_SECONDS": "60"}
    return lambda **more: start_worker(**{**QUICK, **alone, **more})


@pytest.fixture
def hook(who: Client) -> None:
    """Have somebody told of every status; nobody has to listen."""
    hook = {"name": "test", "webhook_url": "http://127.0.0.1:9/", "env_type": "sandbox"}
    assert who.post("/v1/webhooks/", hook).status_code == 201


def told(auditor: Auditor, task: str) -> list[str]:
    """Return what webhooks are told of a task, in its order."""
    asked = "SELECT data->>'status' AS word FROM webhook_deliveries WHERE about = %s ORDER BY seq"
    return [row["word"] for row in auditor.rows(asked, task)]
