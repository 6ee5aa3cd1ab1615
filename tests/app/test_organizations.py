from __future__ import annotations

import re

import pytest

from tests.conftest import token


@pytest.fixture
def headers():
    """The credential of somebody who has no organization yet."""
    return {"Authorization": f"Bearer {token('mary')}"}


def test_who_founds_an_organization_administers_it(client, headers, auditor):
    made = client.post("/organizations", json={"name": "Club", "country": "ES"}, headers=headers)

    address = made.json["address"]
    assert made.status_code == 200
    assert made.json == {"address": address}
    assert re.fullmatch("0x[0-9a-f]{40}", address)
    assert client.get(f"/organizations/{address}/members", headers=headers).status_code == 200
    assert auditor.rows("SELECT subject, role FROM organization_roles") == [
        {"subject": "mary", "role": "admin"}
    ]


@pytest.mark.parametrize("how", [{}, {"json": {}}, {"content_type": "application/json"}])
def test_the_body_is_optional(client, headers, how):
    assert client.post("/organizations", headers=headers, **how).status_code == 200


NO_COUNTRY = ": country: Not an ISO 3166 code of two letters."


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", ""),
        (b"[]", ""),
        (b"null", ""),
        (b'"Club"', ""),
        (b'{"name":1}', ": name: Not a valid string."),
        (b'{"country":"Spain"}', NO_COUNTRY),
        (b'{"country":"es"}', NO_COUNTRY),
        (b'{"country":"ES\\n"}', NO_COUNTRY),
        (b'{"owner":"me"}', ": Unknown field."),
        (rb'{"name":"\u0000"}', ": name: Not a text."),
        (rb'{"name":"\ud800"}', ": name: Not a text."),
        (b'{"name":"' + b"x" * 201 + b'"}', ": name: Longer than maximum length 200."),
        (b"\xff\xfe", ""),
        (b"[" * 100_000, ""),
        (b'{"name":' + b"9" * 5000 + b"}", ""),
        (b"x" * (10 * 1024 * 1024), ""),
    ],
)
def test_a_malformed_body_is_400_code_40004_and_founds_nothing(
    client, headers, auditor, body, detail
):
    response = client.post("/organizations", data=body, headers=headers)

    assert response.status_code == 400
    assert response.json == {"error": f"malformed body{detail}", "code": 40004}
    assert auditor.one("SELECT count(*) FROM organizations") == 0


def test_an_api_key_cannot_found_an_organization(client, tenant):
    response = client.post("/organizations", headers=tenant.headers)

    assert (response.status_code, response.json["code"]) == (401, 40001)


def test_an_organization_is_shown_to_anybody(client, tenant):
    shown = client.get(f"/organizations/{tenant.address}")

    assert shown.status_code == 200
    assert shown.json.pop("createdAt").endswith("Z")
    assert shown.json["address"] == tenant.address
    assert shown.json["country"] == "US"
    assert list(shown.json) == ["address", "name", "country", "createdAt"]


def test_a_bad_header_on_a_public_call_is_no_error(client, tenant):
    headers = {"Authorization": "Bearer vsk_nonsense"}

    assert client.get(f"/organizations/{tenant.address}", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("address", "status", "code"), [("0x12", 400, 40010), ("0x" + "0" * 40, 404, 40009)]
)
def test_an_address_that_is_wrong_or_unknown_is_refused(client, address, status, code):
    response = client.get(f"/organizations/{address}")

    assert (response.status_code, response.json["code"]) == (status, code)
