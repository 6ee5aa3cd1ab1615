"""The list of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import render_template, request

from app.dashboard.blueprint import blueprint
from app.errors import Refused
from app.finding import DEFAULT_LIMIT, filter_of, part
from app.wiring import wiring
from tasks.job.declare import JOB_TYPES
from tasks.job.states import State
from tasks.watch import search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

#: What jobs are filtered by: several types and states may be meant.
_SEVERAL, _ONE = ("type", "state"), ("api", "tenant", "id", "code", "error", "since", "until")
#: How many jobs a page may be asked to have.
_SIZES = (25, DEFAULT_LIMIT, 100, search.MAX_LIMIT)


def asked_for() -> dict[str, str]:
    """Return what the query of this request says about jobs, without what says nothing."""
    given = {name: ",".join(filter(None, request.args.getlist(name))) for name in _SEVERAL}
    given |= {name: request.args.get(name, "").strip() for name in _ONE}
    return {name: value for name, value in given.items() if value}


@blueprint.get("/jobs")
def jobs() -> ResponseReturnValue:
    """Show jobs that match, newest first; where a filter is none, say so beside it."""
    given = asked_for()
    try:
        wanted = filter_of(given)
        limit, before = part(request.args)
    except Refused as refused:
        return _page(given, DEFAULT_LIMIT, problem=refused.detail), 400
    with wiring().database.statement() as connection:
        # One more than is shown tells whether there are more.
        found = search.page(connection, wanted, limit=limit + 1, before=before)
        types = search.types_there_are(connection)
    return _page(given, limit, found=found, types=types, is_first=before is None)


def _page(
    given: dict[str, str],
    limit: int,
    *,
    found: Sequence[Any] = (),
    types: Sequence[str] = (),
    problem: str = "",
    is_first: bool = True,
) -> str:
    sized = given if limit == DEFAULT_LIMIT else {**given, "limit": str(limit)}
    return render_template(
        "dashboard/jobs.html",
        given=given,
        sized=sized,
        limit=limit,
        sizes=_SIZES,
        jobs=found[:limit],
        older=found[limit - 1].seq if len(found) > limit else None,
        is_first=is_first,
        problem=problem,
        types=sorted({*JOB_TYPES, *types, *filter(None, [given.get("type")])}),
        states=list(State),
        apis=sorted({kind.api for kind in JOB_TYPES.values()}),
    )


@blueprint.get("/jobs/count")
def count() -> str:
    """Say how many jobs match: as a part of the list, or as a page of its own."""
    given = asked_for()
    wanted = filter_of(given)
    with wiring().database.statement() as connection:
        counted = search.count(connection, wanted)
    is_part = "HX-Request" in request.headers
    return render_template(
        "dashboard/count_part.html" if is_part else "dashboard/count.html",
        counted=counted,
        most=search.MOST_COUNTED,
        given=given,
    )
