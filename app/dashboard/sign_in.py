"""Signing in and out."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

import structlog
from flask import current_app, redirect, render_template, request, url_for

from app.dashboard import visitor
from app.dashboard.blueprint import blueprint
from app.wiring import wiring
from tasks.records import operators, sign_ins

if TYPE_CHECKING:
    from flask import Response

    from tasks.records.operators import Operator

log = structlog.get_logger(__name__)

#: The longest that a name or a password may be; characters.
_LONGEST = 1000
#: Passwords that a process checks at a time: each takes 64 MiB while it is.
_checking = BoundedSemaphore(2)
#: A path of the dashboard with its query: where one may be sent on to.
_PAGE = re.compile(rf"{blueprint.url_prefix}(/[^\\]*|\?[^\\]*)?")


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """Show the form, to whoever is not signed in."""
    if visitor.visitor().operator is not None:
        return current_app.make_response(redirect(_onward(), 303))
    return _form(200)


@blueprint.post("/sign-in")
def check_sign_in() -> Response:
    """Begin a session for whoever has the right password, and go where they wanted to."""
    if visitor.is_behind_proxy():
        return current_app.make_response(redirect(_onward(), 303))
    name, password = (request.form.get(word, "")[:_LONGEST] for word in ("name", "password"))
    address = _address()
    with wiring().database.transaction() as connection:
        wait = sign_ins.seconds_to_wait(connection, name, address)
    if wait:
        log.warning("sign_in_put_off", seconds=wait)
        response = _form(429, f"Too many tries. The next one may be made in {_minutes(wait)}.")
        response.headers["Retry-After"] = str(wait)
        return response
    found = _authenticate(name, password, address)
    if found is None:
        log.warning("sign_in_refused")
        return _form(401, "The name or the password is wrong.")
    response = current_app.make_response(redirect(_onward(), 303))
    visitor.set_session(response, visitor.sign_in(found))
    log.info("signed_in", operator=found.name)
    return response


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the session."""
    visitor.sign_out()
    response = current_app.make_response(redirect(url_for("dashboard.sign_in"), 303))
    visitor.set_session(response, "")
    return response


def _address() -> str:
    """Return where this request comes from; of version 6, the network that one client has."""
    given = request.remote_addr or ""
    try:
        found = ip_address(given)
    except ValueError:  # a socket of this machine has none
        return given
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else given  # noqa: PLR2004


def _authenticate(name: str, password: str, address: str) -> Operator | None:
    with _checking, wiring().database.statement() as connection:
        found = operators.authenticate(connection, name, password)
        if found is not None:
            sign_ins.forgive(connection, name, address)
    return found


def _form(status: int, problem: str = "") -> Response:
    page = render_template(
        "dashboard/sign_in.html",
        problem=problem,
        # Not the password; a name that fits none may be one.
        name=given if operators.NAME.fullmatch(given := request.form.get("name", "")) else "",
        next=request.values.get("next", ""),
    )
    response = current_app.make_response((page, status))
    if status == 401:  # noqa: PLR2004
        response.headers["WWW-Authenticate"] = 'Form realm="dashboard"'
    return response


def _onward() -> str:
    """Return where somebody wanted to go: a page of the dashboard, or else the first one."""
    wanted = request.values.get("next", "")
    if _PAGE.fullmatch(wanted) and wanted.isprintable():
        return f"{request.script_root}{wanted}"
    return url_for("dashboard.overview")


def _minutes(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"{minutes} minute{'s' if minutes > 1 else ''}"
