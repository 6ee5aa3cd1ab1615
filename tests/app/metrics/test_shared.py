from __future__ import annotations

import threading

import pytest

from app.metrics import shared
from app.metrics.shared import Shared


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test turns."""
    clock = [100.0]
    monkeypatch.setattr(shared.time, "monotonic", lambda: clock[0])
    return clock


@pytest.mark.parametrize("of_one_process", [True, False])
def test_what_was_read_is_told_for_a_while_to_all_who_share(tmp_path, clock, of_one_process):
    folder = "" if of_one_process else str(tmp_path)
    first = Shared(folder, "x.json")
    second = first if of_one_process else Shared(folder, "x.json")
    reads = iter([{"n": 1}, {"n": 2}])

    told = [one.get(lambda: next(reads)) for one in (first, second, first)]
    clock[0] += 1.0
    told += [one.get(lambda: next(reads)) for one in (second, first)]

    assert told == [{"n": 1}] * 3 + [{"n": 2}] * 2


def test_what_takes_long_is_read_for_a_twentieth_of_the_time(clock):
    value = Shared("", "x.json")

    def slow() -> float:
        clock[0] += 2.0
        return clock[0]

    assert value.get(slow) == 102
    clock[0] += 39
    assert value.get(slow) == 102
    clock[0] += 1
    assert value.get(slow) == 144


def test_that_there_is_nothing_is_told_for_a_second_only(clock):
    value = Shared("", "x.json")
    reads = []

    def slow() -> None:
        clock[0] += 6.0
        reads.append(clock[0])

    assert value.get(slow) is value.get(slow) is None
    clock[0] += 1.0
    assert value.get(slow) is None
    assert reads == [106, 113]


def test_one_reads_while_the_others_wait_for_it(tmp_path):
    values = [Shared(str(tmp_path), "x.json") for _ in range(4)]
    reads = []
    together = threading.Barrier(4)

    def get(value: Shared) -> None:
        together.wait()
        value.get(lambda: reads.append(1))

    threads = [threading.Thread(target=get, args=[value]) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert reads == [1]


def test_nothing_is_kept_of_a_reading_that_failed():
    value = Shared("", "x.json")

    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        value.get(fail)

    assert value.get(lambda: 1) == 1
