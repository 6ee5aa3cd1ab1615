"""JSON schemas that come in: what is one, and how large it may be.

Nothing is ever fetched: a schema is held against the rules of its draft, and what its references
lead to is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jsonschema import SchemaError
from jsonschema.validators import (
    Draft3Validator,
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
)
from marshmallow import ValidationError

from app.shapes.incoming import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: How deep a schema may be nested, and of how many values it may consist: checking against the
#: newest draft takes 0.2 ms for each.
DEEPEST, MOST_VALUES = 32, 2000
#: The drafts that JSON Schema has published, by what a schema names them.
_DRAFTS = {
    draft.META_SCHEMA.get("$id", draft.META_SCHEMA.get("id", "")).rstrip("#"): draft
    for draft in (
        Draft3Validator,
        Draft4Validator,
        Draft6Validator,
        Draft7Validator,
        Draft201909Validator,
        Draft202012Validator,
    )
}


def check_json_schema(given: Mapping[str, Any]) -> None:
    """Refuse what is no JSON schema of the draft that it names, or of the newest.

    Raises:
        ValidationError: it is none, too large, or of a draft that nobody knows.
    """
    plain(given, deepest=DEEPEST)
    if sum(1 for _ in _values(given)) > MOST_VALUES:
        raise ValidationError(f"More than {MOST_VALUES} values.")
    named = given.get("$schema", Draft202012Validator.META_SCHEMA["$id"])
    draft = _DRAFTS.get(named.rstrip("#")) if isinstance(named, str) else None
    if draft is None:
        raise ValidationError({"$schema": ["Not a draft of JSON Schema that is known."]})
    try:
        draft.check_schema(given)
    except SchemaError as error:
        # Its own text quotes what it was given.
        where = ".".join(str(part) for part in error.absolute_path)[:200] or "_schema"
        raise ValidationError({where: ["Not a valid JSON schema."]}) from None


def _values(given: Any) -> Iterator[Any]:
    """Yield a value and all that it holds."""
    yield given
    inner = given.values() if isinstance(given, dict) else given if isinstance(given, list) else ()
    for one in inner:
        yield from _values(one)
