"""income: accounts connected and documents read, and what tasks cost that wait for a code."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import time
import urllib.request
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from bench.bed import PROCESSES, wait_until
from bench.report import Table, number, spread
from config.sealing import seal
from config.stack import free_port
from tasks.clients.accounts.directory import PROVIDERS, connector
from tasks.clients.accounts.protocol import Credentials, Session
from tasks.connecting.collecting import read
from tasks.job.declare import discover
from tasks.job.dispatch import dispatching
from tasks.job.queue import Ringer
from tasks.records import (
    income_clients,
    income_links,
    income_secrets,
    income_tasks,
    income_users,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psutil

    from bench.__main__ import Scale
    from bench.bed import Bed
    from config.settings import Settings
    from tasks.job.dispatch import Dispatch

_GOOD, _WITH_CODE = ("goodlogin", "goodpassword"), ("goodlogin", "mfa")
#: Pay statements of the account that is connected.
_STATEMENTS = 26
#: How often all of them are read for the rate of one process, at the most.
_READINGS = 20
_TABLES = ("jobs", "job_moves", "account_tasks", "account_secrets", "links")


class Waiting(NamedTuple):
    """What it came to that tasks wait for a code."""

    count: int
    #: Jobs that a worker holds.
    slots: int
    #: Memory of all worker processes before and after; bytes.
    before: int
    after: int
    #: What the database grew by; bytes.
    kept: int
    #: How long a connection took before and beside them; seconds.
    alone: float
    beside: float


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Connect accounts by the hundred, read their statements, and have thousands wait."""
    discover()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    key = base64.urlsafe_b64encode(os.urandom(32)).decode()
    settings = replace(bed.settings, sealing_keys=(key,))
    environment = {
        "SANDBOX_PROVIDER_PORT": str(port),
        "ACCOUNTS_URL": url,
        "SEALING_KEYS": key,
    }
    command = ["gunicorn", "--config", "python:config.gunicorn_sandbox"]
    with bed.process([*command, "tasks.providers.sandbox.web:create_app()"], **environment):
        wait_until(lambda: _answers(url), "the provider answers")
        readings = _read(url, 1 if scale.job_rounds == 1 else _READINGS)
        with bed.workers(**environment) as workers:
            rounds = [
                _connect(bed, settings, _GOOD, scale.connections)
                for _ in range(scale.job_rounds + 1)
            ][1:]
            waiting = _wait(bed, settings, workers[0], scale.waiting)
    bed.clear()
    bed.sql("TRUNCATE income_clients CASCADE")
    yield _rates(scale.connections, rounds, readings)
    yield _waits(waiting)


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"{url}/healthz", timeout=2).close()
        return True
    return False


def _read(url: str, times: int) -> list[float]:
    """Return how many pay statements one process reads from memory; a second."""
    credentials = Credentials(username=_GOOD[0], password=_GOOD[1])
    with connector(PROVIDERS["adp"], url, seconds=10) as portal:
        session = portal.login(credentials)
        assert isinstance(session, Session), "this login needs no code"
        documents = [(one, portal.fetch(session, one)) for one in portal.documents(session)]
    rates = []
    for _ in range(times):
        began = time.perf_counter()
        for document, body in documents:
            assert isinstance(body, bytes), "they are ready"
            read(document, body)
        rates.append(len(documents) / (time.perf_counter() - began))
    return rates


def _connect(bed: Bed, settings: Settings, login: tuple[str, str], count: int) -> float:
    """Connect so many accounts; return the seconds from the first dispatch to the last end."""
    began = time.time()
    _log_in(bed, settings, login, count)
    left = "SELECT count(*) FROM jobs WHERE finished_at IS NULL"
    wait_until(lambda: bed.sql(left) == [(0,)], "the accounts are connected")
    ((ended, bad),) = bed.sql(
        "SELECT extract(epoch FROM max(finished_at)), count(*) FILTER (WHERE state <> 'completed')"
        " FROM jobs"
    )
    assert bad == 0, "every connection is done"
    bed.clear()
    return float(ended) - began


