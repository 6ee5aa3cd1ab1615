"""A client of the screening API, whose answers are recorded."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from tasks.records.verifications import Verification
    from tests.conftest import Auditor
    from tests.screened import Service


class Screener:
    """Acts for a service, by turns at each of several processes of the API."""

    def __init__(self, clients: Sequence[Any], service: Service) -> None:
        #: What the processes of the API have logged.
        self.logs = [client.process.log for client in clients]
        self._turns = itertools.cycle(clients)
        self._headers = service.headers

    def dispatch(self, verification: Verification) -> httpx.Response:
        """Ask for a run."""
        return self._dispatch(verification, self._headers)

    def _dispatch(self, verification: Verification, headers: Mapping[str, str]) -> httpx.Response:
        path = f"/v5/verifications/{verification.trace}/watchlist"
        return next(self._turns).post(path, headers=headers)

    def screen(self, verification: Verification) -> str:
        """Ask for a run that must be accepted; return its id."""
        answer = self.dispatch(verification)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["data"]["jobId"])

    def dispatch_at_once(self, verifications: Sequence[Verification]) -> list[httpx.Response]:
        """Ask for a run of each, all at the same time."""
        ready = threading.Barrier(len(verifications))
        # A connection that lies ready may be closed under the thread that has just picked it.
        headers = {**self._headers, "Connection": "close"}

        def dispatch(verification: Verification) -> httpx.Response:
            ready.wait()
            return self._dispatch(verification, headers)

        with ThreadPoolExecutor(len(verifications)) as clients:
            return list(clients.map(dispatch, verifications))

    def holder(self, verification: Verification) -> str:
        """Ask for a run that must be refused; return the id of the run that is in the way."""
        answer = self.dispatch(verification)
        assert answer.status_code == 429, answer.text
        return str(answer.json()["error"]["conflictingJobId"])

    def run(self, verification: Verification, job_id: str) -> dict[str, Any]:
        """Poll a run; return its result."""
        return dict(self._get(verification, f"/jobs/watchlist/{job_id}")["result"])

    def risk(self, verification: Verification) -> dict[str, Any]:
        """Return the current risk."""
        return dict(self._get(verification, "")["risk"])

    def documents(self, verification: Verification) -> dict[str, dict[str, Any]]:
        """Return the newest document of each subject by its name."""
        found = {verification.name: self._get(verification, "/watchlist/latest")}
        for one in verification.stakeholders:
            path = f"/stakeholders/{one.id}/watchlist/latest"
            found[one.name] = self._get(verification, path)
        return found

    def _get(self, verification: Verification, path: str) -> dict[str, Any]:
        path = f"/v5/verifications/{verification.trace}{path}"
        answer = next(self._turns).get(path, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])


def hurry(auditor: Auditor) -> None:
    """Make due at once what waits for its next attempt."""
    auditor.rows("UPDATE jobs SET due_at = now() WHERE due_at > now()")
