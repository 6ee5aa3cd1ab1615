"""What gas costs and did cost."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tasks.providers.devchain.evm import base_fee_of
from tasks.providers.devchain.hexes import Misspelt, quantity, read_quantity
from tasks.providers.devchain.places import get, read_place, type_place
from tasks.providers.devchain.rpc import Method, Parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eth.abc import BlockHeaderAPI

    from tasks.providers.devchain.node import Node
    from tasks.providers.devchain.store import Placed

#: What callers are told to offer beyond the base fee, in wei.
TIP = 10**9
#: Blocks in one answer at the most.
MOST_BLOCKS = 1_024


def methods(node: Node) -> dict[str, Method]:
    """Return the methods by their names."""
    chain = node.chain

    def history(count: int, place: type_place, percentiles: Sequence[float]) -> dict[str, Any]:
        newest = get(chain, place)
        oldest = max(0, newest.block_number - min(count, MOST_BLOCKS) + 1)
        heights = range(oldest, newest.block_number + 1)
        headers = [header for height in heights if (header := chain.header_at(height))]
        base_fees = [base_fee_of(header) for header in headers]
        found: dict[str, Any] = {
            "oldestBlock": quantity(oldest),
            "baseFeePerGas": [quantity(fee) for fee in (*base_fees, chain.next_base_fee(newest))],
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        }
        if percentiles:
            found["reward"] = [_rewards(node, header, percentiles) for header in headers]
        return found

    return {
        "eth_gasPrice": Method(lambda: quantity(chain.next_base_fee() + TIP)),
        "eth_maxPriorityFeePerGas": Method(lambda: quantity(TIP)),
        "eth_feeHistory": Method(
            history,
            (Parameter(_read_count), Parameter(read_place), Parameter(_read_percentiles, ())),
        ),
    }


def _rewards(node: Node, header: BlockHeaderAPI, percentiles: Sequence[float]) -> list[str]:
    """Return the tips up to which shares of a block's gas were paid."""
    paid = sorted(
        _paid(placed, header) for placed in node.chain.store.transactions(header.block_number)
    )
    rewards = []
    for percentile in percentiles:
        left = header.gas_used * percentile / 100
        reward = 0
        for tip, gas in paid:
            reward, left = tip, left - gas
            if left <= 0:
                break
        rewards.append(quantity(reward))
    return rewards


def _paid(placed: Placed, header: BlockHeaderAPI) -> tuple[int, int]:
    """Return the tip that a transaction paid for a unit of gas, and the gas."""
    price, gas = (int(placed.receipt[name], 16) for name in ("effectiveGasPrice", "gasUsed"))
    return price - base_fee_of(header), gas


def _read_count(given: Any) -> int:
    count = given if isinstance(given, int) else read_quantity(given)
    if isinstance(count, bool) or count < 1:
        raise Misspelt("not a number of blocks")
    return count


def _read_percentiles(given: Any) -> list[float]:
    if not isinstance(given, list) or not all(isinstance(one, int | float) for one in given):
        raise Misspelt("not a list of percentiles")
    if not all(low <= high for low, high in pairwise([0, *given, 100])):
        raise Misspelt("not percentiles in their order")
    return given
