"""The sandbox provider as a process, with accounts and mishaps for each test."""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from config.stack import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTROL_KEY = "a key for tests"
_numbers = itertools.count(1)

#: A job as `/control/accounts` takes it: 26 pay days up to `PAID_UNTIL`.
JOB = {
    "id": "J-1",
    "title": "Warehouse Lead",
    "employer": "Lakeside Goods Inc",
    "hired": "2019-03-11",
    "frequency": "BW",
    "hourly": "36.50",
}
PAID_UNTIL = "2026-01-20"


@dataclass(frozen=True)
class Login:
    """An account of a test, and how to sign in to it."""

    id: str
    provider: str
    username: str
    password: str


@dataclass(frozen=True)
class Mishap:
    """Something that befalls requests until it is taken back."""

    id: str
    sandbox: Sandbox

    def _told(self) -> dict[str, Any]:
        return dict(self.sandbox.control("GET", f"mishaps/{self.id}").json())

    def met(self) -> int:
        """Return how many requests have met it."""
        return int(self._told()["met"])

    def held(self) -> int:
        """Return how many requests it holds up now."""
        return int(self._told()["held"])

    def end(self) -> None:
        """Take it back; requests that it holds up are answered."""
        self.sandbox.control("DELETE", f"mishaps/{self.id}")


class Sandbox:
    """The process: an address of its own, and state that survives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: What the service is given as ACCOUNTS_URL.
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = folder / "sandbox.log"
        self._client = httpx.Client(
            base_url=self.url, headers={"X-Control-Key": CONTROL_KEY}, timeout=10
        )
        self._process: Any = None

    def start(self) -> None:
        """Start it, on the same port as before."""
        from tests.conftest import Process, wait_until  # noqa: PLC0415 - that imports this plugin

        if self._process is not None:
            return
        env = {
            **os.environ,
            "SANDBOX_PROVIDER_PORT": self.url.rpartition(":")[2],
            "SANDBOX_FILE": str(self.folder / "sandbox.sqlite"),
            "SANDBOX_CONTROL_KEY": CONTROL_KEY,
            "SANDBOX_SLOW_SECONDS": "1",
        }
        command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn_sandbox"]
        self._process = Process(
            [*command, "tasks.providers.sandbox.web:create_app()"], env, self.log
        )
        wait_until(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return self._client.get("/healthz").is_success
        return False

    def stop(self) -> None:
        """Kill it: connections are refused from now on."""
        if self._process is not None:
            self._process.signal_all(signal.SIGKILL)
            self._process.popen.wait()
            self._process = None

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        self._client.close()

    def control(self, method: str, path: str, /, **given: Any) -> httpx.Response:
        """Ask something of `/control`."""
        answer = self._client.request(method, f"/control/{path}", json=given or None)
        assert answer.is_success, answer.text
        return answer

    def company(self, provider: str = "adp", **company: Any) -> str:
        """Add a company; return its id."""
        made = {
            "id": f"company-{next(_numbers)}",
            "name": "Test Company",
            "features": ["pay_statements", "employment_records", "direct_deposit"],
            **company,
        }
        return str(self.control("POST", "companies", provider=provider, **made).json()["id"])

    def account(self, provider: str = "adp", **person: Any) -> Login:
        """Add an account of somebody with one job; what is given of the person replaces that."""
        who = {
            "name": "Ada Fielding",
            "company": "lakeside",
            "jobs": [JOB],
            "paid_until": PAID_UNTIL,
            **person,
        }
        username, password = f"user-{next(_numbers)}", "a good password"
        answer = self.control(
            *("POST", "accounts"),
            provider=provider,
            username=username,
            password=password,
            person=who,
        )
        return Login(answer.json()["id"], provider, username, password)

    def find(self, provider: str, username: str, password: str) -> Login:
        """Return an account of the beginning."""
        given = {"provider": provider, "username": username, "password": password}
        found = self.control("POST", "accounts/find", **given).json()
        return Login(found["id"], provider, username, password)

    def state(self, login: Login) -> dict[str, Any]:
        """Return what has happened to an account.

        `sign_ins`, `wrong_tries`, `is_locked`, `are_codes_blocked`, `last_code`, `sessions`,
        `fetched` (times by document) and `allotments` (by job).
        """
        return dict(self.control("GET", f"accounts/{login.id}").json())

    def change(self, login: Login, **state: Any) -> None:
        """Set something of an account's state, or of its `person`."""
        self.control("PATCH", f"accounts/{login.id}", **state)

    def end_sessions(self, login: Login) -> None:
        """Sign somebody out everywhere."""
        self.control("DELETE", f"accounts/{login.id}/sessions")

    def make_ready(self, login: Login) -> None:
        """Have the documents ready that somebody has asked for."""
        self.control("POST", f"accounts/{login.id}/ready")

    def befall(self, path: str, does: str, **more: Any) -> Mishap:
        """Let something befall requests whose paths begin so.

        `does` is hold, out_of_service, fail, throttle, other_login, elsewhere, vast or answer, and
        that only to requests of the `method`, and `asking` for something; after so many `times` it
        is over.
        """
        given = {"path": path, "does": does, **more}
        return Mishap(self.control("POST", "mishaps", **given).json()["id"], self)

    def answer(self, path: str, body: bytes, media_type: str, **more: Any) -> Mishap:
        """Have requests whose paths begin so answered with something of the test's."""
        encoded = base64.b64encode(body).decode()
        return self.befall(path, "answer", body=encoded, media_type=media_type, **more)


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The process of this session, which the first test that wants it starts."""
    made = Sandbox(tmp_path_factory.mktemp("sandbox"))
    yield made
    made.close()


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Iterator[Sandbox]:
    """The sandbox provider, running, and free of mishaps afterwards."""
    sandbox_process.start()
    yield sandbox_process
    sandbox_process.start()
    sandbox_process.control("DELETE", "mishaps")
