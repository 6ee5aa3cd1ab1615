"""The keys that seal what must be read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.sealing import SealUnopened, unseal
from tasks.health.finding import Finding, fail, ok, warn
from tasks.records import webhooks

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from config.settings import Settings

#: Sealed secrets that are tried, newest first.
_TRIED = 200
_MAKE = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


def sealing(connection: Connection, settings: Settings) -> Finding:
    """Check that there are keys, and that what was sealed opens."""
    sealed = webhooks.sealed_secrets(connection, limit=_TRIED)
    if not settings.sealing_keys:
        if sealed:
            return fail("sealing", "there is no key for what was sealed", "set SEALING_KEYS again")
        told = "there is no key: webhooks and logins with secrets are refused"
        return warn("sealing", told, f"set SEALING_KEYS; this makes a key: {_MAKE}")
    unopened = sum(not _opens(settings, one) for one in sealed)
    if unopened:
        told = f"no key opens the secrets of {unopened} of {len(sealed)} webhooks"
        return fail("sealing", told, "add the key that they were sealed with to SEALING_KEYS")
    return ok("sealing", "there is a key, and what was sealed opens")


def _opens(settings: Settings, sealed: bytes) -> bool:
    try:
        unseal(settings, sealed)
    except SealUnopened:
        return False
    return True
