"""No page has a serious fault for whoever uses it with a reader, a keyboard, or little sight."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe

PAGES = (
    "/", "/jobs", "/jobs?state=nonsense", "/jobs?type=watchlist&state=failed", "/jobs/{completed}",
    "/jobs/{running}", "/jobs/{rejected}", "/jobs/{pending}/cancel", "/jobs/{failed}/retry",
    "/jobs/cancel?tenant=acme", "/jobs/nowhere", "/failures", "/queues", "/workers", "/audit",
    "/numbers",
)  # fmt: skip


#: The policy of the pages lets no script in but their own, and axe is another; and a colour that
#: fades into another one is neither.
OPEN = {"bypass_csp": True, "reduced_motion": "reduce"}
#: In another scheme of colours only the colours can be at fault.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def faults(page, **options) -> list[str]:
    """Return what axe, which the page has loaded, holds to be serious."""
    options = {"resultTypes": ["violations"], **options}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{page.url}: {one['id']}: {one['help']}: {[node['html'] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def faults_in_both_schemes(page) -> list[str]:
    """Return what is at fault in light and in dark."""
    page.emulate_media(color_scheme="light")
    page.evaluate(Axe().axe_script)
    found = faults(page)
    page.emulate_media(color_scheme="dark")
    return found + faults(page, **COLOURS)


def test_axe_notices_a_fault_in_either_scheme(new_visit):
    page = new_visit(**OPEN).open("/sign-in")
    page.add_style_tag(
        content="@media (prefers-color-scheme: dark) { h1 { color: #333; background: #222 } }"
    )
    page.evaluate("document.querySelector('label').remove()")

    found = faults_in_both_schemes(page)

    assert [fault.split(": ")[1] for fault in found] == ["label", "color-contrast"]


def test_axe_finds_no_serious_fault(new_visit, sessions, stack):
    mary = new_visit(storage_state=sessions["mary"], **OPEN)
    stranger = new_visit(**OPEN)

    found = faults_in_both_schemes(stranger.open("/sign-in"))
    for path in PAGES:
        found += faults_in_both_schemes(mary.open(path.format(**stack.jobs)))

    assert found == []
    mary.complaints.clear()  # of a filter that is none, and a job that is not there


def test_a_phone_sees_every_page_without_scrolling_sideways(new_visit, sessions, stack):
    mary = new_visit(storage_state=sessions["mary"], viewport={"width": 360, "height": 740})
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"

    found = [path for path in PAGES if mary.open(path.format(**stack.jobs)).evaluate(wide)]

    assert found == []
    mary.complaints.clear()  # likewise


def test_whoever_has_only_a_keyboard_gets_to_the_content_at_once(mary):
    page = mary.open("/jobs")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "content"
