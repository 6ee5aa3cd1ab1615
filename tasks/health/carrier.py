"""Redis: whether it can be reached, and keeps bells until they are heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

from tasks.health.finding import Finding, fail, ok, warn
from tasks.job.queue import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.settings import Settings

_OLDEST = (6, 2)
#: How long it may take to answer; seconds.
_PATIENCE = 1.0
#: The share of its memory at which somebody should know.
_FULL = 0.9
_MIB = 1024 * 1024
_SLOWLY = "jobs go on, more slowly"


def carrier(settings: Settings) -> Iterator[Finding]:
    """Check the version, and what happens when memory runs out."""
    try:
        with connect(settings, timeout=_PATIENCE) as client:
            client.ping()
            found: dict[str, Any] = _info(client)
    except (redis.RedisError, OSError, ValueError) as away:
        yield _unreachable(away)
        return
    if not found:
        yield warn("redis", "answers, and may not be asked how it is", "allow the command INFO")
        return
    version = str(found.get("redis_version", "0"))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST:
        yield fail("redis", f"is of version {version}", "upgrade it to 6.2 or newer")
    else:
        yield ok("redis", f"version {version} answers")
    yield _memory(found)


class Away(Exception):
    """Redis cannot be reached."""


def clock(settings: Settings) -> float:
    """Return what time it is there.

    Raises:
        Away: nobody says so.
    """
    try:
        with connect(settings, timeout=_PATIENCE) as client:
            told: Any = client.time()
    except (redis.RedisError, OSError, ValueError):
        raise Away from None
    seconds, micros = told
    return int(seconds) + int(micros) / 1e6


def _info(client: redis.Redis) -> dict[str, Any]:
    try:
        found: Any = client.info()
    except redis.exceptions.NoPermissionError:
        return {}
    return dict(found)


def _unreachable(away: Exception) -> Finding:
    if isinstance(away, redis.AuthenticationError):
        return fail("redis", f"refuses the password; {_SLOWLY}", "correct REDIS_URL")
    if isinstance(away, redis.exceptions.BusyLoadingError):
        return warn("redis", f"is reading what it kept; {_SLOWLY}", "wait")
    if isinstance(away, redis.TimeoutError):
        advice = "look at the network between here and there"
        return fail("redis", f"does not answer in time; {_SLOWLY}", advice)
    return fail("redis", f"cannot be reached; {_SLOWLY}", "start it, or correct REDIS_URL")


def _memory(found: dict[str, Any]) -> Finding:
    used, most = int(found.get("used_memory", 0)), int(found.get("maxmemory", 0))
    policy, evicted = found.get("maxmemory_policy", "noeviction"), found.get("evicted_keys", 0)
    size = f"{used / _MIB:.0f} MiB"
    told = f"{size} of {most / _MIB:.0f} MiB" if most else f"{size}, no limit"
    if most and used >= most * _FULL:
        return warn(
            "redis memory", f"{told} are in use", "raise maxmemory, or see why bells are not heard"
        )
    if policy != "noeviction":
        lost = f", {evicted} keys so far" if evicted else ""
        return warn(
            "redis memory",
            f"{told}; {policy} throws bells away when that is full{lost}",
            "set maxmemory-policy noeviction; a bell that is lost is rung again after seconds",
        )
    return ok("redis memory", f"{told}, nothing is evicted")
