"""What changes by itself, and what is said where it cannot.

The clock of the browser is ours, so that nobody waits for the seconds between two questions.
"""

from __future__ import annotations

import re

from playwright.sync_api import expect

#: More than lies between two questions of any live part but the plots of a day; milliseconds.
ROUND = 6000
STALE = "No connection. What is shown may be old."


def test_a_job_is_seen_to_end_without_anybody_asking(mary, stack):
    job = stack.hold("seen")
    mary.page.clock.install()
    page = mary.open(f"/jobs/{job}")
    standing = page.get_by_label("How it stands")
    expect(standing).to_contain_text("It is at work: attempt 1")

    stack.let_go("seen")
    stack.wait_for(job, "completed")
    page.clock.run_for(ROUND)

    expect(standing).to_contain_text("It has completed.")
    expect(page.get_by_role("region", name="Every move")).to_contain_text("complete")
    expect(page.get_by_role("button", name="Pause updates")).to_have_count(0)


def test_the_overview_follows_what_happens_and_says_when_it_cannot(mary, stack):
    mary.page.clock.install()
    page = mary.open("/")
    running = page.get_by_role("row", name=re.compile("^holds default")).get_by_role("cell")
    expect(running.nth(2)).to_have_text("1")
    page.evaluate("window.isTheSamePage = true")

    stack.hold("followed")
    page.clock.run_for(ROUND)
    expect(running.nth(2)).to_have_text("2")
    stack.let_go("followed")
    page.context.set_offline(True)
    page.clock.run_for(ROUND)
    expect(page.get_by_text(STALE)).to_be_visible()
    page.context.set_offline(False)
    page.clock.run_for(ROUND)

    expect(page.get_by_text(STALE)).to_be_hidden()
    assert page.evaluate("window.isTheSamePage")
    mary.complaints.clear()  # of the connection that was cut


def test_a_page_may_be_had_stand_still(mary):
    mary.page.clock.install()
    page = mary.open("/queues")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response(re.compile("/live/queues$")):
        page.clock.run_for(ROUND)

    page.get_by_role("button", name="Pause updates").click()
    asked.clear()
    page.clock.run_for(5 * ROUND)
    meanwhile = list(asked)
    page.get_by_role("button", name="Pause updates").click()
    with page.expect_response(re.compile("/live/queues$")):
        page.clock.run_for(ROUND)

    assert meanwhile == []
