from __future__ import annotations

from dataclasses import replace

import pytest

from config.sealing import SealingKeyMissing, SealUnopened, reseal, seal, unseal
from config.settings import Settings, SettingsInvalid

OLD, NEW = "b2xk" * 10 + "b2w=", "bmV3" * 10 + "bmU="
URLS = {"DATABASE_URL": "postgresql:///x", "REDIS_URL": "redis://x"}


def settings(*keys: str) -> Settings:
    """The settings of a service with these sealing keys."""
    return replace(Settings.from_env(URLS), sealing_keys=keys)


def test_what_is_sealed_can_be_read_with_the_key_and_not_without():
    sealed = seal(settings(OLD), b"a secret")

    assert b"a secret" not in sealed
    assert unseal(settings(OLD), sealed) == b"a secret"
    with pytest.raises(SealUnopened):
        unseal(settings(NEW), sealed)
    with pytest.raises(SealUnopened):
        unseal(settings(OLD), sealed[:-2])


def test_a_new_key_comes_first_and_the_old_one_still_opens():
    sealed = seal(settings(OLD), b"a secret")

    both = settings(NEW, OLD)
    assert unseal(both, sealed) == b"a secret"
    assert unseal(settings(NEW), seal(both, b"another")) == b"another"


def test_what_an_older_key_sealed_is_sealed_anew_once():
    sealed = seal(settings(OLD), b"a secret")
    anew = reseal(settings(NEW, OLD), sealed)

    assert unseal(settings(NEW), anew) == b"a secret"
    assert reseal(settings(NEW, OLD), anew) is None
    with pytest.raises(SealUnopened):
        reseal(settings(NEW), sealed)


def test_without_a_key_nothing_is_sealed():
    with pytest.raises(SealingKeyMissing):
        seal(settings(), b"a secret")


@pytest.mark.parametrize("keys", ["short", f"{OLD},{OLD[:-4]}", "ä" * 44, f"{OLD}x"])
def test_a_key_that_is_none_is_refused_at_start_without_being_quoted(keys):
    with pytest.raises(SettingsInvalid) as invalid:
        Settings.from_env({**URLS, "SEALING_KEYS": keys})

    assert str(invalid.value) == "SEALING_KEYS are not of 32 bytes in URL-safe Base64 each"


def test_keys_are_separated_by_commas_and_not_shown():
    made = Settings.from_env({**URLS, "SEALING_KEYS": f"{NEW}, {OLD}"})

    assert made.sealing_keys == (NEW, OLD)
    assert OLD not in repr(made)
