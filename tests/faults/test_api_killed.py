"""The API dies, or its client does, in the middle of a dispatch."""

from __future__ import annotations

import socket

import httpx
import pytest

from tests.conftest import wait_until
from tests.faults.conftest import QUICK


def test_a_job_whose_api_died_before_it_rang_is_run(
    start_worker, start_member, wait, auditor, audit
):
    start_worker(**QUICK)
    member = start_member(FAILPOINTS="dispatch.before_ring=kill")

    with pytest.raises(httpx.RemoteProtocolError):
        member.dispatch(1)
    wait.until_over()

    (job,) = auditor.rows("SELECT id, state FROM jobs")
    assert job["state"] == "completed"
    assert auditor.moves(job["id"]) == ["claim", "complete"]
    wait_until(lambda: member.api.get("/healthz").status_code == 200)
    audit()


def test_a_key_tells_a_client_whose_api_died_that_its_job_was_recorded(
    start_worker, start_member, tenant, wait, auditor, audit, tmp_path
):
    start_worker(**QUICK)
    fault = f"dispatch.before_ring=kill:{tmp_path / 'once'}"
    member = start_member(FAILPOINTS=fault)
    path = f"/organizations/{tenant.address}/members"
    sent = {
        "json": {"members": [{"memberNumber": "1", "name": "Ada"}]},
        "headers": {**tenant.headers, "Idempotency-Key": "once"},
    }

    with pytest.raises(httpx.RemoteProtocolError):
        member.api.post(path, **sent)
    again = member.api.post(path, **sent)
    wait.until_over()

    assert again.status_code == 200
    (job,) = auditor.rows("SELECT id FROM jobs")
    assert again.json()["jobId"] == job["id"]
    assert auditor.one("SELECT count(*) FROM members") == 1
    audit()


FILE = b"memberNumber,name\n" + b"1,Ada\n" * 400_000
FORM = b'--x\r\nContent-Disposition: form-data; name="f"; filename="m.csv"\r\n\r\n' + FILE
SENT = {
    "length": ("text/csv", "Content-Length: 9999999", FILE),
    "chunks": ("text/csv", "Transfer-Encoding: chunked", b"%x\r\n%s\r\n" % (len(FILE), FILE)),
    "form": ("multipart/form-data; boundary=x", "Content-Length: 9999999", FORM),
}


@pytest.mark.parametrize("sent", SENT)
def test_a_client_that_leaves_in_the_middle_of_its_file_leaves_nothing_behind(
    sent, start_member, tenant, auditor, audit
):
    kind, framing, body = SENT[sent]
    member = start_member()
    head = [
        f"POST /organizations/{tenant.address}/members HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {tenant.key}",
        f"Content-Type: {kind}",
        framing,
    ]

    address = (member.api.base_url.host, member.api.base_url.port)
    with socket.create_connection(address) as client:
        client.sendall("\r\n".join([*head, "", ""]).encode() + body)
        wait_until(lambda: auditor.one("SELECT count(*) FROM upload_pieces") > 0)
    wait_until(lambda: auditor.one("SELECT count(*) FROM upload_pieces") == 0)

    assert auditor.one("SELECT count(*) FROM uploads") == 0
    assert auditor.one("SELECT count(*) FROM jobs") == 0
    assert member.api.get("/healthz").status_code == 200
    audit()
