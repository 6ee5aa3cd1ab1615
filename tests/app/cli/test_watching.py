from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

from app import create_app
from tasks.job import states, store
from tests.conftest import ROOT, environment, wait_until
from tests.faults.conftest import away
from tests.tasks.job.jobs import advance, claim, claimed, record


class Watch:
    """`jobs watch` as a process, and what it has printed so far."""

    def __init__(self, settings, job_id, *options, is_terminal=False):
        env = environment(settings, COLUMNS="100", TERM="xterm")
        command = [sys.executable, "-m", "flask", "--app", "app", "jobs", "watch", job_id, *options]
        self._end, out = pty.openpty() if is_terminal else os.pipe()
        os.set_blocking(self._end, False)
        self.text = ""
        self._process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
        os.close(out)

    def shows(self, words):
        """Wait until it has printed something."""
        wait_until(lambda: words in self._read(), seconds=60)

    def interrupt(self):
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def status(self):
        """Wait for its end; return its exit status."""
        status = self._process.wait(30)
        self._read()
        return status

    def close(self):
        """End it if it has not ended."""
        self._process.kill()
        self._process.wait()
        os.close(self._end)

    def _read(self):
        try:
            while more := os.read(self._end, 65536):
                self.text += more.decode()
        except (BlockingIOError, OSError):  # a terminal that nobody writes to any more is an error
            pass
        return self.text


@pytest.fixture
def watch(settings):
    """Watch a job with a process of its own."""
    started = []

    def watch(job_id, *options, **given):
        started.append(Watch(settings, job_id, *options, **given))
        return started[-1]

    yield watch
    for one in started:
        one.close()


@pytest.fixture
def progress(auditor):
    """Say how far a job is."""
    return lambda job_id, read, total: auditor.rows(
        "UPDATE jobs SET progress = %s WHERE id = %s",
        json.dumps({"read": read, "total": total}),
        job_id,
    )


@pytest.fixture
def ended(database):
    """Jobs that have ended in each way."""
    advance(database, claimed(database, "completed"), states.COMPLETE, result={}, keep=60)
    job = claimed(database, "failed")
    advance(database, job, states.FAIL, code="no_use", error="there is no use", keep=60)
    record(database, "rejected", type="gated", gate="s")
    with database.statement() as connection:
        job = store.get(connection, "rejected")
    advance(database, job, states.REJECT, conflict="holder", keep=60)


@pytest.mark.parametrize(
    ("job", "status", "text"),
    [
        ("completed", 0, "completed in 0s\n"),
        ("failed", 1, "failed: no_use: there is no use\n"),
        ("rejected", 3, "rejected: holder held its gate\n"),
        ("nowhere", 4, "Error: there is no job nowhere\n"),
    ],
)
@pytest.mark.usefixtures("ended")
def test_the_exit_status_says_how_a_job_has_ended(run, job, status, text):
    assert run("jobs", "watch", job) == (status, text)


def test_without_a_job_it_is_a_usage_error(run):
    assert run("jobs", "watch")[0] == 2


def test_beside_a_terminal_every_change_is_a_line(watch, database, progress):
    record(database, "a")
    watched = watch("a")

    watched.shows("pending, No worker serves its queue, default.\n")
    job = claim(database, "a")
    progress("a", 12, 100)
    watched.shows("running, 10 %\n")
    progress("a", 57, 100)
    watched.shows("running, 50 %\n")
    advance(database, job, states.COMPLETE, result={}, keep=60)

    assert watched.status() == 0
    # Between the claim and what was done of it one may look as well.
    lines = [line for line in watched.text.splitlines() if line != "running"]
    assert lines[:3] == [
        "pending, No worker serves its queue, default.",
        "running, 10 %",
        "running, 50 %",
    ]
    assert [line.split(" in ")[0] for line in lines[3:]] == ["completed"]


def test_on_a_terminal_a_bar_grows_and_ctrl_c_leaves_the_job_alone(
    watch, database, progress, auditor
):
    claimed(database, "a")
    progress("a", 1, 2)
    watched = watch("a", is_terminal=True)

    watched.shows("noop [############............]  50 %")
    progress("a", 3, 4)
    watched.shows("[##################......]  75 %")
    watched.interrupt()

    assert watched.status() == 130
    assert watched.text.endswith("\r\nno longer watched; the job goes on\r\n")
    assert "Traceback" not in watched.text
    assert all(len(line) < 110 for line in watched.text.split("\r"))
    assert auditor.job("a")["state"] == "running"


def test_a_restart_of_postgresql_is_outlived(watch, servers, database):
    job = claimed(database, "a")
    watched = watch("a")
    watched.shows("running\n")

    with away(servers.postgres):
        watched.shows("PostgreSQL is away, which delays jobs and loses none\n")
    wait_until(lambda: advance(database, job, states.COMPLETE, result={}, keep=60))

    assert watched.status() == 0


def test_what_stays_away_for_longer_than_somebody_has_patience_is_an_end_of_its_own(with_setting):
    app = create_app(with_setting(database_url="postgresql://jobspine@/none?host=/nowhere"))

    result = app.test_cli_runner().invoke(args=("jobs", "watch", "a", "--patience", "0"))
    app.extensions["jobspine"].database.close()

    assert (result.exit_code, result.output) == (
        5,
        "PostgreSQL was away for 0 s; the job may go on\n",
    )
