"""Blocks, their receipts and their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.providers.devchain import answers
from tasks.providers.devchain.admission import decode
from tasks.providers.devchain.faults import BAD_PARAMETERS, Fault, Refused
from tasks.providers.devchain.hexes import (
    Misspelt,
    data,
    quantity,
    read_address,
    read_hash,
)
from tasks.providers.devchain.places import (
    PENDING,
    find,
    height_of,
    read_flag,
    read_place,
    type_place,
)
from tasks.providers.devchain.rpc import Method, Parameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth.abc import BlockHeaderAPI

    from tasks.providers.devchain.chain import Chain
    from tasks.providers.devchain.node import Node
    from tasks.providers.devchain.store import Placed

#: Logs in one answer at the most.
MOST_LOGS = 10_000
_TOPICS = 4


def methods(node: Node) -> dict[str, Method]:
    """Return the methods by their names."""
    chain = node.chain

    def block(place: type_place, hydrated: bool) -> dict[str, Any] | None:  # noqa: FBT001
        if place == PENDING:
            return _pending(node, hydrated=hydrated)
        header = find(chain, place)
        return _block(chain, header, hydrated=hydrated) if header else None

    def receipts(place: type_place) -> list[dict[str, Any]] | None:
        header = find(chain, place)
        if header is None:
            return None
        return [placed.receipt for placed in chain.store.transactions(header.block_number)]

    hydrated = Parameter(read_flag, default=False)
    return {
        "eth_blockNumber": Method(lambda: quantity(chain.head.block_number)),
        "eth_getBlockByNumber": Method(block, (Parameter(read_place), hydrated)),
        "eth_getBlockByHash": Method(block, (Parameter(read_hash), hydrated)),
        "eth_getBlockReceipts": Method(receipts, (Parameter(_read_place_or_hash),)),
        "eth_getLogs": Method(lambda wanted: _logs(chain, wanted), (Parameter(_read_filter),)),
    }


def _block(chain: Chain, header: BlockHeaderAPI, *, hydrated: bool) -> dict[str, Any]:
    row = chain.store.block(header.block_number)
    found: list[Any]
    if hydrated:
        found = [transaction(placed) for placed in chain.store.transactions(header.block_number)]
    else:
        found = [data(tx_hash) for tx_hash in chain.store.hashes(header.block_number)]
    return answers.block(header, row.size if row else 0, found)


def _pending(node: Node, *, hydrated: bool) -> dict[str, Any]:
    """Return the block that is next, as far as it is known: without what only sealing gives it."""
    with node.lock:
        header = node.chain.next_header()
        waiting = list(node.pool.ready())
    found = [
        answers.transaction(one.transaction, one.hash, one.sender) if hydrated else data(one.hash)
        for one in waiting
    ]
    unknown = dict.fromkeys(("hash", "nonce", "miner", "logsBloom"))
    return answers.block(header, 0, found) | unknown


def transaction(placed: Placed) -> dict[str, Any]:
    """Return a transaction that is in a block."""
    sender = bytes.fromhex(placed.receipt["from"][2:])
    return answers.transaction(decode(placed.raw), placed.hash, sender, placed.receipt)


def _read_place_or_hash(given: Any) -> type_place:
    is_hash = isinstance(given, str) and len(given) == 66  # noqa: PLR2004 - 0x and 32 bytes
    return read_hash(given) if is_hash else read_place(given)


def _read_filter(given: Any) -> dict[str, Any]:
    """Read which logs are wanted."""
    if not isinstance(given, dict):
        raise Misspelt("not an object")
    topics = given.get("topics") or []
    if not isinstance(topics, list) or len(topics) > _TOPICS:
        raise Misspelt("exceed max topics")
    wanted: dict[str, Any] = {
        "addresses": _one_or_several(given.get("address"), read_address),
        "topics": [_one_or_several(topic, read_hash) for topic in topics],
    }
    if given.get("blockHash") is not None:
        if given.get("fromBlock") is not None or given.get("toBlock") is not None:
            raise Misspelt(
                "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other"
            )
        return {**wanted, "block": read_hash(given["blockHash"])}
    for name in ("fromBlock", "toBlock"):
        place = given.get(name)
        wanted[name] = read_place("latest" if place is None else place)
    return wanted


def _one_or_several(given: Any, read: Callable[[Any], bytes]) -> list[bytes]:
    if given is None:
        return []
    return [read(one) for one in given] if isinstance(given, list) else [read(given)]


def _logs(chain: Chain, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    if "block" in wanted:
        header = chain.header_of(wanted["block"])
        if header is None:
            raise Refused("unknown block")
        first = last = int(header.block_number)
    else:
        first, last = (height_of(chain, wanted[name]) for name in ("fromBlock", "toBlock"))
        if first > last:
            raise Fault(BAD_PARAMETERS, "invalid block range params")
    found = chain.store.logs(first, last, wanted["addresses"], wanted["topics"], MOST_LOGS + 1)
    if len(found) > MOST_LOGS:
        raise Refused(f"query returned more than {MOST_LOGS} results")
    return found
