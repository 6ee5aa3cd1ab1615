"""A payroll provider's portal: a form to sign in with, then what its pages ask for as JSON."""

from __future__ import annotations

import re
from datetime import date
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from tasks.clients.accounts.page import form_token
from tasks.clients.accounts.protocol import (
    AccountFailed,
    Document,
    MfaNeeded,
    NotReady,
    Session,
    SessionEnded,
)
from tasks.clients.accounts.web import MAX_DOCUMENT_BYTES, Reply, Web, unreadable
from tasks.reading.employment import Employment
from tasks.reading.keep import as_json
from tasks.reading.money import read_money
from tasks.reading.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tasks.clients.accounts.protocol import Allotment, Credentials, Word

_COOKIE = "portal_session"
#: What the portal calls its features, and what can be made of each.
_PRODUCTS: Mapping[str, frozenset[str]] = {
    "pay_statements": frozenset({"income"}),
    "employment_records": frozenset({"employment"}),
    "direct_deposit": frozenset({"deposit_switch", "pll"}),
}
#: What the portal says when it refuses something, and what that means.
_REFUSALS: Mapping[str, tuple[Word, str]] = {
    "wrong_credentials": ("login_error", "the provider does not know this name and password"),
    "account_locked": ("account_locked", "the provider has locked this account"),
    "codes_blocked": ("mfa_error", "the provider sends no more codes for this account"),
    "wrong_code": ("mfa_error", "the provider refused the code"),
    "code_expired": ("mfa_error", "the code came too late, or had been used"),
    "unknown_company": ("config_error", "the provider does not know this account's company"),
    "over_allotted": ("config_error", "more than all of the pay was to be deposited"),
    "not_an_allotment": ("config_error", "the provider takes no such bank account"),
    "not_offered": ("not_supported", "the provider does not offer this for this account"),
    "reset_refused": ("unable_to_reset", "the password has expired and cannot be reset online"),
}
#: Statements that one employment may have at the most, and employments that anybody may.
_MOST_STATEMENTS, _MOST_EMPLOYMENTS = 500, 50
_OK, _ACCEPTED, _UNAUTHORIZED = 200, 202, 401
#: The longest that a session can last; seconds.
_LONGEST_SESSION = 10 * 365 * 24 * 3600


class Portal:
    """A payroll provider under a URL; see `protocol.Connector`."""

    def __init__(self, url: str, *, seconds: float) -> None:
        self._web = Web(url, seconds=seconds)

    def __enter__(self) -> Self:
        self._web.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._web.__exit__(*error)

    def features(self, session: Session | None = None) -> frozenset[str]:
        """Return what the provider offers, or what the company of a session has booked."""
        if session is None:
            given = _taken(self._web.send("GET", "features"))
        else:
            given = self._get(session, "api/company")
        return frozenset().union(*(_PRODUCTS.get(one, ()) for one in _list(given, "features")))

    def login(self, credentials: Credentials) -> Session | MfaNeeded:
        """Sign in with the form of the login page, if that is the one we know."""
        page = self._web.send("GET", "login", headers={"Accept": "text/html"})
        if page.status != _OK:
            raise AccountFailed("error", "the provider's login page has changed")
        form = {
            "form_token": form_token(page.body),
            "username": credentials.username,
            "password": credentials.password,
            "company": credentials.company,
        }
        reply = self._web.send("POST", "login", data=form)
        if reply.status != _OK and reply.json().get("error") == "password_expired":
            self._reset(credentials)
        return _let_in(reply)

    def _reset(self, credentials: Credentials) -> None:
        """Have the provider send what its user needs to choose a new password."""
        _taken(self._web.send("POST", "reset", data={"username": credentials.username}))
        text = "the password has expired; the provider has sent a message on how to renew it"
        raise AccountFailed("login_error", text)

    def answer_code(self, state: MfaNeeded, code: str) -> Session:
        """Finish signing in."""
        form = {"challenge": state.challenge, "code": code}
        outcome = _let_in(self._web.send("POST", "code", data=form))
        if isinstance(outcome, MfaNeeded):
            raise unreadable()
        return outcome

    def employments(self, session: Session) -> list[Employment]:
        """Return the employments."""
        given = self._get(session, "api/employments")
        listed = _list(given, "employments")[:_MOST_EMPLOYMENTS]
        if not listed:
            raise AccountFailed("no_data", "the provider has no employment for this account")
        return [_employment(one, printable(given.get("employee"))) for one in listed]

    def documents(self, session: Session) -> list[Document]:
        """Return the pay statements of all employments, the newest first."""
        given = self._get(session, "api/employments")
        found: list[Document] = []
        for one in _list(given, "employments")[:_MOST_EMPLOYMENTS]:
            employment = _identity(one)
            listed = self._get(session, f"api/employments/{_segment(employment)}/statements")
            found += _documents(employment, _list(listed, "statements")[:_MOST_STATEMENTS])
        return sorted(found, key=lambda one: (one.day or date.min, one.id), reverse=True)

    def fetch(self, session: Session, document: Document) -> bytes | NotReady:
        """Return a pay statement as PDF."""
        (place,) = document.place
        path = f"api/statements/{_segment(place)}"
        reply = self._ask(session, "GET", path, most=MAX_DOCUMENT_BYTES)
        if reply.status == _ACCEPTED:
            return NotReady(after=max(1.0, reply.after))
        if reply.status != _OK:
            _taken(reply)
        return reply.body

    def switch_deposit(
        self, session: Session, employment: str, allotments: Sequence[Allotment]
    ) -> None:
        """Tell the provider all allotments at once."""
        told = [
            {name: value for name, value in as_json(one).items() if value is not None}
            for one in allotments
        ]
        path = f"api/employments/{_segment(employment)}/deposits"
        _taken(self._ask(session, "PUT", path, json={"allotments": told}))

    def _get(self, session: Session, path: str) -> dict[str, Any]:
        return _taken(self._ask(session, "GET", path))

    def _ask(self, session: Session, method: str, path: str, **given: Any) -> Reply:
        headers = {"Cookie": f"{_COOKIE}={session.token}"}
        reply = self._web.send(method, path, headers=headers, **given)
        if reply.status == _UNAUTHORIZED:
            raise SessionEnded
        return reply


