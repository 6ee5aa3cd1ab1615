"""What was measured of the record a moment ago, within the time that a scrape has."""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.metrics.shared import Shared
from tasks.watch import measures

if TYPE_CHECKING:
    from config.database import Database

log = structlog.get_logger(__name__)

#: How long PostgreSQL may take, whatever is wrong with it; Prometheus waits for ten. Seconds.
_PATIENCE = 6.0


class Measured:
    """The measures of the record, for all processes of this API on this machine."""

    def __init__(self, database: Database, folder: str) -> None:
        """Share them with all who name the same folder; without one, within this process."""
        self._database = database
        self._shared = Shared(folder, "record.json")
        self._reading: threading.Thread | None = None

    def get(self) -> measures.Measures | None:
        """Return them; None where the record cannot be read, or not in time."""
        found = self._shared.get(self._read_in_time)
        return None if found is None else measures.Measures(**found)

    def _read_in_time(self) -> dict[str, Any] | None:
        if self._reading is not None and self._reading.is_alive():
            return None  # it hangs, and another one would as well
        found: list[dict[str, Any]] = []
        self._reading = threading.Thread(target=self._read, args=[found], daemon=True)
        self._reading.start()
        self._reading.join(_PATIENCE)
        return found[0] if found else None

    def _read(self, found: list[dict[str, Any]]) -> None:
        try:
            with self._database.transaction() as connection:
                found.append(asdict(measures.read(connection)))
        except SQLAlchemyError as error:
            log.warning("not_measured", error=type(error).__name__)
