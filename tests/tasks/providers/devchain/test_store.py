from __future__ import annotations

import pytest

from tasks.providers.devchain.chain import Chain, WrongChain, address_of
from tasks.providers.devchain.store import FileInUse, Store
from tests.chain import KEY
from tests.tasks.providers.devchain.conftest import Local, send


def test_a_file_belongs_to_one_process(tmp_path):
    store = Store(tmp_path / "chain.sqlite")

    with pytest.raises(FileInUse, match="another process has "):
        Store(tmp_path / "chain.sqlite")

    store.close()
    Store(tmp_path / "chain.sqlite").close()


def test_a_chain_goes_on_where_it_was_whoever_is_to_be_funded_now(tmp_path):
    first = Local(tmp_path / "chain.sqlite")
    tx_hash = send(first)
    first.mine()
    head = first.rpc("eth_getBlockByNumber", "latest", True)
    first.node.chain.store.close()

    store = Store(tmp_path / "chain.sqlite")
    chain = Chain(store, 1337, [address_of("7a" * 32)])

    assert f"0x{chain.head.hash.hex()}" == head["hash"]
    assert chain.accounts().get_balance(address_of("7a" * 32)) == 0
    assert store.transaction(bytes.fromhex(tx_hash[2:])).receipt["blockNumber"] == "0x1"
    assert not chain.is_settled()
    store.close()


def test_a_file_with_another_chain_is_refused(tmp_path):
    store = Store(tmp_path / "chain.sqlite")
    Chain(store, 1337, [])

    with pytest.raises(WrongChain, match="the chain in this file has the id 1337"):
        Chain(store, 1338, [])

    store.close()


def test_the_same_beginnings_have_the_same_first_block_and_others_another(tmp_path):
    def genesis(name: str, chain_id: int, *keys: str) -> bytes:
        store = Store(tmp_path / name)
        chain = Chain(store, chain_id, [address_of(key) for key in keys])
        store.close()
        return bytes(chain.head.hash)

    first = genesis("a", 1337, KEY, "7a" * 32)

    assert genesis("b", 1337, "7a" * 32, KEY) == first
    assert genesis("c", 1338, KEY, "7a" * 32) != first
    assert genesis("d", 1337, KEY) != first
