from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from config.settings import Settings, WatchlistProviderSettings
from config.stack import Stack


@pytest.fixture(autouse=True)
def _nothing_of_yours(monkeypatch):
    """Let the environment name no node and no watchlist provider."""
    for name in ("CHAIN_RPC_URL", "WATCHLIST_URL", "WATCHLIST_KEY", "LISTS_FOLDER"):
        monkeypatch.delenv(name, raising=False)


def test_a_stack_leads_its_processes_to_a_chain_whose_account_it_has_the_key_of(tmp_path):
    environment = Stack(tmp_path).environment

    settings = Settings.from_env(environment)
    assert settings.chain_rpc_url == f"http://127.0.0.1:{environment['DEVCHAIN_PORT']}"
    assert [len(bytes.fromhex(key)) for key in settings.chain_keys] == [32]
    assert environment["DEVCHAIN_FILE"] == str(tmp_path / "chain.sqlite")


def test_what_a_stack_seals_it_can_open_when_it_runs_again(tmp_path):
    first, second = (Stack(tmp_path).environment for _ in range(2))

    sealed = Fernet(first["SEALING_KEYS"]).encrypt(b"a secret")
    assert Fernet(second["SEALING_KEYS"]).decrypt(sealed) == b"a secret"
    assert second["CHAIN_KEYS"] == first["CHAIN_KEYS"]
    assert (tmp_path / "sealing.key").stat().st_mode & 0o777 == 0o600


def test_a_stack_uses_the_node_that_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAIN_RPC_URL", "http://node.example")

    environment = Stack(tmp_path).environment

    assert environment["CHAIN_RPC_URL"] == "http://node.example"
    assert "DEVCHAIN_PORT" not in environment


def test_a_stack_leads_its_workers_to_a_watchlist_provider_that_knows_their_key(tmp_path):
    environment = Stack(tmp_path).environment

    settings = Settings.from_env(environment)
    provider = WatchlistProviderSettings.from_env(environment)
    assert settings.watchlist_url == f"http://127.0.0.1:{provider.watchlist_provider_port}"
    assert settings.watchlist_key == provider.watchlist_key
    assert (Path(provider.lists_folder) / "ofac" / "sdn.csv").is_file()


def test_the_hosted_watchlist_provider_is_a_url_and_a_key_away(monkeypatch, tmp_path):
    monkeypatch.setenv("WATCHLIST_URL", "https://lists.example")
    monkeypatch.setenv("WATCHLIST_KEY", "theirs")

    environment = Stack(tmp_path).environment

    settings = Settings.from_env(environment)
    assert (settings.watchlist_url, settings.watchlist_key) == ("https://lists.example", "theirs")
    assert "WATCHLIST_PROVIDER_PORT" not in environment


def test_a_stack_tells_its_addresses_and_secrets_to_a_shell(tmp_path):
    stack = Stack(tmp_path, port=8123)

    lines = stack.environment_file().read_text().splitlines()

    assert "export PUBLIC_URL=http://127.0.0.1:8123" in lines
    assert "export WEBHOOKS_MAY_BE_PRIVATE=true" in lines
    assert {line.partition("=")[0].removeprefix("export ") for line in lines} >= {
        "CHAIN_RPC_URL",
        "CHAIN_KEYS",
        "SEALING_KEYS",
        "JWT_KEY",
        "DATABASE_URL",
    }
