"""What Prometheus reads while processes come and go: the same of every process, and never less."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import wait_until
from tests.faults.conftest import QUICK

TOKEN = "a token that is long enough"
COMPLETED = ("jobspine_jobs_ended_total", "outcome=completed", "type=noop")
LOST = ("jobspine_claims_lost_total", "cause=process", "type=dies")
ANSWERED = ("jobspine_http_requests_total", "method=GET", "route=/metrics", "status=200")


Told = dict[tuple[str, ...], float]


def scrape(api: httpx.Client) -> Told:
    """Read every metric on a connection of its own, so that any of the processes may answer."""
    text = wait_until(lambda: ask(api))
    return {
        (sample.name, *sorted(f"{name}={value}" for name, value in sample.labels.items())): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def ask(api: httpx.Client) -> str | None:
    """Ask once; None where the process that would have answered was killed."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with contextlib.suppress(httpx.TransportError):
        answer = httpx.get(f"{api.base_url}/metrics", headers=headers, timeout=30)
        assert answer.status_code == 200
        return answer.text
    return None


def fallen(earlier: Told, later: Told) -> list[tuple[str, ...]]:
    """Return the counts that have become less, or are gone."""
    endings = ("_total", "_count", "_sum", "_bucket")
    counts = {key: value for key, value in earlier.items() if key[0].endswith(endings)}
    return [key for key, value in counts.items() if later.get(key, -1.0) < value]


@pytest.fixture
def api(start_api):
    """An API of several processes."""
    return start_api(WEB_PROCESSES="3", METRICS_TOKEN=TOKEN)


def test_no_count_ever_falls_whoever_answers_and_whoever_is_killed(
    api, start_api, start_worker, jobs, wait
):
    worker = start_worker(**QUICK)
    jobs.add_many(20)
    jobs.add("dies")
    told = [scrape(api)]

    for child in (*api.process.children()[:2], *worker.children()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        told += [scrape(api) for _ in range(6)]
    wait.until_over()
    wait_until(lambda: told.append(scrape(api)) or told[-1].get(LOST) == 3)

    pairs = itertools.pairwise(told)
    assert [lost for one, other in pairs if (lost := fallen(one, other))] == []
    assert told[-1][ANSWERED] >= len(told) - 1
    assert told[-1][COMPLETED] == 20
    other = scrape(start_api(WEB_PROCESSES="1", METRICS_TOKEN=TOKEN))
    assert other[COMPLETED] == 20
    assert ANSWERED not in other
