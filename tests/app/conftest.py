"""What the tests of the API share."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from app import create_app
from tasks.records import operators, services, verifications
from tests.conftest import new_tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from config.database import Database
    from tasks.records.verifications import Verification
    from tests.callers import Account


@pytest.fixture
def logged(app) -> Callable[[], str]:
    """Everything that this process has logged since."""
    assert app
    written = io.StringIO()
    (handler,) = [h for h in logging.getLogger().handlers if type(h) is logging.StreamHandler]
    handler.setStream(written)
    logging.getLogger().setLevel("DEBUG")
    return written.getvalue


@pytest.fixture
def path(tenant) -> str:
    """Where the members of this test's organization are."""
    return f"/organizations/{tenant.address}/members"


@pytest.fixture
def stranger(database):
    """Another organization."""
    return new_tenant(database)


@pytest.fixture
def stored(auditor) -> Callable[[], dict[str, int]]:
    """How many rows there are of everything that a request may leave behind."""
    tables = (
        "uploads", "upload_pieces", "jobs", "members", "idempotency_keys", "import_errors",
        "verifications", "stakeholders", "registrations", "webhooks",
    )  # fmt: skip
    return lambda: {
        table: count
        for table in tables
        if (count := auditor.one(f"SELECT count(*) FROM {table}")) > 0
    }


@pytest.fixture
def make_app(with_setting) -> Iterator[Callable[..., Flask]]:
    """Make an API of the test's own, with something set differently."""
    made = []

    def make(**changed: Any) -> Flask:
        made.append(create_app(with_setting(**changed)))
        return made[-1]

    yield make
    for app in made:
        app.extensions["jobspine"].database.close()


@pytest.fixture
def own_app(make_app) -> Flask:
    """An API that a test may add to."""
    return make_app()


@pytest.fixture
def make_client(make_app) -> Callable[..., FlaskClient]:
    """Make a client of an API with something set differently."""
    return lambda **changed: make_app(**changed).test_client()


@dataclass(frozen=True)
class Service:
    """A caller of the screening API with a key."""

    uid: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request of it carries."""
        return {"Authorization": f"ApiKey {self.uid}:{self.key}"}


def key_of(database: Database, uid: str, *, channel: str) -> Service:
    """Give a service a key for requests that come by a channel."""
    with database.transaction() as connection:
        return Service(uid, services.add_key(connection, uid, channel=channel))


def new_service(database: Database) -> Service:
    """Register a service with a key for programs."""
    with database.transaction() as connection:
        uid = services.add_service(connection)
    return key_of(database, uid, channel="api")


@pytest.fixture
def service(database) -> Service:
    """A service of this test."""
    return new_service(database)


@pytest.fixture
def other_service(database) -> Service:
    """Another service."""
    return new_service(database)


def new_verification(database: Database, service: Service) -> Verification:
    """Record a company with two people behind it."""
    company = {
        "name": "Acme Holdings Pty Ltd", "country": "AU", "type": "company", "sub_type": "",
        "date_of_birth": None, "identifiers": {}, "addresses": {}, "ownership_layers": 0,
        "owners_identified": True, "rescreen_days": None,
    }  # fmt: skip
    person = {"type": "individual", "date_of_birth": None, "country": "", "identifiers": {}}
    people = [
        {**person, "name": "Ada Byron", "role": "director"},
        {**person, "name": "Bob Stone", "role": "secretary"},
    ]
    with database.transaction() as connection:
        return verifications.add(connection, service.uid, company, people)


@pytest.fixture
def verification(database, service) -> Verification:
    """A verification of this test's service."""
    return new_verification(database, service)


@pytest.fixture
def at(verification) -> str:
    """Where this test's verification is."""
    return f"/v5/verifications/{verification.trace}"


@pytest.fixture
def trigger(client, at, service) -> Callable[..., TestResponse]:
    """Dispatch a run of this test's verification."""

    def send(who: Service = service, **given: Any) -> TestResponse:
        headers = {**who.headers, **given.pop("headers", {})}
        return client.post(f"{given.pop('url', at)}/watchlist", headers=headers, **given)

    return send


@pytest.fixture
def send(client, account) -> Callable[..., TestResponse]:
    """Send a request in the name of this test's account, or of another one."""

    def send(method: str, path: str, who: Account = account, **given: Any) -> TestResponse:
        headers = {**who.headers, **given.pop("headers", {})}
        return client.open(path, method=method, headers=headers, **given)

    return send


@dataclass(frozen=True)
class Watcher:
    """An operator with a token."""

    name: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request of theirs carries."""
        return {"Authorization": f"Bearer {self.token}"}


def new_operator(database: Database, name: str, role: str) -> Watcher:
    """Make an account and a token of it."""
    with database.transaction() as connection:
        operators.add(connection, name, password="correct horse battery", role=role)
        return Watcher(name, operators.add_token(connection, name, name="test"))


@pytest.fixture
def mary(database) -> Watcher:
    """Somebody who may act."""
    return new_operator(database, "mary", "operator")


@pytest.fixture
def john(database) -> Watcher:
    """Somebody who may watch."""
    return new_operator(database, "john", "viewer")


@pytest.fixture
def run(app) -> Callable[..., tuple[int, str]]:
    """Run a command of the application; return its exit status and what it printed."""

    def run(*words: str, **given: Any) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=words, **given)
        return result.exit_code, result.output

    return run
