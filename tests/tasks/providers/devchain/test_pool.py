from __future__ import annotations

from eth.vm.forks.cancun import CancunVM

from tasks.providers.devchain import pool
from tests.tasks.providers.devchain.conftest import GWEI, SOMEBODY, refusal, send, sign


def refused(chain, nonce, **changed):
    """Return why a transaction is not taken."""
    code, message = refusal(chain, "eth_sendRawTransaction", sign(chain, nonce, **changed).raw)
    assert code == -32000
    return message


def mined(chain):
    """Make a block; return the hashes in it."""
    chain.mine()
    return chain.rpc("eth_getBlockByNumber", "latest", False)["transactions"]


def waiting(chain):
    """Return how many wait for a block, and how many for others."""
    status = chain.rpc("txpool_status")
    return int(status["pending"], 16), int(status["queued"], 16)


def test_the_same_bytes_are_known_while_they_wait_and_too_low_once_they_are_in_a_block(chain):
    send(chain)

    before = refused(chain, 0)
    chain.mine()

    assert before == "already known"
    assert refused(chain, 0) == "nonce too low: next nonce 1, tx nonce 0"
    assert refused(chain, 0, value=2) == "nonce too low: next nonce 1, tx nonce 0"


def test_a_replacement_offers_a_tenth_more_of_both_fees(chain):
    fees = {"maxFeePerGas": 100 * GWEI, "maxPriorityFeePerGas": 10 * GWEI}
    first = send(chain, **fees)

    assert refused(chain, 0, maxFeePerGas=110 * GWEI, maxPriorityFeePerGas=11 * GWEI - 1) == (
        "replacement transaction underpriced"
    )
    assert refused(chain, 0, maxFeePerGas=110 * GWEI - 1, maxPriorityFeePerGas=11 * GWEI) == (
        "replacement transaction underpriced"
    )
    second = send(chain, nonce=0, maxFeePerGas=110 * GWEI, maxPriorityFeePerGas=11 * GWEI)
    assert chain.rpc("eth_getTransactionByHash", first) is None
    assert mined(chain) == [second]


def test_what_comes_after_a_gap_waits_until_it_is_filled(chain):
    third = send(chain, nonce=2)
    second = send(chain, nonce=1)

    assert waiting(chain) == (0, 2)
    assert mined(chain) == []
    first = send(chain, nonce=0)
    assert waiting(chain) == (3, 0)
    assert mined(chain) == [first, second, third]
    assert waiting(chain) == (0, 0)


def test_the_best_tip_goes_first_but_no_account_gets_ahead_of_itself(chain, other):
    mean = send(chain, maxPriorityFeePerGas=GWEI)
    lavish = send(chain, maxPriorityFeePerGas=9 * GWEI)
    middling = send(other, maxPriorityFeePerGas=2 * GWEI)

    assert mined(chain) == [middling, mean, lavish]


def test_who_offers_less_than_the_base_fee_waits_until_it_has_fallen(chain):
    chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(12 * GWEI))
    low = send(chain, maxFeePerGas=11 * GWEI)

    assert mined(chain) == []
    assert waiting(chain) == (1, 0)
    assert mined(chain) == [low]


def test_an_account_may_not_promise_more_than_it_has(chain):
    send(chain, value=6 * 10**23)

    assert refused(chain, 1, value=5 * 10**23) == (
        "insufficient funds for gas * price + value: balance 1000000000000000000000000, "
        "queued cost 600000000210000000000000, tx cost 500000000210000000000000, "
        "overshot 100000000420000000000000"
    )
    send(chain, nonce=0, value=7 * 10**23, maxFeePerGas=11 * GWEI, maxPriorityFeePerGas=2 * GWEI)


def test_what_can_no_longer_be_paid_is_dropped_and_holds_up_nobody(chain, other):
    poor = send(other)
    rich = send(chain)

    chain.rpc("anvil_setBalance", other.address, "0x0")

    assert chain.rpc("eth_getBlockByNumber", "latest", False)["transactions"] == [rich]
    assert chain.rpc("eth_getTransactionByHash", poor) is None
    assert waiting(chain) == (0, 0)


def test_the_pool_is_bounded_but_replacements_are_taken(chain, monkeypatch):
    monkeypatch.setattr(pool, "MOST_WAITING", 2)
    send(chain)
    send(chain)

    assert refused(chain, 2) == "txpool is full"
    send(chain, nonce=1, maxFeePerGas=11 * GWEI, maxPriorityFeePerGas=2 * GWEI)
    chain.mine()
    send(chain)


def test_a_block_takes_no_more_gas_than_it_may_and_the_rest_waits(chain, contract, other):
    greedy = contract.send("burn()", gas=16_000_000)
    second = contract.send("burn()", gas=16_000_000)
    small = send(other)

    assert set(mined(chain)) == {greedy, small}
    assert mined(chain) == [second]


def test_what_py_evm_does_not_get_through_is_dropped_and_holds_up_nobody(chain, other, monkeypatch):
    bad, good = send(chain), send(other)
    apply = CancunVM.apply_transaction

    def fail(vm, header, transaction):
        receipt = apply(vm, header, transaction)
        if transaction.sender.hex() == chain.address[2:].lower():
            raise KeyError
        return receipt

    monkeypatch.setattr(CancunVM, "apply_transaction", fail)

    assert mined(chain) == [good]
    assert chain.rpc("eth_getTransactionByHash", bad) is None
    assert chain.rpc("eth_getTransactionCount", chain.address) == "0x0"
    assert chain.rpc("eth_getBalance", SOMEBODY) == "0x1"
