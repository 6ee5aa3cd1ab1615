from __future__ import annotations

import json

import pytest

NAME = "Zanzibar Quux Holdings"
PERSON = "Wilhelmina Vex"
MINIMAL = {"name": NAME}


@pytest.fixture
def post(client, service):
    """Record a verification."""

    def send(body: object = None, **given):
        given = given or {"json": body}
        return client.post("/v5/verifications", headers=service.headers, **given)

    return send


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"x"',
        b"\xff\xfe",
        b'{"name":"\xe9"}',
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b'{"name":' * 100_000,
        b'{"name":"x"} {}',
        b"name=x",
        b'{"name":"x","addresses":{"a":NaN}}',
        b'{"name":"x","not known":-Infinity}',
    ],
)
def test_a_body_that_is_no_json_object_is_422(post, stored, body):
    response = post(data=body, content_type="application/json")

    assert response.status_code == 422
    assert response.json["message"] == "Validation error"
    assert response.json["error"] == {
        "type": "validation_error",
        "details": [
            {
                "message": "the body is no JSON object in UTF-8",
                "code": "invalid_format",
                "path": [],
            },
        ],
    }
    assert stored() == {}


@pytest.mark.parametrize("size", [1001, 3 * 1024 * 1024])
@pytest.mark.parametrize("below", ["", "/{trace}/watchlist"])
def test_a_body_that_is_too_large_is_422_in_the_envelope(
    client, make_client, service, verification, stored, size, below
):
    sender = make_client(max_json_bytes=1000) if size < 2000 else client
    before = stored()
    body = json.dumps({"name": "x", "notes": ""})[:-2] + "x" * size + '"}'

    response = sender.post(
        f"/v5/verifications{below.format(trace=verification.trace)}",
        data=body,
        headers=service.headers,
    )

    assert (response.status_code, response.json["statusCode"]) == (422, 422)
    assert response.json["error"] == {
        "type": "validation_error",
        "details": [{"message": "the body is too large", "code": "too_large", "path": []}],
    }
    assert stored() == before


def detail(code: str, *path: object, message: str = "") -> dict[str, object]:
    return {"message": message, "code": code, "path": list(path)}


