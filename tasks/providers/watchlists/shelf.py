"""The versions in use, and the thread that looks for newer ones."""

from __future__ import annotations

import gc
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from tasks.providers.watchlists.listed import ListRejected
from tasks.providers.watchlists.versions import (
    SOURCES,
    Source,
    Version,
    read_version,
    state_of,
    type_state,
)

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

#: How often the files are looked at; seconds.
POLL_SECONDS = 3.0


@dataclass
class _Place:
    """What the shelf knows of one list."""

    version: Version | None = None
    since: str = ""
    #: The state of the files that are in use, that were tried last, and that were seen last.
    used: type_state = ()
    tried: type_state = ()
    seen: type_state = ()
    refused: dict[str, str] | None = None


class Shelf:
    """Holds one version of each list; a newer one takes its place only when it is good.

    The lists are independent of each other. Whoever searches takes `versions` once, and so
    never sees half of a change.
    """

    def __init__(self, folder: Path, *, poll_seconds: float = POLL_SECONDS) -> None:
        """Read the lists under a folder.

        Raises:
            ListRejected: there is none, or one that is there must not be used. There is no older
                version yet that could be used instead, and without it people would seem clear.
        """
        self._folder = folder
        self._poll_seconds = poll_seconds
        self._places = {source: _Place() for source in SOURCES}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="shelf", daemon=True)
        #: The versions in use, replaced as a whole.
        self.versions: tuple[Version, ...] = ()
        for source, place in self._places.items():
            place.seen = place.tried = state_of(source, folder)
            if place.seen:
                self._use(source, read_version(source, folder))
            else:
                log.warning("list_absent", list=source.name)
        if not self.versions:
            raise ListRejected("neither ofac/ nor un/ holds a list", file=str(folder))

    def start(self) -> None:
        """Begin to look for newer versions."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def as_json(self) -> list[dict[str, Any]]:
        """Return each list's version in use, and the newer one that was refused, if any.

        A list that is absent has neither.
        """
        return [
            {
                **(place.version.as_json() if place.version else {"name": source.name}),
                "in_use_since": place.since or None,
                "refused": place.refused,
            }
            for source, place in self._places.items()
        ]

    def poll(self) -> None:
        """Look at the files once; read what has changed and then stood still for one look."""
        for source, place in self._places.items():
            state = state_of(source, self._folder)
            has_settled, place.seen = state == place.seen, state
            if state == place.used:
                place.refused, place.tried = None, state
            elif has_settled and state != place.tried:
                self._try(source, place, state)

    def _watch(self) -> None:
        while not self._closed.wait(self._poll_seconds):
            try:
                self.poll()
            except Exception as error:
                log.error("lists_not_looked_at", exc_info=error)  # noqa: TRY400 - as elsewhere

    def _try(self, source: Source, place: _Place, state: type_state) -> None:
        try:
            version = read_version(source, self._folder, in_use=place.version)
        except Exception as error:
            reason = str(error) if isinstance(error, ListRejected) else type(error).__name__
            place.tried = state
            place.refused = {"reason": reason, "at": _now()}
            log.warning("list_refused", list=source.name, reason=reason, exc_info=error)
            return
        # Files that changed while they were read are read again when they stand still.
        if state_of(source, self._folder) == state:
            place.tried = state
            self._use(source, version)

    def _use(self, source: Source, version: Version) -> None:
        place = self._places[source]
        place.used, place.refused = place.seen, None
        if place.version and place.version.version == version.version:
            return  # the same bytes, copied once more
        is_replaced = place.version is not None
        place.version, place.since = version, _now()
        self.versions = tuple(one.version for one in self._places.values() if one.version)
        log.info(
            "list_in_use",
            list=version.name,
            version=version.version,
            as_of=version.as_of,
            entries=version.entries,
        )
        if is_replaced:
            gc.collect()  # an index refers to itself, and nothing else would have it collected soon


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
