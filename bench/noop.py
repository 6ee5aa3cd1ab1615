"""A type of job that does nothing: what is left is what a job costs by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marshmallow import Schema, fields

from tasks.job.declare import job_type

if TYPE_CHECKING:
    from tasks.job.context import Context

NAME = QUEUE = "bench_noop"


class Number(Schema):
    """Something to carry there and back."""

    n = fields.Integer(load_default=0)


@job_type(NAME, payload=Number, result=Number, queue=QUEUE)
def noop(_ctx: Context, n: int) -> dict[str, int]:
    """Return what came in."""
    return {"n": n}
