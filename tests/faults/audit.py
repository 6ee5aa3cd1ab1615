"""The auditor: compares what HTTP answers promised with what the database holds.

It shares nothing with the service: the bounds and words are written out here, the database is
read on a connection of its own, and the answers are recorded as they come in.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.faults.screening_audit import audit_screenings

if TYPE_CHECKING:
    from tests.conftest import Auditor

#: How often a job of a type may fail.
BOUNDS = {
    "org_members": 5,
    "census_participants": 5,
    "publish_process": 10,
    "set_process_status": 10,
    "relay_vote": 10,
    "noop": 3,
    "fails": 3,
    "holds": 3,
    "holds_each": 3,
    "loops": 2,
    "computes": 2,
    "dies": 3,
    "gated": 3,
    "parks": 3,
    "watchlist": 3,
    "announced": 2,
    "tells": 3,
    "ledger_transaction": 10,
    "deliver_webhook": 19,
    "inscribes": 10,
    "account_connection": 4,
}
ENDS = {"complete": "completed", "fail": "failed", "reject": "rejected", "cancel": "failed"}
COUNTED = {"fail", "retry", "lose"}
#: Moves that do not end an attempt: a job may be cancelled behind one.
OUTSIDE = {"claim", "cancel"}
#: Errors of a row that is stored all the same.
FIELD_ERRORS = {"invalid-email", "invalid-phone", "invalid-birthdate"}
_PRIVATE_POLL = re.compile(r"/organizations/\w+/members/job/(\w+)")
_PUBLIC_POLL = re.compile(r"/jobs/(\w+)")
_RUN_POLL = re.compile(r"/v5/verifications/[\w-]+/jobs/watchlist/([\w-]+)")
_SCREEN = re.compile(r"/v5/verifications/([\w-]+)/watchlist")


class Recorder:
    """Keeps what the API answered; give `record` to a client as a hook of its responses."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.refused: list[httpx.Response] = []
        self.progress: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
        #: Screenings that were refused: the verification, the job that was named, and between
        #: which times the request was under way.
        self.gated: list[tuple[str, str, float, float]] = []
        self._lock = threading.Lock()

    def record(self, response: httpx.Response) -> None:
        response.read()
        with self._lock:
            if response.request.method == "POST":
                self._dispatch(response)
            elif response.status_code == 200:
                self._poll(response)

    def _dispatch(self, response: httpx.Response) -> None:
        given = response.json() if response.is_success else {}
        given = given.get("data") or given
        if not response.is_success:
            self.refused.append(response)
            screened = _SCREEN.fullmatch(response.request.url.path)
            if response.status_code == 429 and screened:
                named = response.json()["error"]["conflictingJobId"]
                now = time.time()
                self.gated.append((screened[1], named, now - response.elapsed.total_seconds(), now))
        elif "jobId" in given:
            self.accepted.append(given["jobId"])

    def _poll(self, response: httpx.Response) -> None:
        path = response.request.url.path
        if private := _PRIVATE_POLL.fullmatch(path):
            self.progress[private[1]].append(response.json())
        elif public := _PUBLIC_POLL.fullmatch(path):
            self.answers[public[1]].append(response.json())
        elif run := _RUN_POLL.fullmatch(path):
            self.runs[run[1]].append(response.json()["data"]["result"])


