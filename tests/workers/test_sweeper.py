"""What a parent tells the process that sweeps beside its workers."""

from __future__ import annotations

import signal
import socket

import pytest

from tasks.job import store
from tasks.job.dispatch import dispatch_one
from tasks.job.queue import Ringer
from tests import job_types  # noqa: F401 - declares the types
from workers.sweeper import News, Sweeper


@pytest.fixture
def ends():
    """The two ends of what news go through."""
    told, read = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    yield told, read
    told.close()
    read.close()


@pytest.fixture
def sweeper(settings, ends):
    return Sweeper(settings, ["default"], ends[1], has_chain=False)


@pytest.fixture
def held(settings, database):
    """Have a job held by a worker; return its id."""

    def hold(worker):
        job = dispatch_one(database, Ringer(settings), "noop", {"n": 1}, tenant="t")
        with database.statement() as connection:
            store.claim(connection, job, "noop", worker=worker, lease=60, timeout=60)
            connection.exec_driver_sql(
                "INSERT INTO workers (id, queues) VALUES (%s, '{}')", (worker,)
            )
        return job

    return hold


def test_what_came_together_is_read_together_and_no_death_is_left_out(ends):
    told, read = ends
    assert News(["a", "b"]).send(told)
    assert News(["b"], [("a", -9)]).send(told)
    assert News(["c"], [("b", 3)]).send(told)

    news = News.receive(read)

    assert (news.there, news.ended, news.stopped) == (["c"], [["a", -9], ["b", 3]], None)


def test_nobody_waits_for_a_reader(ends):
    told, _ = ends

    sent = [News(["a" * 60]).send(told) for _ in range(5000)]

    assert (sent[0], sent[-1]) == (True, False)
    assert not News(["a" * 60] * 10_000).send(told)  # too long for a message


def test_a_death_that_cannot_be_recorded_holds_up_no_other(sweeper, held, database, redis, auditor):
    lost, handed_back = held("dead"), held("stopped")

    # PostgreSQL takes no NUL; 40 is a signal without a name.
    sweeper.note(database, redis, News([], [("a\0", -9), ("dead", -40)], ["stopped"]))

    assert auditor.moves(lost) == ["claim", "lose"]
    assert auditor.moves(handed_back) == ["claim", "hand_back"]
    ended = auditor.rows("SELECT id, ended FROM workers ORDER BY id")
    assert [tuple(row.values()) for row in ended] == [
        ("dead", "the worker process ended (signal 40)"),
        ("stopped", "it was stopped"),
    ]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (-signal.SIGKILL, "the worker process ended (SIGKILL)"),
        (-signal.SIGALRM, "the time limit was reached"),
        (70, "the worker process ended (exit status 70)"),
    ],
)
def test_the_reason_of_a_death_is_what_ended_it(
    sweeper, held, database, redis, auditor, status, reason
):
    held("w")

    sweeper.note(database, redis, News([], [("w", status)]))

    assert auditor.one("SELECT ended FROM workers") == reason
