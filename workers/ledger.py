"""The thread that looks after chain transactions, in one worker's sweeper at a time."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import redis
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tasks.clients.ledger import NodeAway, NodeRefused
from tasks.job.queue import connect, ring
from tasks.ledger.deployment import ContractDiffers, deploy
from tasks.ledger.engine import open_ledger
from tasks.ledger.settlement import Settlement
from tasks.ledger.signers import SignersFaulty
from tasks.records.ledger import ChainDiffers

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from config.database import Database
    from config.settings import Settings
    from tasks.ledger.engine import Ledger

log = structlog.get_logger(__name__)

#: How long this waits after something went wrong, or while somebody else is at it; seconds.
PAUSE = 1.0
#: What no restart of this thread mends.
FAULTS = (ChainDiffers, SignersFaulty, ContractDiffers)

#: One thread in all, so that they do not send the same twice; the lock ends with the session.
_LOCK = text("SELECT pg_try_advisory_lock(7310584)")


class LedgerWatch(threading.Thread):
    """Deploys our contracts if they are missing, then settles and pushes transactions."""

    def __init__(self, settings: Settings, database: Database, stopping: threading.Event) -> None:
        super().__init__(name="ledger", daemon=True)
        self._settings = settings
        self._database = database
        self._stopping = stopping
        self._redis = connect(settings, timeout=1.0)

    def run(self) -> None:
        """Watch until the process stops."""
        while not self._stopping.is_set():
            try:
                with self._database.statement() as connection:
                    self._watch(connection)
            except (NodeAway, NodeRefused) as away:
                log.warning("ledger_waits", reason=str(away))
            except FAULTS as fault:
                log.error("ledger_faulty", reason=str(fault))  # noqa: TRY400 - it says it all
            except SQLAlchemyError as error:
                log.warning("ledger_interrupted", error=type(error).__name__)
            except Exception as error:
                log.exception("ledger_failed", exc_info=error)
            self._stopping.wait(PAUSE)

    def _watch(self, lock: Connection) -> None:
        """Watch for as long as the session of the lock lives and the node answers."""
        if not lock.execute(_LOCK).scalar_one():
            return
        try:
            ledger = open_ledger(self._settings, self._database)
            settlement = Settlement(self._settings, self._database, ledger)
            is_deployed = False
            while not self._stopping.wait(self._settings.chain_pass_seconds):
                lock.execute(text("SELECT 1"))
                is_deployed = is_deployed or deploy(self._database, ledger)
                self._ring(settlement)
        finally:
            lock.invalidate()  # the session ends here, and the lock with it

    def _ring(self, settlement: Settlement) -> None:
        bells = settlement.once()
        if bells:
            log.info("woken", jobs=[bell.id for bell in bells])
            with contextlib.suppress(redis.RedisError, OSError):  # then the sweep rings
                ring(self._redis, bells)


def check(settings: Settings, database: Database) -> Ledger | None:
    """Make sure that the configured chain is the right one; None if the node is away.

    Raises:
        ChainDiffers, SignersFaulty: it is not, or nobody can sign.
    """
    try:
        return open_ledger(settings, database)
    except (NodeAway, SQLAlchemyError) as away:
        log.warning("ledger_unchecked", reason=type(away).__name__)
        return None
