"""JSON-RPC 2.0: a request or a batch of them, as bytes to bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from tasks.providers.devchain import faults
from tasks.providers.devchain.faults import Fault
from tasks.providers.devchain.hexes import Misspelt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

log = structlog.get_logger(__name__)

#: Requests in a batch at the most.
MOST_IN_BATCH = 1_000

_REQUIRED: Any = object()


class Parameter(NamedTuple):
    """How a parameter is read, and what it is where it is left out."""

    read: Callable[[Any], Any]
    default: Any = _REQUIRED


class Method(NamedTuple):
    """What answers a method, with its parameters in their order."""

    answer: Callable[..., Any]
    parameters: tuple[Parameter, ...] = ()


def serve(methods: Mapping[str, Method], body: bytes) -> bytes:
    """Answer a request or a batch; empty where nothing is to be answered."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return _written(_failure(None, Fault(faults.PARSE, "parse error")))
    if not isinstance(asked, list):
        answer = _one(methods, asked)
        return _written(answer) if answer else b""
    if not 0 < len(asked) <= MOST_IN_BATCH:
        text = "batch too large" if asked else "empty batch"
        return _written(_failure(None, Fault(faults.INVALID, text)))
    answers = [answer for answer in (_one(methods, request) for request in asked) if answer]
    return _written(answers) if answers else b""


def _one(methods: Mapping[str, Method], request: Any) -> dict[str, Any] | None:
    """Answer one request; one without an id wants no answer."""
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return _failure(None, Fault(faults.INVALID, "invalid request"))
    number = request.get("id")
    try:
        result = _call(methods, request["method"], request.get("params") or [])
    except Fault as fault:
        answer = _failure(number, fault)
    except Exception as error:
        log.exception("request_failed", method=request["method"][:100], exc_info=error)
        answer = _failure(number, Fault(faults.INTERNAL, "internal error"))
    else:
        answer = {"jsonrpc": "2.0", "id": number, "result": result}
    return answer if "id" in request else None


def _call(methods: Mapping[str, Method], name: str, given: Any) -> Any:
    method = methods.get(name)
    if method is None:
        raise Fault(faults.NO_METHOD, f"the method {name} does not exist/is not available")
    if not isinstance(given, list):
        raise Fault(faults.BAD_PARAMETERS, "non-array args")
    return method.answer(*_arguments(method.parameters, given))


def _arguments(parameters: Sequence[Parameter], given: Sequence[Any]) -> list[Any]:
    if len(given) > len(parameters):
        raise Fault(faults.BAD_PARAMETERS, f"too many arguments, want at most {len(parameters)}")
    arguments = []
    for place, parameter in enumerate(parameters):
        value = given[place] if place < len(given) else None
        if value is not None:
            try:
                arguments.append(parameter.read(value))
            except Misspelt as error:
                text = f"invalid argument {place}: {error}"
                raise Fault(faults.BAD_PARAMETERS, text) from None
        elif parameter.default is _REQUIRED:
            text = f"missing value for required argument {place}"
            raise Fault(faults.BAD_PARAMETERS, text)
        else:
            arguments.append(parameter.default)
    return arguments


def _failure(number: Any, fault: Fault) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": fault.as_json()}


def _written(answer: Any) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()
