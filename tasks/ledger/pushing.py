"""Gets on what no block has taken yet: of each sender the lowest nonce, which holds up all others.

What the node lost is sent again, what pays too little pays more. What the node refuses for good
gives up its nonce to a transfer of nothing to oneself, so that what was signed behind it gets on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import structlog

from tasks.clients.ledger import NodeRefused
from tasks.ledger.engine import gas_limit
from tasks.ledger.signers import Fees, Order
from tasks.records import ledger as records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.database import Database
    from config.settings import Settings
    from tasks.ledger.engine import Ledger
    from tasks.records.ledger import Attempt, Open

log = structlog.get_logger(__name__)

#: Transactions of one sender that are sent together.
MOST_SENT = 500
#: A replacement pays this much more than what it replaces; nodes ask for a tenth.
RAISE = 1.125
#: How long what a node refuses is left alone: doubling from the first to the last; seconds.
FIRST_PAUSE, LAST_PAUSE = 0.5, 10.0
#: What a transfer takes on most chains.
GAS_OF_NOTHING = 21_000


@dataclass
class _Head:
    """What is remembered of the transaction that is the next of a sender."""

    id: int
    #: When it may be sent again, and how long the pause before was.
    not_before: float = 0.0
    pause: float = 0.0
    #: How often in a row the node did not know it.
    missed: int = 0
    #: Since when the node refuses it.
    refused_since: float | None = None


class _Forms(NamedTuple):
    """What was signed for one nonce: the last that does what it is to do, and what does nothing."""

    real: Attempt
    empty: Attempt | None


class Pushing:
    """Remembers what it saw, and no more: another process may begin anew at any time."""

    def __init__(self, settings: Settings, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        self._node = ledger.node
        self._stuck_seconds = settings.chain_stuck_seconds
        self._give_up_seconds = settings.chain_give_up_seconds
        #: By sender.
        self._heads: dict[str, _Head] = {}

    def push(self, waiting: Sequence[Open]) -> None:
        """See to it that the first of a sender's waiting transactions gets on.

        Raises:
            NodeAway: the node does not answer.
        """
        first = waiting[0]
        head = self._heads.get(first.sender)
        if head is None or head.id != first.id:
            # Its job has just sent it, or what was before it was mined a moment ago.
            self._heads[first.sender] = _Head(first.id)
            return
        if time.monotonic() < head.not_before:
            return
        forms = self._forms(first)
        known = next((one for one in forms if one and self._node.knows(one.hash)), None)
        if known is None:
            self._offer(head, forms, waiting)
        else:
            head.missed, head.refused_since = 0, None
            if known.age > self._stuck_seconds:
                self._raise_fee(first, known)

    def _forms(self, first: Open) -> _Forms:
        with self._database.statement() as connection:
            attempts = records.attempts(connection, [first.id])[first.id]
        real = [one for one in attempts if not one.is_empty]
        return _Forms(real[-1], next((one for one in reversed(attempts) if one.is_empty), None))

    def _offer(self, head: _Head, forms: _Forms, waiting: Sequence[Open]) -> None:
        """Send what the node does not have, and see whether it takes it."""
        first = waiting[0]
        head.missed += 1
        refusal = self._send_again(waiting[:MOST_SENT])
        if not refusal:
            head.refused_since = None
            head.not_before, head.pause = time.monotonic() + FIRST_PAUSE, 0.0
            # It says no, in words that are no error, to what pays too little to be kept.
            if head.missed > 1 and forms.real.age > self._stuck_seconds:
                self._raise_fee(first, forms.real)
            return
        log.warning(
            "transaction_refused", job=first.job_id, reason=refusal, age=round(forms.real.age)
        )
        now = time.monotonic()
        head.pause = min(max(2 * head.pause, FIRST_PAUSE), LAST_PAUSE)
        head.not_before = now + head.pause
        head.refused_since = head.refused_since or now
        if forms.empty is not None:
            self._send(forms.empty.hash, forms.empty.raw)
        elif now - head.refused_since >= self._give_up_seconds:
            self._give_up(first, forms.real, refusal)

    def _send_again(self, waiting: Sequence[Open]) -> str:
        """Send what the node does not have; return why it refuses the first of them, or ""."""
        with self._database.statement() as connection:
            attempts = records.attempts(connection, [one.id for one in waiting])
        sent = [
            next(form for form in reversed(attempts[one.id]) if not form.is_empty)
            for one in waiting
        ]
        refusals = self._node.send([attempt.raw for attempt in sent])
        with self._database.statement() as connection:
            records.mark_sent(connection, [attempt.hash for attempt in sent])
        log.info("transactions_sent_again", jobs=[one.job_id for one in waiting])
        return refusals[0]

    def _raise_fee(self, first: Open, last: Attempt) -> None:
        """Sign the same nonce again with higher fees, keep that, and send it."""
        fees = self._raised(last)
        if fees is None:
            age = round(last.age)
            log.warning("transaction_stuck", job=first.job_id, nonce=first.nonce, age=age)
            return
        tx_hash = self._sign(first, fees, is_empty=last.is_empty)
        log.info("transaction_fee_raised", job=first.job_id, nonce=first.nonce, hash=tx_hash)

    def _raised(self, last: Attempt) -> Fees | None:
        """Return higher fees, at least what is usual now; None where that is more than allowed."""
        block = self._node.block("latest")
        usual = 2 * block.base_fee if block else 0
        tip = int(last.max_priority * RAISE) + 1
        most = max(int(last.max_fee * RAISE) + 1, usual + tip)
        most = min(most, self._ledger.max_fee)
        return Fees(most, min(tip, most)) if most >= last.max_fee * 1.1 else None

    def _give_up(self, first: Open, last: Attempt, refusal: str) -> None:
        """Have the nonce used by a transfer of nothing. Of the two only one can be mined.

        Should the node take what was signed first after all, then that is what happens. Whoever
        lacks the funds for it has to be given them: a transfer would only cost what is left.
        """
        with self._database.statement() as connection:
            gas = records.get(connection, first.id).gas
        if self._node.balance(first.sender) < gas * last.max_fee:
            log.error("signer_without_funds", job=first.job_id, sender=first.sender)
            return
        with self._database.statement() as connection:
            records.give_up(connection, first.id, refusal)
        fees = self._raised(last) or Fees(last.max_fee, last.max_priority)
        tx_hash = self._sign(first, fees, is_empty=True)
        log.error("transaction_given_up", job=first.job_id, nonce=first.nonce, hash=tx_hash)

    def _sign(self, first: Open, fees: Fees, *, is_empty: bool) -> str:
        """Sign a nonce again, keep that, and then send it; return its hash."""
        with self._database.statement() as connection:
            kept = records.get(connection, first.id)
        order = Order(self._ledger.chain_id, kept.nonce, kept.target, kept.data, kept.gas)
        if is_empty:
            gas = self._gas_of_nothing(kept.sender)
            order = order._replace(target=kept.sender, data=b"", gas=gas)
        signed = self._ledger.signers.sign(kept.sender, order, fees)
        with self._database.statement() as connection:
            records.add_attempt(
                connection, kept.id, signed.hash, signed.raw, fees, is_empty=is_empty
            )
        self._send(signed.hash, signed.raw)
        return signed.hash

    def _gas_of_nothing(self, sender: str) -> int:
        try:
            return gas_limit(self._node.quote(sender, sender, b""))
        except NodeRefused:
            return GAS_OF_NOTHING

    def _send(self, tx_hash: str, raw: bytes) -> None:
        self._node.send([raw])
        with self._database.statement() as connection:
            records.mark_sent(connection, [tx_hash])
