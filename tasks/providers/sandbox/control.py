"""`/control`: what tests do to the provider and ask of it; only there where it has a key."""

from __future__ import annotations

import hmac
import json
import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, jsonify, request

from tasks.providers.sandbox.mishaps import Does, Mishap, Mishaps
from tasks.providers.sandbox.people import Company, Person
from tasks.providers.sandbox.seed import PROVIDERS, Seed, add_account, add_company

if TYPE_CHECKING:
    from tasks.providers.sandbox.vault import Vault

#: Columns of an account that may be asked for and set.
_STATE = ("wrong_tries", "is_locked", "are_codes_blocked", "sign_ins", "last_code")


class Control:
    """Adds accounts and companies, shows what happened to them, and lets mishaps happen."""

    def __init__(self, vault: Vault, mishaps: Mishaps, key: str) -> None:
        self._vault, self._mishaps, self._key = vault, mishaps, key.encode()

    def blueprint(self) -> Blueprint:
        """Return its paths."""
        made = Blueprint("control", __name__, url_prefix="/control")
        made.before_request(self._check)
        for method, path, view in (
            ("POST", "/companies", self.add_company),
            ("POST", "/accounts", self.add_account),
            ("POST", "/accounts/find", self.find_account),
            ("GET", "/accounts/<account>", self.account),
            ("PATCH", "/accounts/<account>", self.change_account),
            ("DELETE", "/accounts/<account>/sessions", self.end_sessions),
            ("POST", "/accounts/<account>/ready", self.make_ready),
            ("POST", "/mishaps", self.add_mishap),
            ("GET", "/mishaps/<mishap>", self.mishap),
            ("DELETE", "/mishaps", self.end_mishaps),
            ("DELETE", "/mishaps/<mishap>", self.end_mishaps),
        ):
            made.add_url_rule(path, f"{method}{path}", view, methods=[method])
        return made

    def _check(self) -> None:
        if not hmac.compare_digest(request.headers.get("X-Control-Key", "").encode(), self._key):
            abort(401)

    def add_company(self) -> tuple[Response, int]:
        """Add a company of a provider."""
        given = _given()
        provider = _provider(given.pop("provider"))
        company = Company(**{**given, "features": tuple(given["features"])})
        with self._vault.store.transaction() as sql:
            add_company(sql, provider, company)
        return jsonify(id=company.id), 201

    def add_account(self) -> tuple[Response, int]:
        """Add an account: a provider, a username, a password and a person."""
        given = _given()
        person = Person.from_json(given["person"])
        seed = Seed(given["username"], given["password"], person)
        with self._vault.store.transaction() as sql:
            made = add_account(sql, self._vault, _provider(given["provider"]), seed)
        return jsonify(id=made), 201

    def find_account(self) -> Response:
        """Say which account somebody signs in to."""
        given = _given()
        hashed = self._vault.hashed(given["username"], given["password"])
        with self._vault.store.transaction() as sql:
            found = sql.execute(
                "SELECT id FROM accounts WHERE provider = ? AND username = ? AND password = ?",
                (given["provider"], given["username"], hashed),
            ).fetchone()
        return jsonify(id=found["id"]) if found else abort(404)

    def account(self, account: str) -> Response:
        """Say what has happened to an account."""
        with self._vault.store.transaction() as sql:
            found = sql.execute("SELECT * FROM accounts WHERE id = ?", [account]).fetchone()
            sessions = sql.execute(
                "SELECT count(*) FROM sessions WHERE account = ? AND ends_at > ?",
                (account, time.time()),
            ).fetchone()
            fetches = sql.execute(
                "SELECT document, times FROM fetches WHERE account = ?", [account]
            ).fetchall()
        if found is None:
            abort(404)
        return jsonify(
            {
                **{name: found[name] for name in _STATE},
                "allotments": json.loads(found["allotments"]),
                "sessions": sessions[0],
                "fetched": {one["document"]: one["times"] for one in fetches},
            }
        )

    def change_account(self, account: str) -> tuple[str, int]:
        """Set what of an account's state is given, and of the person."""
        given = _given()
        with self._vault.store.transaction() as sql:
            for name in given.keys() & set(_STATE):
                statement = f"UPDATE accounts SET {name} = ? WHERE id = ?"  # noqa: S608 - see above
                sql.execute(statement, (given[name], account))
            row = sql.execute("SELECT person FROM accounts WHERE id = ?", [account]).fetchone()
            person = Person.from_json({**json.loads(row[0]), **given.get("person", {})})
            changed = (person.as_json(), account)
            sql.execute("UPDATE accounts SET person = ? WHERE id = ?", changed)
        return "", 204

    def end_sessions(self, account: str) -> tuple[str, int]:
        """Sign somebody out everywhere."""
        with self._vault.store.transaction() as sql:
            sql.execute("DELETE FROM sessions WHERE account = ?", [account])
        return "", 204

    def make_ready(self, account: str) -> tuple[str, int]:
        """Have the documents ready that somebody waits for."""
        with self._vault.store.transaction() as sql:
            sql.execute("UPDATE sessions SET ready_at = 0 WHERE account = ?", [account])
        return "", 204

    def add_mishap(self) -> tuple[Response, int]:
        """Let a mishap happen."""
        given = _given()
        mishap = Mishap(**{**given, "does": Does(given["does"])})
        self._mishaps.add(mishap)
        return jsonify(mishap.as_json()), 201

    def mishap(self, mishap: str) -> Response:
        """Say how often a mishap has happened."""
        found = self._mishaps.get(mishap) or abort(404)
        return jsonify(found.as_json())

    def end_mishaps(self, mishap: str | None = None) -> tuple[str, int]:
        """Take mishaps back."""
        self._mishaps.end(mishap)
        return "", 204


def _given() -> dict[str, Any]:
    given = request.get_json()
    return dict(given) if isinstance(given, dict) else abort(400)


def _provider(name: str) -> str:
    return name if name in PROVIDERS else abort(400)
