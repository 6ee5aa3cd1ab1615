"""operators: what their pages and lists cost beside a month of jobs, and what memory that takes."""

from __future__ import annotations

import json
import secrets
import threading
from typing import TYPE_CHECKING, NamedTuple

import psutil

from bench import flower, month
from bench.bed import PROCESSES, peak_memory
from bench.load import Load, alone, ask, get
from bench.report import Table, rotated
from tasks.records import operators, sign_ins

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.__main__ import Scale
    from bench.bed import Bed

#: Workers that seem to be there.
_WORKERS = 16
#: How often the pages are asked for while jobs come in; seconds.
_PAUSE = 0.2

Routes = dict[str, bytes]

_PAGES = {
    "the overview": "/",
    "its live part, every 5 s": "/live/overview",
    "its day, every 60 s": "/live/day",
    "the last day in numbers": "/numbers?over=day",
    "jobs": "/jobs",
    "jobs, failed with a code": "/jobs?state=failed&code=code_1",
    "jobs, how many match": "/jobs/count?tenant=large",
    "one job": "/jobs/{job}",
    "failures of a day": "/failures?hours=24",
    "queues": "/queues",
    "workers": "/workers",
    "audit trail": "/audit",
}
_LISTS = {
    "jobs": "/jobs",
    "jobs, 200 on a page": "/jobs?limit=200",
    "jobs, a page from far behind": "/jobs?before={middle}",
    "jobs of a type that wait": "/jobs?type=relay_vote&state=pending",
    "jobs of a tenant of one type": "/jobs?tenant=large&type=org_members",
    "jobs of nobody": "/jobs?tenant=nobody",
    "jobs by the beginning of an id": "/jobs?id=abc",
    "jobs that failed with a code": "/jobs?code=code_1",
    "jobs that failed with a code of none": "/jobs?code=none",
    "jobs that failed with an error": "/jobs?error=the other side answered %23",
    "jobs of an hour three weeks ago": "/jobs?since={since}&until={until}",
    "how many jobs there are": "/jobs/count",
    "how many a tenant has": "/jobs/count?tenant=large",
    "how many failed so of a type": "/jobs/count?state=failed&code=code_1&type=org_members",
    "how many were recorded in that hour": "/jobs/count?since={since}&until={until}",
    "one job": "/jobs/{job}",
    "queues": "/queues",
    "workers": "/workers",
    "statistics of an hour": "/statistics?hours=1",
    "statistics of a day": "/statistics?hours=24",
    "failures of a day": "/failures?hours=24",
}
#: What these counts must be.
_COUNTED = {
    "how many failed so of a type": (
        "state = 'failed' AND code = 'code_1' AND type = 'org_members'"
    ),
    "how many were recorded in that hour": "created_at >= '{since}' AND created_at < '{until}'",
}
_PLACES = """
    SELECT (SELECT id FROM jobs WHERE state = 'failed' ORDER BY seq DESC LIMIT 1),
           (SELECT max(seq) / 2 FROM jobs)::text,
           to_char(now() - interval '21 days', 'YYYY-MM-DD"T"HH24:MI:SSOF:00'),
           to_char(now() - interval '21 days' + interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SSOF:00')
"""
_ENDED = "SELECT count(*) FROM job_moves WHERE move <> 'claim' AND at >= %s"
_ADD_WORKERS = """
    INSERT INTO workers (id, queues, seen_at, vouched_at, claims, claimed_at)
    SELECT 'worker' || n, ARRAY(SELECT DISTINCT queue FROM jobs WHERE finished_at IS NULL),
           now() + interval '1 hour', now() + interval '1 hour', 1000, now()
    FROM generate_series(0, %s) AS n
"""


class Operator(NamedTuple):
    """Somebody who looks: by a browser with a session, and by a script with a token."""

    cookie: str
    token: str

    def routes(self, places: Mapping[str, str], *, only_pages: bool = False) -> Routes:
        """Return the requests for every page and list."""
        cookie = f"Cookie: jobspine-session={self.cookie}"
        token = f"Authorization: Bearer {self.token}"
        found = {
            f"page: {name}": get(f"/dashboard{_filled(path, places)}", cookie)
            for name, path in _PAGES.items()
        }
        if not only_pages:
            found |= {
                f"/ops/v1: {name}": get(f"/ops/v1{_filled(path, places)}", token)
                for name, path in _LISTS.items()
            }
        return found


