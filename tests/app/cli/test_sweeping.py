from __future__ import annotations

from tests.conftest import environment
from tests.tasks.job.jobs import claimed


def test_a_sweep_by_hand_does_what_the_workers_do(run, settings, database, auditor, capfd):
    claimed(database, "a")
    auditor.rows("UPDATE jobs SET lease_until = now() - interval '1 second'")

    status, _ = run("jobs", "sweep", env=environment(settings))

    assert status == 0
    assert auditor.moves("a") == ["claim", "lose"]
    assert capfd.readouterr().out == (
        "1 lost claims ended, 0 expired jobs cleared, 0 jobs scheduled, 1 bells rung\n"
    )


def test_without_postgresql_it_says_so(run, settings, capfd):
    env = environment(settings, DATABASE_URL="postgresql://jobspine@/none?host=/nowhere")

    status, _ = run("jobs", "sweep", env=env)

    assert status == 1
    assert capfd.readouterr().err == "PostgreSQL cannot be reached\n"
