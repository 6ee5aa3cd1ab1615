from __future__ import annotations

import pytest

from tests.conftest import token

AWAY = {"error": "temporarily unavailable, nothing was accepted", "code": 50301}


@pytest.fixture
def without_postgresql(make_client):
    """A client of an API whose PostgreSQL is away."""
    return make_client(database_url="postgresql://jobspine@/none?host=/nowhere")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/organizations"),
        ("GET", f"/organizations/0x{'0' * 40}"),
        ("POST", f"/organizations/0x{'0' * 40}/members"),
        ("GET", f"/organizations/0x{'0' * 40}/members"),
        ("GET", f"/organizations/0x{'0' * 40}/members/job/{'0' * 32}"),
        ("GET", f"/organizations/0x{'0' * 40}/jobs"),
        ("GET", f"/jobs/{'0' * 32}"),
        ("GET", "/readyz"),
    ],
)
def test_without_postgresql_every_path_is_503_with_retry_after(without_postgresql, method, path):
    headers = {"Authorization": f"Bearer {token('mary')}"}

    response = without_postgresql.open(path, method=method, headers=headers)

    assert (response.status_code, response.json) == (503, AWAY)
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v5/verifications"),
        ("GET", "/v5/verifications/x"),
        ("PATCH", "/v5/verifications/x"),
        ("POST", "/v5/verifications/x/watchlist"),
        ("GET", "/v5/verifications/x/watchlist/latest"),
        ("GET", "/v5/verifications/x/stakeholders/y/watchlist/latest"),
        ("GET", "/v5/verifications/x/jobs"),
        ("GET", "/v5/verifications/x/jobs/watchlist"),
        ("GET", "/v5/verifications/x/jobs/watchlist/y"),
    ],
)
def test_without_postgresql_the_screening_api_says_so_in_its_envelope(
    without_postgresql, method, path
):
    headers = {"Authorization": "ApiKey uid:key"}

    response = without_postgresql.open(path, method=method, headers=headers, json={"name": "x"})

    assert (response.status_code, response.json["statusCode"]) == (503, 503)
    assert response.headers["Retry-After"] == "1"
    assert response.json["serviceUid"] is None
    assert response.json["message"] == "Temporarily unavailable, nothing was accepted"
    assert (response.json["data"], response.json["error"]) == (None, {"type": "unavailable"})


def test_the_process_is_healthy_all_the_same(without_postgresql):
    response = without_postgresql.get("/healthz")

    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_a_process_with_both_servers_is_ready(client):
    assert client.get("/readyz").json == {"status": "ok", "postgresql": "ok", "redis": "ok"}


def test_a_process_without_redis_is_ready_and_says_so(make_client):
    client = make_client(redis_url="unix:///nowhere/redis.sock")

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json == {"status": "ok", "postgresql": "ok", "redis": "away"}


def test_without_redis_a_dispatch_is_accepted(make_client, tenant, path, stored):
    client = make_client(redis_url="unix:///nowhere/redis.sock")

    response = client.post(path, json={"members": [{}]}, headers=tenant.headers)

    assert response.status_code == 200
    assert stored()["jobs"] == 1


def test_without_redis_a_screening_is_accepted(make_client, service, at, stored):
    client = make_client(redis_url="unix:///nowhere/redis.sock")

    response = client.post(f"{at}/watchlist", headers=service.headers)

    assert response.status_code == 202
    assert stored()["jobs"] == 1


def test_a_defect_is_500_code_50002_without_a_word_of_its_text(own_app, logged):
    @own_app.get("/breaks")
    def breaks():
        raise RuntimeError("secret-in-the-exception")

    response = own_app.test_client().get("/breaks")

    assert (response.status_code, response.json) == (
        500,
        {"error": "internal error", "code": 50002},
    )
    assert "request_failed" in logged()
    assert "secret-in-the-exception" not in logged()
