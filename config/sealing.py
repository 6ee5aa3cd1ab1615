"""Secrets that must be read again, sealed so that a table or a backup gives none of them away."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

if TYPE_CHECKING:
    from config.settings import Settings


class SealingKeyMissing(Exception):
    """SEALING_KEYS is not set, so that nothing can be sealed."""


class SealUnopened(Exception):
    """None of the sealing keys opens this."""


def seal(settings: Settings, secret: bytes) -> bytes:
    """Return a secret sealed with the first of the sealing keys.

    Raises:
        SealingKeyMissing: there are none.
    """
    return _fernet(settings).encrypt(secret)


def unseal(settings: Settings, sealed: bytes) -> bytes:
    """Return what was sealed, with whichever of the keys it was.

    Raises:
        SealingKeyMissing: there are no keys.
        SealUnopened: it was another key, or the seal is damaged.
    """
    try:
        return _fernet(settings).decrypt(sealed)
    except InvalidToken:
        raise SealUnopened from None


def reseal(settings: Settings, sealed: bytes) -> bytes | None:
    """Return what an older key sealed as the first one seals it; None if that did it already.

    Raises:
        SealingKeyMissing, SealUnopened: as `unseal`.
    """
    keys = _fernet(settings)
    with suppress(InvalidToken):
        Fernet(settings.sealing_keys[0]).decrypt(sealed)
        return None
    try:
        return keys.rotate(sealed)
    except InvalidToken:
        raise SealUnopened from None


def _fernet(settings: Settings) -> MultiFernet:
    if not settings.sealing_keys:
        raise SealingKeyMissing
    return MultiFernet([Fernet(key) for key in settings.sealing_keys])
