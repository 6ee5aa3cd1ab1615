"""Signing in at a provider, over several attempts and with a code if need be.

Whatever was sent to us or by the provider is kept sealed between two steps. A session that was
kept is used by every later attempt, so that nobody is signed in twice while it holds.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from config.failpoints import failpoint
from config.sealing import seal, unseal
from tasks.clients.accounts.protocol import (
    AccountAway,
    AccountFailed,
    Credentials,
    MfaNeeded,
    Session,
)
from tasks.job.errors import Wait
from tasks.reading.keep import as_json, from_json
from tasks.records import income_links, income_secrets

if TYPE_CHECKING:
    from typing import Any

    from config.settings import Settings
    from tasks.clients.accounts.protocol import Connector
    from tasks.connecting.progress import Progress
    from tasks.job.context import Context
    from tasks.records.income_secrets import Secrets
    from tasks.records.income_tasks import AccountTask


class SigningIn:
    """What one attempt does to have a session."""

    def __init__(
        self, ctx: Context, task: AccountTask, progress: Progress, provider: Connector
    ) -> None:
        self._ctx = ctx
        self._task = task
        self._progress = progress
        self._provider = provider

    def session(self) -> Session:
        """Return the session that is kept, or sign in.

        Raises:
            AccountFailed, AccountAway: as the provider says.
            Wait: the code has not come yet.
        """
        with self._progress.to("login") as step:
            kept = income_secrets.get(step.connection, self._ctx.job.id)
        if kept.session:
            with self._progress.to("parse"):
                return opened(self._ctx.settings, kept.session)
        return self._answer(kept) if kept.challenge else self._login(kept)

    def forget_session(self) -> None:
        """Forget a session that has ended; the link may have a newer one by now."""
        with self._ctx.step(locked=True) as step:
            ended = income_secrets.get(step.connection, self._ctx.job.id).session
            income_secrets.keep_session(step.connection, self._ctx.job.id, None)
            if ended:
                income_links.end_session(step.connection, self._task.link_id, ended)

    def _login(self, kept: Secrets) -> Session:
        if kept.credentials is None:
            text = "the session with the provider is over: the user has to sign in again"
            raise AccountFailed("login_error", text)
        if self._task.product_type not in self._provider.features():
            raise AccountFailed("not_supported", "the provider does not offer this product")
        given = json.loads(unseal(self._ctx.settings, kept.credentials))
        outcome = self._provider.login(from_json(Credentials, given))
        failpoint("income.signed_in")
        return self._ask(outcome) if isinstance(outcome, MfaNeeded) else self._keep(outcome)

    def _ask(self, challenge: MfaNeeded) -> Session:
        """Wait for the code without a worker."""
        if not self._progress.is_before("parse"):
            raise AccountFailed("mfa_error", "the session ended, and the provider wants a code")
        sealed = _sealed(self._ctx.settings, as_json(challenge))
        with self._progress.to("mfa") as step:
            until = income_secrets.challenge(step.connection, self._ctx.job.id, sealed)
        raise Wait(until)

    def _answer(self, kept: Secrets) -> Session:
        assert kept.challenge is not None, "it is what the code answers"
        assert kept.code_until is not None, "the two come together"
        if kept.code is None:
            if kept.is_late:
                raise AccountFailed("mfa_error", "no code came in time")
            raise Wait(kept.code_until)
        if kept.code_tried:
            # An attempt was cut off in the middle: the code is used up, and nobody knows how.
            return self._login(kept)
        self._note_try(tried=True)
        settings = self._ctx.settings
        challenge = from_json(MfaNeeded, json.loads(unseal(settings, kept.challenge)))
        code = json.loads(unseal(settings, kept.code))
        try:
            session = self._provider.answer_code(challenge, code)
        except AccountAway:
            self._note_try(tried=False)
            raise
        failpoint("income.code_answered")
        return self._keep(session)

    def _note_try(self, *, tried: bool) -> None:
        with self._ctx.step(locked=True) as step:
            income_secrets.try_code(step.connection, self._ctx.job.id, tried=tried)

    def _keep(self, session: Session) -> Session:
        sealed = sealed_session(self._ctx.settings, session)
        with self._progress.to("parse") as step:
            income_secrets.keep_session(step.connection, self._ctx.job.id, sealed)
        return session


def sealed_session(settings: Settings, session: Session) -> bytes:
    """Return a session that begins now as it is kept."""
    ends_at = datetime.now(UTC) + timedelta(seconds=session.seconds)
    return _sealed(settings, {**as_json(session), "ends_at": ends_at.isoformat()})


def opened(settings: Settings, sealed: bytes) -> Session:
    """Return a session that was kept."""
    return from_json(Session, json.loads(unseal(settings, sealed)))


def end_of(settings: Settings, sealed: bytes) -> datetime:
    """Return until when a session that was kept lasts at the most."""
    return datetime.fromisoformat(json.loads(unseal(settings, sealed))["ends_at"])


def _sealed(settings: Settings, given: Any) -> bytes:
    return seal(settings, json.dumps(given).encode())
