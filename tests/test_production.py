"""The production form: the Procfile and docker-compose.yml say the same, and can be read."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
from pathlib import Path

import psycopg2
import pytest
import yaml

from config.stack import procfile

ROOT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


@pytest.mark.parametrize(
    "name", ["release", "web", "worker", "watchlist-provider", "sandbox-provider"]
)
def test_both_forms_run_the_same_commands(name):
    assert COMPOSE[name]["command"] == shlex.split(procfile()[name])


def test_neither_form_runs_more_than_the_other():
    assert set(COMPOSE) - {"postgres", "redis", "flower"} == set(procfile())


def test_flower_runs_only_when_asked_for_with_a_password_and_on_this_machine_alone():
    flower = COMPOSE["flower"]

    assert flower["profiles"] == ["flower"]
    assert flower["ports"] == ["127.0.0.1:${FLOWER_PORT:-5555}:5555"]
    command = flower["command"][2].replace("$$", "$").replace("exec celery", "echo")
    refused = subprocess.run(["sh", "-c", command], env={}, capture_output=True, check=False)
    assert refused.returncode == 2
    shown = subprocess.run(
        ["sh", "-c", command], env={"FLOWER_AUTH": "ada:pass"}, capture_output=True, check=True
    )
    assert shown.stdout == (
        b"-A workers flower --address=0.0.0.0 --read_only --basic_auth=ada:pass\n"
    )


def test_the_flower_of_the_image_is_the_one_that_is_tested():
    locked = (ROOT / "config" / "requirements-dev.txt").read_text()
    (installed,) = re.findall(r"flower==[\d.]+", COMPOSE["flower"]["build"]["dockerfile_inline"])

    assert f"\n{installed} " in locked


@pytest.mark.parametrize(
    "name", ["postgres", "redis", "web", "worker", "watchlist-provider", "sandbox-provider"]
)
def test_every_lasting_service_has_a_health_check(name):
    assert COMPOSE[name]["healthcheck"]["test"][0] == "CMD"


def test_the_servers_are_new_enough():
    assert int(COMPOSE["postgres"]["image"].partition(":")[2]) >= 16
    assert int(COMPOSE["redis"]["image"].partition(":")[2]) >= 7


def test_the_postgresql_of_both_forms_keeps_what_clients_sent_out_of_its_log(servers):
    wanted = {"log_error_verbosity": "terse", "log_min_error_statement": "panic"}
    command = COMPOSE["postgres"]["command"]

    with contextlib.closing(psycopg2.connect(servers.postgres.url)) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(wanted),)
        )
        assert dict(cursor.fetchall()) == wanted
    assert command[0] == "postgres"
    assert command[1::2] == ["-c"] * len(wanted)
    assert dict(word.split("=") for word in command[2::2]) == wanted


def test_the_image_holds_every_package_that_the_commands_need():
    copied = COMPOSE["web"]["build"]["dockerfile_inline"]

    assert [
        f"COPY {name} {name}\n" in copied for name in ("config", "tasks", "workers", "app")
    ] == [
        True,
        True,
        True,
        True,
    ]


def test_the_workers_get_longer_to_stop_than_their_jobs_have():
    assert COMPOSE["worker"]["stop_grace_period"] == "40s"


def test_compose_accepts_the_file_where_its_client_is_at_hand():
    env = {
        **os.environ,
        "POSTGRES_PASSWORD": "p",
        "JWT_KEY": "k",
        "WATCHLIST_KEY": "w",
        "SEALING_KEYS": "s",
    }
    client = ["docker", "compose"]
    try:
        at_hand = subprocess.run([*client, "version"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("docker is not at hand")
    if at_hand.returncode:
        pytest.skip("docker has no compose")

    checked = subprocess.run(
        [*client, "config", "--quiet"], cwd=ROOT, env=env, capture_output=True, check=False
    )

    assert checked.returncode == 0, checked.stderr