class Poller(threading.Thread):
    """Polls an import all the time, as an impatient client does, through every fault."""

    def __init__(self, client: httpx.Client, path: str, headers: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self._ask = lambda: client.get(path, headers=headers)
        self._enough = threading.Event()

    def run(self) -> None:
        while not self._enough.wait(0.01):
            try:
                self._ask()
            except httpx.TransportError:
                time.sleep(0.05)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self.join()


class Audit:
    """The checks that hold after any fault."""

    def __init__(self, auditor: Auditor, recorder: Recorder) -> None:
        self._rows = auditor.rows
        self.recorder = recorder

    def __call__(self, *, over: bool = True) -> None:
        """Check everything; with `over` also that no job is unfinished."""
        self._accepted_jobs_are_recorded()
        moves: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for move in self._rows("SELECT * FROM job_moves ORDER BY seq"):
            moves[move["job_id"]].append(move)
        for job in self._rows("SELECT *, lease_until > now() AS is_leased FROM jobs"):
            self._history_is_sound(job, moves[job["id"]])
            self._is_over_or_alive(job, over=over)
            if job["type"] == "org_members" and job["state"] == "completed":
                self._import_adds_up(job)
        self._members_are_there_once()
        self._uploads_are_gone()
        self._answers_never_went_back()
        audit_screenings(self._rows, self.recorder)

    def _accepted_jobs_are_recorded(self) -> None:
        known = {row["id"] for row in self._rows("SELECT id FROM jobs")}
        accepted = self.recorder.accepted
        assert len(accepted) == len(set(accepted)), "one id was given twice"
        assert set(accepted) <= known, "an accepted job is not recorded"

    def _history_is_sound(self, job: dict[str, Any], moves: list[dict[str, Any]]) -> None:
        words = [move["move"] for move in moves]
        ends = [word for word in words if word in ENDS]
        says = f"{job['type']} {job['id']}: {words}"
        assert len(ends) <= 1, says
        if ends:
            assert words[-1] in ENDS, says
            assert ENDS[words[-1]] == job["state"], says
        assert (job["finished_at"] is not None) == bool(ends), says
        assert words.count("claim") == job["attempts"], says
        claimed = [move["attempt"] for move in moves if move["move"] == "claim"]
        assert claimed == list(range(1, job["attempts"] + 1)), says
        left = Counter(move["attempt"] for move in moves if move["move"] not in OUTSIDE)
        assert all(times == 1 for times in left.values()), f"an attempt ended twice: {says}"
        assert [move["attempt"] for move in moves] == sorted(m["attempt"] for m in moves), says
        assert sum(word in COUNTED for word in words) == job["failures"], says
        assert job["failures"] <= min(BOUNDS[job["type"]], job["attempts"]), says
        if job["state"] == "failed":
            assert job["error"], says
            assert "\n" not in job["error"], says

    def _is_over_or_alive(self, job: dict[str, Any], *, over: bool) -> None:
        says = f"{job['type']} {job['id']} is {job['state']}"
        if job["finished_at"] is not None:
            assert job["worker"] is None, says
            return
        assert not over, says
        # Without an owner it can be claimed; with one, the owner's claim must be alive.
        assert job["worker"] is None or job["is_leased"], says

    def _import_adds_up(self, job: dict[str, Any]) -> None:
        errors = self._rows("SELECT * FROM import_errors WHERE job_id = %s", job["id"])
        rejected = {error["row"] for error in errors if error["error"] not in FIELD_ERRORS}
        result = job["result"]
        assert result["added"] + len(rejected) == result["total"], job["id"]
        assert result["errors"] == len(errors), job["id"]
        assert [e["seq"] for e in sorted(errors, key=lambda e: e["seq"])] == [*range(len(errors))]
        assert job["progress"]["read"] == job["progress"]["total"] == result["total"]
        assert job["progress"]["added"] == result["added"]

    def _members_are_there_once(self) -> None:
        """Tests give each row of an organization a number of its own, so rows = added."""
        for org in self._rows("SELECT id, address, member_count FROM organizations"):
            (found,) = self._rows(
                "SELECT count(*) AS rows, count(DISTINCT member_number) AS numbers"
                " FROM members WHERE org_id = %s",
                org["id"],
            )
            (jobs,) = self._rows(
                "SELECT coalesce(sum((progress ->> 'added')::int), 0) AS added FROM jobs"
                " WHERE type = 'org_members' AND tenant = %s",
                org["address"],
            )
            counts = {found["rows"], found["numbers"], jobs["added"], org["member_count"]}
            assert len(counts) == 1, f"rows, numbers, added, counted: {found} {jobs} {org}"

    def _uploads_are_gone(self) -> None:
        """An ended import needs its file no more."""
        left = self._rows(
            "SELECT uploads.id FROM uploads JOIN jobs ON jobs.id = uploads.job_id"
            " WHERE jobs.state = 'completed'"
        )
        assert left == []

    def _answers_never_went_back(self) -> None:
        for job_id, polls in self.recorder.progress.items():
            for name in ("progress", "added", "total"):
                seen = [poll[name] for poll in polls]
                assert seen == sorted(seen), f"{name} of {job_id} went back"
            final = [poll for poll in polls if poll["progress"] == 100]
            assert all(poll == final[0] for poll in final), f"the end of {job_id} changed"
        for job_id, answers in self.recorder.answers.items():
            seen = [answer["status"] != "pending" for answer in answers]
            assert seen == sorted(seen), f"{job_id} came back from its end"
            final = [answer for answer in answers if answer["status"] != "pending"]
            assert all(answer == final[0] for answer in final), f"the end of {job_id} changed"
