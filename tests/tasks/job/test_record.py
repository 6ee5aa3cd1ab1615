from __future__ import annotations

import pytest

from tasks.job.record import Standing
from tasks.job.states import State


@pytest.mark.parametrize(
    ("progress", "share"),
    [
        ({"read": 3, "added": 2, "total": 7, "errors": 1}, (3, 7)),
        ({"done": 7, "total": 7}, (7, 7)),
        ({"done": 0, "total": 7}, (0, 7)),
        ({}, None),
        ({"done": 0, "total": 0}, None),
        ({"done": 8, "total": 7}, None),
        ({"done": -1, "total": 7}, None),
        ({"read": 3}, None),
        ({"total": 7}, None),
        ({"done": "3", "total": 7}, None),
    ],
)
def test_what_of_a_job_is_done_is_known_where_its_type_counts_it(progress, share):
    standing = Standing("a", "noop", State.RUNNING, None, None, None, progress)

    assert standing.share == share
