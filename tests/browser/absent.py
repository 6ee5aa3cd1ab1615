"""Says, last of all, that the browser tests were not run, where that is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench import chromium

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = "tests/browser/"
#: Set to `required` where a missing browser is a failure and no reason to skip.
VARIABLE = "BROWSER_TESTS"
REASON = "no Chromium"


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Say it below everything that pytest has to say."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a process that another one reports for
        return
    skipped: Sequence[Any] = reporter.stats.get("skipped", ())
    count = sum(one.nodeid.startswith(FOLDER) and REASON in str(one.longrepr) for one in skipped)
    if count:
        reporter.write_line(
            f"\nThe {count} browser tests were NOT run: there is no Chromium on this machine.\n"
            "To run them, install one (apt-get install chromium) or name one in "
            f"{chromium.VARIABLE}, then:\n    .venv/bin/python -m pytest {FOLDER}\n"
            f"With {VARIABLE}=required a missing Chromium is a failure, as it is in .ci/run.",
            yellow=True,
        )
