from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from config.settings import DevchainSettings, Settings, SettingsInvalid

URLS = {"DATABASE_URL": "postgresql://me:pgword@db/x", "REDIS_URL": "redis://:rdword@cache"}


def test_two_urls_are_enough_to_start():
    settings = Settings.from_env(URLS)

    assert settings.database_url == "postgresql://me:pgword@db/x"
    assert settings.redis_url == "redis://:rdword@cache"
    assert settings.port == 8000
    assert settings.worker_processes == 2
    assert settings.lease_seconds == 6.0
    assert settings.worker_queues == ()
    assert settings.jwt_key == ""


def test_every_value_has_the_type_of_its_field():
    env = {
        **URLS,
        "PORT": "81",
        "LEASE_SECONDS": "9.5",
        "WORKER_QUEUES": "bulk, chain  other",
        "JWT_KEY": "81",
        "WEBHOOKS_MAY_BE_PRIVATE": "True",
        "CHAIN_FINALITY": "depth:12",
        "CHAIN_GIVE_UP_SECONDS": "30",
        "JOB_KEEP": "org_members=60, relay_vote=86400",
    }

    settings = Settings.from_env(env)

    assert settings.port == 81
    assert settings.lease_seconds == 9.5
    assert settings.worker_queues == ("bulk", "chain", "other")
    assert settings.jwt_key == "81"
    assert settings.webhooks_may_be_private is True
    assert settings.chain_finality == "depth:12"
    assert settings.chain_give_up_seconds == 30.0
    assert settings.kept == {"org_members": 60, "relay_vote": 86400}


def test_an_empty_variable_is_as_good_as_none():
    settings = Settings.from_env({**URLS, "PORT": "", "WORKER_POOL": ""})

    assert settings.port == 8000
    assert settings.worker_pool == "threads"


def test_every_fault_is_named_in_one_error():
    env = {
        "DATABASE_URL": "mysql://db",
        "PORT": "eighty",
        "WEB_THREADS": "0",
        "RENEW_SECONDS": "5",
        "WORKER_POOL": "gevent",
        "WEBHOOKS_MAY_BE_PRIVATE": "yes",
        "CHAIN_FINALITY": "soon",
        "INCOME_RATE": "often",
        "CREDENTIALS_RATE": "1/minute,",
        "JOB_KEEP": "org_members=60 relay_vote",
        "SWEEP_SECONDS": "nan",
        "LOG_LEVEL": "LOUD",
    }

    with pytest.raises(SettingsInvalid) as refused:
        Settings.from_env(env)

    assert sorted(str(refused.value).split("; ")) == [
        "CHAIN_FINALITY is neither finalized, safe nor depth:N",
        "CREDENTIALS_RATE is not a limit such as 1200/minute",
        "DATABASE_URL does not start with postgresql://",
        "INCOME_RATE is not a limit such as 1200/minute",
        "JOB_KEEP does not consist of type=seconds",
        "LEASE_SECONDS must be at least twice RENEW_SECONDS",
        "LOG_LEVEL is not a level such as INFO",
        "PORT is not a whole number",
        "REDIS_URL is required",
        "SWEEP_SECONDS must be above zero",
        "WEBHOOKS_MAY_BE_PRIVATE is not true or false",
        "WEB_THREADS must be above zero",
        "WORKER_POOL is neither threads nor solo",
    ]


def test_a_fault_does_not_quote_what_may_be_a_secret():
    env = {"DATABASE_URL": "mysql://me:pgword@db", "REDIS_URL": "http://:rdword@cache"}

    with pytest.raises(SettingsInvalid) as refused:
        Settings.from_env(env)

    assert "pgword" not in str(refused.value)
    assert "rdword" not in str(refused.value)


def test_secrets_are_not_in_the_representation():
    secrets = {"JWT_KEY": "jwtword", "WATCHLIST_KEY": "listword", "CHAIN_KEYS": "chainword"}
    more = {"CHAIN_KEYSTORE_PASSWORD": "storeword", "SEALING_KEYS": f"sealword{'A' * 35}="}
    settings = Settings.from_env({**URLS, **secrets, **more})

    shown = repr(settings)

    assert "port=8000" in shown
    assert "pgword" not in shown
    assert "rdword" not in shown
    assert "jwtword" not in shown
    assert not any(f"{kind}word" in shown for kind in ("chain", "store", "seal"))
    assert "listword" not in shown


def test_settings_cannot_be_changed():
    settings = Settings.from_env(URLS)

    with pytest.raises(FrozenInstanceError):
        settings.port = 1


def test_the_environment_of_the_process_is_read_when_none_is_given(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql:///here")
    monkeypatch.setenv("REDIS_URL", "unix:///tmp/redis.sock")

    settings = Settings.from_env()

    assert settings.database_url == "postgresql:///here"
    assert settings.redis_url == "unix:///tmp/redis.sock"


def test_an_attempt_at_a_screening_ends_before_its_process_is_ended():
    with pytest.raises(SettingsInvalid, match="WATCHLIST_RUN_SECONDS must be at most 100"):
        Settings.from_env({**URLS, "WATCHLIST_RUN_SECONDS": "101"})


def test_the_development_chain_needs_a_file_and_keys_that_are_keys():
    with pytest.raises(SettingsInvalid) as refused:
        DevchainSettings.from_env({"CHAIN_KEYS": "5e5e", "DEVCHAIN_CHAIN_ID": str(2**63)})

    assert str(refused.value) == (
        "DEVCHAIN_FILE is required; CHAIN_KEYS are not of 64 hexadecimal digits each; "
        "DEVCHAIN_CHAIN_ID must be less than 2^63"
    )


def test_the_settings_of_the_development_chain_show_no_key():
    settings = DevchainSettings.from_env({"DEVCHAIN_FILE": "chain", "CHAIN_KEYS": "5e" * 32})

    assert settings.chain_keys == ("5e" * 32,)
    assert "5e5e" not in repr(settings)
