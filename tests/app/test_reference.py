from __future__ import annotations

import re
from functools import partial

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.connected import http, who

__all__ = ["http", "who"]

DOCUMENTED = {
    "/organizations": {"post"},
    "/organizations/{address}": {"get"},
    "/organizations/{address}/members": {"get", "post"},
    "/organizations/{address}/members/job/{job_id}": {"get"},
    "/organizations/{address}/members/job/{job_id}/errors": {"get"},
    "/organizations/{address}/jobs": {"get"},
    "/organizations/{address}/groups": {"get", "post"},
    "/organizations/{address}/groups/{group_id}": {"get"},
    "/jobs/{job_id}": {"get"},
    "/census": {"post"},
    "/census/{census_id}": {"get", "post"},
    "/census/{census_id}/publish": {"post"},
    "/census/{census_id}/participants": {"get"},
    "/census/{census_id}/proof/{address}": {"get"},
    "/process": {"post"},
    "/process/{process_id}": {"get"},
    "/process/{process_id}/publish": {"post"},
    "/process/{process_id}/status": {"put"},
    "/process/{process_id}/results": {"get"},
    "/process/{process_id}/votes": {"get"},
    "/vote": {"post"},
    "/votes": {"post"},
    "/dids": {"get", "post"},
    "/dids/{did}": {"delete", "get"},
    "/registries": {"get", "post"},
    "/registries/{registry_id}": {"delete", "get", "post"},
    "/revocationStatus/{registry_id}/{credential}": {"get"},
    "/schemas": {"get", "post"},
    "/schemas/{schema_id}": {"delete", "get"},
    "/webhooks": {"get", "post"},
    "/webhooks/{webhook_id}": {"delete", "get", "patch"},
    "/webhooks/{webhook_id}/deliveries": {"get"},
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay": {"post"},
    "/v1/bridge/login/": {"post"},
    "/v1/link-access-tokens/": {"post"},
    "/v1/links/{link_id}/": {"delete"},
    "/v1/links/{link_id}/{product_type}/report/": {"get"},
    "/v1/refresh/tasks/": {"post"},
    "/v1/refresh/tasks/{task_id}/": {"get"},
    "/v1/tasks/": {"get"},
    "/v1/tasks/{task_id}/": {"get"},
    "/v1/tasks/{task_id}/mfa/": {"post"},
    "/v1/users/": {"get", "post"},
    "/v1/users/{user_id}/": {"delete", "get"},
    "/v1/users/{user_id}/tokens/": {"post"},
    "/v1/webhooks/": {"get", "post"},
    "/v1/webhooks/{webhook_id}/": {"delete", "get", "patch"},
    "/ops/v1/jobs": {"get"},
    "/ops/v1/jobs/count": {"get"},
    "/ops/v1/jobs/cancel": {"post"},
    "/ops/v1/jobs/retry": {"post"},
    "/ops/v1/jobs/{job_id}": {"get"},
    "/ops/v1/jobs/{job_id}/cancel": {"post"},
    "/ops/v1/jobs/{job_id}/retry": {"post"},
    "/ops/v1/deliveries/{delivery_id}/replay": {"post"},
    "/ops/v1/queues": {"get"},
    "/ops/v1/workers": {"get"},
    "/ops/v1/statistics": {"get"},
    "/ops/v1/failures": {"get"},
    "/ops/v1/actions": {"get"},
    "/v5/verifications": {"post"},
    "/v5/verifications/{trace}": {"get", "patch"},
    "/v5/verifications/{trace}/watchlist": {"post"},
    "/v5/verifications/{trace}/watchlist/latest": {"get"},
    "/v5/verifications/{trace}/stakeholders/{stakeholderId}/watchlist/latest": {"get"},
    "/v5/verifications/{trace}/jobs": {"get"},
    "/v5/verifications/{trace}/jobs/{type}": {"get"},
    "/v5/verifications/{trace}/jobs/{type}/{jobId}": {"get"},
}
#: What a good answer is where it is not 200.
GOOD = {
    ("post", "/v5/verifications"): "201",
    ("post", "/v5/verifications/{trace}/watchlist"): "202",
    ("post", "/v1/bridge/login/"): "201",
    ("post", "/v1/refresh/tasks/"): "201",
    ("post", "/v1/tasks/{task_id}/mfa/"): "202",
    ("post", "/v1/users/"): "201",
    ("post", "/v1/users/{user_id}/tokens/"): "201",
    ("post", "/v1/webhooks/"): "201",
    ("delete", "/v1/links/{link_id}/"): "204",
    ("delete", "/v1/users/{user_id}/"): "204",
    ("delete", "/v1/webhooks/{webhook_id}/"): "204",
    ("post", "/census/{census_id}"): "202",
    ("post", "/census/{census_id}/publish"): "202",
    ("post", "/process/{process_id}/publish"): "202",
    ("put", "/process/{process_id}/status"): "202",
    ("post", "/vote"): "202",
    ("post", "/votes"): "202",
}


#: How callers of an API say who they are, and what its errors look like.
SECURITY = {
    "voting": [{"bearer": []}],
    "screening": [{"basic": []}, {"serviceKey": []}],
    "credentials": [{"bearer": []}, {"accountKey": []}],
    "income": [{"clientId": [], "clientSecret": []}],
    "operators": [{"operatorToken": []}],
}
ERRORS = {
    "voting": ["VotingError"],
    "screening": ["ScreeningError"],
    "credentials": ["CredentialsError"],
    "income": ["IncomeError"],
    "operators": ["OpsError"],
    "voting or credentials": ["VotingError", "CredentialsError"],
}


