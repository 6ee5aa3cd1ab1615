"""Blocks, transactions, receipts and logs as Ethereum's JSON-RPC has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.providers.devchain.evm import base_fee_of
from tasks.providers.devchain.hexes import data, quantity, word

if TYPE_CHECKING:
    from eth.abc import BlockHeaderAPI, SignedTransactionAPI

    from tasks.providers.devchain.building import Applied

LEGACY, ACCESS_LIST, DYNAMIC_FEE = 0, 1, 2


def type_of(transaction: SignedTransactionAPI) -> int:
    """Return the type of a transaction, 0 for those from before there were types."""
    return transaction.type_id or LEGACY


def block(header: BlockHeaderAPI, size: int, transactions: list[Any]) -> dict[str, Any]:
    """Return a block, with transactions or their hashes."""
    return {
        "number": quantity(header.block_number),
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "mixHash": data(header.mix_hash),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": f"0x{header.bloom:0512x}",
        "transactionsRoot": data(header.transaction_root),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipt_root),
        "miner": data(header.coinbase),
        "difficulty": quantity(header.difficulty),
        "extraData": data(header.extra_data),
        "size": quantity(size),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "baseFeePerGas": quantity(base_fee_of(header)),
        "withdrawalsRoot": data(header.withdrawals_root or b""),
        "blobGasUsed": quantity(header.blob_gas_used),
        "excessBlobGas": quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root or b""),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


def transaction(
    one: SignedTransactionAPI,
    tx_hash: bytes,
    sender: bytes,
    receipt: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a transaction: one in a block with its receipt, or one that waits."""
    kind = type_of(one)
    found = {
        "hash": data(tx_hash),
        "type": quantity(kind),
        "nonce": quantity(one.nonce),
        "from": data(sender),
        "to": data(one.to) if one.to else None,
        "value": quantity(one.value),
        "gas": quantity(one.gas),
        "gasPrice": receipt["effectiveGasPrice"] if receipt else quantity(one.max_fee_per_gas),
        "input": data(one.data),
        "blockHash": receipt["blockHash"] if receipt else None,
        "blockNumber": receipt["blockNumber"] if receipt else None,
        "transactionIndex": receipt["transactionIndex"] if receipt else None,
        "r": quantity(one.r),
        "s": quantity(one.s),
        "v": quantity(getattr(one, "v", one.y_parity) if kind == LEGACY else one.y_parity),
    }
    if one.chain_id is not None:
        found["chainId"] = quantity(one.chain_id)
    if kind != LEGACY:
        found["yParity"] = quantity(one.y_parity)
        found["accessList"] = [_access(*entry) for entry in one.access_list]
    if kind == DYNAMIC_FEE:
        found["maxFeePerGas"] = quantity(one.max_fee_per_gas)
        found["maxPriorityFeePerGas"] = quantity(one.max_priority_fee_per_gas)
    return found


def _access(address: bytes, slots: Any) -> dict[str, Any]:
    return {"address": data(address), "storageKeys": [word(slot) for slot in slots]}


def receipt(
    header: BlockHeaderAPI, done: Applied, *, position: int, gas_before: int, logs_before: int
) -> dict[str, Any]:
    """Return the receipt of a transaction, given what those before it in the block used."""
    one = done.waiting.transaction
    place = {
        "blockHash": data(header.hash),
        "blockNumber": quantity(header.block_number),
        "transactionHash": data(done.waiting.hash),
        "transactionIndex": quantity(position),
    }
    base_fee = base_fee_of(header)
    return {
        **place,
        "type": quantity(type_of(one)),
        "status": quantity(int.from_bytes(done.receipt.state_root, "big")),
        "from": data(done.waiting.sender),
        "to": data(one.to) if one.to else None,
        "contractAddress": data(done.contract) if done.contract else None,
        "cumulativeGasUsed": quantity(done.receipt.gas_used),
        "gasUsed": quantity(done.receipt.gas_used - gas_before),
        "effectiveGasPrice": quantity(base_fee + done.waiting.tip(base_fee)),
        "logsBloom": f"0x{done.receipt.bloom:0512x}",
        "logs": [
            {
                "address": data(log.address),
                "topics": [word(topic) for topic in log.topics],
                "data": data(log.data),
                **place,
                "logIndex": quantity(number),
                "removed": False,
            }
            for number, log in enumerate(done.receipt.logs, logs_before)
        ],
    }
