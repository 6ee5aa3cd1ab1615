"""What the fault tests share: an audited API, jobs by the hundred, and files to import."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import pytest

from tasks.job.dispatch import dispatch_one, dispatching
from tasks.job.queue import Ringer
from tests import job_types  # noqa: F401 - declares the types
from tests.conftest import Auditor, Tenant, wait_until
from tests.faults.audit import Audit, Poller, Recorder
from tests.faults.screener import Screener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from config.database import Database
    from config.embedded import Postgres, Redis
    from config.settings import Settings
    from tests.chain import Devchain
    from tests.conftest import Process
    from tests.providers import Provider
    from tests.screened import Service

#: Faults should cost seconds here, not the tens of seconds that they may in production.
QUICK = {"LEASE_SECONDS": "2", "RENEW_SECONDS": "0.5", "SWEEP_SECONDS": "0.5"}


def csv_rows(count: int, *, first: int = 1) -> bytes:
    """Return a file of members with numbers of their own; rows 7 and 11 have something wrong."""
    lines = ["memberNumber,name,surname,email,weight,team"]
    lines += [
        f"{number},Ada {number},Lovelace of {number},a{number}@example.org,1,red"
        for number in range(first, first + count)
    ]
    lines[7] = f"{first + 6},Bob,Seven,no-address,1,red"
    lines[11] = f"{first + 10},too few fields"
    return ("\n".join(lines) + "\n").encode()


@dataclass(frozen=True)
class Member:
    """A client of the API that acts for an organization, and whose answers are recorded."""

    api: httpx.Client
    tenant: Tenant

    @property
    def _path(self) -> str:
        return f"/organizations/{self.tenant.address}/members"

    def send_file(self, content: bytes) -> str:
        """Send a file of members; return the id of the job."""
        headers = {**self.tenant.headers, "Content-Type": "text/csv"}
        response = self.api.post(self._path, content=content, headers=headers)
        assert response.status_code == 200, response.text
        return str(response.json()["jobId"])

    def dispatch(self, number: int) -> httpx.Response:
        """Send one member, which makes the smallest job that HTTP can dispatch."""
        members = [{"memberNumber": str(number), "name": "Ada"}]
        return self.api.post(self._path, json={"members": members}, headers=self.tenant.headers)

    def polling(self, job_id: str) -> Poller:
        """Poll an import for as long as a block."""
        return Poller(self.api, f"{self._path}/job/{job_id}", self.tenant.headers)

    def progress(self, job_id: str) -> dict[str, Any]:
        """Poll an import once."""
        got = self.api.get(f"{self._path}/job/{job_id}", headers=self.tenant.headers)
        return dict(got.json())


@pytest.fixture
def recorder() -> Recorder:
    """What the API answered in this test."""
    return Recorder()


@pytest.fixture
def audit(auditor: Auditor, recorder: Recorder) -> Audit:
    """The audit of this test."""
    return Audit(auditor, recorder)


@pytest.fixture
def start_member(
    start_api: Callable[..., httpx.Client], tenant: Tenant, recorder: Recorder
) -> Callable[..., Member]:
    """Start the API, and return a client that acts for this test's organization."""

    def start(**more: str) -> Member:
        api = start_api(**{"WEB_PROCESSES": "1", **more})
        api.event_hooks = {"response": [recorder.record]}
        return Member(api, tenant)

    return start


@pytest.fixture
def member(start_member: Callable[..., Member]) -> Member:
    """A client of the API that acts for this test's organization."""
    return start_member()


@pytest.fixture
def start_screener(
    start_api: Callable[..., httpx.Client], service: Service, recorder: Recorder
) -> Callable[..., Screener]:
    """Start the API, as often as is said, and return a client that acts for this test's service."""

    def start(apis: int = 1, **more: str) -> Screener:
        clients = [start_api(**{"WEB_PROCESSES": "1", **more}) for _ in range(apis)]
        for client in clients:
            client.event_hooks = {"response": [recorder.record]}
        return Screener(clients, service)

    return start


@pytest.fixture
def screener(start_screener: Callable[..., Screener]) -> Screener:
    """A client of the API that acts for this test's service."""
    return start_screener()


