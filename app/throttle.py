"""How often a client may call: counted in Redis, and not at all while that is away."""

from __future__ import annotations

import math
import time
from functools import cached_property
from typing import TYPE_CHECKING

import structlog

from tasks.job.queue import connect

if TYPE_CHECKING:
    from limits.strategies import MovingWindowRateLimiter

    from config.settings import Settings

log = structlog.get_logger(__name__)

#: How long a request waits for Redis, and how long Redis is left alone after it failed; seconds.
_TIMEOUT, _PAUSE = 0.1, 1.0


class Throttle:
    """Counts the requests of each client in a window that moves."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._resume_at = 0.0

    @cached_property
    def _limiter(self) -> MovingWindowRateLimiter:
        # Late: other APIs do without it.
        from limits.storage import RedisStorage  # noqa: PLC0415
        from limits.strategies import MovingWindowRateLimiter  # noqa: PLC0415

        pool = connect(self._settings, timeout=_TIMEOUT).connection_pool
        storage = RedisStorage("redis://", pool, key_prefix="rate", wrap_exceptions=True)
        return MovingWindowRateLimiter(storage)

    def again_after(self, rate: str, client: str) -> int:
        """Count a request; return 0 if it may go on, or in how many seconds the next one may.

        `rate` is a number a second, minute, hour or day, as `1200/minute`.
        """
        from limits import parse  # noqa: PLC0415
        from limits.errors import StorageError  # noqa: PLC0415

        if time.monotonic() < self._resume_at:
            return 0
        limit = parse(rate)
        try:
            if self._limiter.hit(limit, client):
                return 0
            ends_at = self._limiter.get_window_stats(limit, client).reset_time
        except StorageError as away:
            log.warning("rate_not_limited", error=type(away.storage_error).__name__)
            self._resume_at = time.monotonic() + _PAUSE
            return 0
        return max(1, math.ceil(ends_at - time.time()))
