from __future__ import annotations

import json
import subprocess
import sys

import pytest
from eth_account import Account

from config.settings import Settings
from tasks.ledger.signers import Fees, Order, Signers, SignersFaulty
from tests.conftest import ROOT

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23"
HARDHAT = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ORDER = Order(chain_id=1337, nonce=5, target="0x" + "ab" * 20, data=b"\x01", gas=21_000)


def signers(chain_id=1337, **given):
    return Signers.from_settings(
        Settings(database_url="postgresql://", redis_url="redis://", **given), chain_id
    )


def test_keys_come_out_of_the_environment_in_their_order():
    assert signers(chain_keys=(f"0x{KEY}", HARDHAT)).addresses == [
        ADDRESS,
        "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
    ]


def test_a_key_comes_out_of_a_keystore_file(tmp_path):
    file = tmp_path / "keystore.json"
    file.write_text(json.dumps(Account.encrypt(KEY, "correct horse", iterations=2)))

    found = signers(chain_keystore=str(file), chain_keystore_password="correct horse")

    assert found.addresses == [ADDRESS]
    with pytest.raises(SignersFaulty, match="CHAIN_KEYSTORE cannot be read with its password"):
        signers(chain_keystore=str(file), chain_keystore_password="wrong")


def test_a_signed_transaction_is_what_was_ordered():
    signed = signers(chain_keys=(KEY,)).sign(ADDRESS, ORDER, Fees(most=100, tip=3))

    assert signed.raw.hex().startswith("02")
    assert Account.recover_transaction(signed.raw).lower() == ADDRESS
    again = signers(chain_keys=(KEY,)).sign(ADDRESS, ORDER, Fees(most=100, tip=3))
    assert again == signed


def test_a_contract_is_created_by_a_transaction_to_nobody():
    order = ORDER._replace(target=None)

    signed = signers(chain_keys=(KEY,)).sign(ADDRESS, order, Fees(most=100, tip=3))

    assert Account.recover_transaction(signed.raw).lower() == ADDRESS


def test_without_a_key_nobody_signs():
    with pytest.raises(SignersFaulty, match="neither CHAIN_KEYS nor CHAIN_KEYSTORE"):
        signers()


def test_a_faulty_key_is_counted_and_not_shown():
    with pytest.raises(SignersFaulty) as faulty:
        signers(chain_keys=(KEY, "00" * 32))

    assert str(faulty.value) == "key 2 of CHAIN_KEYS is no private key"


@pytest.mark.parametrize("chain_id", [1, 11155111])
def test_a_key_that_everybody_knows_signs_on_development_chains_only(chain_id):
    with pytest.raises(SignersFaulty, match="a key for development must not sign on this chain"):
        signers(chain_id, chain_keys=(KEY, HARDHAT))

    assert signers(31337, chain_keys=(KEY, HARDHAT)).addresses[0] == ADDRESS


def test_nobody_signs_for_an_account_whose_key_is_not_here():
    with pytest.raises(SignersFaulty, match="no key for 0xabc is configured"):
        signers(chain_keys=(KEY,)).sign("0xabc", ORDER, Fees(most=100, tip=3))


def test_a_process_that_signs_survives_json_that_is_nested_too_deeply():
    code = "import tasks.ledger.signers, json; json.loads('[' * 100_000)"

    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)

    assert (ended.returncode, b"RecursionError" in ended.stderr) == (1, True)
