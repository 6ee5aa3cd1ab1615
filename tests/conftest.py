"""Real servers for the whole session, a database of its own for each test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import psutil
import psycopg2
import psycopg2.extras
import pytest
import redis as redis_py

import tasks.ledger.signers  # noqa: F401 - before anything else that brings eth_account
from app import create_app
from app.wiring import wire
from config.database import Database
from config.embedded import Servers
from config.processes import spawn
from config.settings import Settings
from config.stack import free_port
from tasks.migrations.upgrade import upgrade
from tasks.records import voting
from tests.databases import Databases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient

pytest_plugins = [
    "tests.accounts",
    "tests.anvil",
    "tests.browser.absent",
    "tests.callers",
    "tests.chain",
    "tests.elections",
    "tests.node",
    "tests.providers",
    "tests.collector",
    "tests.receiver",
    "tests.screened",
]

TESTS = Path(__file__).parent
ROOT = TESTS.parent
#: Tests that take their time without taking a core.
_WAITING = TESTS / "faults"
JWT_KEY = "a secret of at least thirty-two bytes, for tests only"
SEALING_KEY = "b2xk" * 10 + "b2w="


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files whose tests wait, for leases and servers, among those whose tests compute.

    Run side by side in that order they leave no core idle, and none of them waits alone at the end.
    """
    files = [list(of_one) for _, of_one in groupby(items, key=lambda item: item.path)]
    waiting = [one for one in files if _WAITING in one[0].path.parents]
    computing = [one for one in files if one not in waiting]
    places = sorted([*_places(waiting), *_places(computing)], key=itemgetter(0))
    items[:] = [item for _, of_one in places for item in of_one]


def _places(files: list[list[pytest.Item]]) -> Iterator[tuple[float, list[pytest.Item]]]:
    """Yield files with the middle of the share that each has of all their tests."""
    total, before = sum(map(len, files)), 0
    for one in files:
        yield (before + len(one) / 2) / total, one
        before += len(one)


def wait_until(condition: Callable[[], Any], *, seconds: float = 30.0) -> Any:
    """Return the first true value of a condition; fail when it does not become true."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"did not become true within {seconds} s: {condition}")
        time.sleep(0.02)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL and Redis of this session."""
    with Servers(tmp_path_factory.mktemp("servers")).running() as running:
        yield running


@pytest.fixture(scope="session")
def template(servers: Servers) -> str:
    """The name of a database with every migration and nothing else."""
    upgrade(Settings(database_url=servers.postgres.url, redis_url=servers.redis.url))
    return "jobspine"


@pytest.fixture(scope="session")
def databases(servers: Servers, template: str) -> Databases:
    """Empty databases for the tests of this session."""
    return Databases(servers.postgres, template)


def administer(servers: Servers, statement: str) -> None:
    """Run a statement that no transaction may hold."""
    with contextlib.closing(psycopg2.connect(servers.postgres.url_of("postgres"))) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


@pytest.fixture
def settings(servers: Servers, databases: Databases) -> Iterator[Settings]:
    """The settings of a service with an empty database and an empty Redis."""
    name = databases.take()
    client = redis_py.Redis.from_url(servers.redis.url)
    client.flushall()
    client.close()
    yield Settings(
        database_url=servers.postgres.url_of(name),
        redis_url=servers.redis.url,
        jwt_key=JWT_KEY,
        sealing_keys=(SEALING_KEY,),
        task_modules=("tests.job_types",),
        database_pool=10,
    )
    databases.give_back(name)


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """Return the environment of a process with these settings."""
    return {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "JWT_KEY": settings.jwt_key,
        "SEALING_KEYS": ",".join(settings.sealing_keys),
        "TASK_MODULES": ",".join(settings.task_modules),
        "ACCOUNTS_URL": settings.accounts_url,
        "WEBHOOKS_MAY_BE_PRIVATE": str(settings.webhooks_may_be_private).lower(),
        **more,
    }


class Auditor:
    """Reads the database past the service's own code, and counts what it claims."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Run a query on a connection that the service knows nothing of."""
        try:
            return self._rows(statement, *values)
        except psycopg2.OperationalError:
            if not self._connection.closed:
                raise
        return self._rows(statement, *values)  # the server was away meanwhile

    def _rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg2.connect(self._url)
            self._connection.autocommit = True
        with self._connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(statement, values)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def close(self) -> None:
        """Close its connection, if it has one."""
        if self._connection is not None:
            self._connection.close()

    def one(self, statement: str, *values: Any) -> Any:
        """Return the only column of the only row."""
        (row,) = self.rows(statement, *values)
        (value,) = row.values()
        return value

    def job(self, job_id: str) -> dict[str, Any]:
        """Return the row of a job."""
        (row,) = self.rows("SELECT * FROM jobs WHERE id = %s", job_id)
        return row

    def moves(self, job_id: str) -> list[str]:
        """Return the words of a job's history, oldest first."""
        found = self.rows("SELECT move FROM job_moves WHERE job_id = %s ORDER BY seq", job_id)
        return [row["move"] for row in found]

    def is_over(self, job_id: str) -> bool:
        """Tell whether a job has ended."""
        return self.job(job_id)["finished_at"] is not None


