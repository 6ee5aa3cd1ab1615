"""Who may sign in: passwords, lock-out, one-time codes and sessions, for portals and banks."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tasks.providers.sandbox.people import Company, Person

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from tasks.providers.sandbox.store import Store

#: Wrong passwords in a row after which an account is locked for good.
WRONG_TRIES = 3
#: Wrong codes after which a sign-in is over, and codes are blocked.
CODE_TRIES = 3


class Reason(StrEnum):
    """Why somebody is not let in."""

    WRONG = "wrong_credentials"
    LOCKED = "account_locked"
    DOWN = "out_of_service"
    NO_COMPANY = "unknown_company"
    CODES_BLOCKED = "codes_blocked"
    PASSWORD_EXPIRED = "password_expired"  # noqa: S105 - no password
    WRONG_CODE = "wrong_code"
    CODE_OVER = "code_expired"
    SIGNED_OUT = "signed_out"
    NO_RESET = "reset_refused"


class Refused(Exception):
    """Somebody is not let in."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Challenge:
    """A code was asked for; its id goes with the answer."""

    id: str
    seconds: float


@dataclass(frozen=True)
class Session:
    """Somebody is signed in as long as they bring this token."""

    token: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose session it is."""

    id: str
    provider: str
    person: Person
    company: Company
    session: str


class Vault:
    """Every account of every provider here."""

    def __init__(
        self,
        store: Store,
        *,
        session_seconds: float,
        code_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self._key = store.secret("vault")
        self._session_seconds, self._code_seconds = session_seconds, code_seconds
        self._clock = clock

    def hashed(self, *words: str) -> str:
        """Return what is kept of secrets."""
        return hmac.new(self._key, "\0".join(words).encode(), hashlib.sha256).hexdigest()

    def sign_in(
        self, provider: str, username: str, password: str, company: str = ""
    ) -> Session | Challenge:
        """Let somebody in, or ask them for a code.

        Raises:
            Refused: they gave something wrong, or their account is in no state to be used.
        """
        with self.store.transaction() as sql:
            outcome = self._sign_in(sql, provider, (username, password), company)
        # A refusal is told after what it changed was kept.
        if isinstance(outcome, Reason):
            raise Refused(outcome)
        return outcome

    def _sign_in(
        self, sql: sqlite3.Connection, provider: str, given: tuple[str, str], company: str
    ) -> Session | Challenge | Reason:
        found = sql.execute(
            "SELECT * FROM accounts WHERE provider = ? AND username = ?", (provider, given[0])
        ).fetchall()
        hashed = self.hashed(*given)
        account = next((one for one in found if one["password"] == hashed), None)
        if account is None:
            return self._wrong(sql, found)
        if account["is_locked"]:
            return Reason.LOCKED
        person = Person.from_json(account["person"])
        if reason := self._unusable(sql, provider, person, company):
            return reason
        sql.execute("UPDATE accounts SET wrong_tries = 0 WHERE id = ?", [account["id"]])
        if account["are_codes_blocked"]:
            return Reason.CODES_BLOCKED
        return self._challenge(sql, account["id"], person.code) or self._session(sql, account["id"])

    def _wrong(self, sql: sqlite3.Connection, found: list[sqlite3.Row]) -> Reason:
        """Count a wrong try against the account that was meant, if only one can have been."""
        if len(found) != 1:
            return Reason.WRONG
        tries = found[0]["wrong_tries"] + 1
        is_locked = bool(found[0]["is_locked"]) or tries >= WRONG_TRIES
        changed = (tries, is_locked, found[0]["id"])
        sql.execute("UPDATE accounts SET wrong_tries = ?, is_locked = ? WHERE id = ?", changed)
        return Reason.LOCKED if is_locked else Reason.WRONG

    def _unusable(
        self, sql: sqlite3.Connection, provider: str, person: Person, asked: str
    ) -> Reason | None:
        company = _company(sql, provider, person.company)
        if company is None or (asked and _company(sql, provider, asked) is None):
            return Reason.NO_COMPANY
        if asked and asked != company.id:
            return Reason.WRONG
        if company.is_down:
            return Reason.DOWN
        return Reason.PASSWORD_EXPIRED if person.password_expired else None

    def _challenge(self, sql: sqlite3.Connection, account: str, code: str) -> Challenge | None:
        if not code:
            return None
        now, made = self._clock(), secrets.token_hex(16)
        code = f"{secrets.randbelow(10**6):06}" if code == "sent" else code
        sql.execute("DELETE FROM challenges WHERE ends_at < ?", [now])
        kept = (made, account, code, CODE_TRIES, now + self._code_seconds)
        sql.execute("INSERT INTO challenges VALUES (?, ?, ?, ?, ?)", kept)
        sql.execute("UPDATE accounts SET last_code = ? WHERE id = ?", (code, account))
        return Challenge(made, self._code_seconds)

    def _session(self, sql: sqlite3.Connection, account: str) -> Session:
        now, token = self._clock(), secrets.token_hex(32)
        sql.execute("DELETE FROM sessions WHERE ends_at < ?", [now])
        kept = (self.hashed(token), account, now + self._session_seconds)
        sql.execute("INSERT INTO sessions VALUES (?, ?, ?, NULL)", kept)
        sql.execute("UPDATE accounts SET sign_ins = sign_ins + 1 WHERE id = ?", [account])
        return Session(token, self._session_seconds)

    def answer(self, provider: str, challenge: str, code: str) -> Session:
        """Let somebody in who knows the code that was asked for; each is good once.

        Raises:
            Refused: it is another one, came too late, or was one too many.
        """
        with self.store.transaction() as sql:
            outcome = self._answer(sql, provider, challenge, code)
        if isinstance(outcome, Reason):
            raise Refused(outcome)
        return outcome

    def _answer(
        self, sql: sqlite3.Connection, provider: str, challenge: str, code: str
    ) -> Session | Reason:
        found = sql.execute(
            "SELECT c.* FROM challenges c JOIN accounts a ON a.id = c.account"
            " WHERE c.id = ? AND c.ends_at > ? AND a.provider = ?",
            (challenge, self._clock(), provider),
        ).fetchone()
        if found is None:
            return Reason.CODE_OVER
        account, left = found["account"], found["tries_left"] - 1
        if hmac.compare_digest(found["code"].encode(), code.encode()):
            sql.execute("DELETE FROM challenges WHERE id = ?", [challenge])
            return self._session(sql, account)
        sql.execute("UPDATE challenges SET tries_left = ? WHERE id = ?", (left, challenge))
        if left:
            return Reason.WRONG_CODE
        sql.execute("DELETE FROM challenges WHERE id = ?", [challenge])
        sql.execute("UPDATE accounts SET are_codes_blocked = 1 WHERE id = ?", [account])
        return Reason.CODES_BLOCKED

    def account(self, provider: str, token: str) -> Account:
        """Return whose session a token is of.

        Raises:
            Refused: it is nobody's, has ended, or their company cannot be served.
        """
        with self.store.transaction() as sql:
            found = sql.execute(
                "SELECT a.id, a.person, s.token FROM sessions s JOIN accounts a ON a.id = s.account"
                " WHERE s.token = ? AND s.ends_at > ? AND a.provider = ?",
                (self.hashed(token), self._clock(), provider),
            ).fetchone()
            if found is None:
                raise Refused(Reason.SIGNED_OUT)
            person = Person.from_json(found["person"])
            company = _company(sql, provider, person.company)
        if company is None:
            raise Refused(Reason.NO_COMPANY)
        if company.is_down:
            raise Refused(Reason.DOWN)
        return Account(
            id=found["id"],
            provider=provider,
            person=person,
            company=company,
            session=found["token"],
        )

    def reset(self, provider: str, username: str) -> None:
        """Send somebody what they need to choose a new password.

        Raises:
            Refused: their passwords are changed by their employer only, or are nobody's.
        """
        with self.store.transaction() as sql:
            found = sql.execute(
                "SELECT person FROM accounts WHERE provider = ? AND username = ?",
                (provider, username),
            ).fetchall()
        people = [Person.from_json(one["person"]) for one in found]
        expired = [one for one in people if one.password_expired]
        if not expired or not all(one.can_reset for one in expired):
            raise Refused(Reason.NO_RESET)

    def seconds_until_ready(self, account: Account, seconds: float) -> float:
        """Return how long documents still take that were asked for first so long ago."""
        now = self._clock()
        with self.store.transaction() as sql:
            sql.execute(
                "UPDATE sessions SET ready_at = coalesce(ready_at, ?) WHERE token = ?",
                (now + seconds, account.session),
            )
            (ready_at,) = sql.execute(
                "SELECT ready_at FROM sessions WHERE token = ?", [account.session]
            ).fetchone() or (now,)
        return max(0.0, float(ready_at) - now)

    def fetched(self, account: Account, document: str) -> None:
        """Count that a document was handed out."""
        with self.store.transaction() as sql:
            sql.execute(
                "INSERT INTO fetches VALUES (?, ?, 1)"
                " ON CONFLICT (account, document) DO UPDATE SET times = times + 1",
                (account.id, document),
            )


def _company(sql: sqlite3.Connection, provider: str, company: str) -> Company | None:
    found: Any = sql.execute(
        "SELECT * FROM companies WHERE provider = ? AND id = ?", (provider, company)
    ).fetchone()
    if found is None:
        return None
    return Company(
        id=found["id"],
        name=found["name"],
        features=tuple(found["features"].split()),
        is_down=bool(found["is_down"]),
    )
