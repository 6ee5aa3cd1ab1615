"""The pass that looks after every transaction on its way, lowest nonce first.

It settles what is final, notices what a reorganization undid, sends again what the node lost,
pays more for what is stuck, and wakes the jobs that wait. Whatever it does may be done twice.
"""

from __future__ import annotations

import time
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import structlog

from tasks.clients.ledger import NodeRefused
from tasks.job import store
from tasks.ledger.abi import revert_reason
from tasks.ledger.signers import Fees, Order
from tasks.records import ledger as records
from tasks.records.ledger import Mined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from config.database import Database
    from config.settings import Settings
    from tasks.clients.ledger import Receipt
    from tasks.job.queue import Bell
    from tasks.ledger.engine import Ledger
    from tasks.records.ledger import Attempt, Open

log = structlog.get_logger(__name__)

#: Transactions that one pass looks at, and of them those whose receipts it asks for.
MOST_OPEN, MOST_RECEIPTS = 5_000, 500
#: A replacement pays this much more than what it replaces; nodes ask for a tenth.
RAISE = 1.125
#: How long what a node refuses is left alone: doubling from the first to the last; seconds.
FIRST_PAUSE, LAST_PAUSE = 0.5, 10.0


class _End(NamedTuple):
    """How a transaction ended."""

    transaction: Open
    state: str
    mined: Mined | None
    reason: str | None = None
    logs: Sequence[Mapping[str, object]] = ()