def _log_in(bed: Bed, settings: Settings, login: tuple[str, str], count: int) -> None:
    with dispatching(bed.database, Ringer(bed.settings)) as dispatch:
        client, _ = income_clients.add(dispatch.connection)
        person = dict.fromkeys(("first_name", "last_name", "email", "phone"))
        user = income_users.add(dispatch.connection, client, {"external_user_id": "x", **person})
        for _ in range(count):
            _begin(dispatch, settings, client, user.id, login)


def _begin(
    dispatch: Dispatch, settings: Settings, client: str, user: str, login: tuple[str, str]
) -> None:
    """Dispatch what a login at the API dispatches."""
    given = {"username": login[0], "password": login[1], "company": ""}
    link = income_links.add(
        dispatch.connection, user_id=user, provider_id="adp", product_type="income"
    )
    job = dispatch.add("account_connection", {"link": link}, tenant=client)
    income_tasks.add(
        dispatch.connection,
        job,
        client_id=client,
        user_id=user,
        link_id=link,
        product_type="income",
    )
    sealed = seal(settings, json.dumps(given).encode())
    income_secrets.add(dispatch.connection, job, credentials=sealed)


def _wait(bed: Bed, settings: Settings, parent: psutil.Process, count: int) -> Waiting:
    """Have so many tasks wait for a code, and connect an account beside them."""
    alone = median(_connect(bed, settings, _GOOD, 1) for _ in range(5))
    before, size = _memory(parent), _size(bed)
    _log_in(bed, settings, _WITH_CODE, count)
    parked = "SELECT count(*) FROM jobs WHERE stage = 'mfa' AND worker IS NULL"
    wait_until(lambda: bed.sql(parked) == [(count,)], "all of them wait")
    ((slots,),) = bed.sql("SELECT count(*) FROM jobs WHERE worker IS NOT NULL")
    after, kept = _memory(parent), _size(bed) - size
    beside = median(_one_more(bed, settings) for _ in range(5))
    return Waiting(count, slots, before, after, kept, alone, beside)


def _one_more(bed: Bed, settings: Settings) -> float:
    """Connect one account beside those that wait; return the seconds that it took."""
    _log_in(bed, settings, _GOOD, 1)
    asked = (
        "SELECT extract(epoch FROM finished_at - created_at) FROM jobs ORDER BY seq DESC LIMIT 1"
    )
    wait_until(lambda: bed.sql(asked)[0][0] is not None, "it is connected")
    return float(bed.sql(asked)[0][0])


def _memory(parent: psutil.Process) -> int:
    """Return what the workers hold together; bytes."""
    return sum(one.memory_info().rss for one in (parent, *parent.children(recursive=True)))


def _size(bed: Bed) -> int:
    ((size,),) = bed.sql(f"SELECT {' + '.join(f'pg_total_relation_size({t!r})' for t in _TABLES)}")
    return int(size)


def _rates(count: int, rounds: Sequence[float], readings: Sequence[float]) -> Table:
    rates = [count / seconds for seconds in rounds]
    return Table(
        f"income: accounts with {_STATEMENTS} pay statements each, {PROCESSES} worker processes",
        ["", "a second"],
        [
            ["accounts, dispatch to done", spread(rates)],
            ["pay statements fetched, read and kept", spread(rates, _STATEMENTS)],
            ["pay statements read from memory, one process", spread(readings)],
        ],
        [f"{count} accounts a round, at the sandbox provider on the same machine."],
    )


def _waits(found: Waiting) -> Table:
    megabyte = 1024 * 1024
    return Table(
        f"income: {found.count:,} tasks that wait for a code",
        ["", ""],
        [
            ["worker slots that they hold", str(found.slots)],
            ["the workers' memory before", f"{found.before / megabyte:.0f} MiB"],
            ["the workers' memory beside them", f"{found.after / megabyte:.0f} MiB"],
            ["the database, each", f"{found.kept / found.count / 1024:.1f} KiB"],
            ["an account connected before", f"{found.alone * 1e3:.0f} ms"],
            ["an account connected beside them", f"{found.beside * 1e3:.0f} ms"],
        ],
        [f"{number(found.count)} logins, each asked for a code by the provider."],
    )
