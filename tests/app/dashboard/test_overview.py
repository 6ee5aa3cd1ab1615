from __future__ import annotations

import re

import pytest

from tasks.job import lists, states
from tasks.watch import queues, tallies, workers
from tests.app.dashboard.conftest import text_of
from tests.tasks.job.jobs import advance, age, claimed, record, tally


@pytest.fixture
def busy(database, auditor):
    """A service with a bit of everything: a wedged worker among others, and a queue of nobody's."""
    # Those that are heard go on being heard, however long a test takes.
    auditor.rows(
        "INSERT INTO workers (id, queues, started_at, seen_at, vouched_at, claims, claimed_at)"
        " VALUES"
        " ('w.busy', '{default}', now() - interval '2 h', now() + interval '1 h', now(), 1234,"
        "  now()),"
        " ('w.idle', '{default}', now(), now() + interval '1 h', now(), 0, null),"
        " ('w.wedged', '{default}', now(), now() - interval '5 m', now() + interval '1 h', 7,"
        "  now() - interval '6 m'),"
        " ('w.dead', '{default}', now(), now() - interval '5 m', now() - interval '5 m', 8,"
        "  now() - interval '6 m'),"
        " ('w.gone', '{default}', now(), now() - interval '5 m', null, 9, null)"
    )
    claimed(database, "at-work", worker="w.busy")
    for number in range(3):
        job = claimed(database, f"done{number}")
        advance(database, job, states.COMPLETE, result={}, keep=60)
    job = claimed(database, "failed", type="fails")
    advance(database, job, states.FAIL, code="no_use", error="no use", keep=60)
    record(database, "waits", queue="bulk", type="org_members")
    age(auditor, "waits", due_at=121)
    with database.statement() as connection:
        workers.note_end(connection, ["w.gone"], workers.STOPPED)
    tally(database)
    with database.transaction() as connection:
        tallies.add_recorded(connection, lists.count_on(connection))


pytestmark = pytest.mark.usefixtures("busy")


def row_of(page, name):
    """Return what stands in the rows of tables that a name heads."""
    rows = re.findall(r"<tr>\s*<th scope=\"row\"[^>]*>(.*?)</tr>", page.text, re.DOTALL)
    texts = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]
    return [text.removeprefix(name).strip() for text in texts if text.split()[0] == name]


def test_the_overview_says_at_one_look_what_waits_what_fails_and_who_works(viewer):
    page = viewer.get("/")
    text = text_of(page)

    assert "Waiting 1 0 more" in text
    assert "Oldest waiting 2 min in the queue bulk" in text
    assert "At work 1 jobs" in text
    assert "Ended, last hour 4 less than 1 a minute" in text
    assert "Failed, last hour 1 25.0 % of what ended" in text
    assert "Workers 1 wedged 1 dead 1 busy 1 idle" in text
    assert "1 worker is there and does nothing. Look" in text
    assert "Nobody serves the queue bulk, in which jobs wait. Look" in text


def test_types_queues_and_workers_are_in_tables(viewer):
    page = viewer.get("/")

    (noop,) = row_of(page, "noop")
    assert noop.startswith("default 0 1 3 0 ")
    (fails,) = row_of(page, "fails")
    assert fails.startswith("default 0 0 1 1 ")
    assert 'href="/dashboard/jobs?type=fails&amp;state=failed">1</a>' in page.text
    assert row_of(page, "bulk") == ["1 0 0 2 min 0"]
    assert row_of(page, "default") == ["0 0 1 \u2013 2"]
    (works,) = row_of(page, "w.busy")
    assert works.startswith("default busy at work noop at-work ")
    assert " 1,234 " in works


def test_plots_say_what_they_show_to_those_who_do_not_see_them(viewer):
    page = viewer.get("/").text

    for name in ("throughput", "failures", "wait", "latency"):
        for over in ("hour", "day"):
            assert f'aria-labelledby="{over}-{name}" aria-describedby="{over}-{name}-said"' in page
            assert page.count(f'id="{over}-{name}"') == 1
            assert page.count(f'id="{over}-{name}-said"') == 1
    assert "6 accepted" in page
    assert "3 completed" in page
    assert "1 failed or cancelled" in page
    assert page.count("<title>") == 1 + 4 * 60 + 4 * 96


