"""Whether signed bytes are a transaction that a block of this chain could hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rlp
from eth.exceptions import PyEVMError
from eth.vm.forks.cancun.transactions import CancunTransactionBuilder
from eth.vm.forks.shanghai.constants import INITCODE_WORD_COST, MAX_INITCODE_SIZE
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from tasks.providers.devchain.answers import DYNAMIC_FEE, type_of
from tasks.providers.devchain.evm import GAS_LIMIT, keccak
from tasks.providers.devchain.faults import Refused
from tasks.providers.devchain.pool import Waiting

if TYPE_CHECKING:
    from eth.abc import SignedTransactionAPI
    from eth_typing import Address

#: The longest transaction, bytes.
LONGEST = 128 * 1024
#: The highest s of a signature (EIP-2): half the order of the curve.
_HIGHEST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def admit(raw: bytes, chain_id: int) -> Waiting:
    """Return a transaction, ready to wait.

    Raises:
        Refused: in the words of go-ethereum.
    """
    if len(raw) > LONGEST:
        raise Refused(f"oversized data: transaction size {len(raw)}, limit {LONGEST}")
    transaction = _decode(raw)
    if type_of(transaction) > DYNAMIC_FEE:
        raise Refused("transaction type not supported")
    if transaction.chain_id != chain_id:
        raise Refused(
            "only replay-protected (EIP-155) transactions allowed over RPC"
            if transaction.chain_id is None
            else "invalid sender: invalid chain id for signer: "
            f"have {transaction.chain_id} want {chain_id}"
        )
    _check_gas(transaction)
    _check_fees(transaction)
    return Waiting(
        transaction=transaction,
        hash=bytes(keccak(raw)),
        raw=raw,
        sender=_sender(transaction),
        cost=transaction.value + transaction.gas * transaction.max_fee_per_gas,
    )


def decode(raw: bytes) -> SignedTransactionAPI:
    """Return the transaction of bytes that were admitted."""
    return CancunTransactionBuilder.decode(raw)


def _decode(raw: bytes) -> SignedTransactionAPI:
    try:
        return decode(raw)
    except PyEVMError:
        raise Refused("transaction type not supported") from None
    except (rlp.exceptions.RLPException, ValidationError, ValueError, TypeError) as error:
        raise Refused(f"rlp: {error}") from None


def _sender(transaction: SignedTransactionAPI) -> Address:
    if transaction.s > _HIGHEST_S:
        raise Refused("invalid sender: invalid transaction v, r, s values")
    try:
        return transaction.sender
    except (BadSignature, ValidationError, ValueError):
        raise Refused("invalid sender: invalid transaction v, r, s values") from None


def _check_gas(transaction: SignedTransactionAPI) -> None:
    if transaction.gas > GAS_LIMIT:
        raise Refused("exceeds block gas limit")
    needed = transaction.intrinsic_gas
    if not transaction.to:
        size = len(transaction.data)
        if size > MAX_INITCODE_SIZE:
            raise Refused(
                f"max initcode size exceeded: code size {size}, limit {MAX_INITCODE_SIZE}"
            )
        needed += INITCODE_WORD_COST * ((size + 31) // 32)
    if transaction.gas < needed:
        raise Refused(f"intrinsic gas too low: gas {transaction.gas}, minimum needed {needed}")


def _check_fees(transaction: SignedTransactionAPI) -> None:
    tip, fee = transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas
    if tip > fee:
        raise Refused(
            "max priority fee per gas higher than max fee per gas: "
            f"maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee}"
        )
    if tip < 1:
        raise Refused(f"transaction underpriced: gas tip cap {tip}, minimum needed 1")
