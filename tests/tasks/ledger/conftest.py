"""The ledger within a test's process, on a real chain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tasks.job.dispatch import dispatching
from tasks.job.queue import Ringer
from tasks.ledger import engine
from tasks.ledger.ballots import address_of
from tasks.ledger.deployment import deploy
from tasks.ledger.settlement import Settlement
from tests import job_types  # noqa: F401 - declares the types
from tests.conftest import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from config.database import Database
    from config.settings import Settings
    from tasks.job.record import Job
    from tests.chain import Devchain
    from tests.conftest import Auditor


class Bench:
    """A database whose jobs and transactions get on when a test says so."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        auditor: Auditor,
        perform: Callable[[str], Job],
    ) -> None:
        self.perform = perform
        self._database = database
        self._auditor = auditor
        self._ringer = Ringer(settings)
        #: The one that jobs find in this process.
        self.ledger = engine._opened(settings, database)
        self.settlement = Settlement(settings, database, self.ledger)

    def deploy(self) -> None:
        """Bring the contracts on chain."""
        wait_until(lambda: self.settle() or deploy(self._database, self.ledger))

    def add(self, name: str, *, tenant: str = "test") -> str:
        """Dispatch a job that puts a name on chain; return its id."""
        with dispatching(self._database, self._ringer) as dispatch:
            return dispatch.add("inscribes", {"name": name}, tenant=tenant)

    def begin(self, *names: str, tenant: str = "test") -> list[str]:
        """Dispatch a job for each name and run it once; return their ids."""
        jobs = [self.add(name, tenant=tenant) for name in names]
        for job in jobs:
            self.perform(job)
        return jobs

    def settle(self) -> None:
        """Look after all transactions once, and let the jobs that are woken go on."""
        for bell in self.settlement.once():
            self.perform(bell.id)

    def until_over(self, *job_ids: str) -> list[str]:
        """Go on until jobs have ended; return how."""
        wait_until(lambda: self.settle() or all(map(self._auditor.is_over, job_ids)))
        return [self._auditor.job(job)["state"] for job in job_ids]

    def nonces(self) -> list[tuple[int, str]]:
        """Return every nonce that was given out, and what became of it."""
        rows = self._auditor.rows("SELECT nonce, state FROM ledger_transactions ORDER BY nonce")
        return [(row["nonce"], row["state"]) for row in rows]


@pytest.fixture
def node_url(devchain: Devchain) -> str:
    """Where the node of this test is."""
    return devchain.url


@pytest.fixture
def keys(devchain: Devchain) -> tuple[str, ...]:
    """The keys of two funded accounts of this test's own, in the order of their addresses."""
    made = [devchain.new_key() for _ in range(2)]
    return tuple(sorted(made, key=lambda key: address_of(bytes.fromhex(key))))


@pytest.fixture
def settings(settings: Settings, node_url: str, keys: tuple[str, ...]) -> Settings:
    """Settings of a service that knows a chain, and has little patience with it."""
    return replace(
        settings,
        chain_rpc_url=node_url,
        chain_keys=keys,
        chain_stuck_seconds=0.3,
        chain_give_up_seconds=0.3,
    )


@pytest.fixture
def undeployed(
    settings: Settings, database: Database, auditor: Auditor, perform: Callable[[str], Job]
) -> Iterator[Bench]:
    """The ledger of this test, as it is at its very beginning."""
    made = Bench(settings, database, auditor, perform)
    with made.ledger.node:
        yield made
    engine._opened.cache_clear()


@pytest.fixture
def bench(undeployed: Bench) -> Bench:
    """The ledger of this test, its contracts deployed."""
    undeployed.deploy()
    return undeployed
