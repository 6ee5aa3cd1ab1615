"""Who looks at the dashboard, and whether a form that comes back is one that we gave them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import g, request

from app.errors import Refused
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.records import operators, sign_ins

if TYPE_CHECKING:
    from flask import Response

    from tasks.records.operators import Operator

#: The cookies: of a session, and of a browser without one, so that its forms are its own too.
_SESSION, _BROWSER = "jobspine-session", "jobspine-browser"
#: The field of a form that says that we gave it to this visitor.
FORM_TOKEN = "form_token"  # noqa: S105 - the name, not the value


@dataclass(frozen=True)
class Visitor:
    """Who sends this request."""

    #: None if nobody is signed in.
    operator: Operator | None
    #: What their forms are signed with; their browser alone knows it beside us.
    secret: str
    #: Whether their browser has still to be told.
    is_new: bool = False


def visitor() -> Visitor:
    """Return who sends this request.

    Raises:
        Refused: a proxy should have said who it is, and did not, or named nobody that we know.
    """
    if "visitor" not in g:
        g.visitor = _behind_proxy() if is_behind_proxy() else _with_session()
    return cast("Visitor", g.visitor)


def is_behind_proxy() -> bool:
    """Tell whether a proxy signs operators in, so that we do not."""
    return bool(wiring().settings.dashboard_user_header)


def _behind_proxy() -> Visitor:
    name = request.headers.get(wiring().settings.dashboard_user_header, "").strip()
    if not name:
        raise Refused(Fault.FOREIGN, "the proxy before the dashboard did not say who you are")
    found = None
    if operators.NAME.fullmatch(name):
        with wiring().database.statement() as connection:
            found = operators.find(connection, name)
    if found is None:
        raise Refused(Fault.FOREIGN, "the proxy has signed you in, but you have no account here")
    return _anonymous(found)


def _with_session() -> Visitor:
    token = request.cookies.get(_name(_SESSION), "")
    if token:
        # What a page asks for by itself is no use of the session.
        is_use = "HX-Request" not in request.headers
        with wiring().database.statement() as connection:
            found = sign_ins.find(connection, token, is_use=is_use)
        if found is not None:
            return Visitor(found, token)
    return _anonymous(None)


def _anonymous(operator: Operator | None) -> Visitor:
    known = request.cookies.get(_name(_BROWSER), "")
    return Visitor(operator, known or secrets.token_urlsafe(32), is_new=not known)


def form_token() -> str:
    """Return what a form must send along to be taken for one of this visitor's."""
    who = visitor()
    name = who.operator.name if who.operator else ""
    return hmac.new(who.secret.encode(), f"form:{name}".encode(), hashlib.sha256).hexdigest()


def check_form() -> None:
    """See that this request comes from a form that we gave this visitor.

    Raises:
        Refused: it does not, or the form was of an earlier session.
    """
    # Browsers say where a form stood; an old one says nothing.
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    given = request.form.get(FORM_TOKEN, "").encode()
    is_ours = not visitor().is_new and hmac.compare_digest(given, form_token().encode())
    if site not in {"same-origin", "none"} or not is_ours:
        raise Refused(Fault.FOREIGN, "this form is not yours, or too old: load its page again")


def sign_in(operator: Operator) -> str:
    """Begin a session in the place of any that this browser has, and return its token."""
    old = request.cookies.get(_name(_SESSION), "")
    with wiring().database.transaction() as connection:
        if old:
            sign_ins.end(connection, old)
        return sign_ins.begin(connection, operator)


def sign_out() -> None:
    """End the session of this request."""
    with wiring().database.statement() as connection:
        sign_ins.end(connection, request.cookies.get(_name(_SESSION), ""))


def set_session(response: Response, token: str) -> None:
    """Have a browser keep the token of a session for as long as it runs, or none any more."""
    _set(response, _SESSION, token)


def introduce(response: Response) -> None:
    """Tell a new browser what its forms are signed with."""
    who: Visitor | None = g.get("visitor")
    if who is not None and who.is_new:
        _set(response, _BROWSER, who.secret)


def _set(response: Response, cookie: str, value: str) -> None:
    response.set_cookie(
        _name(cookie),
        value,
        max_age=None if value else 0,
        httponly=True,
        samesite="Lax",
        secure=_is_secure(),
    )


def _name(cookie: str) -> str:
    # A browser takes one of this name from this very host only, and only by https.
    return f"__Host-{cookie}" if _is_secure() else cookie


def _is_secure() -> bool:
    return request.is_secure or wiring().settings.public_url.startswith("https://")
