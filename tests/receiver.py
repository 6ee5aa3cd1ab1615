"""Somebody who wants to be told by webhooks, and treats them as a test says; in a thread."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.providers import Provider, Request

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Told:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class _Delivery(Request):
    provider: Receiver

    def do_POST(self) -> None:  # noqa: N802 - the library's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.provider.told.append(Told(self.path, headers, body))
        # A client that ran out of patience is no fault of the receiver's.
        with contextlib.suppress(OSError):
            self.provider.otherwise(self)


class Receiver(Provider):
    """The receiver: what it was told, and what it answers."""

    request = _Delivery

    def __init__(self) -> None:
        #: Every request, in its order.
        self.told: list[Told] = []
        super().__init__()
        self.otherwise = answers(204)

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self._port


def answers(status: int, **headers: str) -> Any:
    """Answer with a status and nothing else."""
    return lambda request: request.reply(status, b"", **headers)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that takes everything until it is told otherwise."""
    made = Receiver()
    yield made
    made.close()
