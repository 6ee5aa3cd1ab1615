"""Something that was read a moment ago, for all processes of this API on this machine.

However often they are asked, they read anew for a twentieth of the time at the most, and whoever
asks gets nothing older than what was told before.
"""

from __future__ import annotations

import fcntl
import io
import json
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: For how long the same is told at least; seconds.
LEAST_SECONDS = 1.0
#: For how many times as long as it took to read.
_TIMES = 20.0


class Shared:
    """A value of JSON, or None, that is read again when it is old, by one process at a time."""

    def __init__(self, folder: str, name: str) -> None:
        """Share it with all who name the same folder; without one, within this process."""
        self._path = Path(folder, name) if folder else None
        self._memory = io.BytesIO()
        self._lock = threading.Lock()

    def get(self, read: Callable[[], Any]) -> Any:
        """Return the value, read anew if that is due."""
        with self._lock, self._open() as file:
            # The clock of the machine, which its processes share.
            kept = json.loads(file.read() or b'{"until": 0}')
            if time.monotonic() < kept["until"]:
                return kept["value"]
            began = time.monotonic()
            value = read()
            now = time.monotonic()
            # That there is none is soon tried again.
            times = 0 if value is None else _TIMES
            until = now + max(LEAST_SECONDS, times * (now - began))
            file.seek(0)
            file.truncate()
            file.write(json.dumps({"until": until, "value": value}).encode())
            return value

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        """Lend what holds the value, to one at a time."""
        if self._path is None:
            self._memory.seek(0)
            yield self._memory
            return
        with self._path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # it ends when the file is closed
            file.seek(0)
            yield file
