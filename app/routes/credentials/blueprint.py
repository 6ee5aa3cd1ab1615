"""What every path of the credentials API shares: its errors, how it reads, how it dispatches."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from flask import Response, jsonify, request
from flask_smorest import Blueprint

from app import access
from app.body import read_fields
from app.errors import Refused
from app.idempotency import answer_once
from app.reference import describe, json_body
from app.routes.voting.blueprint import check_queue
from app.shapes import credentials as shape
from app.shapes.credentials_schemas import CredentialsError, Started
from app.shapes.fault import Fault
from app.shapes.incoming import RepeatableHeaders
from app.wiring import wiring
from tasks.records import registrations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from marshmallow import Schema

    from tasks.job.dispatch import Dispatch
    from tasks.records.registrations import Registration

View = TypeVar("View")

blueprint = Blueprint(
    "credentials", __name__, description="The credentials API, as Truvera documents it."
)
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"accountKey": []}]
#: The largest body; bytes.
MAX_BODY_BYTES = 64 * 1024
#: Items that a list shows at the most, and unless it is asked for fewer.
MAX_LIMIT = 64
_NUMBER = re.compile("[0-9]{1,9}")


def answers(schema: Schema | type[Schema]) -> Callable[[View], View]:
    """Document what an operation answers to an account."""
    return describe(blueprint, 200, schema, error=CredentialsError, security=SECURITY)


def takes(schema: type[Schema] | Mapping[str, Any], *, required: bool = True) -> Any:
    """Document the body of an operation."""
    return blueprint.doc(requestBody=json_body(schema, required=required))


#: Of operations that dispatch: the header that makes it safe to repeat them, and their answer.
repeatable = blueprint.arguments(RepeatableHeaders, location="headers")
starts = answers(Started)


def caller() -> str:
    """Return the account that this request comes from, unless it asks too often.

    Raises:
        Refused: nobody knows, or it has to wait.
    """
    with wiring().database.statement() as connection:
        found = access.account(connection)
    access.check_rate(wiring().settings.credentials_rate, f"credentials {found}")
    return found


def read(schema: Schema) -> dict[str, Any]:
    """Return the body of this request as a schema reads it.

    Raises:
        Refused: it does not fit; the detail says where.
    """
    return read_fields(schema, _invalid, most=MAX_BODY_BYTES)


def _invalid(found: Any) -> Refused:
    return Refused(Fault.INVALID, shape.detail(found))


class Window(NamedTuple):
    """The part of a list that is asked for."""

    limit: int
    offset: int


def window(query: Mapping[str, str]) -> Window:
    """Return the part of a list that a query asks for.

    Raises:
        Refused: a number is none.
    """
    offset, limit = query.get("offset") or "0", query.get("limit") or str(MAX_LIMIT)
    if not _NUMBER.fullmatch(offset):
        raise Refused(Fault.BAD_PARAMETER, "offset")
    if not _NUMBER.fullmatch(limit) or not 1 <= int(limit) <= MAX_LIMIT:
        raise Refused(Fault.BAD_PARAMETER, f"limit is not from 1 to {MAX_LIMIT}")
    return Window(int(limit), int(offset))


def find(kind: str, thing_id: str) -> Registration:
    """Return what the caller has registered under an id.

    Raises:
        Refused: nobody knows the caller, or they have no such thing, whoever else has.
    """
    account = caller()
    with wiring().database.statement() as connection:
        is_text = thing_id.isprintable()
        found = registrations.find(connection, kind, thing_id, account) if is_text else None
    if found is None:
        raise Refused(Fault.NOT_FOUND)
    return found


def page(kind: str, query: Mapping[str, str]) -> list[Registration]:
    """Return what the caller has registered of a kind, oldest first.

    Raises:
        Refused: nobody knows the caller, or the query asks for no part of a list.
    """
    account, part = caller(), window(query)
    with wiring().database.statement() as connection:
        return registrations.page(connection, kind, account, limit=part.limit, offset=part.offset)


def start(
    account: str, headers: Mapping[str, str], asked: Any, make: Callable[[Dispatch], dict[str, Any]]
) -> Response:
    """Answer with the transaction that `make` dispatches, once for each idempotency key.

    Raises:
        Refused: no more may be accepted now, or the key is none.
    """

    def make_room(dispatch: Dispatch) -> dict[str, Any]:
        check_queue(dispatch.connection)
        return make(dispatch)

    return answered_once(account, headers, asked, make_room)


def answered_once(
    account: str, headers: Mapping[str, str], asked: Any, make: Callable[[Dispatch], dict[str, Any]]
) -> Response:
    """Answer what `make` answers, once for each idempotency key.

    `asked` is what the request is about beside its method and path.

    Raises:
        Refused: the key is none.
    """
    key = headers.get("idempotency_key")
    same = [request.method, request.path.rstrip("/"), asked]
    return jsonify(answer_once(f"credentials {account}", key, same, make))


def register(
    dispatch: Dispatch,
    account: str,
    kind: str,
    thing_id: str,
    content: Mapping[str, Any],
    *,
    user_data: str,
) -> str:
    """Record something new with the transaction that registers it; return the job's id.

    Raises:
        Refused: the id is taken.
    """
    payload = {"event": f"{kind}_create", "subject": thing_id, "user_data": user_data}
    job = dispatch.add("ledger_transaction", payload, tenant=account)
    if not registrations.add(dispatch.connection, kind, thing_id, account, content, job=job):
        raise Refused(Fault.TAKEN)
    return job


def change(
    dispatch: Dispatch,
    found: Registration,
    event: str,
    *,
    user_data: str,
    credentials: Sequence[str] = (),
    state: str | None = None,
) -> str:
    """Record a transaction about something registered, behind the last one about it."""
    payload = {
        "event": event,
        "subject": found.id,
        "user_data": user_data,
        "credentials": list(credentials),
        "after": found.last_job,
    }
    job = dispatch.add("ledger_transaction", payload, tenant=found.account_uid)
    registrations.follow(dispatch.connection, found, job, state=state)
    return job


def take(dispatch: Dispatch, kind: str, thing_id: str, account: str) -> Registration:
    """Return what an account has registered, kept from others until the commit.

    Raises:
        Refused: they have no such thing.
    """
    is_text = thing_id.isprintable()
    found = registrations.take(dispatch.connection, kind, thing_id, account) if is_text else None
    if found is None:
        raise Refused(Fault.NOT_FOUND)
    return found


def remove(
    kind: str, thing_id: str, headers: Mapping[str, str], user_data: Callable[[Registration], str]
) -> Response:
    """Answer with the transaction that removes something of the caller's.

    What is being removed already is not removed again: the answer is the same job's.
    """
    account = caller()

    def make(dispatch: Dispatch) -> dict[str, Any]:
        found = take(dispatch, kind, thing_id, account)
        job = found.last_job
        if found.state != "removing":
            whose = user_data(found)
            job = change(dispatch, found, f"{kind}_delete", user_data=whose, state="removing")
        return shape.started(job, {"status": "pending"})

    return start(account, headers, None, make)
