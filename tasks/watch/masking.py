"""What operators may see of payloads and results: everything but what is declared otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields

from tasks.job.declare import JOB_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marshmallow import Schema

    from tasks.job.record import Job

#: What stands in the place of a value that is not shown.
SECRET, PERSONAL, UNDECLARED = "(secret)", "(personal)", "(undeclared)"


def payload(job: Job) -> dict[str, Any]:
    """Return a job's payload as an operator may see it."""
    kind = JOB_TYPES.get(job.type)
    return mask(kind.reads if kind else None, job.payload)


def result(job: Job) -> dict[str, Any] | None:
    """Return a job's result as an operator may see it."""
    kind = JOB_TYPES.get(job.type)
    return None if job.result is None else mask(kind.writes if kind else None, job.result)


def mask(schema: Schema | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with those hidden that a schema marks as secret or personal.

    A field is marked by `metadata={"secret": True}` or `metadata={"personal": True}`. What no
    schema declares is hidden as well: nobody has said what it is.
    """
    declared = schema.fields if schema else {}
    known = {field.data_key or name: field for name, field in declared.items()}
    return {
        name: _shown(known[name], value) if name in known else UNDECLARED
        for name, value in values.items()
    }


def _shown(field: fields.Field[Any], value: Any) -> Any:
    if value is None:
        return None
    if field.metadata.get("secret"):
        return SECRET
    if field.metadata.get("personal"):
        return PERSONAL
    if isinstance(field, fields.Nested):
        many = isinstance(value, list)
        return [mask(field.schema, one) for one in value] if many else mask(field.schema, value)
    if isinstance(field, fields.List):
        return [_shown(field.inner, one) for one in value]
    return value
