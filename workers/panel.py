"""What `celery inspect` is told of a worker: the job that it really runs, and how many it has.

Celery knows of the bells that it handed over itself, which are few, see docs/decisions.md.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from celery.worker import control

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.runner import Runner

_celerys_active, _celerys_stats = control.active, control.stats


def answer(runner_here: Callable[[], Runner | None]) -> None:
    """Answer for the runner of this process; under a pool of processes Celery itself answers."""

    @control.inspect_command(name="active", alias="dump_active")  # type: ignore[untyped-decorator]
    def active(state: Any, safe: Any = False, **_: Any) -> list[dict[str, Any]]:  # noqa: FBT002
        """List of tasks currently being executed."""
        runner = runner_here()
        if runner is None:
            found: list[dict[str, Any]] = _celerys_active(state, safe=safe)
            return found
        return _active(runner, state.hostname)

    @control.inspect_command(name="stats")  # type: ignore[untyped-decorator]
    def stats(state: Any, **_: Any) -> dict[str, Any]:
        """Request worker statistics/information."""
        found: dict[str, Any] = _celerys_stats(state)
        runner = runner_here()
        return found if runner is None else {**found, "total": dict(runner.claimed)}


def _active(runner: Runner, node: str) -> list[dict[str, Any]]:
    """Return the running job as Celery tells of a task; its payload is nobody's business."""
    current = runner.current
    if current is None:
        return []
    job = current.job
    return [
        {
            "id": job.id,
            "name": job.type,
            "args": [job.id],
            "kwargs": {},
            "type": job.type,
            "hostname": node,
            "time_start": time.time() - current.elapsed,
            "acknowledged": True,
            "delivery_info": {
                "exchange": "", "routing_key": job.queue, "priority": 0, "redelivered": False,
            },
            "worker_pid": os.getpid(),
        }
    ]  # fmt: skip
