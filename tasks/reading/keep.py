"""Frozen dataclasses as JSON and back, for whoever keeps them between two steps."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

_Kept = TypeVar("_Kept")


def as_json(value: Any) -> Any:
    """Return a dataclass of texts, numbers, dates, amounts, tuples and dataclasses as JSON."""
    if is_dataclass(value):
        return {one.name: as_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple):
        return [as_json(one) for one in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    return value


def from_json(kind: Callable[..., _Kept], given: Mapping[str, Any]) -> _Kept:
    """Return the dataclass that `as_json` was given.

    Raises:
        TypeError, ValueError, LookupError: it is not what that made.
    """
    return kind(**{name: _value(hint, given[name]) for name, hint in _hints(kind).items()})


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    # Of a class, which costs too much to do each time.
    return get_type_hints(kind)


def _value(hint: Any, given: Any) -> Any:
    if given is None:
        return None
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], one) for one in given)
    of_union = [one for one in get_args(hint) if one is not type(None)]
    kind = of_union[0] if of_union else hint
    if is_dataclass(kind):
        return from_json(kind, given)  # type: ignore[arg-type]
    if kind is Decimal:
        return Decimal(given)
    return date.fromisoformat(given) if kind is date else given
