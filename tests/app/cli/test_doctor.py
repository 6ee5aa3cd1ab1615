from __future__ import annotations

import json

import pytest

from app import create_app
from tests.app.cli.test_group import flask
from tests.conftest import environment, wait_until


@pytest.fixture
def doctor(with_setting):
    """Ask the doctor about a service with something set differently."""

    def ask(*words, **changed):
        app = create_app(with_setting(**changed))
        result = app.test_cli_runner().invoke(args=("doctor", *words))
        app.extensions["jobspine"].database.close()
        return result.exit_code, result.output

    return ask


def test_what_does_not_work_is_said_with_what_to_do_and_is_exit_status_1(doctor):
    status, out = doctor()

    lines = out.splitlines()
    assert status == 1
    assert lines[0] == "ok    settings      every variable makes sense"
    place = lines.index("fail  workers       none is alive")
    assert lines[place + 1] == "                    start `python -m workers`"


def test_where_everything_works_it_is_0_whatever_is_worth_a_word(doctor, start_worker, auditor):
    start_worker(WORKER_PROCESSES="1")
    wait_until(lambda: auditor.one("SELECT count(*) FROM job_clock"), seconds=60)

    status, out = doctor()

    assert "fail  " not in out
    assert "warn  watchlists    no provider is configured: screenings fail\n" in out
    assert status == 0


def test_for_scripts_it_is_one_object(doctor):
    status, out = doctor("--json", database_url="postgresql://u:hidden-word@/x?host=/nowhere")

    told = json.loads(out)
    assert status == 1
    assert told["isWell"] is False
    assert {
        "check": "postgresql",
        "level": "fail",
        "found": "cannot be reached: nobody listens there",
        "advice": "start it, or correct DATABASE_URL",
    } in told["findings"]
    assert "hidden-word" not in out


def test_every_fault_of_the_environment_is_named_at_once(settings):
    env = {**environment(settings), "DATABASE_URL": "mysql://hidden-word", "PORT": "many"}

    status, out, err = flask(env, "doctor")

    assert (status, err) == (1, "")
    assert out == (
        "fail  settings      PORT is not a whole number\n"
        "                    set it; the README lists every variable\n"
        "fail  settings      DATABASE_URL does not start with postgresql://\n"
        "                    set it; the README lists every variable\n"
    )
