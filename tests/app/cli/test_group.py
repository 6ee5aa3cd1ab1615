"""What every command says where it cannot do anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app import create_app
from config.settings import SettingsInvalid
from tests.conftest import ROOT, environment

AWAY = "Error: PostgreSQL cannot be reached; `flask --app app doctor` says more\n"


def flask(env: dict[str, str], *words: str) -> tuple[int, str, str]:
    """Run Flask's own command line as a shell does."""
    command = [sys.executable, "-m", "flask", "--app", "app", *words]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "words",
    [("jobs", "list"), ("jobs", "cancel", "a"), ("users", "list"), ("keys", "revoke", "1"),
     ("screen", "x")],
)  # fmt: skip
def test_without_postgresql_a_command_ends_with_one_line(with_setting, words):
    app = create_app(with_setting(database_url="postgresql://jobspine@/none?host=/nowhere"))

    result = app.test_cli_runner().invoke(args=words)
    app.extensions["jobspine"].database.close()

    assert (result.exit_code, result.output) == (1, AWAY)


def test_a_database_without_migrations_is_one_line(run, auditor):
    auditor.rows("ALTER TABLE jobs RENAME TO no_jobs")

    assert run("jobs", "list") == (
        1,
        "Error: the database lacks migrations: python -m tasks.migrations\n",
    )


def test_an_environment_that_makes_no_sense_is_one_line_and_help_needs_none(settings):
    env = {**environment(settings), "DATABASE_URL": "", "PORT": "many"}

    listing = flask(env, "jobs", "list")
    asked = flask(env, "jobs", "--help")
    kept = flask({**environment(settings), "JOB_KEEP": "nonsense=9"}, "jobs", "list")

    assert kept == (1, "", "Error: JOB_KEEP names nonsense, and no such type is declared\n")
    assert listing == (1, "", "Error: DATABASE_URL is required; PORT is not a whole number\n")
    assert asked[0] == 0
    assert "Sweep once" in asked[1]


def test_an_application_to_serve_is_refused_as_before(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)

    with pytest.raises(SettingsInvalid, match="DATABASE_URL is required"):
        create_app()
