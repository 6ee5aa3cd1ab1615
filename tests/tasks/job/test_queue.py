from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading

import fakeredis
import pytest
import redis as redis_py
from celery import Celery
from kombu import Connection
from kombu.utils.encoding import bytes_to_str

from config.celery import broker_url
from config.settings import Settings
from tasks.job.queue import Bell, Ringer, connect, depth, message, ring
from tests.conftest import ROOT, wait_until

BELL = Bell("noop", "0f" * 16, "bulk")


@pytest.fixture
def fake():
    """A Redis of this test alone, without a server."""
    with fakeredis.FakeRedis() as client:
        yield client


def received(url: str, queue: str):
    """Take the next message of a queue as a Celery worker does."""
    with Connection(url) as connection, connection.SimpleQueue(queue, no_ack=True) as waiting:
        return waiting.get(timeout=5)


def test_a_bell_is_what_apply_async_would_have_sent(servers, redis):
    redis.flushall()
    url = broker_url(servers.redis.url)
    with Celery("other", broker=url, set_as_current=False) as stock:
        stock.conf.task_ignore_result = True
        stock.send_task("noop", args=[BELL.id], task_id=BELL.id, queue="bulk", ignore_result=True)
        theirs = received(url, "bulk")
    ring(redis, [BELL])

    ours = received(url, "bulk")

    assert (
        ours.payload
        == theirs.payload
        == [
            ["0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"],
            {},
            {"callbacks": None, "errbacks": None, "chain": None, "chord": None},
        ]
    )
    assert ours.content_type == theirs.content_type == "application/json"
    assert ours.content_encoding == theirs.content_encoding == "utf-8"
    telling = ("lang", "task", "id", "root_id", "parent_id", "group", "retries", "eta", "expires")
    for name in (*telling, "timelimit", "ignore_result"):
        assert ours.headers[name] == theirs.headers[name], name
    assert ours.properties["delivery_mode"] == theirs.properties["delivery_mode"]
    assert ours.properties["correlation_id"] == theirs.properties["correlation_id"]
    assert ours.delivery_info["routing_key"] == theirs.delivery_info["routing_key"] == "bulk"


def test_a_message_has_every_key_that_kombu_writes_into_redis(servers, redis):
    redis.flushall()
    with Celery("other", broker=broker_url(servers.redis.url), set_as_current=False) as stock:
        stock.send_task("noop", args=[BELL.id], queue="bulk", ignore_result=True)
        theirs = json.loads(redis.rpop("bulk"))

    ours = json.loads(message(BELL))

    assert set(ours) == set(theirs)
    assert set(theirs["properties"]) - set(ours["properties"]) <= {"reply_to"}
    assert set(ours["headers"]) <= set(theirs["headers"])


STOCK = """
from celery import Celery
app = Celery("stock", broker={url!r}, set_as_current=True)
app.conf.task_default_queue = "bulk"

@app.task(name="noop")
def noop(job_id):
    print(f"heard-{{job_id}}", flush=True)
"""


def test_a_stock_celery_worker_runs_it(servers, redis, tmp_path):
    redis.flushall()
    (tmp_path / "stock.py").write_text(STOCK.format(url=broker_url(servers.redis.url)))
    ring(redis, [BELL])
    command = ["celery", "-A", "stock", "worker", "--pool", "solo", "--loglevel", "WARNING"]
    heard = tmp_path / "heard"
    with heard.open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            env={"PATH": "", "C_FORCE_ROOT": "1", "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=out,
        )

    try:
        wait_until(lambda: f"heard-{BELL.id}" in heard.read_text())
    finally:
        worker.kill()
        worker.wait()


def test_bells_are_heard_in_the_order_in_which_they_were_rung(fake):
    ring(fake, [Bell("noop", name, "bulk") for name in "abc"])

    heard = [json.loads(bytes_to_str(fake.rpop("bulk")))["headers"]["id"] for _ in range(3)]

    assert heard == ["a", "b", "c"]


def test_the_depth_of_a_queue_is_the_number_of_its_bells(fake):
    ring(fake, [BELL, BELL])

    assert depth(fake, "bulk") == 2
    assert depth(fake, "default") == 0


def test_no_bells_need_no_redis():
    with redis_py.Redis(unix_socket_path="/nowhere") as away:
        ring(away, [])


def test_ringing_fails_at_once_where_redis_is_away(with_setting):
    nowhere = with_setting(redis_url="unix:///nowhere/redis.sock")

    with connect(nowhere, timeout=0.5) as client, pytest.raises(redis_py.ConnectionError):
        ring(client, [BELL])


@pytest.fixture
def silent():
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


def ringer_to(url: str) -> Ringer:
    return Ringer(Settings(database_url="postgresql:///none", redis_url=url))


def test_rung_bells_arrive(servers, redis):
    redis.flushall()
    ringer = ringer_to(servers.redis.url)

    ringer.ring([BELL, BELL])
    ringer.ring([BELL])

    wait_until(lambda: depth(redis, "bulk") == 3)


def test_ringing_never_waits_for_a_redis_that_is_silent(silent):
    ringer = ringer_to(silent)
    rung = threading.Event()

    def ring_often():
        for _ in range(Ringer.BACKLOG + 1000):
            ringer.ring([BELL])
        rung.set()

    threading.Thread(target=ring_often, daemon=True).start()

    # Each call that waited would wait for half a second, eleven thousand times.
    assert rung.wait(20)


def test_ringing_never_fails_and_drops_what_is_beyond_the_backlog(monkeypatch):
    ringer = ringer_to("unix:///nowhere/redis.sock")
    monkeypatch.setattr(ringer, "_thread", threading.current_thread())

    ringer.ring(Bell("noop", str(n), "bulk") for n in range(Ringer.BACKLOG + 5))

    assert ringer._bells.qsize() == 10_000


def test_ringing_goes_on_when_redis_is_back(servers, redis, tmp_path, monkeypatch):
    monkeypatch.setattr(Ringer, "PAUSE", 0.05)
    redis.flushall()
    link = tmp_path / "redis.sock"
    ringer = ringer_to(f"unix://{link}")
    ringer.ring([BELL])
    wait_until(ringer._bells.empty)

    link.symlink_to(servers.redis.url.removeprefix("unix://"))

    def heard():
        ringer.ring([BELL])
        return depth(redis, "bulk") > 0

    wait_until(heard)
