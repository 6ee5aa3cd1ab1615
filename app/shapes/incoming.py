"""Fields of what comes in: texts that can be kept, dates that can be, and bounds on how much."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, ValidationError, fields, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

#: Stakeholders of one verification, and entries of one of its objects.
MOST_STAKEHOLDERS, MOST_ENTRIES = 1000, 50
_LONGEST_TEXT, _LONGEST_EMAIL = 500, 254
_EARLIEST = date(1850, 1, 1)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
#: PostgreSQL takes no NUL and no half of a character; nobody can read the rest.
_UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_DEEPEST = 4


def complaints(
    found: Any, path: Sequence[str | int] = ()
) -> Iterator[tuple[Sequence[str | int], str]]:
    """Return what a schema found wrong, each text behind where it was; values are never quoted."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from complaints(value, [*path, key])
    else:
        for text in found:
            yield path, text


def first_complaint(found: Any) -> str:
    """Say in one line what a schema found wrong first, without what it was found in."""
    for path, text in complaints(found):
        # The name of a field that nobody knows is the sender's own.
        known = path[:-1] if text == "Unknown field." else path
        return f"{'.'.join(str(part) for part in known)}: {text}".removeprefix(": ")
    return ""


def storable(value: str, *, lines: bool = False) -> None:
    """Refuse control characters; the ends of lines only where there may be none."""
    if _UNSTORABLE.search(re.sub(r"[\n\r\t]", " ", value) if lines else value):
        raise ValidationError("Not a text.")


class Text(fields.String):
    """A text without control characters, trimmed."""

    def __init__(self, *, longest: int = _LONGEST_TEXT, shortest: int = 0, **more: Any) -> None:
        bounds = validate.Length(min=shortest, max=longest)
        super().__init__(validate=[storable, bounds], **more)

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


def country(description: str = "An ISO 3166 code.") -> fields.String:
    """Return the field of a country, which may be left out."""
    code = validate.Regexp(r"([A-Z]{2})?\Z", error="Not an ISO 3166 code of two letters.")
    metadata = {"example": "AU", "description": description}
    return fields.String(load_default="", validate=code, metadata=metadata)


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


def plain(value: Any, *, deepest: int = _DEEPEST) -> None:
    """Refuse what PostgreSQL cannot keep or nobody can read: NULs, infinities, deep nesting."""
    if deepest < 0:
        raise ValidationError("Nested too deeply.")
    if isinstance(value, dict):
        for key, one in value.items():
            storable(key)
            plain(one, deepest=deepest - 1)
    elif isinstance(value, list):
        for one in value:
            plain(one, deepest=deepest - 1)
    elif isinstance(value, str):
        storable(value, lines=True)
    elif isinstance(value, float) and not isfinite(value):
        raise ValidationError("Not a number.")  # as which Python reads 1e999


class RepeatableHeaders(Schema):
    """What makes a dispatch one that can be repeated."""

    idempotency_key = fields.String(
        data_key="Idempotency-Key",
        metadata={
            "description": "The same key and request give the same answer for 24 hours.",
            "maxLength": 255,
        },
    )
