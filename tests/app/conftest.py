"""What the tests of the API share."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import pytest

from app import create_app
from tests.conftest import new_tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient


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
    tables = ("uploads", "upload_pieces", "jobs", "members", "idempotency_keys", "import_errors")
    return lambda: {
        table: count
        for table in tables
        if (count := auditor.one(f"SELECT count(*) FROM {table}")) > 0
    }


@pytest.fixture
def make_client(with_setting) -> Iterator[Callable[..., FlaskClient]]:
    """Make a client of an API with something set differently."""
    made = []

    def make(**changed: Any) -> FlaskClient:
        made.append(create_app(with_setting(**changed)))
        return made[-1].test_client()

    yield make
    for app in made:
        app.extensions["jobspine"].database.close()
