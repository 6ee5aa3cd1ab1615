from __future__ import annotations

import io
import json
import logging
import signal
import subprocess
import sys
import threading

import psycopg2
import pytest
import structlog

from config import logs
from tests.conftest import ROOT

log = structlog.get_logger("tests")


@pytest.fixture
def lines():
    """What was logged, decoded."""
    root = logging.getLogger()
    before = root.handlers, root.level
    logs.configure("INFO")
    written = io.StringIO()
    root.handlers[0].setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers, root.level = before


def test_a_line_is_json_with_a_level_and_a_time(lines):
    log.info("something_happened", jobs=3)

    (line,) = lines()

    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "something_happened", "level": "info", "jobs": 3}


def test_the_job_at_work_is_in_every_line_also_of_libraries(lines):
    with structlog.contextvars.bound_contextvars(job="abc", type="noop"):
        log.info("ours")
        logging.getLogger("library").warning("theirs %s", "too")
    log.info("outside")

    ours, theirs, outside = lines()

    assert (ours["job"], ours["type"]) == ("abc", "noop")
    assert (theirs["event"], theirs["job"]) == ("theirs too", "abc")
    assert "job" not in outside


def test_lines_below_the_level_are_left_out(lines):
    log.debug("unheard")
    logging.getLogger("library").debug("unheard")
    logging.getLogger("celery").info("chatter")

    assert lines() == []


def raise_with_a_secret() -> None:
    raise RuntimeError("secret-of-a-client")


def test_an_exception_is_shown_by_class_and_place_only(lines):
    try:
        raise_with_a_secret()
    except RuntimeError as error:
        log.warning("it_failed", exc_info=error)
        log.exception("it_failed")
        logging.getLogger("library").exception("it failed")

    shown = lines()

    assert len(shown) == 3
    assert "secret-of-a-client" not in json.dumps(shown)
    assert {line["error"] for line in shown} == {"RuntimeError"}
    for line in shown:
        file, function = line["at"].split(" ")
        assert file.startswith("test_logs.py:")
        assert function == "raise_with_a_secret"


def test_an_error_of_the_database_keeps_its_sqlstate_and_not_its_values(lines, servers, template):
    connection = psycopg2.connect(servers.postgres.url_of(template))

    try:
        connection.cursor().execute("SELECT CAST('secret-value' AS integer)")
    except psycopg2.Error:
        log.exception("it_failed")
    finally:
        connection.close()

    (line,) = lines()
    assert line["sqlstate"] == "22P02"
    assert "secret-value" not in json.dumps(line)


class Dropped:
    """What fails when nobody can catch it."""

    def __del__(self) -> None:
        raise_with_a_secret()


def test_what_nobody_catches_is_shown_by_class_and_place_only(lines):
    try:
        raise_with_a_secret()
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    thread = threading.Thread(target=raise_with_a_secret, name="some-thread")
    thread.start()
    thread.join()
    Dropped()

    shown = lines()

    assert "secret-of-a-client" not in json.dumps(shown)
    assert [(line["event"], line["error"], line["level"]) for line in shown] == [
        ("uncaught", "RuntimeError", "error")
    ] * 3
    assert {line["at"].split(" ")[1] for line in shown} == {"raise_with_a_secret"}
    assert [line.get("thread") for line in shown] == [None, "some-thread", None]


def test_the_class_of_a_cause_is_shown_too(lines):
    """Where C code finds an error set, the one that it makes of it says nothing."""
    error = SystemError("made of another")
    error.__cause__ = ValueError("secret-of-a-client")
    sys.excepthook(type(error), error, None)

    (line,) = lines()

    assert (line["error"], line["cause"]) == ("SystemError", "ValueError")
    assert "secret-of-a-client" not in json.dumps(line)


def test_a_hook_that_cannot_log_raises_nothing(lines, monkeypatch):
    def fail(_line: str) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(logs._writer, "error", fail)

    sys.excepthook(RuntimeError, RuntimeError("secret-of-a-client"), None)

    assert lines() == []


def test_a_thread_that_exits_is_no_news(lines):
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()

    assert lines() == []


def ended(statement: str) -> tuple[int, str]:
    """Run a process of ours that ends with a statement."""
    code = f"from config import logs; logs.configure('INFO'); {statement}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def test_a_process_that_fails_ends_with_one_line():
    status, written = ended("raise ValueError('secret-of-a-client')")

    assert status == 1
    shown = json.loads(written)
    assert (shown["event"], shown["error"]) == ("uncaught", "ValueError")
    assert shown["at"] == "<string>:1 <module>"
    assert "secret-of-a-client" not in written


def test_a_process_that_is_interrupted_says_nothing():
    assert ended("raise KeyboardInterrupt") == (-signal.SIGINT, "")


def test_a_command_still_says_what_is_wrong_with_it():
    status, written = ended("import click; click.command()(lambda: None)(['x'])")

    assert status == 2
    assert written.endswith("\nError: Got unexpected extra argument (x)\n")