class Memory(NamedTuple):
    """The most that the processes of the API held, before and after; bytes."""

    before: list[int]
    after: list[int]


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Watch jobs come in, then look at everything that can be looked at."""
    bed.clear()
    who = _operator(bed)
    with bed.api() as port:
        memory = _fill_and_watch(bed, port, who, scale.jobs[-1])
        bed.sql(_ADD_WORKERS, _WORKERS - 1)
        ((*found,),) = bed.sql(_PLACES)
        places = dict(zip(("job", "middle", "since", "until"), found, strict=True))
        routes = who.routes(places)
        _check(bed, port, routes, places)
        taken = _rounds(port, routes, scale)
        memory.after[:] = _memory()
    bed.clear()
    yield _pages(taken, scale.jobs[-1])
    yield _memories(memory, scale.jobs[-1], flower.watch(bed, scale.tasks))
    bed.sql("DELETE FROM operators WHERE name = 'bench'")
    bed.sql("TRUNCATE job_clock, tallies, totals")


def _operator(bed: Bed) -> Operator:
    bed.sql("DELETE FROM operators WHERE name = 'bench'")
    with bed.database.transaction() as connection:
        operators.add(connection, "bench", password=secrets.token_hex(16), role="operator")
        found = operators.find(connection, "bench")
        assert found is not None
        token = operators.add_token(connection, "bench", name="")
        return Operator(sign_ins.begin(connection, found), token)


def _fill_and_watch(bed: Bed, port: int, who: Operator, jobs: int) -> Memory:
    """Record jobs while somebody looks at every page."""
    routes = who.routes({"job": "none"}, only_pages=True)
    requests = [request for name, request in routes.items() if name != "page: one job"]
    for request in requests * PROCESSES * 2:
        ask(port, request)
    before = _memory()
    filling = threading.Thread(target=month.fill, args=(bed, jobs))
    filling.start()
    while filling.is_alive():
        for request in requests:
            ask(port, request)
        filling.join(_PAUSE)
    return Memory(before, [])


def _memory() -> list[int]:
    """Return the most that each process of the API has held."""
    master = next(
        process for process in psutil.Process().children() if "gunicorn" in process.cmdline()
    )
    return [peak_memory(process) for process in (master, *master.children())]


def _filled(path: str, places: Mapping[str, str]) -> str:
    return path.format(**places).replace("+", "%2B").replace(" ", "%20")


def _check(bed: Bed, port: int, routes: Routes, places: Mapping[str, str]) -> None:
    """Make sure that what is fast is also right."""
    for name, condition in _COUNTED.items():
        wanted = f"SELECT count(*) FROM jobs WHERE {condition.format(**places)}"
        expected = {"count": bed.sql(wanted)[0][0], "isExact": True}
        counted = json.loads(ask(port, routes[f"/ops/v1: {name}"]))
        assert counted == expected, f"{name}: {counted}, not {expected}"
    shown = json.loads(ask(port, routes["/ops/v1: statistics of a day"]))["slots"]
    ended = sum(slot[word] for slot in shown for word in ("completed", "failed", "rejected"))
    ((expected,),) = bed.sql(_ENDED, shown[0]["at"])
    assert ended == expected, f"{ended} have ended, not {expected}"


def _rounds(port: int, routes: Routes, scale: Scale) -> dict[str, Load]:
    taken = {name: Load(0.0, []) for name in routes}
    for turn in range(scale.rounds + 1):
        for name, request in rotated(routes.items(), turn):
            load = alone(port, [request], seconds=scale.seconds / 2)
            if turn:  # the first round warms up
                known = taken[name]
                taken[name] = Load(known.seconds + load.seconds, known.latencies + load.latencies)
    return taken


def _pages(taken: Mapping[str, Load], jobs: int) -> Table:
    rows = [
        [name, *(f"{load.quantile(share) * 1e3:.1f}" for share in (0.5, 0.95))]
        for name, load in taken.items()
    ]
    return Table(
        f"operators: pages and lists beside {jobs:,} jobs, one request at a time",
        ["", "p50 ms", "p95 ms"],
        rows,
        [f"A month of jobs, one in ten of the last day; {_WORKERS} workers."],
    )


def _memories(ours: Memory, jobs: int, theirs: flower.Watched) -> Table:
    def row(name: str, before: Sequence[int], after: Sequence[int]) -> list[str]:
        both = [f"{sum(held) / 2**20:.0f}" for held in (before, after)]
        return [name, *both, f"{max(after) / 2**20:.0f}"]

    half, most = (f"{seconds * 1e3:.1f}" for seconds in theirs.page)
    return Table(
        "operators: the most memory that was held",
        ["", "at first, MB", "in the end", "the largest process"],
        [
            row(
                f"the API, {PROCESSES} processes and their parent: {jobs:,} jobs",
                ours.before,
                ours.after,
            ),
            row(f"Flower, one process: {theirs.tasks:,} tasks", [theirs.before], [theirs.after]),
        ],
        [
            f"Flower keeps the newest 100,000; a page of 50 takes it {half} ms, p95 {most} ms.",
            "Processes of the API share much of their memory, which is counted for each.",
        ],
    )