def _taken(reply: Reply) -> dict[str, Any]:
    """Return what was answered, if it is no refusal.

    Raises:
        AccountFailed: it is one.
    """
    given = reply.json()
    if reply.status in {_OK, _ACCEPTED}:
        return given
    known = _REFUSALS.get(str(given.get("error")))
    raise AccountFailed(*known) if known else unreadable()


def _let_in(reply: Reply) -> Session | MfaNeeded:
    given = _taken(reply)
    if given.get("status") == "code_needed":
        challenge = given.get("challenge")
        if not isinstance(challenge, str) or not challenge:
            raise unreadable()
        return MfaNeeded(challenge=challenge, hint="the provider has sent a code")
    seconds, token = given.get("expires_in"), _session_cookie(reply)
    if given.get("status") != "signed_in" or not isinstance(seconds, int) or not token:
        raise unreadable()
    if not 0 <= seconds <= _LONGEST_SESSION:
        raise unreadable()
    return Session(token=token, seconds=float(seconds))


def _session_cookie(reply: Reply) -> str:
    for header in reply.headers.get_list("Set-Cookie"):
        try:
            found = SimpleCookie(header).get(_COOKIE)
        except CookieError:
            continue
        # It goes into a header of ours as it is.
        if found and re.fullmatch(r"[!-:<-~]{1,500}", found.value):
            return found.value
    return ""


def _documents(employment: str, listed: Iterable[Mapping[str, Any]]) -> Iterator[Document]:
    for one in listed:
        made = _identity(one)
        day = _day(one.get("pay_date"))
        yield Document(id=made, kind="pay_stub", employment=employment, day=day, place=(made,))


def _employment(given: Mapping[str, Any], employee: str) -> Employment:
    made = _identity(given)
    unit = {"hour": "HOURLY", "year": "YEARLY"}.get(str(given.get("rate_unit")), "")
    rate = read_money(str(given.get("rate")))
    return Employment(
        id=made,
        employee=employee,
        job_title=printable(given.get("job_title")),
        company=printable(given.get("company")),
        pay_rate=rate if unit else None,
        pay_unit=unit if rate is not None else "",
        is_active=given.get("status") == "active",
        start_date=_day(given.get("hired_on")),
        end_date=_day(given.get("left_on")),
    )


def _list(given: Mapping[str, Any], name: str) -> list[Any]:
    found = given.get(name)
    if not isinstance(found, list):
        raise unreadable()
    return found


def _identity(given: Any) -> str:
    found = given.get("id") if isinstance(given, dict) else None
    if not isinstance(found, str) or not 0 < len(found) <= 100 or printable(found) != found:  # noqa: PLR2004
        raise unreadable()
    return found


def _segment(name: str) -> str:
    """Return an id of theirs as one part of a path of ours, whatever is in it."""
    if name in {".", ".."}:
        raise unreadable()
    return quote(name, safe="")


def _day(given: Any) -> date | None:
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except (TypeError, ValueError):
        raise unreadable() from None
