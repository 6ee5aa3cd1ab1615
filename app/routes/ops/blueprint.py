"""What every path of the operators' API shares: who may enter, and what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from flask import Response, jsonify
from flask_smorest import Blueprint

from app import access
from app.errors import Refused
from app.idempotency import answer_once
from app.reference import Security, describe
from app.shapes.fault import Fault
from app.shapes.incoming import RepeatableHeaders
from app.shapes.ops_schemas import OpsError
from app.wiring import wiring
from tasks.watch import actions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from marshmallow import Schema

    from tasks.job.dispatch import Dispatch
    from tasks.records.operators import Operator

    Headers = Mapping[str, str]

View = TypeVar("View")

blueprint = Blueprint(
    "ops", __name__, url_prefix="/ops/v1", description="For operators, with a token of theirs."
)
#: The largest body; bytes.
MAX_BODY_BYTES = 64 * 1024

#: Of orders: the header that makes it safe to give them again.
repeatable = blueprint.arguments(RepeatableHeaders, location="headers")


def answers(schema: type[Schema]) -> Callable[[View], View]:
    """Document what an operation answers to an operator."""
    security: Security = [{"operatorToken": []}]
    return describe(blueprint, 200, schema, error=OpsError, security=security)


def operator() -> Operator:
    """Return who is asking.

    Raises:
        Refused: nobody knows.
    """
    with wiring().database.statement() as connection:
        return access.operator(connection)


def acting_operator() -> str:
    """Return the name of who is asking, if they may act.

    Raises:
        Refused: nobody knows, or they may not.
    """
    found = operator()
    if not found.may_act:
        raise Refused(Fault.FOREIGN)
    return found.name


def order_once(
    headers: Headers, by: str, asked: Sequence[Any], order: Callable[[Dispatch], dict[str, Any]]
) -> Response:
    """Answer what an operator's order came to; given again with its key it does nothing more.

    `asked` is everything that makes two orders the same.

    Raises:
        Refused: it cannot be carried out, and nothing was done.
    """
    try:
        return jsonify(answer_once(f"ops {by}", headers.get("idempotency_key"), asked, order))
    except actions.NotPossible as impossible:
        raise Refused(Fault.NOT_POSSIBLE, str(impossible)) from None
    except actions.CountDiffers as differs:
        raise Refused(Fault.COUNT_DIFFERS, count=differs.count) from None
