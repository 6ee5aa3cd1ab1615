from __future__ import annotations

import base64

import pytest

from tests.app import runs
from tests.app.conftest import key_of, new_verification

JOB = "a" * 21
#: Every path below a trace, with the method that it is asked by.
BELOW = [
    ("GET", ""),
    ("PATCH", ""),
    ("POST", "/watchlist"),
    ("GET", "/watchlist/latest"),
    ("GET", "/stakeholders/x/watchlist/latest"),
    ("GET", "/jobs"),
    ("GET", "/jobs/watchlist"),
    ("GET", f"/jobs/watchlist/{JOB}"),
]
ALL = [("POST", "/v5/verifications"), *((m, f"/v5/verifications/x{p}") for m, p in BELOW)]


def basic(text: str | bytes) -> dict[str, str]:
    raw = text if isinstance(text, bytes) else text.encode()
    return {"Authorization": f"Basic {base64.b64encode(raw).decode()}"}


def send(client, method: str, url: str, headers: dict[str, str]):
    body = {"rescreenEveryDays": 7} if method == "PATCH" else None
    return client.open(url, method=method, headers=headers, json=body)


# Credentials.


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_basic_credentials_are_the_uid_and_a_key(client, at, service, scheme):
    value = basic(f"{service.uid}:{service.key}")["Authorization"].replace("Basic", scheme)

    response = client.get(at, headers={"Authorization": value})

    assert (response.status_code, response.json["serviceUid"]) == (200, service.uid)


@pytest.mark.parametrize("scheme", ["ApiKey", "apikey", "APIKEY"])
def test_an_api_key_is_the_same_without_base64(client, at, service, scheme):
    headers = {"Authorization": f"{scheme}  {service.uid}:{service.key} "}

    response = client.get(at, headers=headers)

    assert (response.status_code, response.json["serviceUid"]) == (200, service.uid)


@pytest.mark.parametrize("channel", ["api", "portal", "admin"])
def test_a_key_of_every_channel_opens_the_door(client, at, database, service, channel):
    headers = key_of(database, service.uid, channel=channel).headers

    assert client.get(at, headers=headers).status_code == 200


@pytest.mark.parametrize(("method", "url"), ALL)
def test_without_credentials_every_path_is_401_in_the_envelope(client, stored, method, url):
    response = send(client, method, url, {})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Basic realm="screening"'
    assert list(response.json) == [
        "timestamp", "serviceUid", "trace", "path", "pathParams", "statusCode", "message", "help",
        "status", "data", "error",
    ]  # fmt: skip
    assert response.json["serviceUid"] is None
    assert response.json["statusCode"] == 401
    assert (response.json["message"], response.json["status"]) == ("Unauthorized", "error")
    assert (response.json["data"], response.json["error"]) == (None, {"type": "unauthorized"})
    assert stored() == {}


@pytest.fixture
def bad_credentials(database, service, other_service, tenant, auditor):
    """Values of the header that open nothing, by what is wrong with them."""
    revoked = key_of(database, service.uid, channel="api")
    auditor.rows("UPDATE service_keys SET revoked_at = now() WHERE id = 3")
    pair = f"{service.uid}:{service.key}"
    encoded = base64.b64encode(pair.encode()).decode()
    return {
        "empty": "",
        "a scheme alone": "Basic",
        "a scheme and a blank": "ApiKey ",
        "no scheme": pair,
        "a bearer": f"Bearer {pair}",
        "a bearer of the voting API": f"Bearer {tenant.key}",
        "another scheme": f"Digest {encoded}",
        "not base64": "Basic !!!",
        "base64 cut short": f"Basic {encoded[:-3]}",
        "base64 with rubbish": f"Basic {encoded}*",
        "no UTF-8": basic(b"\xff:\xfe")["Authorization"],
        "no colon": basic("x")["Authorization"],
        "basic without base64": f"Basic {pair}",
        "an API key in base64": f"ApiKey {encoded}",
        "no key": f"ApiKey {service.uid}:",
        "no uid": f"ApiKey :{service.key}",
        "a wrong key": f"ApiKey {service.uid}:{'0' * 64}",
        "a key in capitals": f"ApiKey {service.uid}:{service.key.upper()}",
        "a key with more": f"ApiKey {pair}:x",
        "a key of another service": f"ApiKey {service.uid}:{other_service.key}",
        "another uid": f"ApiKey {other_service.uid}:{service.key}",
        "a revoked key": f"ApiKey {revoked.uid}:{revoked.key}",
        "a NUL in the uid": basic(f"{service.uid}\0:{service.key}")["Authorization"],
        "a NUL in the key": basic(f"{service.uid}:\0")["Authorization"],
        "not ASCII": "Basic \u00e9",
        "a uid not in ASCII": "ApiKey \u00e9\u00b2:x",
        "an emoji": basic("\U0001f600:\U0001f600")["Authorization"],
        "another alphabet": basic("\u0436\u0663:\u0436")["Authorization"],
        "a long one": f"ApiKey {'u' * 5000}:{'k' * 5000}",
    }


