"""What may befall a provider, for tests: told over `/control`, met by requests to its paths."""

from __future__ import annotations

import base64
import threading
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from flask import Response, request

from tasks.providers.sandbox import papers

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long a request is held at the most; seconds.
HELD_SECONDS = 600.0
_OTHER_LOGIN = (
    "<!doctype html><html><body><form method='post'><label>Your e-mail address"
    " <input name='email'></label><button>Go on</button></form></body></html>"
)


class Does(StrEnum):
    """What befalls a request."""

    #: It waits until it is let go, and is then answered as ever.
    HOLD = "hold"
    #: 503, 500, 429.
    OUT_OF_SERVICE = "out_of_service"
    FAIL = "fail"
    THROTTLE = "throttle"
    #: Another page than the one that was there before.
    OTHER_LOGIN = "other_login"
    #: It is sent to another server.
    ELSEWHERE = "elsewhere"
    #: An answer without end.
    VAST = "vast"
    #: Whatever the test says.
    ANSWER = "answer"


@dataclass(kw_only=True)
class Mishap:
    """One of them, until it is taken back or has happened so often."""

    #: The beginning of the paths, such as `/payroll/adp/login`.
    path: str
    does: Does
    #: Only requests of this method, and with this in their body, if it says.
    method: str = ""
    asking: str = ""
    #: How often it happens; 0 for always.
    times: int = 0
    #: What is answered instead, in Base64, and what that is said to be.
    body: str = ""
    media_type: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    #: How many requests have met it, and how many are being held.
    met: int = 0
    held: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def as_json(self) -> dict[str, Any]:
        """Return what a test may want to know."""
        return {"id": self.id, "met": self.met, "held": self.held}


class Mishaps:
    """Those that are on now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._on: dict[str, Mishap] = {}

    def add(self, mishap: Mishap) -> None:
        """Let one happen from now on."""
        with self._lock:
            self._on[mishap.id] = mishap

    def get(self, mishap_id: str) -> Mishap | None:
        """Return one that is on."""
        return self._on.get(mishap_id)

    def end(self, mishap_id: str | None = None) -> None:
        """Take one back, or all; whoever is held goes on."""
        with self._lock:
            ended = [mishap_id] if mishap_id else list(self._on)
            for one in ended:
                if mishap := self._on.pop(one, None):
                    mishap.over.set()

    def befall(self) -> Response | None:
        """Do to the current request what there is to do."""
        mishap = self._met()
        if mishap is None:
            return None
        if mishap.does is Does.HOLD:
            mishap.over.wait(HELD_SECONDS)
            with self._lock:
                mishap.held -= 1
            return None
        if mishap.does is Does.ANSWER:
            return Response(base64.b64decode(mishap.body), mimetype=mishap.media_type)
        return _ANSWERS[mishap.does]()

    def _met(self) -> Mishap | None:
        with self._lock:
            for mishap in self._on.values():
                if (
                    request.path.startswith(mishap.path)
                    and mishap.method in {"", request.method}
                    and mishap.asking.encode() in request.get_data()
                    and (not mishap.times or mishap.met < mishap.times)
                ):
                    mishap.met += 1
                    mishap.held += mishap.does is Does.HOLD
                    return mishap
        return None


def _vast() -> Response:
    return Response(papers.vast(), mimetype="text/html")


_ANSWERS: dict[Does, Callable[[], Response]] = {
    Does.OUT_OF_SERVICE: lambda: Response("closed", 503, {"Retry-After": "1"}),
    Does.FAIL: lambda: Response("Traceback (most recent call last):", 500),
    Does.THROTTLE: lambda: Response("slowly", 429, {"Retry-After": "1"}),
    Does.OTHER_LOGIN: lambda: Response(_OTHER_LOGIN, mimetype="text/html"),
    Does.ELSEWHERE: lambda: Response(status=302, headers={"Location": "http://127.0.0.1:9/"}),
    Does.VAST: _vast,
}
