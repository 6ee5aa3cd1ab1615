"""How a type of job is declared, and how the declared ones are found."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

import tasks
from tasks.job.errors import JobTypeFaulty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from marshmallow import Schema
    from sqlalchemy import Connection

    from tasks.job.dispatch import Dispatch
    from tasks.job.record import Job

    #: Makes an id on the connection that records the job.
    IdMaker = Callable[[Connection], str]


def hex_id(length: int) -> IdMaker:
    """Return a maker of random ids of so many hexadecimal digits."""
    return lambda _: secrets.token_hex(length // 2)


def decimal_id(sequence: str) -> IdMaker:
    """Return a maker of decimal ids that increase: the numbers of a sequence of the database."""
    draw = text(f"SELECT nextval('{sequence}')")
    return lambda connection: str(connection.execute(draw).scalar_one())


def nano_id() -> str:
    """Return a random id of 21 characters that stand unescaped in URLs (126 bits)."""
    return secrets.token_urlsafe(16)[:21]


_DEFAULT_ID = hex_id(32)
#: How long an ended job can be read unless its type says otherwise.
KEEP = timedelta(days=30)


@dataclass(frozen=True)
class Gate:
    """One job of a type in flight for each value of these payload fields."""

    fields: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "fields", names)

    def scope(self, payload: dict[str, Any]) -> str:
        """Return the scope that a payload belongs to."""
        return "/".join(str(payload[name]) for name in self.fields)


@dataclass(frozen=True, kw_only=True)
class JobType:
    """Everything that is particular to one type of job. Durations are seconds."""

    name: str
    handler: Callable[..., dict[str, Any] | None]
    payload: type[Schema]
    result: type[Schema]
    #: The documented API whose shape, id format and errors its jobs have.
    api: str
    queue: str
    gate: Gate | None
    #: How often it may fail: by an error, a lost worker or an overrun time limit.
    attempts: int
    #: The same once its effects are on their way, where a job that is given up would leave
    #: nobody to write down what they came to.
    irrevocable_attempts: int
    #: The wait before the second attempt; it doubles with each one, give or take a quarter.
    backoff: float
    backoff_limit: float
    #: How long one attempt may take before its process is killed.
    timeout: float
    #: How long an ended job can be read.
    keep: timedelta
    new_id: IdMaker
    #: Called by the sweep with the ids of jobs that it clears, to remove what belongs to them.
    tidy: Callable[[Connection, Sequence[str]], None] | None
    #: Called by the sweep, one at a time however many workers run, to dispatch what the clock
    #: has made due; what it writes and what it dispatches are one transaction.
    schedule: Callable[[Dispatch], None] | None
    #: Called in the transaction that ends a job, however it ends, with the job as it is then:
    #: what it writes and what it dispatches commit with the end. It must not fail.
    ended: Callable[[Dispatch, Job], None] | None
    #: Called in the transaction that records an ended job again, with the ended one and the id of
    #: the new one; raises `NotRepeatable` where there is nothing left to run again.
    repeated: Callable[[Dispatch, Job, str], None] | None
    #: Returns the payload of an ended job as it is when that is run again, if some of it no longer
    #: holds: who asked for it, say.
    payload_again: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None

    @property
    def reads(self) -> Schema:
        """What reads a payload."""
        return _made(self.payload)

    @property
    def writes(self) -> Schema:
        """What writes a result."""
        return _made(self.result)


@cache
def _made(schema: type[Schema]) -> Schema:
    """Make a schema once: that takes longer than what it is made for."""
    return schema()


#: Every declared type by name.
JOB_TYPES: dict[str, JobType] = {}


def job_type(
    name: str,
    *,
    payload: type[Schema],
    result: type[Schema],
    api: str = "voting",
    queue: str = "default",
    gate: Gate | None = None,
    attempts: int = 3,
    irrevocable_attempts: int | None = None,
    backoff: float = 2.0,
    backoff_limit: float = 300.0,
    timeout: float = 60.0,
    keep: timedelta = KEEP,
    new_id: IdMaker = _DEFAULT_ID,
    tidy: Callable[[Connection, Sequence[str]], None] | None = None,
    schedule: Callable[[Dispatch], None] | None = None,
    ended: Callable[[Dispatch, Job], None] | None = None,
    repeated: Callable[[Dispatch, Job, str], None] | None = None,
    payload_again: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the decorated function as the handler of a type of job.

    It is called with a `Context` and with the fields of the payload as keyword arguments, and
    returns what the result schema describes. It ends by returning, by raising `Permanent` (no
    further attempt), `Wait` (called again later), `Temporary` (tried again, and it says why), or
    anything else (tried again).

    Raises:
        JobTypeFaulty: at import, when parameters and payload differ or the name is taken.
    """

    def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
        _check(name, handler, payload, gate)
        JOB_TYPES[name] = JobType(
            name=name,
            handler=handler,
            payload=payload,
            result=result,
            api=api,
            queue=queue,
            gate=gate,
            attempts=attempts,
            irrevocable_attempts=irrevocable_attempts or attempts,
            backoff=backoff,
            backoff_limit=backoff_limit,
            timeout=timeout,
            keep=keep,
            new_id=new_id,
            tidy=tidy,
            schedule=schedule,
            ended=ended,
            repeated=repeated,
            payload_again=payload_again,
        )
        return handler

    return declare


def _check(
    name: str, handler: Callable[..., Any], payload: type[Schema], gate: Gate | None
) -> None:
    fields = set(payload().fields)
    parameters = set(list(inspect.signature(handler).parameters)[1:])
    if fields != parameters:
        raise JobTypeFaulty(
            f"{name}: the payload has the fields {sorted(fields)}, "
            f"the handler takes {sorted(parameters)}"
        )
    if gate is not None and not set(gate.fields) <= fields:
        raise JobTypeFaulty(f"{name}: the gate names a field that the payload lacks")
    known = JOB_TYPES.get(name)
    if known is not None and known.handler.__module__ != handler.__module__:
        raise JobTypeFaulty(f"{name} is declared in {known.handler.__module__} already")


def api_of(name: str) -> str | None:
    """Return the documented API that jobs of a type belong to, if anything declares the type."""
    kind = JOB_TYPES.get(name)
    return kind.api if kind else None


def discover(
    more: Iterable[str] = (), *, keep: Mapping[str, int] = MappingProxyType({})
) -> dict[str, JobType]:
    """Import every module of `tasks`, and the named ones, and return the declared types.

    `keep` says in seconds how long ended jobs of some types can be read, whatever they declare.

    Raises:
        JobTypeFaulty: there is no such type, or module.
    """
    for module in pkgutil.iter_modules(tasks.__path__):
        if not module.ispkg:
            importlib.import_module(f"tasks.{module.name}")
    for name in more:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as missing:
            if not f"{name}.".startswith(f"{missing.name}."):  # it is there, and lacks something
                raise
            raise JobTypeFaulty(f"TASK_MODULES names {name}, and there is no such module") from None
    for name, seconds in keep.items():
        if name not in JOB_TYPES:
            raise JobTypeFaulty(f"JOB_KEEP names {name}, and no such type is declared")
        JOB_TYPES[name] = replace(JOB_TYPES[name], keep=timedelta(seconds=seconds))
    return JOB_TYPES
