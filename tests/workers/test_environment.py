"""What the commands of the workers say of an environment that makes no sense."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

AWAY = {"DATABASE_URL": "postgresql://127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1"}
NO_MODULE = "TASK_MODULES names tasks.nonsense, and there is no such module\n"


@pytest.mark.parametrize(
    ("module", "variables", "said"),
    [
        ("workers", {}, "DATABASE_URL is required; REDIS_URL is required\n"),
        ("workers.sweep", {}, "DATABASE_URL is required; REDIS_URL is required\n"),
        ("workers.alive", {}, "DATABASE_URL is required; REDIS_URL is required\n"),
        ("tasks.migrations", {}, "DATABASE_URL is required; REDIS_URL is required\n"),
        ("workers", {**AWAY, "TASK_MODULES": "tasks.nonsense"}, NO_MODULE),
        ("workers.sweep", {**AWAY, "TASK_MODULES": "tasks.nonsense"}, NO_MODULE),
    ],
)
def test_one_line_says_what_is_wrong(module, variables, said):
    ended = subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", said)


def test_a_queue_that_no_type_has_is_told_of(start_worker):
    worker = start_worker(WORKER_QUEUES="bulk,nonsense", WORKER_PROCESSES="1")

    (told,) = [line for line in worker.log.read_text().splitlines() if "no_type_has_queue" in line]
    assert json.loads(told)["queues"] == ["nonsense"]
