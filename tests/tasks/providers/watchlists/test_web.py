from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from config.settings import SettingsInvalid, WatchlistProviderSettings
from config.stack import free_port
from tasks.providers.watchlists.web import application, create_app
from tests.conftest import wait_until
from tests.tasks.providers.watchlists.conftest import SAMPLE

KEY = {"x-api-key": "a key for tests"}


@pytest.fixture
def client(shelf):
    return application(shelf, "a key for tests").test_client()


def ask(client, path: str, **parameters: str):
    return client.get(f"/v1/{path}", query_string=parameters, headers=KEY)


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [record["id"] for record in answer.json["found_records"]]


def test_a_person_is_answered_as_a_record(client):
    answer = ask(client, "checkIndividual", names="Borislav Vaskersky", fuzzy_search="1").json

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["timestamp"])
    assert answer["total_hits"] == 1
    assert answer["found_records"] == [
        {
            "id": "ofac-sdn-900001",
            "source_type": "SANCTION",
            "source_id": "900001",
            "source": "OFAC SDN",
            "entity_type": "INDIVIDUAL",
            "gender": "MALE",
            "name": "Borislav Emilovich VASKERSKY",
            "alias_names": ["Boryslav VASKERSKIY", "Borislaw WASKERSKI"],
            "weak_alias_names": ["BORYA THE BANKER", "UMBRAL"],
            "date_of_birth": ["14/09/1963", "1964"],
            "place_of_birth": ["Tarnograd, Lurania"],
            "citizenship": ["Lurania", "Ostria"],
            "positions": ["Director General"],
            "address": ["14 Harbour Row, Tarnograd 10110, Lurania", "Ostria"],
            "identifiers": ["Passport LU1020304 (Lurania)"],
            "sanction_details": ["SAMPLE", "SAMPLE-2"],
            "list_date": None,
            "links": ["https://sanctionssearch.ofac.treas.gov/Details.aspx?id=900001"],
            "other_information": [
                "Secondary sanctions risk: this entry is invented",
                "Linked To: NORDHAVEN LIQUID METALS LTD",
            ],
        }
    ]


def test_every_answer_says_which_lists_it_was_made_from(client):
    answer = ask(client, "checkIndividual", names="Nobody Whatsoever").json

    assert answer["found_records"] == []
    assert [(one["name"], one["entries"]) for one in answer["lists"]] == [
        ("OFAC SDN", 12),
        ("UN SC", 4),
    ]
    assert all(set(one) == {"name", "version", "as_of", "entries"} for one in answer["lists"])


@pytest.mark.parametrize(
    ("fuzzy", "name", "found"),
    [
        ({}, "vaskersky EMILOVICH borislav", ["ofac-sdn-900001"]),
        ({}, "umbral", ["ofac-sdn-900001"]),
        ({}, "Borislav Vaskersky", []),
        ({"fuzzy_search": "0"}, "Borislav Vaskersky", []),
        ({"fuzzy_search": "1"}, "Borislav Vaskreski", ["ofac-sdn-900001"]),
        ({"fuzzy_search": "1"}, "Banker, Borya", ["ofac-sdn-900001"]),
        ({"fuzzy_search": "1"}, "Idris Wambesi", []),
        ({"fuzzy_search": "2"}, "Idris Wambesi", ["un-sc-sai.001"]),
    ],
)
def test_a_search_is_as_fuzzy_as_it_is_asked_to_be(client, fuzzy, name, found):
    assert ids(ask(client, "checkIndividual", names=name, **fuzzy)) == found


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"dob": "14/09/1963"}, ["ofac-sdn-900001"]),
        ({"dob": "09/01/1964"}, ["ofac-sdn-900001"]),
        ({"dob": "14/09/1951"}, []),
        ({"gender": "male"}, ["ofac-sdn-900001"]),
        ({"gender": "female"}, []),
    ],
)
def test_only_what_contradicts_is_left_out(client, more, found):
    assert ids(ask(client, "checkIndividual", names="Umbral", **more)) == found


def test_a_record_without_dates_is_not_left_out(client):
    with_date = ask(client, "checkEntity", search_all="Silver Heron", dob="01/01/1990")

    assert ids(with_date) == ["ofac-sdn-900009"]


def test_people_and_others_are_asked_for_apart(client):
    assert ids(ask(client, "checkEntity", names="Umbral")) == []
    assert ids(ask(client, "checkEntity", names="Silver Heron")) == ["ofac-sdn-900009"]
    assert ids(ask(client, "checkIndividual", names="Silver Heron")) == []
    assert ids(ask(client, "checkIndividual", search_all="Silver Heron")) == ["ofac-sdn-900009"]
    assert ids(ask(client, "checkEntity", search_all="Umbral")) == ["ofac-sdn-900001"]


