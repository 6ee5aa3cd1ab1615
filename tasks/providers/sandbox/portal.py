"""A payroll provider's website: a login page, and what its own pages ask for as JSON."""

from __future__ import annotations

import hmac
import json
import time
from decimal import Decimal, InvalidOperation
from math import ceil
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, jsonify, redirect, render_template_string, request

from tasks.providers.sandbox import papers
from tasks.providers.sandbox.people import Papers
from tasks.providers.sandbox.seed import PROVIDERS
from tasks.providers.sandbox.vault import Challenge, Reason, Refused, Session, Vault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from tasks.providers.sandbox.people import Job
    from tasks.providers.sandbox.seed import Provider
    from tasks.providers.sandbox.vault import Account

    #: What Flask makes a response of.
    Answer: TypeAlias = Response | tuple[Response, int]

COOKIE = "portal_session"
#: How long a login page may stand open; seconds.
_FORM_SECONDS = 600
_STATUS = {
    Reason.WRONG: 401,
    Reason.LOCKED: 423,
    Reason.DOWN: 503,
    Reason.NO_COMPANY: 404,
    Reason.CODES_BLOCKED: 403,
    Reason.PASSWORD_EXPIRED: 403,
    Reason.WRONG_CODE: 401,
    Reason.CODE_OVER: 410,
    Reason.SIGNED_OUT: 401,
    Reason.NO_RESET: 409,
}
_PAGE = """<!doctype html>
<html lang="en"><head><title>{{ name }}: sign in</title></head><body>
<h1>{{ name }}</h1>
<form id="login" method="post" action="{{ action }}">
  <input type="hidden" name="form_token" value="{{ token }}">
  <label>User name <input name="username" autocomplete="username"></label>
  <label>Password <input name="password" type="password"></label>
  <label>Company <input name="company"></label>
  <button>Sign in</button>
</form></body></html>
"""


class Portal:
    """The website of every payroll provider here, each under its own path."""

    def __init__(self, vault: Vault, *, slow_seconds: float) -> None:
        self._vault = vault
        self._slow_seconds = slow_seconds
        self._form_key = vault.store.secret("forms")

    def blueprint(self) -> Blueprint:
        """Return its paths."""
        made = Blueprint("portal", __name__, url_prefix="/payroll/<provider>")
        made.register_error_handler(Refused, _refused)
        for method, path, view in (
            ("GET", "/login", self.page),
            ("POST", "/login", self.login),
            ("POST", "/code", self.code),
            ("POST", "/reset", self.reset),
            ("GET", "/features", self.features),
            ("GET", "/api/company", self.company),
            ("GET", "/api/employments", self.employments),
            ("GET", "/api/employments/<job>/statements", self.statements),
            ("GET", "/api/statements/<document>", self.statement),
            ("GET", "/api/employments/<job>/deposits", self.deposits),
            ("PUT", "/api/employments/<job>/deposits", self.allot),
        ):
            name = f"{method.lower()}_{view.__name__}"
            made.add_url_rule(path, name, view, methods=[method])
        return made

    def page(self, provider: str) -> str:
        """Show the login page."""
        return render_template_string(
            _PAGE,
            name=_provider(provider).name,
            action=f"/payroll/{provider}/login",
            token=self._form_token(provider, int(time.time())),
        )

    def _form_token(self, provider: str, made_at: int) -> str:
        words = f"{provider}:{made_at}"
        return f"{made_at}.{hmac.new(self._form_key, words.encode(), 'sha256').hexdigest()}"

    def login(self, provider: str) -> Answer:
        """Sign in, from the form of a page that was opened not long ago."""
        given = request.form
        token = given.get("form_token", "")
        made_at = int(head) if (head := token.partition(".")[0]).isdecimal() else 0
        is_ours = hmac.compare_digest(token, self._form_token(_provider(provider).id, made_at))
        if not is_ours or time.time() - made_at > _FORM_SECONDS:
            return jsonify(error="stale_form"), 403
        names = ("username", "password", "company")
        outcome = self._vault.sign_in(provider, *(given.get(name, "") for name in names))
        return _let_in(provider, outcome)

    def code(self, provider: str) -> Answer:
        """Finish signing in with the code that was sent."""
        challenge, code = request.form.get("challenge", ""), request.form.get("code", "")
        return _let_in(provider, self._vault.answer(provider, challenge, code))

    def reset(self, provider: str) -> Answer:
        """Send a message with which a new password can be chosen."""
        self._vault.reset(provider, request.form.get("username", ""))
        return jsonify(status="sent"), 202

    def features(self, provider: str) -> Response:
        """Say what this provider offers."""
        return jsonify(features=_provider(provider).features)

    def company(self, provider: str) -> Response:
        """Say what the company of whoever is signed in has booked."""
        offered, company = _provider(provider).features, self._account(provider).company
        booked = [one for one in company.features if one in offered]
        return jsonify(id=company.id, name=company.name, features=booked)

    def employments(self, provider: str) -> Response:
        """List the employments of whoever is signed in."""
        person = self._account(provider).person
        return jsonify(employee=person.name, employments=[_employment(one) for one in person.jobs])

    def statements(self, provider: str, job: str) -> Response:
        """List the pay statements of an employment, the newest first."""
        person = self._account(provider).person
        found = papers.stubs(person, _job(person.jobs, job))
        listed = [
            {"id": pay.id, "pay_date": str(pay.period.paid), "type": "application/pdf"}
            for pay in found
        ]
        return jsonify(statements=listed)

    def statement(self, provider: str, document: str) -> Answer:
        """Hand out a pay statement, or say when it will be ready."""
        account = self._account(provider)
        if account.person.papers is Papers.SLOW:
            left = self._vault.seconds_until_ready(account, self._slow_seconds)
            if left > 0:
                return _later(left)
        printed = papers.stub(account.person, document) or abort(404)
        self._vault.fetched(account, document)
        if account.person.papers is Papers.VAST:
            length = {"Content-Length": str(papers.VAST)}
            return Response(papers.vast(), headers=length, mimetype="application/pdf")
        return Response(printed, mimetype="application/pdf")

    def deposits(self, provider: str, job: str) -> Response:
        """Show where pay goes."""
        account = self._account(provider)
        _job(account.person.jobs, job)
        with self._vault.store.transaction() as sql:
            row = sql.execute("SELECT allotments FROM accounts WHERE id = ?", [account.id])
            (kept,) = row.fetchone()
        return jsonify(allotments=[_shown(one) for one in json.loads(kept).get(job, [])])

    def allot(self, provider: str, job: str) -> Answer:
        """Have pay go to other bank accounts, all of them told at once.

        What is left of it is paid as before.
        """
        account = self._account(provider)
        _job(account.person.jobs, job)
        if "direct_deposit" not in account.company.features:
            return jsonify(error="not_offered"), 403
        given = _allotments(request.get_json(silent=True))
        if given is None:
            return jsonify(error="not_an_allotment"), 400
        if sum(Decimal(one.get("percent", 0)) for one in given) > 100:  # noqa: PLR2004 - per cent
            return jsonify(error="over_allotted"), 422
        with self._vault.store.transaction() as sql:
            row = sql.execute("SELECT allotments FROM accounts WHERE id = ?", [account.id])
            kept = {**json.loads(row.fetchone()[0]), job: given}
            changed = (json.dumps(kept), account.id)
            sql.execute("UPDATE accounts SET allotments = ? WHERE id = ?", changed)
        return jsonify(allotments=[_shown(one) for one in given])

    def _account(self, provider: str) -> Account:
        _provider(provider)
        return self._vault.account(provider, request.cookies.get(COOKIE, ""))