def test_live_parts_are_what_the_page_has_without_what_is_around_it(viewer):
    now, day = viewer.get("/live/overview").text, viewer.get("/live/day").text

    assert 'id="hour-throughput"' in now
    assert 'id="day-throughput"' in day
    assert "<html" not in now + day
    page = viewer.get("/").text
    assert 'hx-get="/dashboard/live/overview" hx-trigger="every 5s"' in page
    assert 'hx-get="/dashboard/live/day" hx-trigger="every 60s"' in page
    spoken = "1 worker is there and does nothing. Nobody serves the queue bulk, in which jobs wait."
    assert f'data-spoken="{spoken}"' in page


def test_plots_can_be_read_as_numbers(viewer):
    hour, day = viewer.get("/numbers"), viewer.get("/numbers?over=day")
    odd = viewer.get("/numbers?over=%3Cyear%3E")

    (noop,) = row_of(hour, "noop")
    assert noop.startswith("4 3 0 0 0 0 0 ")
    assert len(re.findall(r"<tr><th scope=\"row\"><time", hour.text)) == 60
    assert len(re.findall(r"<tr><th scope=\"row\"><time", day.text)) == 96
    assert row_of(day, "fails")[0].startswith("1 0 0 1 0 0 0 ")
    assert odd.status_code == 200


def test_each_state_of_a_worker_looks_and_reads_differently(viewer):
    page = viewer.get("/workers")

    badges = {
        word: re.search(
            rf'<span class="badge ([a-z]+)"><svg[^>]*>((?:(?!</svg>).)*)</svg>{word}', page.text
        )
        for word in ("wedged", "dead", "busy", "idle", "stopped")
    }
    assert len({found[1] for found in badges.values()}) == 5
    assert len({found[2] for found in badges.values()}) == 5
    (wedged,), (dead,), (gone,) = (row_of(page, name) for name in ("w.wedged", "w.dead", "w.gone"))
    assert "wedged its process is there, and silent for 5 minutes" in wedged
    assert "dead no sign of life for 5 minutes" in dead
    assert "stopped it was stopped \u2013 never" in gone
    assert "6 min ago" in wedged
    there, _, left = page.text.partition("Gone within the last hour")
    assert ("w.wedged" in there, "w.dead" in left, "w.gone" in left) == (True, True, True)
    assert 'href="/dashboard/jobs/at-work"' in page.text


def test_only_so_many_workers_are_shown_those_in_trouble_first(viewer, auditor):
    auditor.rows(
        "INSERT INTO workers (id, queues, seen_at)"
        " SELECT 'many.' || n, '{default}', now() + interval '1 h' FROM generate_series(1, 300) n"
    )

    page = viewer.get("/workers")

    assert row_of(page, "w.wedged")
    assert page.text.count('<tr>\n  <th scope="row"') == 200 + 2
    assert "103 more are not shown" in text_of(page)


def test_queues_show_who_serves_them_and_lead_to_their_jobs(viewer):
    page = viewer.get("/queues")
    text = text_of(page)

    assert "bulk Due 1 Oldest due 2 min Later 0 At work 0 Workers 0 0 ended" in text
    assert "default Due 0 Oldest due \u2013 Later 0 At work 1 Workers 2 4 ended, last hour" in text
    assert "Nobody serves the queue bulk, in which jobs wait." in text
    assert 'href="/dashboard/jobs?type=org_members&amp;state=pending">1</a>' in page.text
    assert 'hx-get="/dashboard/live/queues"' in page.text


def test_what_is_not_counted_to_its_end_says_so(viewer, auditor, monkeypatch):
    monkeypatch.setattr(queues, "MOST_COUNTED", 3)
    auditor.rows(
        "INSERT INTO jobs (id, type, tenant, queue, payload)"
        " SELECT 'n' || n, 'noop', 't', 'default', '{}' FROM generate_series(1, 9) n"
    )

    (noop,) = row_of(viewer.get("/"), "noop")
    (default,) = row_of(viewer.get("/"), "default")

    assert noop.startswith("default 3+ 1 ")
    assert default.startswith("3+ 0 1 ")


def test_an_empty_service_is_shown_as_well(viewer, auditor):
    auditor.rows("DELETE FROM jobs")
    auditor.rows("DELETE FROM workers")
    auditor.rows("DELETE FROM tallies")

    text = text_of(viewer.get("/"))

    assert "Oldest waiting \u2013 nothing waits" in text
    assert "Failed, last hour 0 of nothing that ended" in text
    assert "Workers none" in text
    assert "No worker was there within the last hour." in text_of(viewer.get("/workers"))
    assert viewer.get("/queues").status_code == 200
