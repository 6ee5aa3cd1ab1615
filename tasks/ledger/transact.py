"""What a handler asks of the ledger: one call of a contract, put on chain exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.job.context import Context


class Call(NamedTuple):
    """A function of one of our contracts, with its arguments."""

    contract: str
    function: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Mined:
    """A transaction in a block that is final."""

    #: 0x and hexadecimal digits, as are the others.
    hash: str
    raw: str
    block_hash: str
    block_number: int
    #: Of all that one account has sent, higher ones come later.
    nonce: int
    #: The contract's events by name, decoded.
    events: Mapping[str, Mapping[str, Any]]


def transact(ctx: Context, call: Call, *, step: str = "send") -> Mined:
    """Put a call on chain, signed by whoever signs for the job's tenant; return it once final.

    The first attempt at a job sends the transaction and parks the job; when the transaction is
    final the job is woken and its handler runs again, and then this returns. A job that needs
    several transactions names a step for each.

    Raises:
        Wait: it is on its way.
        Permanent: the contract refuses it, with the contract's reason as the text; the code is
            `reverted`.
        Temporary: the node is away or refuses, and may not do so later.
    """
    # Late, since whoever lists the types of jobs need not load what signs for them.
    from tasks.ledger.engine import put  # noqa: PLC0415

    return put(ctx, call, step)
