"""Where a job is to be polled, however the API is mounted."""

from __future__ import annotations


def test_the_location_of_a_job_has_the_prefix_that_the_api_is_mounted_under(
    client, tenant, election
):
    mounted = [
        ({}, {}, "/jobs/"),
        ({}, {"SCRIPT_NAME": "/api"}, "/api/jobs/"),
        ({"X-Forwarded-Prefix": "/voting/v1"}, {}, "/voting/v1/jobs/"),
        ({"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "x"}, {}, "/jobs/"),
    ]

    for headers, environ, begins in mounted:
        accepted = client.put(
            f"/process/{election.id}/status",
            json={"status": "ended"},
            headers={**tenant.headers, **headers},
            environ_overrides=environ,
        )
        assert accepted.status_code == 202
        assert accepted.headers["Location"] == f"{begins}{accepted.json['jobId']}"
