from __future__ import annotations

import re

import pytest

from tests.app.conftest import new_service

NAME = "Zanzibar Quux Holdings"
PERSON = "Wilhelmina Vex"
MINIMAL = {"name": NAME}
FULL = {
    "country": "AU",
    "type": "company",
    "subType": "private",
    "name": NAME,
    "dateOfBirth": "1990-02-28",
    "identifiers": {"abn": "51 824 753 556", "acn": "004 085 616"},
    "addresses": {"registered": {"lines": ["1 High St"], "postcode": 2000, "unit": None}},
    "ownershipLayers": 3,
    "ownersIdentified": False,
    "rescreenEveryDays": 30,
    "stakeholders": [
        {
            "name": PERSON,
            "type": "individual",
            "role": "director",
            "dateOfBirth": "1970-01-31",
            "country": "NZ",
            "identifiers": {"passport": "L898902C"},
        },
        {"name": "Vex Nominees Pty Ltd", "type": "company"},
    ],
}


@pytest.fixture
def post(client, service):
    """Record a verification."""

    def send(body: object = None, **given):
        given = given or {"json": body}
        return client.post("/v5/verifications", headers=service.headers, **given)

    return send


@pytest.fixture
def change(client, at, service):
    """Change this test's verification."""

    def send(**given):
        return client.patch(at, headers=service.headers, **given)

    return send


def test_a_name_is_all_that_a_verification_needs(post, service):
    response = post(MINIMAL)

    trace, made_at = response.json["trace"], response.json["data"]["createdAt"]
    assert response.status_code == 201
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", trace)
    assert list(response.json.items()) == [
        ("timestamp", response.json["timestamp"]),
        ("serviceUid", service.uid),
        ("trace", trace),
        ("path", "/v5/verifications"),
        ("pathParams", {}),
        ("statusCode", 201),
        ("message", "Verification created."),
        ("help", None),
        ("status", "success"),
        (
            "data",
            {
                "trace": trace,
                "country": "",
                "type": "",
                "subType": "",
                "name": NAME,
                "dateOfBirth": None,
                "identifiers": {},
                "addresses": {},
                "ownershipLayers": 0,
                "ownersIdentified": True,
                "rescreenEveryDays": None,
                "nextRescreenAt": None,
                "createdAt": made_at,
                "stakeholders": [],
                "risk": None,
            },
        ),
        ("error", None),
    ]
    assert made_at > 1740715200000


def test_everything_that_is_given_is_kept_and_stakeholders_get_ids_in_their_order(post):
    response = post(FULL)

    data = response.json["data"]
    known = {key: value for key, value in data.items() if key in FULL and key != "stakeholders"}
    first, second = data["stakeholders"]
    assert response.status_code == 201
    assert known == {key: value for key, value in FULL.items() if key != "stakeholders"}
    assert first == {**FULL["stakeholders"][0], "id": first["id"], "risk": None}
    assert second == {
        "id": second["id"],
        "type": "company",
        "name": "Vex Nominees Pty Ltd",
        "role": "other",
        "dateOfBirth": None,
        "country": "",
        "identifiers": {},
        "risk": None,
    }
    assert all(re.fullmatch("[0-9A-Za-z_-]{21}", one["id"]) for one in (first, second))
    assert first["id"] != second["id"]


def test_what_was_created_can_be_read_with_a_risk_that_is_null(client, post, service):
    made = post(FULL)

    read = client.get(f"/v5/verifications/{made.json['trace']}", headers=service.headers)

    assert read.status_code == 200
    assert read.json["message"] == "Verification retrieved."
    assert read.json["path"] == "/v5/verifications/:trace"
    assert read.json["data"] == made.json["data"]
    assert read.json["data"]["risk"] is None


def test_nothing_that_names_a_person_is_logged(client, post, service, logged):
    trace = post(FULL).json["trace"]
    client.post(f"/v5/verifications/{trace}/watchlist", headers=service.headers)

    for private in (NAME, PERSON, "L898902C", "1970-01-31", "High St", service.key):
        assert private not in logged()


def test_names_in_every_script_are_kept_as_they_are_but_trimmed(post):
    name = "Łódź 株式会社 \U0001f600 O\u2019Neil"

    assert post({"name": f"  {name}\n"}).json["data"]["name"] == name


def test_fields_that_are_not_known_are_ignored(post):
    body = {**MINIMAL, "trace": "mine", "risk": 0, "stakeholders": [{"name": "x", "id": "y"}]}

    response = post(body)

    assert response.status_code == 201
    assert response.json["trace"] != "mine"
    assert response.json["data"]["risk"] is None
    assert response.json["data"]["stakeholders"][0]["id"] != "y"


def test_a_thousand_stakeholders_are_enough(post, stored):
    people = [{"name": f"{PERSON} {number}"} for number in range(1000)]

    kept = post({**MINIMAL, "stakeholders": people})
    refused = post({**MINIMAL, "stakeholders": [*people, {"name": PERSON}]})

    assert (kept.status_code, refused.status_code) == (201, 422)
    assert [one["name"] for one in kept.json["data"]["stakeholders"]] == [
        one["name"] for one in people
    ]
    assert refused.json["error"]["details"][0]["path"] == ["stakeholders"]
    assert stored() == {"verifications": 1, "stakeholders": 1000}


# Changes.


def test_rescreening_is_turned_on_and_off(client, change, at, service):
    on = change(json={"rescreenEveryDays": 7})
    shown = client.get(at, headers=service.headers)
    off = change(json={"rescreenEveryDays": None})

    assert (on.status_code, on.json["message"]) == (200, "Verification updated.")
    assert on.json["data"]["rescreenEveryDays"] == 7
    week = 7 * 24 * 3600 * 1000
    created, due = on.json["data"]["createdAt"], on.json["data"]["nextRescreenAt"]
    assert week <= due - created < week + 600_000
    assert shown.json["data"] == on.json["data"]
    assert off.json["data"]["rescreenEveryDays"] is None
    assert off.json["data"]["nextRescreenAt"] is None


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ({}, "required", "rescreenEveryDays"),
        ({"rescreenEveryDays": 0}, "invalid_format", "rescreenEveryDays"),
        ({"rescreenEveryDays": -1}, "invalid_format", "rescreenEveryDays"),
        ({"rescreenEveryDays": True}, "invalid_format", "rescreenEveryDays"),
        ({"rescreenEveryDays": 7.0}, "invalid_format", "rescreenEveryDays"),
        ({"rescreenEveryDays": 3651}, "invalid_format", "rescreenEveryDays"),
        ({"rescreenEveryDays": "7"}, "invalid_format", "rescreenEveryDays"),
        ({"rescreenEveryDays": 10**30}, "invalid_format", "rescreenEveryDays"),
        ({"rescreenEveryDays": 7, "name": "Other"}, "invalid_format", "name"),
    ],
)
def test_a_bad_change_is_422_and_changes_nothing(client, change, at, service, body, code, path):
    before = client.get(at, headers=service.headers).json["data"]

    response = change(json=body)

    assert response.status_code == 422
    (found,) = response.json["error"]["details"]
    assert (found["code"], found["path"]) == (code, [path])
    assert client.get(at, headers=service.headers).json["data"] == before


def test_a_service_sees_its_own_verifications_alone(client, post, database):
    trace = post(MINIMAL).json["trace"]
    headers = new_service(database).headers

    response = client.get(f"/v5/verifications/{trace}", headers=headers)

    assert (response.status_code, response.json["error"]) == (404, {"type": "not_found"})
