"""The screening API's JSON as marshmallow schemas: what comes in, and the OpenAPI document."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from app.shapes.incoming import (
    MOST_ENTRIES,
    MOST_STAKEHOLDERS,
    Day,
    Email,
    Identifiers,
    Stakeholders,
    Text,
    country,
    plain,
)
from app.shapes.screening import JOB_TYPES
from tasks.matching.names import normalise

#: The longest interval between screenings, and the longest name.
MOST_DAYS, _LONGEST_NAME = 3650, 300
_TYPE = "`individual`, `company` and the like. Where it says neither, both are searched."


def _says_something(name: str) -> None:
    """Refuse a name that nobody could be looked for by: it would stay unknown in every run."""
    if name and not normalise(name):
        raise ValidationError("Not a name.")


class Name(Text):
    """What somebody is called, in any script; dots, dashes and invisible characters are no name."""

    def __init__(self) -> None:
        super().__init__(required=True, shortest=1, longest=_LONGEST_NAME)
        self.validators.append(_says_something)


class NewStakeholder(Schema):
    """Somebody behind the entity. Fields that are not known here are ignored."""

    class Meta:  # noqa: D106 - marshmallow's
        unknown = EXCLUDE

    name = Name()
    type = Text(
        load_default="",
        longest=64,
        metadata={"description": _TYPE},
    )
    role = Text(load_default="other", longest=64, metadata={"example": "director"})
    date_of_birth = Day(
        data_key="dateOfBirth",
        load_default=None,
        allow_none=True,
        metadata={"format": "date"},
    )
    country = country()
    identifiers = Identifiers()


class NewVerification(Schema):
    """Whom to verify. Fields that are not known here are ignored."""

    class Meta:  # noqa: D106 - marshmallow's
        unknown = EXCLUDE

    name = Name()
    country = country()
    type = Text(
        load_default="",
        longest=64,
        metadata={"description": _TYPE},
    )
    sub_type = Text(data_key="subType", load_default="", longest=64)
    date_of_birth = Day(
        data_key="dateOfBirth", load_default=None, allow_none=True, metadata={"format": "date"}
    )
    identifiers = Identifiers()
    addresses = fields.Dict(load_default=dict, validate=[validate.Length(max=MOST_ENTRIES), plain])
    ownership_layers = fields.Integer(
        data_key="ownershipLayers",
        load_default=0,
        strict=True,
        validate=validate.Range(0, 100),
        metadata={"description": "Layers of companies between the entity and its owners."},
    )
    owners_identified = fields.Boolean(
        data_key="ownersIdentified",
        load_default=True,
        truthy={True},
        falsy={False},
    )
    rescreen_days = fields.Integer(
        data_key="rescreenEveryDays",
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, MOST_DAYS),
    )
    stakeholders = Stakeholders(
        fields.Nested(NewStakeholder),
        load_default=list,
        metadata={"maxItems": MOST_STAKEHOLDERS},
    )


class Rescreening(Schema):
    """How often to screen again; null for never."""

    rescreen_days = fields.Integer(
        data_key="rescreenEveryDays",
        required=True,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, MOST_DAYS),
    )


class ActingFor(Schema):
    """Who at a portal or an admin's desk asks; a program acts for nobody. The rest is ignored."""

    class Meta:  # noqa: D106 - marshmallow's
        unknown = EXCLUDE

    source_uid = Text(data_key="sourceUid", load_default=None, longest=128, shortest=1)
    source_email = Email(data_key="sourceEmail", load_default=None)


class Detail(Schema):
    """One thing that is wrong with a request."""

    message = fields.String(required=True)
    code = fields.String(required=True, metadata={"example": "invalid_format"})
    path = fields.List(fields.Raw(), required=True)


class ErrorOf(Schema):
    """What went wrong."""

    type = fields.String(required=True, metadata={"example": "not_found"})
    details = fields.List(fields.Nested(Detail))
    conflictingJobId = fields.String(metadata={"description": "The run that is in flight."})


class Envelope(Schema):
    """What is around every answer."""

    timestamp = fields.String(required=True, metadata={"format": "date-time"})
    serviceUid = fields.String(required=True, allow_none=True)
    trace = fields.String(required=True, allow_none=True)
    path = fields.String(required=True)
    pathParams = fields.Dict(required=True)
    statusCode = fields.Integer(required=True)
    message = fields.String(required=True)
    help = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(["success", "error"]))
    data: fields.Field[Any] = fields.Raw(required=True, allow_none=True)
    error: fields.Field[Any] = fields.Raw(required=True, allow_none=True)


class ScreeningError(Envelope):
    """Every error of the screening API."""

    error = fields.Nested(ErrorOf, required=True)


class RunRecord(Schema):
    """What was asked for; never changes."""

    jobId = fields.String(required=True)
    type = fields.String(required=True, validate=validate.OneOf(JOB_TYPES))
    payload = fields.Dict(required=True)
    requestedAt = fields.Integer(required=True, metadata={"description": "Epoch milliseconds."})
    sourceAction = fields.String(required=True)
    sourceUid = fields.String()
    sourceEmail = fields.String()


class RunResult(Schema):
    """What has become of it; what is not set is left out."""

    jobId = fields.String(required=True)
    type = fields.String(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf(["pending", "running", "completed", "failed", "rejected"]),
    )
    attemptCount = fields.Integer(required=True)
    startedAt = fields.Integer()
    completedAt = fields.Integer()
    errorSummary = fields.String()
    conflictingJobId = fields.String()


class RunData(Schema):
    """A run with its result."""

    run = fields.Nested(RunRecord, required=True)
    result = fields.Nested(RunResult, required=True)


class RunAnswer(Envelope):
    """The answer to a poll."""

    data = fields.Nested(RunData, required=True)


class RunPage(Schema):
    """Runs, newest first."""

    jobs = fields.List(fields.Nested(RunData), required=True)
    nextCursor = fields.String(required=True, allow_none=True)


class RunPageAnswer(Envelope):
    """The run history of a verification."""

    data = fields.Nested(RunPage, required=True)


class Triggered(Schema):
    """What a dispatch says."""

    triggered = fields.Boolean(required=True)
    jobId = fields.String(required=True)


class TriggeredAnswer(Envelope):
    """The answer to a dispatch."""

    data = fields.Nested(Triggered, required=True)


class RunsQuery(Schema):
    """Which runs."""

    type = fields.String(metadata={"enum": list(JOB_TYPES)})
    limit = fields.String(metadata={"description": "1 to 100; 20 if not given."})
    cursor = fields.String(metadata={"description": "The `nextCursor` of the page before."})
