from __future__ import annotations

import pytest

from tasks.clients.accounts.page import form_token
from tasks.clients.accounts.protocol import AccountFailed

GOOD = """<!doctype html><form action="/search"><input name="q"></form>
<FORM method=post><input type='hidden' name=form_token value='a&amp;b'>
<p><INPUT name="username"/><input name="password" type="password"></FORM>"""


def test_the_form_that_asks_for_credentials_is_found():
    assert form_token(GOOD.encode()) == "a&b"


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<html>",
        '{"error": "gone"}',
        GOOD.replace("form_token", "another"),
        GOOD.replace('"username"', '"email"'),
        GOOD.replace('name="password"', ""),
        GOOD.replace("</p>", "").replace("<p>", "</form><form>"),
        "<input name=username><input name=password><input name=form_token>",
        "<" * 100_000,
        "\ufffd\x00",
    ],
)
def test_another_page_is_told_from_it(page):
    with pytest.raises(AccountFailed) as failed:
        form_token(page.encode())

    assert (failed.value.word, str(failed.value)) == (
        "error",
        "the provider's login page has changed",
    )
