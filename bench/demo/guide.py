"""What every part of the demo does: send a request, show it with its answer, watch a job."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from config.stack import Stack

ROOT = Path(__file__).parent.parent.parent
_BAR = 40
#: How long any of the demo's jobs may take; seconds.
_PATIENCE = 60.0
#: The most of an answer that is printed; characters.
_LONGEST = 2000


class DemoFailed(Exception):
    """The service did not answer as documented."""


class Guide:
    """Sends real work through HTTP as somebody in particular, and prints what comes back."""

    def __init__(self, stack: Stack, told: threading.Event, **headers: str) -> None:
        self.stack = stack
        self._told = told
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.api = httpx.Client(base_url=stack.url, headers=names, timeout=30)

    def get(self, path: str) -> Any:
        """Return what is at a path."""
        return answered(self.api.get(path))

    def show(self, method: str, path: str, *, is_refused: bool = False, **options: Any) -> Any:
        """Send a request and print it with its answer, which is good unless it must not be."""
        response = self.api.request(method, path, **options)
        body = response.json() if is_refused else answered(response)
        if is_refused and response.is_success:
            raise DemoFailed(f"{path}: {response.status_code} {response.text}")
        said = json.dumps(body, ensure_ascii=False)
        print(f"\n  {method} {path}\n  {response.status_code} {said[:_LONGEST]}", flush=True)
        return body

    def finish(self, job: str) -> dict[str, Any]:
        """Poll a job of the public or the credentials API until it is over; print its end."""
        path = f"/jobs/{job}"
        self.wait(path)
        end: dict[str, Any] = self.show("GET", path)
        return end

    def wait(self, path: str) -> None:
        """Poll a job at a path until it is over."""

        def read(found: dict[str, Any]) -> tuple[int, bool]:
            is_over = found["status"] not in {"pending", "todo", "in_progress"}
            return (100 if is_over else 50), is_over

        self.watch(lambda: self.get(path), read)

    def watch(
        self,
        poll: Callable[[], dict[str, Any]],
        read: Callable[[dict[str, Any]], tuple[int, bool]],
    ) -> None:
        """Poll until the end, with a bar."""
        deadline = time.monotonic() + _PATIENCE
        print()
        while True:
            percent, is_over = read(poll())
            filled = _BAR * percent // 100
            print(f"\r  [{'#' * filled}{'.' * (_BAR - filled)}] {percent:3d} %", end="", flush=True)
            if is_over:
                print()
                return
            if self._told.is_set():
                raise KeyboardInterrupt
            if time.monotonic() > deadline:
                raise DemoFailed("the job did not end")
            time.sleep(0.02)


def heading(text: str) -> None:
    """Print the title of a part."""
    print(f"\n== {text}", flush=True)


def answered(response: httpx.Response) -> Any:
    """Return the body of a 2xx.

    Raises:
        DemoFailed: it is something else.
    """
    if not response.is_success:
        raise DemoFailed(f"{response.request.url.path}: {response.status_code} {response.text}")
    return response.json()
