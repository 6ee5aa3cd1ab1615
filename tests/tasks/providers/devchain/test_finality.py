from __future__ import annotations

from tests.conftest import wait_until
from tests.tasks.providers.devchain.conftest import height, send


def test_a_transaction_becomes_final_by_itself_and_then_no_more_blocks_are_made(new_devchain):
    chain = new_devchain()

    tx_hash = send(chain)
    receipt = wait_until(lambda: chain.rpc("eth_getTransactionReceipt", tx_hash))
    wait_until(lambda: height(chain, "finalized") == 1)

    assert (receipt["status"], receipt["blockNumber"]) == ("0x1", "0x1")
    assert [height(chain, name) for name in ("earliest", "finalized", "safe")] == [0, 1, 2]
    assert [height(chain, name) for name in ("latest", "pending")] == [3, 4]
