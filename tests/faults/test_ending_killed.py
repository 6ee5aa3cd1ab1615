"""A worker is killed around the commit that ends a job and dispatches what follows from it."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("place", "moves"),
    [
        ("runner.before_settle", ["claim", "lose", "claim", "complete"]),
        ("ending.before_commit", ["claim", "lose", "claim", "complete"]),
        ("runner.settled", ["claim", "complete"]),
    ],
)
def test_what_follows_from_an_end_is_dispatched_once(
    place, moves, start_worker, jobs, wait, auditor, audit, tmp_path
):
    start_worker(FAILPOINTS=f"{place}=kill:{tmp_path / 'once'}")

    job = jobs.add("announced")
    wait.until_over(job)
    wait.until_over()

    assert (tmp_path / "once").exists()
    assert auditor.moves(job) == moves
    (told,) = auditor.rows("SELECT state, payload FROM jobs WHERE type = 'tells'")
    assert told == {
        "state": "completed",
        "payload": {"of": job, "state": "completed", "code": None},
    }
    audit()
