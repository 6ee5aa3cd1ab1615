"""What every path of the income API shares: who may enter, its errors, how it reads and lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from flask import Response, jsonify, request
from flask_smorest import Blueprint

from app import access
from app.body import read_fields
from app.errors import Refused
from app.reference import Security, describe, json_body
from app.shapes import income as shape
from app.shapes.fault import Fault
from app.shapes.income_schemas import IncomeError
from app.wiring import wiring
from tasks.connecting.erasing import PayUnderWay
from tasks.job.dispatch import dispatching

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from marshmallow import Schema

    from tasks.job.dispatch import Dispatch

View = TypeVar("View")

blueprint = Blueprint("income", __name__, description="The income API, as Truv documents it.")
SECURITY: list[dict[str, list[str]]] = [{"clientId": [], "clientSecret": []}]
#: The largest body; bytes.
MAX_BODY_BYTES = 64 * 1024
#: The most things that are said to be wrong with a request.
_MOST_PARAMS = 100
#: Items on a page that does not say, and on the largest.
DEFAULT_SIZE, MAX_SIZE = 25, 100
_NUMBER = re.compile("[0-9]{1,9}")


def answers(
    status: int, schema: type[Schema] | None, *, security: Security = SECURITY
) -> Callable[[View], View]:
    """Document what an operation answers, and to whom."""
    return describe(blueprint, status, schema, error=IncomeError, security=security)


def takes(schema: type[Schema]) -> Any:
    """Document the body of an operation."""
    return blueprint.doc(requestBody=json_body(schema))


def said(status: int, body: Mapping[str, Any]) -> Response:
    """Return an answer."""
    response = jsonify(body)
    response.status_code = status
    return response


def client() -> str:
    """Return the client that this request comes from, unless it asks too often.

    Raises:
        Refused: nobody knows it, or it has to wait.
    """
    with wiring().database.statement() as connection:
        found = access.client(connection)
    throttle(found)
    return found


def throttle(client_id: str) -> None:
    """Count a request of a client.

    Raises:
        Refused: there were too many of late.
    """
    access.check_rate(wiring().settings.income_rate, f"income {client_id}")


def read(schema: Schema) -> dict[str, Any]:
    """Return the body of this request as a schema reads it.

    Raises:
        Refused: it does not fit; the fields at fault are named.
    """
    return read_fields(schema, _invalid, most=MAX_BODY_BYTES)


def _invalid(found: Any) -> Refused:
    return Refused(Fault.INVALID, params=shape.params(found)[:_MOST_PARAMS])


def removed(
    erase: Callable[[Dispatch, str, str], bool], who: str, identity: str
) -> tuple[str, int]:
    """Answer the removal of something of a client's by its id.

    Raises:
        Refused: there is nothing of the client's by this id, or it cannot be removed yet.
    """
    with dispatching(wiring().database, wiring().ringer) as dispatch:
        try:
            is_gone = identity.isprintable() and erase(dispatch, who, identity)
        except PayUnderWay:
            raise Refused(Fault.IN_FLIGHT) from None
        if not is_gone:
            raise Refused(Fault.NOT_FOUND)
    return "", 204


def wrong(field: str, message: str) -> Refused:
    """Return the refusal of a request for one of its fields."""
    return Refused(Fault.INVALID, params=[shape.param(field, message)])


class Part(NamedTuple):
    """The part of a list that is asked for."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many items stand before it."""
        return (self.number - 1) * self.size


def part_of(query: Mapping[str, str]) -> Part:
    """Return the part of a list that a query asks for.

    Raises:
        Refused: a number is none.
    """
    number, size = query.get("page") or "1", query.get("page_size") or str(DEFAULT_SIZE)
    for name, given in (("page", number), ("page_size", size)):
        if not _NUMBER.fullmatch(given) or int(given) < 1:
            raise wrong(name, "Not a number above zero.")
    return Part(int(number), min(int(size), MAX_SIZE))


def page(part: Part, count: int, results: Sequence[Mapping[str, Any]]) -> Response:
    """Return a part of a list, with the addresses of those beside it.

    Raises:
        Refused: there is no such part.
    """
    last = max(1, -(-count // part.size))
    if part.number > last:
        raise Refused(Fault.NOT_FOUND)
    following = _address(part.number + 1) if part.number < last else None
    previous = _address(part.number - 1) if part.number > 1 else None
    return jsonify(shape.page(count, results, following=following, previous=previous))


def _address(number: int) -> str:
    """Return where another part of this list is."""
    base = wiring().settings.public_url.rstrip("/") or request.root_url.rstrip("/")
    query = urlencode({**request.args.to_dict(), "page": number})
    return f"{base}{request.path}?{query}"