@pytest.fixture
def start_screening(
    start_worker: Callable[..., Process], provider: Provider
) -> Callable[..., Process]:
    """Start workers that know this test's provider, and have little patience with it."""
    known = {"WATCHLIST_URL": provider.url, "WATCHLIST_KEY": "our key"}
    short = {"WATCHLIST_SUBJECT_SECONDS": "1", "WATCHLIST_RUN_SECONDS": "5"}
    return lambda **more: start_worker(**{**QUICK, **known, **short, **more})


@pytest.fixture
def chain(new_devchain: Callable[[], Devchain]) -> Devchain:
    """A chain of this test's own."""
    return new_devchain()


@pytest.fixture
def start_ledger(
    start_worker: Callable[..., Process], chain: Devchain, auditor: Auditor
) -> Callable[..., Process]:
    """Start workers that put things on this test's chain, and wait for the contracts."""
    known = {"CHAIN_RPC_URL": chain.url, "CHAIN_KEYS": chain.key, "CHAIN_PASS_SECONDS": "0.05"}

    def start(**more: str) -> Process:
        process = start_worker(**{**QUICK, **known, **more})
        wait_until(lambda: auditor.one("SELECT count(*) FROM ledger_contracts") == 2)
        return process

    return start


class Jobs:
    """Jobs of this test that come in past HTTP."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._ringer = Ringer(settings)

    def add(self, job_type: str, **payload: Any) -> str:
        """Dispatch one job; return its id."""
        return dispatch_one(self._database, self._ringer, job_type, payload, tenant="test")

    def add_many(self, count: int) -> list[str]:
        """Dispatch so many jobs that do nothing, in one commit; return their ids."""
        with dispatching(self._database, self._ringer) as dispatch:
            return [dispatch.add("noop", {"n": n}, tenant="test") for n in range(count)]


@pytest.fixture
def jobs(settings: Settings, database: Database) -> Jobs:
    """Dispatches jobs past HTTP."""
    return Jobs(settings, database)


class Wait:
    """Waits for what the database says."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor

    def until_over(self, *job_ids: str, seconds: float = 30.0) -> None:
        """Until these jobs have ended; without ids, all jobs."""
        left = "SELECT count(*) FROM jobs WHERE finished_at IS NULL AND (%s OR id = ANY(%s))"
        ids = list(job_ids)
        wait_until(lambda: self._auditor.one(left, not ids, ids) == 0, seconds=seconds)

    def until_claimed(self, job_id: str, *, attempt: int = 1) -> str:
        """Until an attempt at a job is under way; return the name of the worker."""
        held = lambda: self._is_held(job_id, attempt)  # noqa: E731
        return str(wait_until(held))

    def _is_held(self, job_id: str, attempt: int) -> Any:
        job = self._auditor.job(job_id)
        return job["attempts"] == attempt and job["worker"]


@pytest.fixture
def wait(auditor: Auditor) -> Wait:
    """Waits for what the database says."""
    return Wait(auditor)


def process_of(worker: str) -> int:
    """Return the id of a worker's process, which is part of its name."""
    return int(worker.split(".")[-2])


def is_run_by_bell(jobs: Jobs, wait: Wait, auditor: Auditor) -> bool:
    """Dispatch a job and tell whether it began before any idle worker would help itself to it."""
    job = jobs.add("noop", n=1)
    wait.until_over(job)
    asked = "SELECT started_at < created_at + interval '2 seconds' FROM jobs WHERE id = %s"
    return bool(auditor.one(asked, job))


@contextmanager
def away(server: Postgres | Redis) -> Iterator[None]:
    """Stop a server for as long as a block; for other tests' sake it always comes back."""
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Stop processes for as long as a block, as if their machine did not get on."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        go_on(*pids)


def go_on(*pids: int) -> None:
    """Let stopped processes go on."""
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


class Sender(threading.Thread):
    """Dispatches over HTTP all the time, as a busy client does, through every fault."""

    def __init__(self, member: Member) -> None:
        super().__init__(daemon=True)
        self._member = member
        self._enough = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._enough.wait(0.02):
            number += 1
            self._member.dispatch(number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self.join()


def wait_for_more(some: list[Any], count: int = 20) -> None:
    """Wait until a list that is being added to has so many more."""
    wanted = len(some) + count
    wait_until(lambda: len(some) >= wanted)
