"""Makes the pictures: a stack of its own, a day of real jobs, and a browser that looks at them."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from sqlalchemy import text

from bench import chromium
from bench.demo.guide import ROOT
from bench.screenshots import past
from bench.screenshots.work import Work
from config.database import Database
from config.settings import Settings
from config.stack import SAMPLE_LISTS, Stack, procfile
from tasks.records import operators

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

_NAME, _PASSWORD = "ada", "for pictures only"
#: How much of a day's work is before the incident, and after it.
_BEFORE, _AFTER = 100, 12
_PROVIDER = "watchlist-provider"
#: Rows of the import that is seen at work, and when its worker is killed; of a hundred.
_ROWS, _KILLED_AT = 800_000, 30
#: Columns of a picture, and how many of its points each of them has.
_WIDTH, _SCALE = 1280, 1.5
#: Colours of a picture.
_COLOURS = 128
#: How long anything may take; seconds.
_PATIENCE = 300.0
_WAITING = text(
    "SELECT count(*) FROM jobs WHERE worker IS NULL AND due_at <= now() AND finished_at IS NULL"
)
_ATTEMPTS = text("SELECT attempts FROM jobs WHERE id = :id AND worker IS NOT NULL")
_WORKER = text("SELECT worker FROM jobs WHERE id = :id")
_OPEN = text("SELECT count(*) FROM jobs WHERE finished_at IS NULL")
_ALL = text("SELECT count(*) FROM jobs")
_PROGRESS = text("""
    SELECT coalesce(100 * (progress ->> 'read')::bigint / (progress ->> 'total')::bigint, 0)
    FROM jobs WHERE id = :id
""")


class _Scene:
    """A service that has had a day, and is at work."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._database = Database(Settings.from_env(stack.environment), name="screenshots")
        self._work = Work(stack, lambda: self._read(_WAITING), lambda: self._read(_OPEN) == 0)
        with self._database.statement() as connection:
            operators.add(connection, _NAME, password=_PASSWORD, role="operator")

    def prepare(self) -> None:
        """Have a day's work done."""
        parts = [self._do(lambda: self._work.work(_BEFORE))]
        provider = self._stack.processes.pop(_PROVIDER)
        provider.terminate()
        provider.wait()
        parts.append(self._do(self._work.be_befallen))
        self._stack.start(_PROVIDER, procfile()[_PROVIDER])
        parts.append(self._do(lambda: self._work.work(_AFTER)))
        past.spread(self._database, parts)
        _wait_until(lambda: past.is_counted(self._database))

    def _do(self, work: Callable[[], None]) -> int:
        """Have something done; return how many jobs that was."""
        before = self._read(_ALL)
        work()
        return self._read(_ALL) - before

    def be_busy(self) -> str:
        """Have an import at work whose first worker was killed, with more behind; return its id."""
        job = self._work.import_members(_ROWS)
        _wait_until(lambda: self._read(_PROGRESS, id=job) >= _KILLED_AT)
        self._kill_worker_of(job)
        for _ in range(6):
            for do in (self._work.screen, self._work.register, self._work.connect):
                do()
            self._work.import_members(30_000)
        _wait_until(lambda: self._read(_ATTEMPTS, id=job) == 2)
        return job

    def _kill_worker_of(self, job: str) -> None:
        with self._database.statement() as connection:
            worker = connection.execute(_WORKER, {"id": job}).scalar()
        os.kill(int(worker.split(".")[-2]), signal.SIGKILL)  # its name has its process's id

    def _read(self, statement: object, **values: str) -> int:
        with self._database.statement() as connection:
            return int(connection.execute(statement, values).scalar() or 0)


def _sign_in(browser: Browser, url: str) -> Page:
    page = browser.new_page(device_scale_factor=_SCALE, reduced_motion="reduce")
    page.goto(f"{url}/dashboard/sign-in")
    page.get_by_label("Name").fill(_NAME)
    page.get_by_label("Password").fill(_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    return page


def _take(page: Page, url: str, job: str, folder: Path) -> None:
    """Take every picture, all of the same moment as nearly as may be."""
    for name, path, height in (
        ("job", f"jobs/{job}", 820),
        ("jobs", "jobs", 900),
        ("overview", "", 1024),
    ):
        page.set_viewport_size({"width": _WIDTH, "height": height})
        page.goto(f"{url}/dashboard/{path}", wait_until="networkidle")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            _save(page, folder / f"{name}-{scheme}.png")


def _save(page: Page, file: Path) -> None:
    """Keep what is seen, in few colours: that is a third of the size."""
    taken = Image.open(io.BytesIO(page.screenshot()))
    few = taken.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(file, optimize=True)
    print(f"{file}  {file.stat().st_size / 1024:.0f} KiB", flush=True)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come to that in time")
        time.sleep(0.1)


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(prog="python -m bench.screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "images")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    # Ended from outside, everything is still taken down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with (
        tempfile.TemporaryDirectory(prefix="jobspine-screenshots-") as data,
        Stack(Path(data), LISTS_FOLDER=str(SAMPLE_LISTS), WORKER_PROCESSES="4").running() as stack,
    ):
        scene = _Scene(stack)
        scene.prepare()
        with chromium.running() as browser:
            page = _sign_in(browser, stack.url)
            _take(page, stack.url, scene.be_busy(), folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
