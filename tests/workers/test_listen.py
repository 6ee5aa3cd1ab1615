from __future__ import annotations

import pytest
from celery import signals

from tasks.job.declare import JOB_TYPES
from tasks.job.queue import Bell
from workers.listen import make_worker, queues_served, worker_name

HEARD = (
    signals.setup_logging,
    signals.celeryd_after_setup,
    signals.worker_ready,
    signals.worker_process_init,
    signals.worker_shutting_down,
    signals.worker_shutdown,
    signals.task_unknown,
    signals.task_rejected,
)


@pytest.fixture(autouse=True)
def signals_as_before():
    """Celery's signals, without the receivers that a test has connected."""
    before = [list(signal.receivers or []) for signal in HEARD]
    yield
    for signal, receivers in zip(HEARD, before, strict=True):
        signal.receivers = receivers


def test_every_declared_type_is_a_task_under_its_own_name(settings):
    app = make_worker(settings)

    assert "org_members" in app.tasks
    assert set(JOB_TYPES) <= set(app.tasks)
    assert not any(app.tasks[name].send_events for name in JOB_TYPES)


def test_a_task_hands_the_bell_to_the_runner(settings, monkeypatch):
    heard = []

    class Heard:
        def hear(self, bell: Bell) -> None:
            heard.append(bell)

    monkeypatch.setattr("workers.listen.Listener.runner", Heard())
    app = make_worker(settings)

    app.tasks["org_members"]("0f" * 16)

    assert heard == [Bell("org_members", "0f" * 16, "bulk")]


def test_two_applications_in_one_process_have_tasks_of_their_own(settings):
    one, other = make_worker(settings), make_worker(settings)

    assert one.tasks["noop"] is not other.tasks["noop"]
    assert one.tasks["noop"].app is one


def test_a_worker_serves_the_queues_of_all_types_unless_it_is_told(settings, with_setting):
    make_worker(settings)

    served = queues_served(settings, JOB_TYPES)
    assert set(served) >= {"bulk", "chain", "default", "income", "screening", "webhooks"}
    assert served == sorted(served)
    assert queues_served(with_setting(worker_queues=("bulk",)), JOB_TYPES) == ["bulk"]


def test_the_name_of_a_worker_says_where_it_is_and_fits_a_session(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "a-very-long-name.of-a-host.example")

    assert worker_name(4194304, "0badcafe") == "a-very-long-name.of-a-ho.4194304.0badcafe"
