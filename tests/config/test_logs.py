from __future__ import annotations

import io
import json
import logging

import psycopg2
import pytest
import structlog

from config import logs

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
