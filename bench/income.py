"""income: account connections to their end, and what those cost that wait for a code."""

from __future__ import annotations

import base64
import contextlib
import os
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx

from bench.bed import PROCESSES, wait_until
from bench.report import Table, number
from config.stack import free_port
from tasks.records import income_clients

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psutil

    from bench.__main__ import Scale
    from bench.bed import Bed

#: Accounts that are connected, and tasks that wait for a code at the same time.
_CONNECTIONS, _WAITING = 100, 2_000
_QUICK = 5, 20
#: Logins that are under way at the same time.
_CONCURRENCY = 8
_TABLES = ("jobs", "job_moves", "links", "bridge_tokens", "account_tasks", "account_secrets")


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Connect accounts, then have many wait for a code and connect as many again beside them."""
    connections, waiting = (_CONNECTIONS, _WAITING) if scale.job_rounds > 1 else _QUICK
    port = free_port()
    environment = {
        "SANDBOX_PROVIDER_PORT": str(port),
        "ACCOUNTS_URL": f"http://127.0.0.1:{port}",
        "SEALING_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "INCOME_RATE": "1000000/minute",
    }
    command = ["gunicorn", "--config", "python:config.gunicorn_sandbox"]
    with (
        bed.process([*command, "tasks.providers.sandbox.web:create_app()"], **environment),
        bed.workers(**environment) as (worker,),
        bed.api(**environment) as api,
    ):
        wait_until(lambda: _answers(environment["ACCOUNTS_URL"]), "the provider answers")
        with _client(bed, api) as client:
            alone = _connect(bed, client, connections)
            before = _state(bed, worker)
            _log_in(client, "mfa", waiting)
            wait_until(lambda: _in_stage(bed, "mfa") == waiting, "all wait for a code")
            after = _state(bed, worker)
            beside = _connect(bed, client, connections)
    bed.clear()
    rates = {"nobody else waits": alone, f"beside {waiting:,} that wait for a code": beside}
    grown = (after[0] - before[0], (after[1] - before[1]) / waiting)
    yield _table(connections, rates, grown, held=after[2])


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=2):
        return True
    return False


def _client(bed: Bed, port: int) -> httpx.Client:
    """Return a client of the income API."""
    with bed.database.statement() as connection:
        client_id, secret = income_clients.add(connection, name="bench")
    headers = {"X-Access-Client-Id": client_id, "X-Access-Secret": secret}
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60)


def _log_in(client: httpx.Client, password: str, count: int) -> None:
    """Log so many people in, each with a user and a bridge token of their own."""

    def one(_: int) -> None:
        user = _post(client, "/v1/users/", external_user_id="bench")["id"]
        token = _post(client, f"/v1/users/{user}/tokens/", product_type="income")["bridge_token"]
        login = {"provider_id": "adp", "username": "goodlogin", "password": password}
        _post(client, "/v1/bridge/login/", bridge_token=token, **login)

    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        list(pool.map(one, range(count)))


def _post(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(path, json=body)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _connect(bed: Bed, client: httpx.Client, count: int) -> tuple[float, float]:
    """Return connections and documents per second, from the first login to the last end."""
    done, documents = _done(bed), _documents(bed)
    began = time.monotonic()
    _log_in(client, "goodpassword", count)
    wait_until(lambda: _done(bed) == done + count, "the connections end")
    took = time.monotonic() - began
    return count / took, (_documents(bed) - documents) / took


def _done(bed: Bed) -> int:
    ((done,),) = bed.sql("SELECT count(*) FROM jobs WHERE state = 'completed'")
    return int(done)


def _documents(bed: Bed) -> int:
    ((documents,),) = bed.sql("SELECT count(*) FROM income_documents")
    return int(documents)


def _in_stage(bed: Bed, stage: str) -> int:
    asked = "SELECT count(*) FROM jobs WHERE stage = %s AND worker IS NULL AND finished_at IS NULL"
    ((waiting,),) = bed.sql(asked, stage)
    return int(waiting)


def _state(bed: Bed, worker: psutil.Process) -> tuple[float, float, int]:
    """Return the bytes of the workers and of the tables, and how many jobs workers hold."""
    family = [worker, *worker.children(recursive=True)]
    memory = sum(one.memory_full_info().pss for one in family)
    ((size,),) = bed.sql(
        "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s) AS name", list(_TABLES)
    )
    ((held,),) = bed.sql("SELECT count(*) FROM jobs WHERE worker IS NOT NULL")
    return float(memory), float(size), int(held)


def _table(
    connections: int,
    rates: dict[str, tuple[float, float]],
    grown: tuple[float, float],
    *,
    held: int,
) -> Table:
    return Table(
        f"income: {connections} connections to a payroll portal, {PROCESSES} worker processes",
        ["", "connections/s", "documents/s"],
        [[name, *map(number, pair)] for name, pair in rates.items()],
        [
            f"Those that wait hold {held} slots; the workers grew by {grown[0] / 2**20:.1f} MB.",
            f"PostgreSQL keeps {grown[1] / 1024:.1f} kB for each of them.",
        ],
    )
