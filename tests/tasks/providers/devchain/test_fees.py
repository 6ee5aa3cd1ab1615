from __future__ import annotations

import pytest

from tests.tasks.providers.devchain.conftest import GWEI, refusal, send


def test_an_empty_block_lowers_the_base_fee_by_an_eighth(chain):
    chain.mine(2)

    found = [chain.rpc("eth_getBlockByNumber", hex(n), False)["baseFeePerGas"] for n in range(3)]

    assert [int(fee, 16) for fee in found] == [1_000_000_000, 875_000_000, 765_625_000]


def test_what_is_suggested_is_the_next_base_fee_and_a_tip(chain):
    assert chain.rpc("eth_gasPrice") == hex(875_000_000 + GWEI)
    assert chain.rpc("eth_maxPriorityFeePerGas") == "0x3b9aca00"


def test_the_history_of_fees_ends_with_the_next_block(chain):
    send(chain, maxPriorityFeePerGas=GWEI)
    send(chain, maxPriorityFeePerGas=3 * GWEI)
    chain.mine()

    history = chain.rpc("eth_feeHistory", "0x2", "latest", [0, 50, 100])

    assert history["oldestBlock"] == "0x0"
    assert [int(fee, 16) for fee in history["baseFeePerGas"]][:2] == [10**9, 875_000_000]
    assert len(history["baseFeePerGas"]) == 3
    assert history["gasUsedRatio"] == [0, pytest.approx(0.0014)]
    assert history["reward"] == [
        ["0x0", "0x0", "0x0"],
        [hex(GWEI), hex(GWEI), hex(3 * GWEI)],
    ]
    assert chain.rpc("eth_feeHistory", 1, "0x0")["oldestBlock"] == "0x0"


@pytest.mark.parametrize("wrong", [(0, "latest"), (1, "latest", [9, 1]), (1, "latest", ["a"])])
def test_a_question_about_fees_that_makes_no_sense_is_refused(chain, wrong):
    assert refusal(chain, "eth_feeHistory", *wrong)[0] == -32602
