"""The machine's own Chromium, driven headless."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

#: What it may be called, and the variable that names another one.
NAMES = ("chromium", "chromium-browser", "google-chrome")
VARIABLE = "CHROMIUM"


def find() -> str | None:
    """Return where a Chromium is, if this machine has one."""
    named = os.environ.get(VARIABLE)
    return shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running() -> Iterator[Browser]:
    """Run it for as long as a block. Whatever is asked for meanwhile must not use asyncio.

    Raises:
        FileNotFoundError: there is none.
    """
    found = find()
    if found is None:
        raise FileNotFoundError(f"no Chromium: not one of {', '.join(NAMES)}, nor ${VARIABLE}")
    # Late: whoever only asks whether there is one need not load what drives it.
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            # Its sandbox refuses root.
            chromium_sandbox=os.geteuid() != 0,
            # The shared memory of a container is too small for it.
            args=["--disable-dev-shm-usage"],
        )
        try:
            yield browser
        finally:
            browser.close()
