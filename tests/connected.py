"""Clients of the income API, and what they do to connect the accounts of their users."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tasks.job.queue import Bell
from tasks.records import income_clients
from workers.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from config.database import Database
    from config.settings import Settings
    from tests.accounts import Sandbox
    from tests.conftest import Auditor


@pytest.fixture(name="settings")
def settings_with_accounts(settings: Settings, sandbox: Sandbox) -> Settings:
    """The settings of a service that connects accounts of the sandbox provider."""
    return replace(settings, accounts_url=sandbox.url, webhooks_may_be_private=True)


@dataclass(frozen=True)
class Client:
    """A client of the income API: its keys, and somebody who answers."""

    id: str
    secret: str
    http: httpx.Client

    @property
    def headers(self) -> dict[str, str]:
        """What a request of it carries."""
        return {"X-Access-Client-Id": self.id, "X-Access-Secret": self.secret}

    def at(self, http: httpx.Client) -> Client:
        """Return the same client at another server."""
        return replace(self, http=http)

    def get(self, path: str, **given: Any) -> httpx.Response:
        """Send a GET request."""
        return self.http.get(path, headers=self.headers, **given)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a POST request."""
        return self.http.post(path, json=body, headers={**self.headers, **headers})

    def user(self, **given: Any) -> str:
        """Add a user; return its id."""
        answer = self.post("/v1/users/", {"external_user_id": "12345", **given})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def bridge_token(self, user: str = "", **given: Any) -> str:
        """Return a bridge token, of a new user unless one is named."""
        path = f"/v1/users/{user or self.user()}/tokens/"
        answer = self.post(path, {"product_type": "income", **given})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["bridge_token"])

    def login(
        self,
        username: str = "goodlogin",
        password: str = "goodpassword",
        *,
        provider: str = "adp",
        **given: Any,
    ) -> dict[str, str]:
        """Sign a user in with a bridge token for what is given; return the answer."""
        token = given.pop("bridge_token", "") or self.bridge_token(**given)
        body = {
            "bridge_token": token,
            "provider_id": provider,
            "username": username,
            "password": password,
        }
        # As a browser does: without the client's headers.
        answer = self.http.post("/v1/bridge/login/", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def task(self, task: str) -> dict[str, Any]:
        """Return a task as it is polled."""
        answer = self.get(f"/v1/tasks/{task}/")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def status(self, task: str) -> str:
        """Return the word for where a task is."""
        return str(self.task(task)["status"])

    def is_over(self, task: str) -> bool:
        """Tell whether a task has ended."""
        return self.status(task) not in {"new", "login", "mfa", "parse", "full_parse"}

    def code(self, task: str, code: str = "12345") -> httpx.Response:
        """Give a task its code."""
        return self.post(f"/v1/tasks/{task}/mfa/", {"code": code})

    def access_token(self, login: dict[str, str]) -> str:
        """Exchange the public token of a login."""
        answer = self.post("/v1/link-access-tokens/", {"public_token": login["public_token"]})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def report(self, link: str, product: str = "income") -> dict[str, Any]:
        """Return what is known of a link."""
        answer = self.get(f"/v1/links/{link}/{product}/report/")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def new_client(database: Database, http: httpx.Client, name: str = "test") -> Client:
    """Register a client."""
    with database.statement() as connection:
        return Client(*income_clients.add(connection, name=name), http)


@pytest.fixture
def http(app: Flask) -> Iterator[httpx.Client]:
    """A way to the API in this process."""
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://localhost") as made:
        yield made


@pytest.fixture
def who(database: Database, http: httpx.Client) -> Client:
    """A client of this test."""
    return new_client(database, http)


@pytest.fixture
def stranger(database: Database, http: httpx.Client) -> Client:
    """Another client."""
    return new_client(database, http, "another")


@pytest.fixture
def perform(settings: Settings, database: Database, auditor: Auditor) -> Callable[..., str]:
    """Run the next attempt at a task in this process, due or not; return the job's state."""
    runner = Runner(settings, database, "w1")

    def perform(task: str) -> str:
        row = auditor.job(task)
        if row["finished_at"] is None:
            auditor.rows("UPDATE jobs SET due_at = now() WHERE id = %s AND worker IS NULL", task)
        runner.hear(Bell(row["type"], task, "of this test"))
        return str(auditor.job(task)["state"])

    return perform
