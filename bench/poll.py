"""poll: what it costs to ask how far a job is, however many jobs there are."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from bench import bare
from bench.load import ask, drive, get
from bench.report import Table, number, ratio, rotated, spread
from tasks.job import lists
from tasks.records import voting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.__main__ import Scale
    from bench.bed import Bed

#: Jobs of the small organization; all others belong to the large one.
_FEW = 50
#: Jobs that are polled in turn, picked at random.
_POLLED = 5000
#: Jobs that wait, tasks that wait, and tasks that have ended; polled in turn.
_WAITING = 1000
_TYPES = "org_members", "publish_process", "relay_vote"

Routes = dict[str, list[bytes]]
Rates = dict[str, list[float]]

_FILL = """
    INSERT INTO jobs (id, type, tenant, queue, payload, state, result, progress, attempts,
                      started_at, finished_at, expires_at, created_at, updated_at, due_at, rung_at)
    SELECT md5(n::text) || md5((-n)::text), (%s::text[])[1 + n %% 3],
           CASE WHEN n < %s THEN %s ELSE %s END, 'bulk',
           '{"upload": "65f000000000000000000000"}', 'completed',
           '{"added": 200, "total": 200, "errors": 0}',
           '{"read": 200, "added": 200, "total": 200, "errors": 0}', 1,
           now(), now(), now() + interval '30 days', now(), now(), now(), now()
    FROM generate_series(%s, %s) AS n
"""


_FILL_WAITING = """
    INSERT INTO jobs (id, type, tenant, queue, payload)
    SELECT 'waiting' || n, 'org_members', 'nobody', 'bulk', '{"upload": "65f000000000000000000000"}'
    FROM generate_series(1, %s) AS n
"""


class Tenants:
    """Two organizations of very different size, and their keys."""

    def __init__(self, bed: Bed) -> None:
        bed.sql("TRUNCATE organizations, api_keys, organization_roles CASCADE")
        with bed.database.transaction() as connection:
            small, large = (voting.add_organization(connection, subject="bench") for _ in range(2))
            self.keys = {
                made.address: voting.add_api_key(connection, made.id, name="", scopes=voting.SCOPES)
                for made in (small, large)
            }
        self.small, self.large = small.address, large.address

    def pages(self) -> Routes:
        """Return requests for the first pages of their lists."""
        return {
            f"{whose}{of}": [
                get(f"/organizations/{at}/jobs?{query}", f"Authorization: Bearer {self.keys[at]}")
            ]
            for whose, at in (("few jobs", self.small), ("all others", self.large))
            for of, query in (("", "page=1"), (", of one type", f"type={_TYPES[0]}"))
        }


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Poll over HTTP, first beside few stored jobs, then beside many."""
    bed.clear()
    tenants = Tenants(bed)
    bed.sql(_FILL_WAITING, _WAITING)
    results = _store_results(_WAITING)
    polls: list[tuple[str, Rates]] = []
    listed: list[tuple[str, Rates]] = []
    stored = 0
    with bed.api() as port:
        for wanted in scale.jobs:
            _fill(bed, tenants, stored, wanted)
            stored = wanted
            polls.append((f"{stored:,}", _rounds(port, _polled(bed, results), scale)))
            pages = tenants.pages()
            for whose, requests in pages.items():
                _check(port, requests[0], whose, stored)
            listed.append((f"{stored:,}", _rounds(port, pages, scale)))
    bed.clear()
    yield _polls(polls)
    yield _lists(listed)


def _fill(bed: Bed, tenants: Tenants, stored: int, wanted: int) -> None:
    bed.sql(_FILL, list(_TYPES), _FEW, tenants.small, tenants.large, stored, wanted - 1)
    bed.sql("VACUUM ANALYZE jobs")
    bed.sql("CHECKPOINT")
    with bed.database.transaction() as connection:
        lists.count_on(connection)  # as the sweep of any worker does every second


def _polled(bed: Bed, results: list[str]) -> Routes:
    """Return the requests for the status of jobs and tasks, ended and waiting ones."""
    ended = f"SELECT id FROM jobs WHERE type = %s ORDER BY random() LIMIT {_POLLED}"
    ours = {
        "ended": [get(f"/jobs/{job}") for (job,) in bed.sql(ended, _TYPES[0])],
        "waiting": [get(f"/jobs/waiting{n + 1}") for n in range(_WAITING)],
    }
    theirs = {
        "ended": [get(f"/bench/result/{task}") for task in results],
        "waiting": [get(f"/bench/result/waiting{n}") for n in range(_WAITING)],
    }
    polls = {"GET /jobs/{id}": ours, "AsyncResult": theirs}
    # What a client asks at the least: once while it waits, and once when it has ended.
    for of in polls.values():
        of["by turns"] = [
            one for pair in zip(of["waiting"], of["ended"], strict=False) for one in pair
        ]
    routes = {f"{name}, {of}": polls[name][of] for of in ours for name in polls}
    return {**routes, "bare Flask route": [get("/bench/nothing")]}


def _store_results(count: int) -> list[str]:
    """Store results of Celery tasks as a worker does, and return the tasks' ids."""
    ids = [f"{n:08d}-0000-4000-8000-000000000000" for n in range(count)]
    for task_id in ids:
        bare.app.backend.store_result(task_id, {"address": f"0x{'0' * 38}ff"}, "SUCCESS")
    random.Random(1).shuffle(ids)
    return ids


def _rounds(port: int, routes: Routes, scale: Scale) -> Rates:
    rates: Rates = {name: [] for name in routes}
    for turn in range(scale.rounds + 1):
        for name, requests in rotated(routes.items(), turn):
            rates[name].append(drive(port, requests, seconds=scale.seconds).rate)
    return {name: found[1:] for name, found in rates.items()}  # the first round warms up


def _check(port: int, request: bytes, whose: str, stored: int) -> None:
    """Make sure that what is fast is also right."""
    total = json.loads(ask(port, request))["pagination"]["totalItems"]
    jobs = range(_FEW) if whose.startswith("few") else range(_FEW, stored)
    expected = sum(1 for n in jobs if n % 3 == 0) if "type" in whose else len(jobs)
    assert total == expected, f"{whose}: totalItems is {total}, not {expected}"


def _polls(polls: Sequence[tuple[str, Rates]]) -> Table:
    rows = []
    for stored, rates in polls:
        for name, found in rates.items():
            ours = rates[name.replace("AsyncResult", "GET /jobs/{id}")]
            against = "" if ours is found else f"{ratio(ours, found)} x"
            rows.append([name, stored, spread(found), against])
    first, last = (next(iter(rates.values())) for _, rates in (polls[0], polls[-1]))
    return Table(
        "poll: 4 connections",
        ["", "stored jobs", "requests/s", "ours is"],
        rows,
        [
            f"Wanted: 1.20 x AsyncResult, and flat: {ratio(last, first)} x beside {polls[-1][0]}.",
            "AsyncResult is polled as Flask's documentation does it.",
        ],
    )


def _lists(listed: Sequence[tuple[str, Rates]]) -> Table:
    rows = []
    for name in listed[0][1]:
        first, last = listed[0][1][name], listed[-1][1][name]
        rates = [spread(rates[name]) for _, rates in listed]
        slowest = number(4e3 / min(last))
        rows.append([name, *rates, f"{ratio(last, first)} x", slowest])
    heads = [f"requests/s of {stored}" for stored, _ in listed]
    return Table(
        "list: GET /organizations/{org}/jobs, API key, first page with its total, 4 connections",
        ["the organization has", *heads, "flat", "mean ms, slowest round"],
        rows,
    )
