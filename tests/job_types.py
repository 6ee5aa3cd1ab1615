"""Types of jobs that behave in ways a test needs; workers load them by TASK_MODULES."""

# ruff: noqa: ARG001 - a handler takes what it is called with

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from hashlib import pbkdf2_hmac, sha256
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields
from sqlalchemy import text

from tasks.job.declare import Gate, decimal_id, job_type
from tasks.job.errors import Permanent, Temporary, Wait
from tasks.ledger.transact import Call, transact

if TYPE_CHECKING:
    from tasks.job.context import Context
    from tasks.job.dispatch import Dispatch
    from tasks.job.record import Job


class Nothing(Schema):
    """No fields."""


class Number(Schema):
    n = fields.Integer(load_default=0)


class Path(Schema):
    #: A file that says what the handler should do, or that it has done something.
    path = fields.String(required=True)


class Scoped(Schema):
    scope = fields.String(required=True)
    path = fields.String(required=True)


@job_type("noop", payload=Number, result=Number, attempts=3)
def noop(ctx: Context, n: int) -> dict[str, int]:
    """Return what came in."""
    return {"n": n}


@job_type("fails", payload=Nothing, result=Nothing, attempts=3, backoff=0.2)
def fails(ctx: Context) -> None:
    """Fail every time, quoting something that must not be seen."""
    raise RuntimeError("secret-in-the-exception")


@job_type("hopes", payload=Nothing, result=Nothing, attempts=2, backoff=0.2)
def hopes(ctx: Context) -> None:
    """Fail every time, and say why."""
    raise Temporary("the other side\nis busy")


@job_type("is_sent_away", payload=Nothing, result=Nothing, attempts=2, backoff=0.2)
def is_sent_away(ctx: Context) -> None:
    """Fail every time, and ask for a long pause."""
    raise Temporary("come back later", after=90)


@job_type("gives_up", payload=Nothing, result=Nothing, attempts=3)
def gives_up(ctx: Context) -> None:
    """Fail for good."""
    raise Permanent("no_use", "there is no use in\ntrying again")


@job_type("parks", payload=Nothing, result=Number, attempts=3)
def parks(ctx: Context) -> dict[str, int]:
    """Wait twice, then return how often it was called."""
    calls = ctx.cursor.get("calls", 0) + 1
    with ctx.step() as step:
        step.save(cursor={"calls": calls})
    if calls < 3:
        raise Wait(0.1)
    return {"n": calls}


@job_type("loops", payload=Nothing, result=Nothing, attempts=2, timeout=1.0)
def loops(ctx: Context) -> None:
    """Never end, and swallow whatever is raised inside."""
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001
            pass


@job_type("computes", payload=Nothing, result=Nothing, attempts=2, timeout=1.0)
def computes(ctx: Context) -> None:
    """Stay in C for hours, where no signal handler of Python's gets a turn."""
    pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)


@job_type("dies", payload=Nothing, result=Nothing, attempts=3)
def dies(ctx: Context) -> None:
    """Take the worker process along, every time."""
    os.kill(os.getpid(), signal.SIGKILL)


def _hold(path: str) -> None:
    """Block until the file exists."""
    while not os.path.exists(path):  # noqa: PTH110
        time.sleep(0.02)


@job_type("holds", payload=Path, result=Nothing, attempts=3, timeout=120)
def holds(ctx: Context, path: str) -> None:
    """Run until a file appears."""
    _hold(path)


@job_type("holds_each", payload=Path, result=Number, attempts=3, timeout=120)
def holds_each(ctx: Context, path: str) -> dict[str, int]:
    """Run until a file for this very attempt appears, and return which one it was."""
    _hold(f"{path}.{ctx.job.attempts}")
    return {"n": ctx.job.attempts}


@job_type("gated", payload=Scoped, result=Nothing, gate=Gate("scope"), attempts=3, timeout=120)
def gated(ctx: Context, scope: str, path: str) -> None:
    """Run until a file appears, alone in its scope."""
    _hold(path)


@job_type("short_lived", payload=Nothing, result=Nothing, keep=timedelta(seconds=1))
def short_lived(ctx: Context) -> dict[str, Any]:
    """End at once, and be cleared a second later."""
    return {}


def _announce(dispatch: Dispatch, job: Job) -> None:
    """Dispatch a job that says how this one has ended."""
    dispatch.add("tells", {"of": job.id, "state": job.state, "code": job.code}, tenant="test")


class Told(Schema):
    of = fields.String()
    state = fields.String()
    code = fields.String(allow_none=True)


@job_type("tells", payload=Told, result=Nothing, queue="told")
def tells(ctx: Context, of: str, state: str, code: str | None) -> None:
    """Be there."""


class Ending(Schema):
    how = fields.String(load_default="")
    scope = fields.String(load_default="")


@job_type(
    "announced", payload=Ending, result=Number, gate=Gate("scope"), attempts=2, ended=_announce
)
def announced(ctx: Context, how: str, scope: str) -> dict[str, int]:
    """End as it is told to."""
    if how == "permanent":
        raise Permanent("no_use", "there is no use")
    if how == "wait":
        raise Wait(60)
    if how == "error":
        raise RuntimeError
    return {"n": 1}


@job_type("numbered", payload=Nothing, result=Nothing, new_id=decimal_id("job_numbers"))
def numbered(ctx: Context) -> None:
    """Have a decimal id."""


class Name(Schema):
    name = fields.String(required=True)


class Inscription(Schema):
    hash = fields.String()
    block = fields.String()


@job_type(
    "inscribes",
    payload=Name,
    result=Inscription,
    queue="chain",
    attempts=10,
    irrevocable_attempts=100,
    backoff=0.05,
    backoff_limit=0.1,
)
def inscribes(ctx: Context, name: str) -> dict[str, str]:
    """Put a name on chain, where each can stand once."""
    call = Call("CredentialRegistry", "newSchema", (sha256(name.encode()).digest(), bytes(32)))
    mined = transact(ctx, call)
    return {"hash": mined.hash, "block": mined.block_hash}


def _plan(dispatch: Dispatch) -> None:
    """Dispatch one job for each row that asks for it, and forget the row."""
    due = dispatch.connection.execute(
        text("DELETE FROM idempotency_keys WHERE scope = 'plan' RETURNING key")
    )
    for row in due:
        dispatch.add("planned", {"n": int(row.key)}, tenant="test")


@job_type("planned", payload=Number, result=Number, schedule=_plan)
def planned(ctx: Context, n: int) -> dict[str, int]:
    """Return what came in."""
    return {"n": n}
