"""screening: what it costs to screen a subject over the full lists, and a company of a hundred."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import urllib.request
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.bed import wait_until
from bench.load import Load
from bench.report import Table, number
from config.stack import free_port, lists_folder
from tasks.clients.watchlists import Dilisense, Subject
from tasks.job.declare import discover
from tasks.job.dispatch import dispatch_one
from tasks.job.queue import Ringer
from tasks.providers.watchlists.un import read_un
from tasks.records import services, verifications

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.__main__ import Scale
    from bench.bed import Bed

#: Stakeholders of the company whose run is timed.
_STAKEHOLDERS = 100
_KEY = "bench"
_CONCURRENCY = 16


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Ask about names, one at a time and many, and run a company end to end."""
    discover()
    folder = lists_folder()
    names = _names(folder)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "LISTS_FOLDER": str(folder),
        "WATCHLIST_KEY": _KEY,
        "WATCHLIST_PROVIDER_PORT": str(port),
        "WATCHLIST_URL": url,
    }
    command = ["gunicorn", "--config", "python:config.gunicorn_watchlists"]
    with bed.process([*command, "tasks.providers.watchlists.web:create_app()"], **environment):
        wait_until(lambda: _answers(url), "the provider answers")
        alone = asyncio.run(_ask(url, names[: scale.screenings], 1))
        crowd = asyncio.run(_ask(url, names[: scale.screenings], _CONCURRENCY))
        with bed.workers(**environment):
            runs = [_run(bed, names) for _ in range(scale.job_rounds + 1)][1:]
    bed.clear()
    yield _table(alone, crowd, runs, folder)


def _names(folder: Path) -> list[str]:
    """Return names of which half are on a list and half are put together from such."""
    entries, _ = read_un((folder / "un" / "consolidated.xml").read_bytes())
    listed = [entry.name for entry in entries if entry.entity_type == "INDIVIDUAL"]
    parts = sorted({part for name in listed for part in name.split()})
    chance = random.Random(1)
    mixed = [f"{chance.choice(parts)} {chance.choice(parts)}" for _ in listed]
    names = [*listed, *mixed]
    chance.shuffle(names)
    return names


async def _ask(url: str, names: list[str], concurrency: int) -> Load:
    """Ask about every name as a run does; return how long each took."""
    slots = asyncio.Semaphore(concurrency)
    took: list[float] = []

    async def ask(name: str) -> None:
        async with slots:
            began = time.perf_counter()
            subject = Subject(id=name, name=name, is_person=True, date_of_birth=None)
            await client.check(subject)
            took.append(time.perf_counter() - began)

    async with Dilisense(url, _KEY, try_seconds=30, connections=concurrency) as client:
        began = time.perf_counter()
        await asyncio.gather(*(ask(name) for name in names))
        return Load(time.perf_counter() - began, took)


def _run(bed: Bed, names: list[str]) -> float:
    """Return how long a company takes from its dispatch to its end; seconds."""
    given: dict[str, Any] = {
        "country": "",
        "type": "company",
        "sub_type": "",
        "name": "Example Holdings Ltd",
        "date_of_birth": None,
        "identifiers": {},
        "addresses": {},
        "ownership_layers": 0,
        "owners_identified": True,
        "rescreen_days": None,
    }
    blank = {"type": "individual", "role": "director", "country": "", "identifiers": {}}
    people = [{**blank, "name": name, "date_of_birth": None} for name in names[:_STAKEHOLDERS]]
    with bed.database.transaction() as connection:
        uid = services.add_service(connection)
        made = verifications.add(connection, uid, given, people)
    payload = {"verification": made.id, "source_action": "system"}
    began = time.time()
    job = dispatch_one(bed.database, Ringer(bed.settings), "watchlist", payload, tenant=uid)
    ended = "SELECT extract(epoch FROM finished_at) FROM jobs WHERE id = %s AND state = 'completed'"
    found: list[tuple[Any, ...]] = []

    def is_over() -> bool:
        found.extend(row for row in bed.sql(ended, job) if row[0])
        return bool(found)

    wait_until(is_over, "the run ends")
    return float(found[0][0]) - began


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"{url}/healthz", timeout=2).close()
        return True
    return False


def _table(alone: Load, crowd: Load, runs: list[float], folder: Path) -> Table:
    rows = [
        [
            f"a subject, {how}",
            number(load.rate),
            f"{load.quantile(0.5) * 1e3:.1f}",
            f"{load.quantile(0.95) * 1e3:.1f}",
        ]
        for how, load in (("one at a time", alone), (f"{_CONCURRENCY} at a time", crowd))
    ]
    took = median(runs)
    rows.append(
        [
            f"a company of {_STAKEHOLDERS}, dispatch to completed",
            number((_STAKEHOLDERS + 1) / took),
            f"{took * 1e3:.0f}",
            f"{max(runs) * 1e3:.0f}",
        ]
    )
    return Table(
        "screening: over HTTP, by one process of the provider",
        ["", "subjects/s", "p50 ms", "p95 ms"],
        rows,
        [f"Lists: {folder.name}. Half of the names are on a list. For the company: median, worst."],
    )
