"""The screening API's JSON as marshmallow schemas: what comes in, and the OpenAPI document."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from app.shapes.screening import JOB_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Stakeholders of one verification, entries of one of its objects, and the longest interval.
MOST_STAKEHOLDERS, MOST_ENTRIES, MOST_DAYS = 1000, 50, 3650
_LONGEST_NAME, _LONGEST_TEXT, _LONGEST_EMAIL = 300, 500, 254
_EARLIEST = date(1850, 1, 1)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_DEEPEST = 4
_TYPE = "`individual`, `company` and the like. Where it says neither, both are searched."


def _storable(value: str, *, lines: bool = False) -> None:
    """Refuse control characters; the ends of lines only where there may be none."""
    if _UNSTORABLE.search(re.sub(r"[\n\r\t]", " ", value) if lines else value):
        raise ValidationError("Not a text.")


class Text(fields.String):
    """A text without control characters, trimmed."""

    def __init__(self, *, longest: int = _LONGEST_TEXT, shortest: int = 0, **more: Any) -> None:
        bounds = validate.Length(min=shortest, max=longest)
        super().__init__(validate=[_storable, bounds], **more)

    def _deserialize(self, value: Any, *given: Any, **more: Any) -> Any:
        return str(super()._deserialize(value, *given, **more)).strip()


class Email(Text):
    """An e-mail address that PostgreSQL can keep; marshmallow's own lets lone surrogates pass."""

    def __init__(self, **more: Any) -> None:
        super().__init__(longest=_LONGEST_EMAIL, metadata={"format": "email"}, **more)
        self.validators.append(validate.Email())


class Day(fields.String):
    """A date that has been, as YYYY-MM-DD."""

    def _deserialize(self, value: Any, *given: Any, **more: Any) -> Any:
        text = str(super()._deserialize(value, *given, **more))
        try:
            day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
        except ValueError:
            day = None
        if day is None or not _EARLIEST <= day <= datetime.now(UTC).date():
            raise ValidationError("Not a date of the past as YYYY-MM-DD.")
        return day


def _country() -> fields.String:
    code = validate.Regexp(r"([A-Z]{2})?\Z", error="Not an ISO 3166 code of two letters.")
    return fields.String(load_default="", validate=code, metadata={"example": "AU"})


def _is_abn(value: str) -> bool:
    """Tell whether the digits of an Australian Business Number add up, as its register says."""
    plain = value.replace(" ", "")
    if not re.fullmatch("[0-9]{11}", plain):
        return False
    weighed = zip(plain, (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19), strict=True)
    first = 10  # the first digit counts one less than it is
    return (sum(int(digit) * weight for digit, weight in weighed) - first) % 89 == 0


def _is_acn(value: str) -> bool:
    """Tell whether the last digit of an Australian Company Number checks the others."""
    plain = value.replace(" ", "")
    if not re.fullmatch("[0-9]{9}", plain):
        return False
    weighed = zip(plain[:-1], range(8, 0, -1), strict=True)
    return -sum(int(digit) * weight for digit, weight in weighed) % 10 == int(plain[-1])


#: Identifiers whose digits check each other.
_CHECKED: Mapping[str, Callable[[str], bool]] = {"abn": _is_abn, "acn": _is_acn}


def _refuse_more_than(most: int, given: Any) -> None:
    """Refuse what has too many items before each of them is looked at."""
    if isinstance(given, dict | list) and len(given) > most:
        raise ValidationError(f"Longer than maximum length {most}.")


class Stakeholders(fields.List[Any]):
    """Those behind an entity, up to a number."""

    def _deserialize(self, value: Any, *given: Any, **more: Any) -> Any:
        _refuse_more_than(MOST_STAKEHOLDERS, value)
        read: Any = super()._deserialize  # marshmallow gives it no types
        return read(value, *given, **more)


def _by_name(wrong: Any) -> Any:
    """Return what is wrong with a mapping under the names of its values, as it is published."""
    if isinstance(wrong, list):
        return wrong
    if any("key" in one for one in wrong.values()):
        return ["A name has 1 to 64 characters."]
    return {name: one["value"] for name, one in wrong.items()}


class Identifiers(fields.Dict):
    """Numbers that registers know somebody by; an ABN or ACN must add up."""

    def __init__(self) -> None:
        super().__init__(
            keys=Text(longest=64, shortest=1),
            values=Text(longest=100),
            load_default=dict,
            metadata={"example": {"abn": "51 824 753 556"}},
        )

    def _deserialize(self, value: Any, *given: Any, **more: Any) -> Any:
        _refuse_more_than(MOST_ENTRIES, value)
        read: Any = super()._deserialize  # marshmallow gives it no types
        try:
            found = read(value, *given, **more)
        except ValidationError as error:
            raise ValidationError(_by_name(error.messages)) from None
        wrong = {
            kind: [f"Not a valid {kind.upper()}."]
            for kind, adds_up in _CHECKED.items()
            if kind in found and not adds_up(found[kind])
        }
        if wrong:
            raise ValidationError(wrong)
        return found


def _plain(value: Any, depth: int = 0) -> None:
    """Refuse what PostgreSQL cannot keep or nobody can read: NULs, infinities, deep nesting."""
    if depth > _DEEPEST:
        raise ValidationError("Nested too deeply.")
    if isinstance(value, dict):
        for key, one in value.items():
            _storable(key)
            _plain(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _plain(one, depth + 1)
    elif isinstance(value, str):
        _storable(value, lines=True)
    elif isinstance(value, float) and not isfinite(value):
        raise ValidationError("Not a number.")  # as which Python reads 1e999


class NewStakeholder(Schema):
    """Somebody behind the entity. Fields that are not known here are ignored."""

    class Meta:  # noqa: D106 - marshmallow's
        unknown = EXCLUDE

    name = Text(required=True, shortest=1, longest=_LONGEST_NAME)
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
    country = _country()
    identifiers = Identifiers()


class NewVerification(Schema):
    """Whom to verify. Fields that are not known here are ignored."""

    class Meta:  # noqa: D106 - marshmallow's
        unknown = EXCLUDE

    name = Text(required=True, shortest=1, longest=_LONGEST_NAME)
    country = _country()
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
    addresses = fields.Dict(load_default=dict, validate=[validate.Length(max=MOST_ENTRIES), _plain])
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


class RepeatableHeaders(Schema):
    """What makes a dispatch one that can be repeated."""

    idempotency_key = fields.String(
        data_key="Idempotency-Key",
        metadata={
            "description": "The same key and request give the same answer for 24 hours.",
            "maxLength": 255,
        },
    )
