"""What somebody should look after now, in short sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.watch.queues import Queue
    from tasks.watch.workers import Worker

#: The states of workers, the most urgent first.
STATES = ("wedged", "dead", "busy", "idle", "stopped")


class Trouble(NamedTuple):
    """One thing, and the endpoint of the page that shows it."""

    text: str
    page: str


def troubles(workers: Sequence[Worker], queues: Sequence[Queue]) -> list[Trouble]:
    """Return what is wrong with workers and queues."""
    found = []
    if wedged := sum(one.state == "wedged" for one in workers):
        they = "worker is there and does" if wedged == 1 else "workers are there and do"
        found.append(Trouble(f"{wedged} {they} nothing.", "workers"))
    found += [
        Trouble(f"Nobody serves the queue {one.name}, in which jobs wait.", "queues")
        for one in queues
        if one.due and not one.workers
    ]
    return found


def by_urgency(workers: Sequence[Worker]) -> list[Worker]:
    """Return workers in the order in which they should be looked at."""
    return sorted(workers, key=lambda one: (STATES.index(one.state), one.id))


def counts(workers: Sequence[Worker]) -> dict[str, int]:
    """Return how many workers are in each state, for the states that some are in."""
    found = {state: sum(one.state == state for one in workers) for state in STATES}
    return {state: count for state, count in found.items() if count}
