"""Finding a job, reading it, and doing something about it."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def rows(page):
    """Return the rows of the list."""
    return page.get_by_role("table").get_by_role("rowheader")


def fact(page, name):
    """Return what stands beside a word about a job."""
    return page.locator("dl.fields > div", has=page.get_by_text(name, exact=True)).locator("dd")


def test_a_job_is_found_by_a_filter_and_opened_with_what_it_may_show(mary, stack):
    page = mary.open("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Jobs").click()
    expect(rows(page).first).to_be_visible()
    everything = rows(page).count()

    page.get_by_label("Type").select_option("watchlist")
    page.get_by_label("failed", exact=True).check()
    page.get_by_role("button", name="Show").click()

    expect(page).to_have_url(re.compile(r"[?&]type=watchlist&state=failed"))
    expect(rows(page)).to_have_text([stack.jobs["personal"]])
    assert everything > 5
    expect(page.get_by_text("1 job matches.")).to_be_visible()
    rows(page).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("watchlist")
    expect(page.get_by_role("region", name="Payload")).to_contain_text('"(personal)"')
    assert "ada@example.org" not in page.content()
    expect(page.get_by_role("region", name="Every move")).to_contain_text("claim")


def test_every_state_has_a_word_of_its_own_in_the_list(mary, stack):
    page = mary.open("/jobs")
    shown = {
        name: page.get_by_role("row", name=re.compile(stack.jobs[name])).locator(".state")
        for name in ("pending", "running", "completed", "failed", "rejected", "cancelled")
    }

    for name, cell in shown.items():
        expect(cell).to_have_text(name)


def test_a_job_is_cancelled_once_somebody_is_sure(mary, stack):
    job = stack.dispatch("tells", of="nobody", state="x", code=None)
    page = mary.open(f"/jobs/{job}")
    expect(page.get_by_text("No worker serves its queue, told.").first).to_be_visible()

    page.get_by_role("link", name="Cancel…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel this job?")
    before = stack.auditor.job(job)["state"]
    page.get_by_role("button", name="Cancel the job").click()

    expect(page.get_by_role("status").filter(has_text="It was cancelled.")).to_be_visible()
    expect(fact(page, "Cancelled by")).to_have_text("mary")
    assert before == "pending"
    assert stack.auditor.job(job)["code"] == "cancelled"
    expect(page.get_by_role("region", name="What operators did to it")).to_contain_text("mary")


def test_a_failed_job_runs_again_as_another_one(mary, stack):
    job = stack.dispatch("gives_up")
    stack.wait_for(job, "failed")
    page = mary.open(f"/jobs/{job}")

    page.get_by_role("link", name="Run again…").click()
    page.get_by_role("button", name="Run it again").click()

    expect(page.get_by_text("It runs again, as this new job.")).to_be_visible()
    expect(fact(page, "Runs again")).to_have_text(job)
    made = page.url.partition("?")[0].rpartition("/")[2]
    stack.wait_for(made, "failed")
    fact(page, "Runs again").get_by_role("link").click()
    expect(fact(page, "Was run again as")).to_have_text(made)
    expect(page.get_by_role("link", name="Run again…")).to_have_count(0)


def test_ticked_jobs_are_cancelled_together_and_stand_in_the_audit_trail(mary, stack):
    jobs = [stack.dispatch("tells", tenant="ticks", of="n", state="x", code=None) for _ in "abc"]
    page = mary.open("/jobs?tenant=ticks")
    page.get_by_label("Tick all on this page").check()
    page.get_by_label(f"Job {jobs[1]}").uncheck()

    page.get_by_role("button", name="Cancel ticked…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel 2 jobs?")
    page.get_by_role("button", name="Cancel them").click()

    expect(page.get_by_role("status").filter(has_text="2 jobs ended at once.")).to_be_visible()
    assert [stack.auditor.job(job)["state"] for job in jobs] == ["failed", "pending", "failed"]
    page.get_by_role("link", name="Audit trail").click()
    expect(page.get_by_role("row", name=re.compile("mary"))).not_to_have_count(0)


def test_all_that_match_are_cancelled_as_many_as_were_said(mary, stack):
    jobs = [stack.dispatch("tells", tenant="all", of="n", state="x", code=None) for _ in "ab"]
    page = mary.open("/jobs?tenant=all")

    page.get_by_role("link", name="Cancel all that match…").click()
    jobs.append(stack.dispatch("tells", tenant="all", of="n", state="x", code=None))
    page.get_by_role("button", name="Cancel 2 jobs").click()

    expect(page.get_by_role("alert")).to_contain_text("They were 2 when you were asked")
    assert {stack.auditor.job(job)["state"] for job in jobs} == {"pending"}
    mary.complaints.clear()  # of the status 409, which is meant
    page.get_by_role("button", name="Cancel 3 jobs").click()
    expect(page.get_by_text("3 jobs ended at once.")).to_be_visible()


def test_whoever_may_only_watch_is_offered_nothing_to_do(john, stack):
    page = john.open("/jobs")
    expect(rows(page).first).to_be_visible()

    expect(page.get_by_role("checkbox", name=re.compile("^Job|Tick"))).to_have_count(0)
    expect(page.get_by_text("Cancel all that match…")).to_have_count(0)
    john.open(f"/jobs/{stack.jobs['pending']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("tells")
    expect(page.get_by_role("link", name=re.compile("Cancel|Run again"))).to_have_count(0)
    answer = page.goto(f"{john.url}/dashboard/jobs/{stack.jobs['pending']}/cancel")
    assert answer.status == 403
    john.complaints.clear()  # of the status 403, which is meant
