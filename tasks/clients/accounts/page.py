"""The login page of a payroll provider: whether it is still the one that we know."""

from __future__ import annotations

from html.parser import HTMLParser

from tasks.clients.accounts.protocol import AccountFailed

#: What the form asks for.
_ASKED = {"username", "password"}
#: What is sent along without being asked for.
_TOKEN = "form_token"  # noqa: S105 - a name


def form_token(page: bytes) -> str:
    """Return what goes with the credentials.

    Raises:
        AccountFailed: the page has no form that asks for what we have. Nothing is sent to it.
    """
    reader = _Reader()
    reader.feed(page.decode("utf-8", "replace"))
    for fields in reader.forms:
        if fields.keys() >= {*_ASKED, _TOKEN}:
            return fields[_TOKEN]
    raise AccountFailed("error", "the provider's login page has changed")


class _Reader(HTMLParser):
    """Collects the fields of each form, with their values."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self.forms.append({})
        elif tag == "input" and self.forms:
            given = dict(attrs)
            self.forms[-1][given.get("name") or ""] = given.get("value") or ""
