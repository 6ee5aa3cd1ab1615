from __future__ import annotations

import re

from playwright.sync_api import expect


def test_whoever_signs_in_comes_to_the_page_that_they_wanted_and_out_again(visit):
    page = visit.open("/")
    expect(page).to_have_title("Sign in · Jobspine")

    visit.sign_in("mary")

    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.get_by_text("mary", exact=True)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    visit.open("/")
    expect(page).to_have_url(re.compile("/dashboard/sign-in"))


def test_a_wrong_password_is_said_to_be_one(visit):
    page = visit.open("/sign-in")

    visit.sign_in("mary", "incorrect horse battery")

    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    expect(page.get_by_label("Name")).to_have_value("mary")
    expect(page.get_by_label("Password")).to_be_focused()
    visit.complaints.clear()  # of the status 401, which is meant
