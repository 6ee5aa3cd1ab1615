"""The part of the audit that is about screening: runs, their gate, their documents, their risk."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.audit import Recorder

    Rows = Callable[..., list[dict[str, Any]]]

#: The words of a run, in the order in which a poll may see them.
_ORDER = {"pending": 0, "running": 1, "completed": 2, "failed": 2, "rejected": 2}


def audit_screenings(rows: Rows, recorder: Recorder) -> None:
    """Check what holds of screening after any fault."""
    held = _gates_were_held_by_one_at_a_time(rows)
    _rejected_runs_name_a_holder(rows, held)
    _refused_dispatches_name_a_holder(rows, recorder, held)
    _completed_runs_have_documents_and_a_risk(rows)
    _unanswered_documents_say_nothing(rows)
    _polls_never_went_back(recorder)


def _gates_were_held_by_one_at_a_time(rows: Rows) -> dict[str, tuple[str, float, float]]:
    """Return, for every run that was claimed, its verification and when it held the gate."""
    found = rows("""
        SELECT jobs.id, gate, extract(epoch FROM min(at))::float8 AS since,
               CASE WHEN finished_at IS NULL THEN 'infinity'
                    ELSE extract(epoch FROM max(at)) END::float8 AS until
        FROM jobs JOIN job_moves ON job_id = jobs.id
        WHERE type = 'watchlist' AND attempts > 0 GROUP BY jobs.id, gate ORDER BY 3
    """)
    by_gate = defaultdict(list)
    for run in found:
        by_gate[run["gate"]].append(run)
    for runs in by_gate.values():
        for one, other in pairwise(runs):
            assert one["until"] <= other["since"], f"two at once: {one} {other}"
    return {run["id"]: (run["gate"], run["since"], run["until"]) for run in found}


def _rejected_runs_name_a_holder(rows: Rows, held: dict[str, tuple[str, float, float]]) -> None:
    rejected = rows("""
        SELECT id, gate, conflict, attempts, extract(epoch FROM at)::float8 AS at
        FROM jobs JOIN job_moves ON job_id = id AND move = 'reject' WHERE type = 'watchlist'
    """)
    for run in rejected:
        gate, since, _ = held[run["conflict"]]
        assert gate == run["gate"], f"another verification's: {run}"
        assert since <= run["at"], f"not in flight yet: {run}"
        assert run["attempts"] == 0, f"it ran: {run}"


def _refused_dispatches_name_a_holder(
    rows: Rows, recorder: Recorder, held: dict[str, tuple[str, float, float]]
) -> None:
    numbers = {row["trace"]: str(row["id"]) for row in rows("SELECT id, trace FROM verifications")}
    for trace, named, sent, answered in recorder.gated:
        assert named in held, f"{named} was never claimed"
        gate, since, until = held[named]
        assert gate == numbers[trace], f"{named} belongs to another verification"
        assert since <= answered, f"{named} was not in flight yet"
        assert until >= sent, f"{named} was not in flight any more"


def _completed_runs_have_documents_and_a_risk(rows: Rows) -> None:
    for run in rows("SELECT * FROM jobs WHERE type = 'watchlist'"):
        documents = rows("SELECT * FROM screenings WHERE job_id = %s", run["id"])
        risks = rows("SELECT * FROM risks WHERE job_id = %s", run["id"])
        subjects = [document["subject"] for document in documents]
        assert len(subjects) == len(set(subjects)), f"two documents of one subject: {run}"
        if run["state"] == "rejected":
            assert (documents, risks) == ([], []), f"it was rejected: {run}"
        if run["state"] != "completed":
            continue
        others = rows("SELECT id FROM stakeholders WHERE verification_id = %s", run["gate"])
        assert set(subjects) == {"entity", *(one["id"] for one in others)}, run
        assert all(one["screened_at"] <= run["finished_at"] for one in documents), run
        unknown = sum(one["status"] != "ok" for one in documents)
        (risk,) = risks
        assert (risk["score"], risk["level"]) == (run["result"]["score"], run["result"]["level"])
        assert risk["complete"] == (unknown == 0), run
        assert risk["complete"] or risk["score"] >= (risk["before_score"] or 0), "a risk fell"
        assert run["result"]["subjects"] == len(documents), run
        assert run["result"]["unanswered"] == unknown, run


def _unanswered_documents_say_nothing(rows: Rows) -> None:
    for document in rows("SELECT * FROM screenings WHERE status <> 'ok'"):
        assert document["hits"] == [], document
        assert "\n" not in document["reason"], document


def _polls_never_went_back(recorder: Recorder) -> None:
    for job_id, polls in recorder.runs.items():
        seen = [_ORDER[poll["status"]] for poll in polls]
        assert seen == sorted(seen), f"{job_id} went back"
        counts = [poll.get("attemptCount", 0) for poll in polls]
        assert counts == sorted(counts), f"the attempts of {job_id} went back"
        final = [poll for poll in polls if _ORDER[poll["status"]] == 2]
        assert all(poll == final[0] for poll in final), f"the end of {job_id} changed"