WRONG = {
    "no body": ({}, detail("required", "name")),
    "no name": ({"country": "AU"}, detail("required", "name")),
    "a blank name": ({"name": " \t "}, detail("invalid_format", "name")),
    "a name that is null": ({"name": None}, detail("invalid_format", "name")),
    "a name that is a number": ({"name": 7}, detail("invalid_format", "name")),
    "a name with a NUL": ({"name": f"{NAME}\0x"}, detail("invalid_format", "name")),
    "a name with a control": ({"name": f"{NAME}\x1bx"}, detail("invalid_format", "name")),
    "a name with a surrogate": ({"name": f"{NAME}\ud800x"}, detail("invalid_format", "name")),
    "an endless name": ({"name": NAME * 20}, detail("invalid_format", "name")),
    "a name of dots": ({"name": "... -"}, detail("invalid_format", "name")),
    "a name that nobody sees": (
        {"name": "\u200b\u3164\u2800\u0301"},
        detail("invalid_format", "name"),
    ),
    "a country by its name": ({"country": "Australia"}, detail("invalid_format", "country")),
    "a country in small letters": ({"country": "au"}, detail("invalid_format", "country")),
    "a type that is a list": ({"type": ["company"]}, detail("invalid_format", "type")),
    "an impossible date": ({"dateOfBirth": "1990-02-30"}, detail("invalid_format", "dateOfBirth")),
    "a future date": ({"dateOfBirth": "2999-01-01"}, detail("invalid_format", "dateOfBirth")),
    "a date of long ago": ({"dateOfBirth": "1849-12-31"}, detail("invalid_format", "dateOfBirth")),
    "a date the other way": (
        {"dateOfBirth": "31/01/1970"},
        detail("invalid_format", "dateOfBirth"),
    ),
    "a date with a time": (
        {"dateOfBirth": "1970-01-31T00:00:00Z"},
        detail("invalid_format", "dateOfBirth"),
    ),
    "a date that is a number": ({"dateOfBirth": 19700131}, detail("invalid_format", "dateOfBirth")),
    "layers below zero": ({"ownershipLayers": -1}, detail("invalid_format", "ownershipLayers")),
    "layers as text": ({"ownershipLayers": "3"}, detail("invalid_format", "ownershipLayers")),
    "layers that are true": (
        {"ownershipLayers": True},
        detail("invalid_format", "ownershipLayers"),
    ),
    "owners as text": ({"ownersIdentified": "yes"}, detail("invalid_format", "ownersIdentified")),
    "no days": ({"rescreenEveryDays": 0}, detail("invalid_format", "rescreenEveryDays")),
    "days below zero": ({"rescreenEveryDays": -1}, detail("invalid_format", "rescreenEveryDays")),
    "too many days": ({"rescreenEveryDays": 3651}, detail("invalid_format", "rescreenEveryDays")),
    "days that are true": (
        {"rescreenEveryDays": True},
        detail("invalid_format", "rescreenEveryDays"),
    ),
    "half days": ({"rescreenEveryDays": 1.5}, detail("invalid_format", "rescreenEveryDays")),
    "addresses that are a list": ({"addresses": []}, detail("invalid_format", "addresses")),
    "an address with a NUL": ({"addresses": {"a": ["\0"]}}, detail("invalid_format", "addresses")),
    "a NUL for a key": ({"addresses": {"a": {"\0": 1}}}, detail("invalid_format", "addresses")),
    "a deep address": (
        {"addresses": {"a": {"b": {"c": {"d": {"e": 1}}}}}},
        detail("invalid_format", "addresses"),
    ),
    "many addresses": (
        {"addresses": {str(number): 1 for number in range(51)}},
        detail("invalid_format", "addresses"),
    ),
    "identifiers that are a list": ({"identifiers": []}, detail("invalid_format", "identifiers")),
    "an ABN that is a number": (
        {"identifiers": {"abn": 51824753556}},
        detail("invalid_format", "identifiers", "abn"),
    ),
    "an identifier with a NUL": (
        {"identifiers": {"lei": "\0"}},
        detail("invalid_format", "identifiers", "lei"),
    ),
    "an identifier without a name": (
        {"identifiers": {" ": "x"}},
        detail("invalid_format", "identifiers"),
    ),
    "an identifier with a name of NULs": (
        {"identifiers": {f"\0{NAME}": "x"}},
        detail("invalid_format", "identifiers"),
    ),
    "many identifiers": (
        {"identifiers": {str(number): "1" for number in range(51)}},
        detail("invalid_format", "identifiers"),
    ),
    "stakeholders that are none": ({"stakeholders": {}}, detail("invalid_format", "stakeholders")),
    "a stakeholder that is a text": (
        {"stakeholders": [PERSON]},
        detail("invalid_format", "stakeholders", 0, "_schema"),
    ),
    "a stakeholder without a name": (
        {"stakeholders": [{"name": PERSON}, {"role": "director"}]},
        detail("required", "stakeholders", 1, "name"),
    ),
    "a stakeholder whose name is a dash": (
        {"stakeholders": [{"name": PERSON}, {"name": "-"}]},
        detail("invalid_format", "stakeholders", 1, "name"),
    ),
    "a stakeholder of the future": (
        {"stakeholders": [{"name": PERSON, "dateOfBirth": "2999-01-01"}]},
        detail("invalid_format", "stakeholders", 0, "dateOfBirth"),
    ),
    "a stakeholder with a bad ABN": (
        {"stakeholders": [{"name": PERSON, "identifiers": {"abn": "1"}}]},
        detail("invalid_format", "stakeholders", 0, "identifiers", "abn"),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_value_is_422_with_its_path_and_is_neither_kept_nor_told(
    post, stored, logged, case
):
    given, expected = WRONG[case]
    named = {} if case in {"no body", "no name"} else MINIMAL

    response = post(data=json.dumps({**named, **given}), content_type="application/json")

    assert response.status_code == 422
    (found,) = response.json["error"]["details"]
    assert found == {**expected, "message": found["message"]}
    assert stored() == {}
    for private in (NAME, PERSON):
        assert private not in response.text
        assert private not in logged()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("addresses", b'{"a":[1e999]}'),
        ("ownershipLayers", b"1e999"),
        ("ownershipLayers", b"9" * 4000),
        ("rescreenEveryDays", b"-1e999"),
    ],
)
def test_a_number_beyond_all_bounds_is_422(post, stored, field, value):
    response = post(data=b'{"name":"x","%s":%s}' % (field.encode(), value))

    assert response.status_code == 422
    assert [one["path"] for one in response.json["error"]["details"]] == [[field]]
    assert stored() == {}


def test_everything_that_is_wrong_is_said_at_once(post):
    response = post({"country": "x", "stakeholders": [{}]})

    assert [(one["path"], one["code"]) for one in response.json["error"]["details"]] == [
        (["name"], "required"),
        (["country"], "invalid_format"),
        (["stakeholders", 0, "name"], "required"),
    ]


def test_a_bad_abn_is_the_published_422(post, service, stored):
    response = post({**MINIMAL, "identifiers": {"abn": "51 824 753 557"}})

    details = [
        {
            "message": "Not a valid ABN.",
            "code": "invalid_format",
            "path": ["identifiers", "abn"],
        }
    ]
    assert response.status_code == 422
    assert response.json == {
        "timestamp": response.json["timestamp"],
        "serviceUid": service.uid,
        "trace": None,
        "path": "/v5/verifications",
        "pathParams": {},
        "statusCode": 422,
        "message": "Validation error",
        "status": "error",
        "data": None,
        "help": None,
        "error": {"type": "validation_error", "details": details},
    }
    assert stored() == {}