class Settlement:
    """Looks after transactions; one process at a time needs to, and more do no harm."""

    def __init__(self, settings: Settings, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        self._node = ledger.node
        self._finality = settings.chain_finality
        self._stuck_seconds = settings.chain_stuck_seconds
        #: For each sender the transaction that was next when we last looked.
        self._next: dict[str, int] = {}
        #: When a sender's transactions may be sent again, and how long the pause was.
        self._pauses: dict[str, tuple[float, float]] = {}

    def once(self) -> list[Bell]:
        """Look once at everything that is open; return the bells of the jobs that may go on.

        Raises:
            NodeAway: the node does not answer; the next pass will do.
        """
        with self._database.statement() as connection:
            found = records.open_transactions(connection, limit=MOST_OPEN)
        if found:
            final = self._final_number()
            for sender, of_sender in groupby(found, key=lambda one: one.sender):
                self._look_after(sender, list(of_sender), final)
        return self._wake()

    def _final_number(self) -> int:
        """Return the number of the last final block, and notice if an earlier one was not."""
        word, _, depth = self._finality.partition(":")
        block = self._node.block("latest" if depth else word)
        number = block.number - int(depth or 0) if block else 0
        self._check_final(number)
        return number

    def _check_final(self, number: int) -> None:
        with self._database.statement() as connection:
            known = records.final_block(connection)
            if known and known[0] >= number:
                return
            hashes = self._node.hashes([n for n in (known and known[0], number) if n is not None])
            if known and hashes.get(known[0], known[1]) != known[1]:
                log.error("final_block_replaced", number=known[0], was=known[1])
            if number in hashes:
                records.set_final_block(connection, number, hashes[number])

    def _look_after(self, sender: str, found: Sequence[Open], final: int) -> None:
        count = self._node.count(sender, "latest")
        mined = [one for one in found if one.nonce < count]
        waiting = [one for one in found if one.nonce >= count]
        self._unsee(one for one in waiting if one.block_hash)
        due = [one for one in mined if one.block_number is None or one.block_number <= final]
        if due:
            self._settle(sender, due[:MOST_RECEIPTS], final)
        if waiting:
            self._push(sender, waiting)

    def _unsee(self, undone: Iterable[Open]) -> None:
        """Note that the blocks of transactions are gone; their bytes will be sent again."""
        for one in undone:
            log.warning("transaction_unmined", job=one.job_id, block=one.block_hash)
            with self._database.statement() as connection:
                records.see(connection, one.id, None)

    def _settle(self, sender: str, found: Sequence[Open], final: int) -> None:
        """End what is in a final block, and note the blocks of the rest."""
        with self._database.statement() as connection:
            attempts = records.attempts(connection, [one.id for one in found])
        hashes = [attempt.hash for one in found for attempt in attempts[one.id]]
        receipts = self._node.receipts(hashes)
        canonical = self._node.hashes(
            sorted({r.block_number for r in receipts.values() if r.block_number <= final})
        )
        lost: list[Open] = []
        ends: list[_End] = []
        for one in found:
            receipt = next((receipts[a.hash] for a in attempts[one.id] if a.hash in receipts), None)
            if receipt is None:
                lost.append(one)
            elif canonical.get(receipt.block_number) == receipt.block_hash:
                ends.append(self._end(one, receipt))
            else:
                self._see(one, receipt)
        if lost:
            ends += self._displaced(sender, lost)
        self._keep(ends)

    def _see(self, one: Open, receipt: Receipt) -> None:
        if one.block_hash == receipt.block_hash:
            return
        if one.block_hash:
            log.warning("transaction_moved", job=one.job_id, block=receipt.block_hash)
        with self._database.statement() as connection:
            records.see(connection, one.id, _where(receipt))

    def _end(self, one: Open, receipt: Receipt) -> _End:
        mined = _where(receipt)
        if receipt.succeeded:
            return _End(one, "final", mined, logs=receipt.logs)
        return _End(one, "reverted", mined, reason=self._why(one, receipt))

    def _why(self, one: Open, receipt: Receipt) -> str:
        """Return why a contract refused: on the state before the block, else on the block's own.

        The cause may stand in the same block, where the state before does not show it.
        """
        with self._database.statement() as connection:
            kept = records.get(connection, one.id)
        for block in (receipt.block_number - 1, receipt.block_number):
            try:
                self._node.replay(kept.sender, kept.target, kept.data, block)
            except NodeRefused as refused:
                return revert_reason(bytes.fromhex(refused.data.removeprefix("0x")))
        return "the contract refused it"

    def _displaced(self, sender: str, lost: Sequence[Open]) -> list[_End]:
        """Return those whose nonce was used by somebody else, for good."""
        count = self._node.count(sender, "finalized")
        ends = [_End(one, "displaced", None) for one in lost if one.nonce < count]
        for end in ends:
            log.error("nonce_taken", job=end.transaction.job_id, nonce=end.transaction.nonce)
        return ends

    def _keep(self, ends: Sequence[_End]) -> None:
        if not ends:
            return
        with self._database.transaction() as connection:
            for one, state, mined, reason, logs in ends:
                records.settle(connection, one.id, state, mined=mined, reason=reason, logs=logs)
        for end in ends:
            log.info("transaction_settled", job=end.transaction.job_id, state=end.state)

    def _push(self, sender: str, waiting: Sequence[Open]) -> None:
        """See to it that the lowest waiting nonce, which holds up all others, gets on."""
        head = waiting[0]
        is_new = self._next.get(sender) != head.id
        self._next[sender] = head.id
        not_before, pause = self._pauses.get(sender, (0.0, 0.0))
        if is_new or time.monotonic() < not_before:
            return
        with self._database.statement() as connection:
            attempts = records.attempts(connection, [head.id])[head.id]
        if not self._node.knows(attempts[-1].hash):
            refused = self._send_again(waiting[:MOST_RECEIPTS])
            pause = min(max(2 * pause, FIRST_PAUSE), LAST_PAUSE) if refused else FIRST_PAUSE
            self._pauses[sender] = (time.monotonic() + pause, pause if refused else 0.0)
        elif attempts[-1].age > self._stuck_seconds:
            self._raise_fee(head, attempts[-1])

    def _send_again(self, waiting: Sequence[Open]) -> bool:
        """Send what the node does not have; tell whether it refuses the first of them."""
        with self._database.statement() as connection:
            attempts = records.attempts(connection, [one.id for one in waiting])
        sent = [attempts[one.id][-1] for one in waiting]
        refusals = self._node.send([attempt.raw for attempt in sent])
        with self._database.statement() as connection:
            records.mark_sent(connection, [attempt.hash for attempt in sent])
        log.info("transactions_sent_again", jobs=[one.job_id for one in waiting])
        if refusals[0]:
            age = round(sent[0].age)
            log.warning("transaction_refused", job=waiting[0].job_id, reason=refusals[0], age=age)
        return bool(refusals[0])

    def _raise_fee(self, head: Open, last: Attempt) -> None:
        """Sign the same nonce again with higher fees, keep that, and send it."""
        fees = self._raised(last)
        if fees is None:
            log.warning("transaction_stuck", job=head.job_id, nonce=head.nonce, age=round(last.age))
            return
        with self._database.statement() as connection:
            kept = records.get(connection, head.id)
        order = Order(self._ledger.chain_id, kept.nonce, kept.target, kept.data, kept.gas)
        signed = self._ledger.signers.sign(kept.sender, order, fees)
        with self._database.statement() as connection:
            records.add_attempt(connection, kept.id, signed.hash, signed.raw, fees)
        self._node.send([signed.raw])
        with self._database.statement() as connection:
            records.mark_sent(connection, [signed.hash])
        log.info("transaction_fee_raised", job=head.job_id, nonce=head.nonce, hash=signed.hash)

    def _raised(self, last: Attempt) -> Fees | None:
        """Return higher fees, at least what is usual now; None where that is more than allowed."""
        block = self._node.block("latest")
        usual = 2 * block.base_fee if block else 0
        tip = int(last.max_priority * RAISE) + 1
        most = max(int(last.max_fee * RAISE) + 1, usual + tip)
        most = min(most, self._ledger.max_fee)
        return Fees(most, min(tip, most)) if most >= last.max_fee * 1.1 else None

    def _wake(self) -> list[Bell]:
        with self._database.statement() as connection:
            waiting = records.unheeded(connection)
            return store.wake(connection, waiting) if waiting else []


def _where(receipt: Receipt) -> Mined:
    return Mined(receipt.hash, receipt.block_hash, receipt.block_number)
