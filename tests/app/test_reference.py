from __future__ import annotations

import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

DOCUMENTED = {
    "/organizations": {"post"},
    "/organizations/{address}": {"get"},
    "/organizations/{address}/members": {"get", "post"},
    "/organizations/{address}/members/job/{job_id}": {"get"},
    "/organizations/{address}/members/job/{job_id}/errors": {"get"},
    "/organizations/{address}/jobs": {"get"},
    "/jobs/{job_id}": {"get"},
}


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


def test_everything_but_the_public_calls_asks_for_a_bearer(document):
    public = {key for key, op in operations(document).items() if not op.get("security")}

    assert public == {("get", "/organizations/{address}"), ("get", "/jobs/{job_id}")}
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


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
    for operation in operations(document).values():
        assert operation["summary"]
        assert "200" in operation["responses"]
        assert operation["responses"]["default"]


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


CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for path, has in DOCUMENTED.items() for method in has]
)
def test_whatever_is_sent_the_answer_is_as_documented(app, tenant, method, path):
    operation = schemathesis.openapi.from_wsgi("/openapi.json", app)[path][method]

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def send(case):
        if "address" in case.path_parameters:
            case.path_parameters["address"] = tenant.address
        response = case.call(headers=tenant.headers)
        assert response.status_code < 500
        case.validate_response(response, checks=CHECKS)

    send()
