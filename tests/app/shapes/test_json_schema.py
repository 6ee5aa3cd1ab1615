from __future__ import annotations

import pytest
from marshmallow import ValidationError

from app.shapes.json_schema import check_json_schema

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
EXAMPLE = {
    "$schema": DRAFT_7,
    "description": "Truvera Schema Example\nof two lines",
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "emailAddress": {"type": "string", "format": "email"},
        "alumniOf": {"type": "string"},
    },
    "required": ["emailAddress", "alumniOf"],
    "additionalProperties": False,
    "author": "did:x:y",
}


def nested(depth: int) -> dict:
    """A schema so many levels deep."""
    made: dict = {}
    for _ in range(depth):
        made = {"not": made}
    return made


@pytest.mark.parametrize(
    "schema",
    [
        EXAMPLE,
        {},
        {"type": "string"},
        {"$schema": "https://json-schema.org/draft/2020-12/schema"},
        {"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveRef": "#"},
        {"$schema": "http://json-schema.org/draft-04/schema#", "id": "http://x.example/"},
        {"$schema": "http://json-schema.org/draft-03/schema"},
        # Nobody goes there.
        {"$ref": "http://127.0.0.1:1/nowhere.json"},
        {"$id": "http://127.0.0.1:1/", "allOf": [{"$ref": "other.json"}]},
        nested(30),
        {"anyOf": [{}] * 1900},
    ],
)
def test_a_json_schema_of_a_known_draft_is_taken(schema):
    check_json_schema(schema)


@pytest.mark.parametrize(
    ("schema", "wrong"),
    [
        ({"type": "strin"}, {"type": ["Not a valid JSON schema."]}),
        ({"type": 7}, {"type": ["Not a valid JSON schema."]}),
        (
            {"properties": {"a": {"minimum": "secret"}}},
            {"properties.a.minimum": ["Not a valid JSON schema."]},
        ),
        ({"properties": []}, {"properties": ["Not a valid JSON schema."]}),
        ({"required": "x"}, {"required": ["Not a valid JSON schema."]}),
        ({"pattern": "("}, {"pattern": ["Not a valid JSON schema."]}),
        (
            {"$schema": "http://json-schema.org/draft-04/schema#", "exclusiveMinimum": 7},
            {"exclusiveMinimum": ["Not a valid JSON schema."]},
        ),
        (
            {"$schema": "http://example.org/my-draft"},
            {"$schema": ["Not a draft of JSON Schema that is known."]},
        ),
        ({"$schema": 7}, {"$schema": ["Not a draft of JSON Schema that is known."]}),
        (nested(33), ["Nested too deeply."]),
        ({"anyOf": [{}] * 2000}, ["More than 2000 values."]),
        ({"default": float("inf")}, ["Not a number."]),
        ({"title": "a\x00b"}, ["Not a text."]),
        ({"a\x00b": 1}, ["Not a text."]),
    ],
)
def test_anything_else_is_refused_without_being_quoted(schema, wrong):
    with pytest.raises(ValidationError) as error:
        check_json_schema(schema)

    assert error.value.messages == wrong