def api_of(path: str) -> str:
    """Return whose a path is."""
    if path == "/jobs/{job_id}":
        return "voting or credentials"
    if re.match("/(dids|registries|revocationStatus|schemas|webhooks)(/|$)", path):
        return "credentials"
    if path.startswith("/v1/"):
        return "income"
    if path.startswith("/ops/"):
        return "operators"
    return "screening" if path.startswith("/v5/") else "voting"


@pytest.fixture
def document(client):
    """The OpenAPI document."""
    return client.get("/openapi.json").json


def operations(document):
    return {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def test_every_path_is_documented(document):
    shown = {}
    for method, path in operations(document):
        shown.setdefault(path, set()).add(method)

    assert shown == DOCUMENTED


def test_everything_but_the_public_calls_asks_for_credentials_of_its_api(document):
    public = {
        ("get", "/organizations/{address}"),
        ("get", "/census/{census_id}/participants"),
        ("get", "/census/{census_id}/proof/{address}"),
        ("get", "/process/{process_id}"),
        ("get", "/process/{process_id}/results"),
        ("get", "/process/{process_id}/votes"),
        ("post", "/vote"),
        ("post", "/votes"),
    }
    asked = {key: operation.get("security") for key, operation in operations(document).items()}

    # One of the two APIs that share it is public.
    assert asked.pop(("get", "/jobs/{job_id}")) == [{}, {"bearer": []}, {"accountKey": []}]
    # The widget of somebody who logs in knows no client's secret.
    assert asked.pop(("post", "/v1/bridge/login/")) == []
    assert asked.pop(("post", "/v1/tasks/{task_id}/mfa/")) == [*SECURITY["income"], {}]
    own = {"/jobs/{job_id}", "/v1/bridge/login/", "/v1/tasks/{task_id}/mfa/"}
    assert asked == {
        (method, path): None if (method, path) in public else SECURITY[api_of(path)]
        for path, methods in DOCUMENTED.items()
        for method in methods
        if path not in own
    }
    schemes = document["components"]["securitySchemes"]
    assert {name: one.get("scheme") or one["name"] for name, one in schemes.items()} == {
        "bearer": "bearer",
        "basic": "basic",
        "accountKey": "DOCK-API-TOKEN",
        "operatorToken": "bearer",
        "serviceKey": "Authorization",
        "clientId": "X-Access-Client-Id",
        "clientSecret": "X-Access-Secret",
    }


def test_members_are_taken_in_four_content_types(document):
    adding = operations(document)["post", "/organizations/{address}/members"]

    assert set(adding["requestBody"]["content"]) == {
        "application/json",
        "text/csv",
        "application/x-ndjson",
        "multipart/form-data",
    }
    assert {"Idempotency-Key", "async"} <= {p["name"] for p in adding["parameters"]}


def test_every_operation_says_what_it_does_and_what_an_error_looks_like(document):
    for key, operation in operations(document).items():
        assert operation["summary"]
        assert GOOD.get(key, "200") in operation["responses"]
        errors = [{"$ref": f"#/components/schemas/{name}"} for name in ERRORS[api_of(key[1])]]
        assert operation["responses"]["default"]["content"] == {
            "application/json": {"schema": errors[0] if len(errors) == 1 else {"oneOf": errors}}
        }


def test_the_page_and_what_it_loads_come_from_us(client):
    page = client.get("/docs")

    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert page.status_code == 200
    assert len(loaded) == 3
    assert "//" not in page.text
    for address in loaded:
        assert address.startswith("/docs/")
        asset = client.get(address)
        assert asset.status_code == 200
        asset.close()


@pytest.fixture
def registered(client, account) -> dict[str, str]:
    """What paths of the credentials API name, of things that are there."""
    post = partial(client.post, headers=account.headers)
    hook = post("/webhooks", json={"url": "https://x.example/", "events": ["did_create"]})
    registry = post("/registries", json={"policy": ["did:x:y"]})
    return {
        "webhook_id": hook.json["id"],
        "registry_id": registry.json["data"]["id"],
        "schema_id": post("/schemas", json={}).json["data"]["id"],
        "did": post("/dids").json["data"]["did"],
    }


@pytest.fixture
def connected(who) -> dict[str, str]:
    """What paths of the income API name, of things that are there."""
    user = who.user()
    login = who.login(bridge_token=who.bridge_token(user))
    hook = {"name": "x", "webhook_url": "https://x.example/", "env_type": "dev"}
    made = {name: login[name] for name in ("task_id", "link_id")}
    webhook = who.post("/v1/webhooks/", hook).json()["id"]
    return {**made, "user_id": user, "webhook_id": webhook}


CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, path) for path, has in DOCUMENTED.items() for method in sorted(has)],
)
def test_whatever_is_sent_the_answer_is_as_documented(
    app,
    tenant,
    service,
    account,
    mary,
    verification,
    election,
    registered,
    who,
    connected,
    method,
    path,
):
    callers = {"screening": service, "voting": tenant, "operators": mary, "income": who}
    caller = callers.get(api_of(path), account)
    real = {
        **(connected if api_of(path) == "income" else registered),
        "address": tenant.address,
        "trace": verification.trace,
        "type": "watchlist",
        "census_id": election.census,
        "process_id": election.id,
    }
    operation = schemathesis.openapi.from_wsgi("/openapi.json", app)[path][method]

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def send(case):
        # A type is left as it comes where nothing else would be left to chance.
        known = real.keys() if "jobId" in case.path_parameters else real.keys() - {"type"}
        for name in known & case.path_parameters.keys():
            case.path_parameters[name] = real[name]
        response = case.call(headers=caller.headers)
        assert response.status_code < 500
        case.validate_response(response, checks=CHECKS)

    send()
