"""The threads beside the work: one keeps the claims, one listens where no bell rings."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import redis
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tasks.job import store, upkeep
from tasks.job.declare import JOB_TYPES
from tasks.job.queue import connect, depth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from config.database import Database
    from config.settings import Settings
    from tasks.job.context import Context
    from workers.runner import Runner

log = structlog.get_logger(__name__)

#: How long a due job is left to the bells before an idle worker takes it unasked; seconds.
OVERDUE_SECONDS = 2.0
#: How long bells may wait beside an idle worker before it counts as deaf; seconds.
DEAF_SECONDS = 15.0
#: The exit status of a worker process that found itself deaf.
DEAF_STATUS = 70

_SEEN = text("""
    INSERT INTO workers (id, node, queues, every, skew)
    VALUES (:id, :node, :queues, :every, :clock - extract(epoch FROM clock_timestamp()))
    ON CONFLICT (id) DO UPDATE SET seen_at = now(), ignored = :ignored, skew = excluded.skew,
        astray = :astray,
        claimed_at = CASE WHEN :claims > workers.claims THEN now() ELSE workers.claimed_at END,
        claims = :claims
""")


class Keeper(threading.Thread):
    """Renews, every few seconds, whatever this process holds, and says that it is alive."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        runner: Runner,
        queues: Sequence[str],
        *,
        node: str | None = None,
    ) -> None:
        """Keep for a runner that Celery knows by the name of a node."""
        super().__init__(name="keeper", daemon=True)
        self._node = node
        self._settings = settings
        self._database = database
        self._runner = runner
        self._queues = list(queues)
        self._astray_since: float | None = None
        self._heard = 0

    def run(self) -> None:
        """Renew until the process ends."""
        while True:
            try:
                self._renew()
            except SQLAlchemyError as error:
                # The claims are lost when the lease ends, not when one renewal fails.
                log.warning("renewal_failed", error=type(error).__name__)
            time.sleep(self._settings.renew_seconds)

    def _renew(self) -> None:
        runner = self._runner
        seen = {
            "id": runner.worker,
            "node": self._node,
            "queues": self._queues,
            "claims": runner.claims,
            "ignored": runner.ignored,
            "every": self._settings.renew_seconds,
        }
        current = runner.current
        with self._database.statement() as connection:
            is_held = current is not None and self._renew_claim(connection, current)
            seen |= {"astray": self._astray(is_held=is_held), "clock": time.time()}
            connection.execute(_SEEN, seen)

    def _astray(self, *, is_held: bool) -> float:
        """Return for how long the slot has been taken by something that is no claim; seconds.

        That is work which was lost and does not notice, or a bell that is never answered.
        """
        now, heard = time.monotonic(), self._runner.claims + self._runner.ignored
        if is_held or self._runner.idle or heard != self._heard:
            self._astray_since = None
        elif self._astray_since is None:
            self._astray_since = now
        self._heard = heard
        return 0.0 if self._astray_since is None else now - self._astray_since

    def _renew_claim(self, connection: Connection, current: Context) -> bool:
        """Renew what is at work; tell whether it is still this worker's."""
        renewal = store.renew(connection, current.job, lease=self._settings.lease_seconds)
        if not renewal.is_held:
            # Ended by itself meanwhile, or taken away; either way it must not go on.
            current.lose()
        elif renewal.is_cancelled:
            current.cancel()
        return renewal.is_held


class Scout(threading.Thread):
    """Finds overdue work while the slot is idle: bells were lost, Redis is away, or we are deaf."""

    def __init__(
        self, settings: Settings, database: Database, runner: Runner, queues: Sequence[str]
    ) -> None:
        super().__init__(name="scout", daemon=True)
        self._settings = settings
        self._database = database
        self._runner = runner
        self._queues = list(queues)
        self._waiting_since: float | None = None

    def run(self) -> None:
        """Look until the process ends."""
        client = connect(self._settings, timeout=1.0)
        while True:
            time.sleep(self._settings.sweep_seconds)
            if not self._runner.idle or self._runner.stopping.is_set():
                self._waiting_since = None
                continue
            try:
                while self._help_out():
                    pass
            except SQLAlchemyError as error:
                log.warning("scouting_failed", error=type(error).__name__)
            self._leave_if_deaf(client)

    def _help_out(self) -> bool:
        with self._database.statement() as connection:
            found = upkeep.overdue(
                connection, self._queues, JOB_TYPES, margin=OVERDUE_SECONDS, limit=10
            )
        claimed = [bell for bell in found if self._runner.help_out(bell)]
        return bool(claimed)

    def _leave_if_deaf(self, client: redis.Redis) -> None:
        """Exit when bells wait, the slot is idle and still none is heard: a restart cures that."""
        try:
            waiting = any(depth(client, name) for name in self._queues)
        except (redis.RedisError, OSError):
            waiting = False
        now = time.monotonic()
        if not waiting or not self._runner.idle:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        elif now - max(self._waiting_since, self._runner.heard_at) > DEAF_SECONDS:
            log.error("worker_is_deaf")
            os._exit(DEAF_STATUS)
