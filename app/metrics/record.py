"""The measures of the record in Prometheus's form."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from tasks.watch.tallies import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from prometheus_client.metrics_core import Metric

    from tasks.watch.measures import Measures

#: What an attempt or a job has come to, by the move that ended it.
_OUTCOMES = {
    "complete": "completed",
    "fail": "failed",
    "reject": "rejected",
    "cancel": "cancelled",
    "retry": "retried",
    "park": "parked",
    "hand_back": "handed_back",
    "lose": "lost",
}
#: Moves that end a job.
_ENDS = {"complete", "fail", "reject", "cancel"}
#: Why a claim was lost.
_LOST = {"lease", "process", "time_limit"}
#: The type of job that tells a webhook.
_WEBHOOK = "deliver_webhook"
#: Every other bound of the tallies, so that there are half as many series.
_SHOWN = range(0, len(BOUNDS), 2)


class Record(Collector):
    """Measures as metrics; without any, only that the record cannot be read."""

    def __init__(self, measures: Measures | None) -> None:
        self._measures = measures

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of the record."""
        up = float(self._measures is not None)
        yield GaugeMetricFamily(
            "jobspine_record_up", "Whether the record in PostgreSQL could be read.", value=up
        )
        if self._measures is not None:
            yield from _levels(self._measures)
            yield from _histograms(self._measures)
            yield from _counters(self._measures)


def _levels(found: Measures) -> Iterator[Metric]:
    yield _gauge(
        "jobspine_queue_jobs",
        "Jobs that have not ended: due now, due later (parked or between attempts), or running. "
        "No more than 100,000 are counted of each.",
        ("queue", "state"),
        (
            ([one["name"], state], one[state])
            for one in found.queues
            for state in ("due", "later", "running")
        ),
    )
    yield _gauge(
        "jobspine_queue_age_seconds",
        "How long the oldest job has been waiting that could begin now.",
        ("queue",),
        (([one["name"]], one["oldest"]) for one in found.queues),
    )
    yield _gauge(
        "jobspine_queue_workers",
        "Living worker processes that serve a queue.",
        ("queue",),
        (([one["name"]], one["workers"]) for one in found.queues),
    )
    yield _gauge(
        "jobspine_jobs_in_flight",
        "Jobs that wait to begin (pending), and those that began and have not ended (running).",
        ("type", "state"),
        (
            ([one["type"], state], one[state])
            for one in found.types
            for state in ("pending", "running")
        ),
    )
    yield _gauge(
        "jobspine_workers",
        "Worker processes of the last hour, by how they do.",
        ("state",),
        (
            ([state], found.workers.get(state, 0))
            for state in ("busy", "idle", "wedged", "stopped", "dead")
        ),
    )
    yield GaugeMetricFamily(
        "jobspine_worker_clock_skew_seconds",
        "How far the clock of a worker is off the database's, at the most.",
        value=found.skew,
    )
    yield GaugeMetricFamily(
        "jobspine_count_lag_seconds",
        "How far the counts are behind what has happened; it grows where no worker sweeps.",
        value=found.lag,
    )


def _histograms(found: Measures) -> Iterator[Metric]:
    yield _histogram(
        found,
        "wait",
        HistogramMetricFamily(
            "jobspine_job_wait_seconds",
            "From a job's being recorded to its first attempt.",
            labels=["type"],
        ),
    )
    yield _histogram(
        found,
        "attempt",
        HistogramMetricFamily(
            "jobspine_attempt_duration_seconds",
            "From a claim to what became of it.",
            labels=["type", "outcome"],
        ),
    )
    yield _histogram(
        found,
        "job",
        HistogramMetricFamily(
            "jobspine_job_duration_seconds",
            "From a job's being recorded to its end.",
            labels=["type", "outcome"],
        ),
    )


def _histogram(
    found: Measures, measure: str, family: HistogramMetricFamily
) -> HistogramMetricFamily:
    """Add what was counted of a measure to a family, by as many of its labels as that has."""
    counted: dict[tuple[str, ...], dict[int, int]] = defaultdict(dict)
    seconds: dict[tuple[str, ...], float] = defaultdict(float)
    for kind, move, of, bucket, number, length in found.totals:
        if of == measure:
            labels: tuple[str, ...] = (kind,) if measure == "wait" else (kind, _OUTCOMES[move])
            counted[labels][bucket] = number
            seconds[labels] += length
    for labels, buckets in sorted(counted.items()):
        # A bucket of the tallies ends where the bound of its number is.
        shown = [
            (f"{BOUNDS[at]:.10g}", sum(n for bucket, n in buckets.items() if bucket <= at))
            for at in _SHOWN
        ]
        everything = ("+Inf", sum(buckets.values()))
        family.add_metric(labels, [*shown, everything], sum_value=seconds[labels])
    return family