@pytest.mark.parametrize("headers", [{}, {"x-api-key": ""}, {"x-api-key": "another"}])
@pytest.mark.parametrize("path", ["/v1/checkIndividual?names=x", "/v1/lists", "/v1/nothing"])
def test_without_the_key_there_is_no_answer(client, path, headers):
    answer = client.get(path, headers=headers)

    assert answer.status_code == 401
    assert answer.json["error"] == "the x-api-key is missing or wrong"


def test_health_needs_no_key(client):
    assert client.get("/healthz").json == {"status": "ok"}


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({}, "give either names or search_all"),
        ({"names": "a", "search_all": "b"}, "give either names or search_all"),
        ({"names": "  "}, "give either names or search_all"),
        ({"names": "..."}, "the name is too long or has no letters"),
        ({"names": "a" * 801}, "the name is too long or has no letters"),
        ({"names": "a", "fuzzy_search": "3"}, "fuzzy_search is neither 1 nor 2"),
        ({"names": "a", "dob": "1990-01-01"}, "dob is not a date, dd/mm/yyyy"),
        ({"names": "a", "dob": "31/02/1990"}, "dob is not a date, dd/mm/yyyy"),
        ({"names": "a", "gender": "x"}, "gender is neither male nor female"),
    ],
)
def test_a_wrong_parameter_is_named(client, parameters, error):
    answer = ask(client, "checkIndividual", **parameters)

    assert answer.status_code == 400
    assert answer.json["error"] == error


def test_an_unknown_path_is_answered_in_the_same_form(client):
    answer = client.get("/v1/nothing", headers=KEY)

    assert (answer.status_code, answer.json["status"]) == (404, 404)


def test_the_lists_say_what_was_refused_and_why(client, shelf, folder):
    path = folder / "un/consolidated.xml"
    path.write_bytes(path.read_bytes()[:-50])
    shelf.poll()
    shelf.poll()

    ofac, un = client.get("/v1/lists", headers=KEY).json["lists"]

    assert ofac["refused"] is None
    assert un["entries"] == 4
    assert un["refused"]["reason"].endswith("this is not XML")
    assert un["refused"]["at"] >= un["in_use_since"]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({}, "LISTS_FOLDER is required; WATCHLIST_KEY is required"),
        ({"LISTS_FOLDER": "/nowhere", "WATCHLIST_KEY": "k"}, "LISTS_FOLDER is not a folder"),
    ],
)
def test_what_is_missing_is_one_error_at_the_start(more, fault):
    with pytest.raises(SettingsInvalid, match=fault):
        create_app(WatchlistProviderSettings.from_env(more))


@pytest.fixture
def provider(tmp_path):
    """The provider as a process; its address, and the file that its log goes to."""
    port, log = free_port(), tmp_path / "log"
    env = {
        **os.environ,
        "DATABASE_URL": "postgresql:///x",
        "REDIS_URL": "redis://x",
        "LISTS_FOLDER": str(SAMPLE),
        "WATCHLIST_KEY": KEY["x-api-key"],
        "WATCHLIST_PROVIDER_PORT": str(port),
        "LOG_LEVEL": "DEBUG",
    }
    command = [Path(sys.executable).with_name("gunicorn"), "--config"]
    command += ["python:config.gunicorn_watchlists", "tasks.providers.watchlists.web:create_app()"]
    with log.open("wb") as sink, subprocess.Popen(command, env=env, stderr=sink) as process:
        yield port, log
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def is_healthy(port: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
    return False


def test_the_log_of_the_process_holds_no_names(provider):
    port, log = provider
    wait_until(lambda: is_healthy(port))
    url = f"http://127.0.0.1:{port}/v1/checkIndividual"
    asked = {"names": "Borislav Vaskersky", "dob": "14/09/1963", "fuzzy_search": "1"}

    answers = [
        httpx.get(url, params=asked, headers=KEY),
        httpx.get(url, params=asked),
        httpx.get(url, params={**asked, "dob": "Vaskersky"}, headers=KEY),
    ]
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(b"GET /v1/checkIndividual?names=Vaskersky dob=14/09/1963\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")

    assert [answer.status_code for answer in answers] == [200, 401, 400]
    text = wait_until(lambda: "request_unreadable" in log.read_text() and log.read_text())
    assert "list_in_use" in text
    assert not re.search("vaskersky|borislav|1963", text, re.IGNORECASE)


def test_a_failure_is_logged_without_names(client, shelf, caplog):
    shelf.versions = (None,)

    with caplog.at_level(logging.DEBUG):
        answer = ask(client, "checkIndividual", names="Borislav Vaskersky")

    assert answer.status_code == 500
    assert "Vaskersky" not in caplog.text