def _provider(name: str) -> Provider:
    found = PROVIDERS.get(name)
    if found is None or found.is_bank:
        abort(404)
    return found


def _job(jobs: tuple[Job, ...], wanted: str) -> Job:
    return next((one for one in jobs if one.id == wanted), None) or abort(404)


def _let_in(provider: str, outcome: Session | Challenge) -> Response:
    """Return a session to a program as JSON, to a browser with its first page."""
    seconds = ceil(outcome.seconds)
    if isinstance(outcome, Challenge):
        return jsonify(status="code_needed", challenge=outcome.id, expires_in=seconds)
    answer: Any = jsonify(status="signed_in", expires_in=seconds)
    if request.accept_mimetypes.best == "text/html":
        answer = redirect(f"/payroll/{provider}/home", 303)
    answer.set_cookie(
        COOKIE,
        outcome.token,
        max_age=seconds,
        path=f"/payroll/{provider}",
        httponly=True,
        samesite="Strict",
    )
    return answer  # type: ignore[no-any-return]


def _refused(refused: Refused) -> tuple[Response, int]:
    answer = jsonify(error=refused.reason.value)
    if refused.reason is Reason.DOWN:
        answer.headers["Retry-After"] = "1"
    return answer, _STATUS[refused.reason]


def _later(seconds: float) -> tuple[Response, int]:
    answer = jsonify(status="in_preparation")
    answer.headers["Retry-After"] = str(ceil(seconds))
    return answer, 202


def _employment(job: Job) -> dict[str, Any]:
    rate = job.hourly if job.hourly is not None else job.salary
    return {
        "id": job.id,
        "job_title": job.title,
        "company": job.employer,
        "rate": None if rate is None else f"{rate:.2f}",
        "rate_unit": "hour" if job.hourly is not None else "year",
        "status": "terminated" if job.left else "active",
        "hired_on": job.hired.isoformat(),
        "left_on": job.left.isoformat() if job.left else None,
    }


def _allotments(given: Any) -> list[dict[str, str]] | None:
    """Return the allotments of a request, or None where they are none.

    Each is a share of the pay or an amount.
    """
    try:
        made = [_allotment(one) for one in given["allotments"]]
        values = [Decimal(one.get("percent") or one["amount"]) for one in made]
    except (AttributeError, TypeError, ValueError, KeyError, InvalidOperation):
        return None
    are_numbers = all(one["routing_number"].isdecimal() for one in made)
    return made if are_numbers and all(one.is_finite() and one > 0 for one in values) else None


def _allotment(given: dict[str, Any]) -> dict[str, str]:
    (share,) = given.keys() & {"percent", "amount"}
    names = ("routing_number", "account_number", "account_type", share)
    return {name: str(given[name]) for name in names}


def _shown(allotment: Mapping[str, str]) -> dict[str, str]:
    """Return an allotment without what others could use."""
    return {**allotment, "account_number": f"****{allotment['account_number'][-4:]}"}
