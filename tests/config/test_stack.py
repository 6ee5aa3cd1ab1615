from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from config.settings import Settings
from config.stack import Stack


@pytest.fixture(autouse=True)
def _no_node(monkeypatch):
    """Let the environment name no node."""
    monkeypatch.delenv("CHAIN_RPC_URL", raising=False)


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