def test_credentials_that_nobody_has_are_401_and_are_not_logged(
    client, at, bad_credentials, logged, service
):
    answers = {
        case: client.get(at, headers={"Authorization": value})
        for case, value in bad_credentials.items()
    }

    found = {
        case: (answer.status_code, answer.json["serviceUid"], answer.json["error"])
        for case, answer in answers.items()
    }
    assert found == dict.fromkeys(bad_credentials, (401, None, {"type": "unauthorized"}))
    assert all("WWW-Authenticate" in answer.headers for answer in answers.values())
    assert service.key not in logged()


def test_credentials_of_a_service_open_nothing_of_the_voting_api(client, path, service):
    response = client.get(path, headers=service.headers)

    assert (response.status_code, response.json["code"]) == (401, 40001)


# Traces.


@pytest.mark.parametrize(("method", "below"), BELOW)
def test_another_services_trace_is_404_on_every_path(
    client, database, service, other_service, stored, method, below
):
    theirs = new_verification(database, other_service)
    runs.complete(database, theirs, JOB)
    before = stored()

    response = send(client, method, f"/v5/verifications/{theirs.trace}{below}", service.headers)

    assert (response.status_code, response.json["error"]) == (404, {"type": "not_found"})
    assert (response.json["message"], response.json["data"]) == ("Not found", None)
    assert response.json["serviceUid"] == service.uid
    assert "Acme" not in response.text
    assert stored() == before


ODD = ["x", "%00", "a%00b", "%ed%a0%80", "%F0%9F", "%C3%A9", "%F0%9F%98%80", "%0A", "x" * 5000]


@pytest.mark.parametrize(("method", "below"), BELOW)
@pytest.mark.parametrize("trace", ODD)
def test_a_trace_that_is_none_is_404_on_every_path(client, service, method, below, trace):
    response = send(client, method, f"/v5/verifications/{trace}{below}", service.headers)

    assert (response.status_code, response.json["error"]) == (404, {"type": "not_found"})


# Paths.


@pytest.mark.parametrize(
    "url",
    ["/v5/", "/v5/x", "/v5/verifications/x/y", "/v5/verifications/x/jobs/watchlist/y/z", "/v5/%00"],
)
def test_an_unknown_path_is_404_in_the_envelope(client, service, url):
    response = client.get(url, headers=service.headers)

    assert response.status_code == 404
    assert list(response.json.items()) == [
        ("timestamp", response.json["timestamp"]),
        ("serviceUid", None),
        ("trace", None),
        ("path", url.replace("%00", "\0")),
        ("pathParams", {}),
        ("statusCode", 404),
        ("message", "No such path"),
        ("help", None),
        ("status", "error"),
        ("data", None),
        ("error", {"type": "not_found"}),
    ]


@pytest.mark.parametrize(
    ("method", "below", "allowed"),
    [
        ("GET", "/watchlist", {"POST", "OPTIONS"}),
        ("DELETE", "", {"GET", "HEAD", "PATCH", "OPTIONS"}),
        ("PUT", "/jobs", {"GET", "HEAD", "OPTIONS"}),
        ("POST", f"/jobs/watchlist/{JOB}", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_method_that_a_path_lacks_is_405_in_the_envelope_and_says_which_it_has(
    client, at, service, method, below, allowed
):
    response = client.open(at + below, method=method, headers=service.headers)

    assert (response.status_code, response.json["statusCode"]) == (405, 405)
    assert response.json["error"] == {"type": "method_not_allowed"}
    assert set(response.headers["Allow"].split(", ")) == allowed


def test_every_path_is_served_with_and_without_a_slash_at_its_end(
    client, at, database, service, verification
):
    runs.complete(database, verification, JOB)
    paths = ["", "/jobs", f"/jobs/watchlist/{JOB}"]

    statuses = {
        (path, end): client.get(at + path + end, headers=service.headers).status_code
        for path in paths
        for end in ("", "/")
    }
    made = client.post("/v5/verifications/", json={"name": "Acme"}, headers=service.headers)
    screened = client.post(f"{at}/watchlist/", headers=service.headers)

    assert statuses == {(path, end): 200 for path in paths for end in ("", "/")}
    assert (made.status_code, screened.status_code) == (201, 202)


def test_a_defect_is_500_in_the_envelope_without_a_word_of_its_text(own_app, logged):
    @own_app.get("/v5/breaks")
    def breaks():
        raise RuntimeError("secret-in-the-exception")

    response = own_app.test_client().get("/v5/breaks")

    assert (response.status_code, response.json["error"]) == (500, {"type": "internal_error"})
    assert "request_failed" in logged()
    assert "secret-in-the-exception" not in logged() + response.text
