"""Browsers of operators."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from tasks.records import operators

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"
_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')


def token_in(page: TestResponse) -> str:
    """Return what the first form of a page says that we gave it."""
    found = _TOKEN.search(page.text)
    assert found, page.text
    return found[1]


def text_of(page: TestResponse) -> str:
    """Return what somebody reads on a page, on one line."""
    body = re.sub(r"<(script|style|svg).*?</\1>", "", page.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@dataclass
class Browser:
    """A browser: it keeps cookies, and sends forms as pages have them."""

    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str = "/", **given: Any) -> TestResponse:
        """Look at a page of the dashboard."""
        headers = {**self.headers, **given.pop("headers", {})}
        return self.client.get(f"/dashboard{path}", headers=headers, **given)

    def post(
        self, path: str, *, token: str | None = None, at: str = "/", **fields: Any
    ) -> TestResponse:
        """Send a form, with the token of the page at `at` unless another is given."""
        given = token_in(self.get(at)) if token is None else token
        return self.client.post(
            f"/dashboard{path}", headers=self.headers, data={"form_token": given, **fields}
        )

    def sign_in(self, name: str, password: str = PASSWORD, **fields: Any) -> TestResponse:
        """Fill in the form for that."""
        return self.post("/sign-in", at="/sign-in", name=name, password=password, **fields)

    @property
    def session(self) -> str | None:
        """The token of its session."""
        found = self.client.get_cookie("jobspine-session")
        return found.value if found else None


@pytest.fixture(autouse=True)
def _passwords_are_cheap(monkeypatch):
    """Check passwords in less time than the many sign-ins of these tests would take."""
    monkeypatch.setattr(operators, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))


@pytest.fixture
def new_browser(app: Flask) -> Callable[..., Browser]:
    """Open a browser, signed in by name if one is given."""

    def opened(name: str = "") -> Browser:
        made = Browser(app.test_client())
        if name:
            assert made.sign_in(name).status_code == 303
        return made

    return opened


@pytest.fixture
def browser(new_browser) -> Browser:
    """A browser that nobody is signed in with."""
    return new_browser()


@pytest.fixture
def viewer(new_browser, john) -> Browser:
    """The browser of somebody who may watch."""
    return new_browser(john.name)


@pytest.fixture
def acting(new_browser, mary) -> Browser:
    """The browser of somebody who may act."""
    return new_browser(mary.name)