@pytest.fixture
def auditor(settings: Settings) -> Iterator[Auditor]:
    """An auditor of this test's database."""
    made = Auditor(settings.database_url)
    yield made
    made.close()


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """Connections to this test's database."""
    made = Database(settings)
    yield made
    made.close()


@pytest.fixture
def redis(servers: Servers) -> Iterator[redis_py.Redis]:
    """A client of this session's Redis."""
    client = redis_py.Redis.from_url(servers.redis.url)
    yield client
    client.close()


@contextlib.contextmanager
def _as_heard() -> Iterator[None]:
    """Let pytest hear again, after a block, of exceptions in threads and destructors."""
    heard = sys.excepthook, threading.excepthook, sys.unraisablehook
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook, sys.unraisablehook = heard


@pytest.fixture(autouse=True)
def _hooks() -> Iterator[None]:
    """What a test's own code may change, as it configures logs."""
    with _as_heard():
        yield


@pytest.fixture(scope="session")
def application() -> Flask:
    """The API as a WSGI application in this process, not wired to anything that is there."""
    nowhere = Settings(database_url="postgresql://nowhere", redis_url="redis://nowhere")
    with _as_heard():
        return create_app(nowhere)


@pytest.fixture
def app(application: Flask, settings: Settings) -> Iterator[Flask]:
    """The API, wired to this test's database; to make it anew for each test takes longer."""
    wire(application, settings)
    yield application
    application.extensions["jobspine"].database.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the API in this process."""
    return app.test_client()


@dataclass(frozen=True)
class Tenant:
    """An organization and a key that may do everything in its name."""

    address: str
    key: str
    id: int

    @property
    def headers(self) -> dict[str, str]:
        """What a request in its name carries."""
        return {"Authorization": f"Bearer {self.key}"}


def new_tenant(database: Database, *, country: str = "US") -> Tenant:
    """Found an organization with a key."""
    with database.transaction() as connection:
        made = voting.add_organization(connection, subject="admin", country=country)
        key = voting.add_api_key(connection, made.id, name="test", scopes=voting.SCOPES)
    return Tenant(made.address, key, made.id)


@pytest.fixture
def tenant(database: Database) -> Tenant:
    """An organization of this test."""
    return new_tenant(database)


def token(subject: str, **claims: Any) -> str:
    """Sign a JWT for a subject."""
    return jwt.encode({"sub": subject, "exp": time.time() + 600, **claims}, JWT_KEY, "HS256")


class Process:
    """A process of the service, with what it wrote."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self.popen = spawn(command, cwd=ROOT, env=env, stdout=out, stderr=out)
        self.pid = self.popen.pid

    def children(self, *, sweeper: bool = False) -> list[int]:
        """Return the ids of its living children: of those that work, or of the one that sweeps."""
        try:
            return [
                process.pid
                for process in psutil.Process(self.pid).children()
                if process.status() != psutil.STATUS_ZOMBIE
                and (process.name() == "jobspine sweep") is sweeper
            ]
        except psutil.NoSuchProcess:
            return []

    def family(self) -> list[int]:
        """Return the ids of the process and of all its living children."""
        return [self.pid, *self.children(), *self.children(sweeper=True)]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        self.popen.send_signal(number)

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children."""
        for pid in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        """End it, whatever state it is in."""
        self.signal_all(signal.SIGCONT)
        self.popen.terminate()
        try:
            self.popen.wait(15)
        except subprocess.TimeoutExpired:
            self.signal_all(signal.SIGKILL)
            self.popen.wait()


@pytest.fixture
def start_worker(
    settings: Settings, tmp_path: Path, auditor: Auditor
) -> Iterator[Callable[..., Process]]:
    """Start `python -m workers`; keyword arguments are environment variables."""
    started: list[Process] = []

    def start(**more: str) -> Process:
        known = auditor.one("SELECT count(*) FROM workers")
        env = environment(settings, **{"STOP_GRACE_SECONDS": "2", "WORKER_PROCESSES": "2", **more})
        log = tmp_path / f"worker-{len(started)}.log"
        process = Process([sys.executable, "-m", "workers"], env, log)
        started.append(process)
        wanted = known + int(env["WORKER_PROCESSES"])
        wait_until(lambda: auditor.one("SELECT count(*) FROM workers") >= wanted)
        return process

    yield start
    for process in started:  # all of them end at the same time
        process.signal_all(signal.SIGCONT)
        process.popen.terminate()
    for process in started:
        process.stop()


@pytest.fixture
def start_api(settings: Settings, tmp_path: Path) -> Iterator[Callable[..., httpx.Client]]:
    """Start the API under gunicorn and return a client of it; its process is `client.process`."""
    started: list[Any] = []

    def start(**more: str) -> httpx.Client:
        port = str(free_port())
        env = environment(settings, PORT=port, **more)
        command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn"]
        process = Process([*command, "app:create_app()"], env, tmp_path / f"api-{port}.log")
        client: Any = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        client.process = process
        started.append(client)

        def is_ready() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return client.get("/healthz").status_code == 200
            return False

        wait_until(is_ready)
        return client

    yield start
    for client in started:
        client.close()
        client.process.stop()


@pytest.fixture
def with_setting(settings: Settings) -> Callable[..., Settings]:
    """Return this test's settings with something changed."""
    return lambda **changed: replace(settings, **changed)
