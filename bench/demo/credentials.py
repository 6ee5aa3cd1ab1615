"""Credentials: a DID, a registry, a revocation on chain, and the webhooks that tell of them."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from bench.demo.guide import DemoFailed, heading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.demo.guide import Guide

#: How long a webhook may take to come in; seconds.
_PATIENCE = 30.0


def show_credentials(guide: Guide) -> None:
    """Register a DID and a registry, revoke a credential twice, and see who is told."""
    heading("Credentials: a DID, a revocation on chain, and the webhook that tells of it")
    with _receiver() as (url, told):
        events = ["did_create", "credential_revoke"]
        guide.show("POST", "/webhooks", json={"url": url, "events": events})
        did = guide.show("POST", "/dids")
        _finish(guide, did["id"])
        policy = [did["data"]["did"]]
        registry = guide.show("POST", "/registries", json={"addOnly": False, "policy": policy})
        _finish(guide, registry["id"])
        path = f"/registries/{registry['data']['id']}"
        body = {"action": "revoke", "credentialIds": [f"0x{secrets.token_hex(32)}"]}
        for _ in range(2):  # the second time changes nothing, and is finalized too
            _finish(guide, guide.show("POST", path, json=body)["id"])
        _show_told(told, count=3)


def _finish(guide: Guide, job: str) -> None:
    end = guide.finish(job)
    if end["status"] != "finalized":
        raise DemoFailed(f"a transaction was not finalized: {end}")


def _show_told(told: _Told, *, count: int) -> None:
    """Print the webhooks that came in."""
    if not told.has(count):
        raise DemoFailed(f"{count} webhooks were to come in, {len(told.bodies)} did")
    for headers, body in told.bodies:
        print(f"\n  webhook {headers['webhook-id']}, signed {headers['webhook-signature']}")
        print(f"  {json.dumps(body)[:600]}")


class _Told:
    """The webhooks that came in."""

    def __init__(self) -> None:
        self.bodies: list[tuple[dict[str, str], dict[str, Any]]] = []
        self._changed = threading.Condition()

    def add(self, headers: dict[str, str], body: dict[str, Any]) -> None:
        """Keep one."""
        with self._changed:
            self.bodies.append((headers, body))
            self._changed.notify_all()

    def has(self, count: int) -> bool:
        """Wait until so many have come in, and tell whether they have."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.bodies) >= count, _PATIENCE)


@contextlib.contextmanager
def _receiver() -> Iterator[tuple[str, _Told]]:
    """Listen for webhooks as somebody else's server does."""
    told = _Told()

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take a webhook."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()
            told.add({name.lower(): value for name, value in self.headers.items()}, body)

        def log_message(self, *_: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receive)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hooks", told
    finally:
        server.shutdown()
        server.server_close()
