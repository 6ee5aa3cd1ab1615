from __future__ import annotations

import json
import re

import pytest

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "name": "My Schema",
    "type": "object",
    "properties": {"emailAddress": {"type": "string", "format": "email"}, "alumniOf": {}},
    "required": ["emailAddress", "alumniOf"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("more", "whose"), [({}, ""), ({"author": "did:x:y"}, "did:x:y"), ({"author": 7}, "")]
)
def test_a_schema_is_registered_and_shown_as_it_came(send, auditor, more, whose):
    given = {**SCHEMA, **more}

    made = send("POST", "/schemas", json=given).json

    schema_id = made["data"]["id"]
    assert re.fullmatch("0x[0-9a-f]{64}", schema_id)
    assert made == {"id": made["id"], "data": {"id": schema_id, "schema": given}}
    assert auditor.job(made["id"])["payload"] == {
        "event": "schema_create",
        "subject": schema_id,
        "user_data": whose,
    }
    shown = send("GET", f"/schemas/{schema_id}")
    assert shown.json == {"id": schema_id, "schema": given, "status": "pending"}
    assert list(shown.json["schema"]) == list(given)
    assert send("GET", "/schemas").json == [shown.json]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"true", "the body is no JSON object in UTF-8"),
        (b'{"a": NaN}', "the body is no JSON object in UTF-8"),
        (b'{"a": 1e999}', "invalid values: Not a number."),
        (b'{"type": "strin"}', "invalid values: type: Not a valid JSON schema."),
        (
            b'{"$schema": "http://x.example/"}',
            "invalid values: $schema: Not a draft of JSON Schema that is known.",
        ),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "invalid values: Nested too deeply."),
        (b'{"a":' * 9000 + b"1" + b"}" * 9000, "the body is no JSON object in UTF-8"),
    ],
)
def test_what_is_no_json_schema_is_a_400_and_leaves_nothing(send, stored, body, message):
    response = send("POST", "/schemas", data=body)

    assert response.status_code == 400
    assert response.json == {"status": 400, "type": "ValidationError", "message": message}
    assert stored() == {}


def test_a_schema_that_is_too_large_is_a_413(send):
    response = send("POST", "/schemas", json={"description": "x" * 65536})

    assert (response.status_code, response.json["type"]) == (413, "PayloadTooLarge")


def test_a_schema_is_removed_and_others_see_none_of_it(send, other_account, auditor):
    made = send("POST", "/schemas", json=SCHEMA).json
    path = f"/schemas/{made['data']['id']}"

    for method in ("GET", "DELETE"):
        assert send(method, path, who=other_account).status_code == 404
    removal = send("DELETE", path)

    assert removal.json["data"] == {"status": "pending"}
    payload = auditor.job(removal.json["id"])["payload"]
    assert (payload["event"], payload["after"]) == ("schema_delete", made["id"])
    assert send("GET", path).json["status"] == "removing"


def test_the_same_schema_with_the_same_key_is_registered_once(send, auditor):
    headers = {"Idempotency-Key": "k"}

    first = send("POST", "/schemas", json=SCHEMA, headers=headers)
    again = send("POST", "/schemas", data=json.dumps(SCHEMA, indent=2), headers=headers)

    assert again.json == first.json
    assert auditor.one("SELECT count(*) FROM registrations") == 1
