"""What gunicorn does with clients that are silent or speak no HTTP."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack, closing

import pytest

from tests.conftest import wait_until

KEY = "vsk_" + "5ec2e7" * 11


@pytest.fixture
def connect():
    """Open a connection to an API and send some bytes."""
    with ExitStack() as opened:

        def connect(api, sent: bytes) -> socket.socket:
            address = (api.base_url.host, api.base_url.port)
            client = opened.enter_context(closing(socket.create_connection(address, timeout=20)))
            client.sendall(sent)
            return client

        yield connect


def answer(client: socket.socket, *, sent_all: bool = False) -> bytes:
    """Return everything that comes until the other side closes."""
    if sent_all:  # the server need not wait whether more comes
        client.shutdown(socket.SHUT_WR)
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


def import_of(tenant, *more: str) -> bytes:
    """The head of a request that sends a file of members."""
    head = [
        f"POST /organizations/{tenant.address}/members HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        f"Authorization: Bearer {tenant.key}",
        *more,
    ]
    return "\r\n".join([*head, "", ""]).encode()


def test_a_client_that_falls_silent_holds_nobody_up(start_api, connect, tenant, auditor):
    api = start_api(WEB_PROCESSES="1", WEB_THREADS="2", WEB_SILENCE_SECONDS="0.5")
    kinds = ["Content-Type: text/csv", "Content-Length: 9999999"]
    begun = import_of(tenant, *kinds) + b"name\n" + b"Ada\n" * 400_000

    heads = [connect(api, b"GET /jobs") for _ in range(2)]
    bodies = [connect(api, begun) for _ in range(2)]
    after = api.get("/healthz")

    assert after.status_code == 200
    assert [answer(head) for head in heads] == [b"", b""]
    for body in bodies:
        status, _, said = answer(body).partition(b"\r\n")
        assert status == b"HTTP/1.1 400 BAD REQUEST"
        assert said.endswith(b'{"error":"malformed body: incomplete","code":40004}\n')
    assert auditor.one("SELECT count(*) FROM uploads") == 0
    assert auditor.one("SELECT count(*) FROM jobs") == 0


def test_a_client_that_does_not_take_its_answer_holds_nobody_up(start_api, connect):
    api = start_api(WEB_PROCESSES="1", WEB_THREADS="2", WEB_SILENCE_SECONDS="0.5")
    asked = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"

    for _ in range(2):
        connect(api, asked * 20)  # more than the kernel takes in for it
    after = api.get("/healthz")

    assert after.status_code == 200
    wait_until(lambda: api.process.log.read_text().count("BlockingIOError") == 2)


def test_a_server_leaves_nothing_in_the_home_of_its_user(start_api, tmp_path):
    home = tmp_path / "home"
    home.mkdir()

    start_api(HOME=str(home), XDG_RUNTIME_DIR="", WEB_PROCESSES="1").process.stop()

    assert list(home.rglob("*")) == []


SAID = {
    400: b'{"error": "Bad Request"}',
    414: b'{"error": "URI Too Long"}',
    431: b'{"error": "Request Header Fields Too Large"}',
}
NO_HTTP = {
    "a header without a colon": (400, f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization {KEY}\r\n\r\n"),
    "a header of no ASCII": (400, f"GET / HTTP/1.1\r\nHost: x\r\nCookie: {KEY}\x7f\r\n\r\n"),
    "a line that is none": (400, f"GET /?key={KEY}\r\nHost: x\r\n\r\n"),
    "a method in small letters": (400, f"get /?key={KEY} HTTP/1.1\r\nHost: x\r\n\r\n"),
    "a length that is none": (400, f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {KEY}\r\n\r\n"),
    "a line without end": (414, f"GET /{KEY * 100} HTTP/1.1\r\nHost: x\r\n\r\n"),
    "a header without end": (431, f"GET / HTTP/1.1\r\nHost: x\r\nCookie: {KEY * 200}\r\n\r\n"),
}
JSON_HEAD = ["Content-Type: application/json", "Transfer-Encoding: chunked"]
CSV_HEAD = ["Content-Type: text/csv", "Transfer-Encoding: chunked"]
FORM_HEAD = ["Content-Type: multipart/form-data; boundary=x", "Transfer-Encoding: chunked"]


def test_what_is_no_http_is_refused_and_never_quoted(start_api, connect, tenant, auditor):
    api = start_api(WEB_PROCESSES="1")

    for case, (status, text) in NO_HTTP.items():
        said = answer(connect(api, text.encode("latin-1")), sent_all=True)
        head, _, body = said.partition(b"\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} ".encode()), case
        assert f"Content-Type: application/json\r\nContent-Length: {len(body)}".encode() in head
        assert body == SAID[status]
        assert KEY.encode() not in said
    for head in (JSON_HEAD, CSV_HEAD, FORM_HEAD):
        for body in (KEY.encode(), b"4\r\nname" + KEY.encode(), b"-1\r\n"):
            sent = import_of(tenant, *head) + body + b"\r\n\r\n"
            said = answer(connect(api, sent), sent_all=True)
            assert said.startswith(b"HTTP/1.1 400 BAD REQUEST\r\n")
            assert b'{"error":"malformed body: incomplete","code":40004}\n' in said

    written = api.process.log.read_text()
    assert KEY not in written
    assert tenant.key not in written
    lines = [json.loads(line) for line in written.splitlines()]
    assert {line["event"] for line in lines} == {"request_unreadable"}
    assert {line["level"] for line in lines} == {"warning"}
    assert auditor.one("SELECT count(*) FROM uploads") == 0
