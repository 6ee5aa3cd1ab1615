from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.health.examine import examine as look
from tasks.job.declare import discover

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.health.finding import Finding

discover(["tests.job_types"])


@pytest.fixture
def examine(with_setting) -> Callable[..., list[Finding]]:
    """Look at the service of this test, with something set differently."""
    return lambda **changed: list(look(with_setting(**changed)))