def _counters(found: Measures) -> Iterator[Metric]:
    moves = [
        (kind, move, number)
        for kind, move, measure, _, number, _ in found.totals
        if measure == "moves"
    ]
    yield _counter(
        "jobspine_attempts",
        "Attempts that have begun: claims of a job.",
        ("type",),
        (([kind], number) for kind, move, number in moves if move == "claim"),
    )
    yield _counter(
        "jobspine_jobs_ended",
        "Jobs that have ended.",
        ("type", "outcome"),
        (([kind, _OUTCOMES[move]], number) for kind, move, number in moves if move in _ENDS),
    )
    yield _counter(
        "jobspine_attempt_failures",
        "Attempts that failed, whether another followed or not, by why.",
        ("type", "cause"),
        (
            ([kind, cause], number)
            for kind, move, cause, number in found.causes
            if move in {"retry", "fail"} and cause not in _LOST
        ),
    )
    yield _counter(
        "jobspine_claims_lost",
        "Claims that were taken from a worker: its lease had ended, its process, or its time.",
        ("type", "cause"),
        (([kind, cause], number) for kind, _, cause, number in found.causes if cause in _LOST),
    )
    yield _counter(
        "jobspine_sweep_rescues",
        "What went on because the sweep saw to it: claims whose lease had ended, and jobs that "
        "were rung for again because nobody had heard their bell.",
        ("type", "kind"),
        (
            ([kind, "lease" if cause == "lease" else "bell"], number)
            for kind, _, cause, number in found.causes
            if cause in {"lease", "unheard"}
        ),
    )
    yield _counter(
        "jobspine_unasked_claims",
        "Claims of overdue jobs by idle workers that had heard no bell.",
        ("type",),
        (([kind], number) for kind, _, cause, number in found.causes if cause == "unasked"),
    )
    yield from _of_webhooks(found, moves)
    yield from _of_imports(found)


def _of_webhooks(
    found: Measures, moves: Sequence[tuple[str, str, int]]
) -> Iterator[CounterMetricFamily]:
    delivered = [n for kind, move, n in moves if kind == _WEBHOOK and move == "complete"]
    failed = [
        ([cause], number)
        for kind, move, cause, number in found.causes
        if kind == _WEBHOOK and move in {"retry", "fail"} and cause not in _LOST
    ]
    yield _counter(
        "jobspine_webhook_tries",
        "Tries to tell a webhook, by what came of them.",
        ("outcome",),
        [*((["delivered"], number) for number in delivered), *failed],
    )
    yield _counter(
        "jobspine_webhook_deliveries",
        "Deliveries to webhooks that are over: delivered, failed (given up) or cancelled.",
        ("outcome",),
        (
            (["delivered" if move == "complete" else _OUTCOMES[move]], number)
            for kind, move, number in moves
            if kind == _WEBHOOK and move in _ENDS
        ),
    )


def _of_imports(found: Measures) -> Iterator[CounterMetricFamily]:
    rows: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for kind, name, number in found.rows:
        rows[kind][name] = number
    yield _counter(
        "jobspine_import_rows",
        "Rows that imports have read and committed: added, or left out.",
        ("type", "outcome"),
        (
            ([kind, outcome], number)
            for kind, of in rows.items()
            for outcome, number in (
                ("added", of["added"]),
                ("left_out", of["read"] - of["added"]),
            )
        ),
    )
    yield _counter(
        "jobspine_import_row_errors",
        "Errors of rows, of those that were left out and of those that were added without a value.",
        ("type",),
        (([kind], of["errors"]) for kind, of in rows.items()),
    )


def _gauge(
    name: str, text: str, labels: Sequence[str], values: Iterable[tuple[list[str], Any]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for given, value in values:
        family.add_metric(given, value)
    return family


def _counter(
    name: str, text: str, labels: Sequence[str], values: Iterable[tuple[list[str], Any]]
) -> CounterMetricFamily:
    """Make a counter; what has the same labels is added up."""
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    for given, value in values:
        sums[tuple(given)] += value
    family = CounterMetricFamily(name, text, labels=labels)
    for labelled, total in sorted(sums.items()):
        family.add_metric(labelled, total)
    return family
