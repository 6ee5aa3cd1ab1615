"""poll: what it costs to ask how far a job is, however many jobs there are."""

from __future__ import annotations

import itertools
import json
import random
from typing import TYPE_CHECKING

from bench import bare
from bench.load import ask, drive, get
from bench.report import Table, number, ratio, spread
from tasks.records import voting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.__main__ import Scale
    from bench.bed import Bed

#: Jobs of the small organization; all others belong to the large one.
_FEW = 50
#: Jobs that are polled in turn, picked at random.
_POLLED = 5000
_TYPES = "org_members", "publish_process", "relay_vote"

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


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Poll over HTTP, first beside few stored jobs, then beside many."""
    bed.clear()
    bed.sql("TRUNCATE organizations, api_keys, organization_roles")
    with bed.database.transaction() as connection:
        small, large = (voting.add_organization(connection, subject="bench") for _ in range(2))
        keys = {
            made.address: voting.add_api_key(connection, made.id, name="", scopes=voting.SCOPES)
            for made in (small, large)
        }
    results = _store_results(1000)
    polls: list[tuple[str, dict[str, list[float]]]] = []
    lists: list[tuple[str, dict[str, list[float]]]] = []
    stored = 0
    with bed.api() as port:
        for wanted in scale.jobs:
            bed.sql(_FILL, list(_TYPES), _FEW, small.address, large.address, stored, wanted - 1)
            bed.sql("VACUUM ANALYZE jobs")
            bed.sql("CHECKPOINT")
            stored = wanted
            ids = bed.sql(
                f"SELECT id FROM jobs WHERE type = %s ORDER BY random() LIMIT {_POLLED}", _TYPES[0]
            )
            routes = {
                "GET /jobs/{id} (ours)": [get(f"/jobs/{found}") for (found,) in ids],
                "Celery AsyncResult": [get(f"/bench/result/{found}") for found in results],
                "bare Flask route": [get("/bench/nothing")],
            }
            polls.append((f"{stored:,}", _rounds(port, routes, scale)))
            pages = {
                f"{whose}{of}": [
                    get(f"/organizations/{at}/jobs?{query}", f"Authorization: Bearer {keys[at]}")
                ]
                for whose, at in (("few jobs", small.address), ("all others", large.address))
                for of, query in (("", "page=1"), (", of one type", f"type={_TYPES[0]}"))
            }
            for whose, requests in pages.items():
                _check(port, requests[0], whose, stored)
            lists.append((f"{stored:,}", _rounds(port, pages, scale)))
    bed.clear()
    yield _polls(polls)
    yield _lists(lists)


def _store_results(count: int) -> list[str]:
    """Store results of Celery tasks as a worker does, and return the tasks' ids."""
    ids = [f"{n:08d}-0000-4000-8000-000000000000" for n in range(count)]
    for task_id in ids:
        bare.app.backend.store_result(task_id, {"address": f"0x{'0' * 38}ff"}, "SUCCESS")
    random.Random(1).shuffle(ids)
    return ids


def _rounds(port: int, routes: dict[str, list[bytes]], scale: Scale) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in routes}
    for name, requests in itertools.chain(routes.items(), *[routes.items()] * scale.rounds):
        rates[name].append(drive(port, requests, seconds=scale.seconds).rate)
    return {name: found[1:] for name, found in rates.items()}  # the first round warms up


def _check(port: int, request: bytes, whose: str, stored: int) -> None:
    """Make sure that what is fast is also right."""
    total = json.loads(ask(port, request))["pagination"]["totalItems"]
    jobs = range(_FEW) if whose.startswith("few") else range(_FEW, stored)
    expected = sum(1 for n in jobs if n % 3 == 0) if "type" in whose else len(jobs)
    assert total == expected, f"{whose}: totalItems is {total}, not {expected}"


def _polls(polls: Sequence[tuple[str, dict[str, list[float]]]]) -> Table:
    rows = []
    for stored, rates in polls:
        ours = next(iter(rates.values()))
        for name, found in rates.items():
            against = f"{ratio(ours, found)} x" if found is not ours else ""
            rows.append([name, stored, spread(found), against])
    first, last = (next(iter(rates.values())) for _, rates in (polls[0], polls[-1]))
    return Table(
        "poll: 4 connections",
        ["", "stored jobs", "requests/s", "ours is"],
        rows,
        [f"Wanted: 1.20 x AsyncResult, and flat: {ratio(last, first)} x beside {polls[-1][0]}."],
    )


def _lists(lists: Sequence[tuple[str, dict[str, list[float]]]]) -> Table:
    rows = []
    for name in lists[0][1]:
        first, last = lists[0][1][name], lists[-1][1][name]
        rates = [spread(rates[name]) for _, rates in lists]
        slowest = number(4e3 / min(last))
        rows.append([name, *rates, f"{ratio(last, first)} x", slowest])
    heads = [f"requests/s of {stored}" for stored, _ in lists]
    return Table(
        "list: GET /organizations/{org}/jobs, API key, first page with its total, 4 connections",
        ["the organization has", *heads, "flat", "mean ms, slowest round"],
        rows,
    )
