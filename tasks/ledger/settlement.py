"""The pass that looks after every transaction on its way, lowest nonce first.

It settles what is final, notices what a reorganization undid, gets on what no block has taken, and
wakes the jobs that wait. Whatever it does may be done twice.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import structlog

from tasks.clients.ledger import NodeRefused
from tasks.job import store
from tasks.ledger.abi import revert_reason
from tasks.ledger.pushing import Pushing
from tasks.ledger.signers import SignersFaulty
from tasks.records import ledger as records
from tasks.records.ledger import Mined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from config.database import Database
    from config.settings import Settings
    from tasks.clients.ledger import Receipt
    from tasks.job.queue import Bell
    from tasks.ledger.engine import Ledger
    from tasks.records.ledger import Open

log = structlog.get_logger(__name__)

#: Transactions of a sender that one pass looks at, and those whose receipts it asks for.
MOST_OPEN, MOST_RECEIPTS = 5_000, 500
#: Transactions without a receipt that one pass asks about again, one by one.
MOST_LOST = 20


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
        self._pushing = Pushing(settings, database, ledger)

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
                try:
                    self._look_after(sender, list(of_sender), final)
                except (NodeRefused, SignersFaulty) as fault:
                    # Its own trouble: the others get on.
                    log.error("sender_faulty", sender=sender, reason=str(fault))  # noqa: TRY400
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
            self._settle(due[:MOST_RECEIPTS], final)
        if waiting:
            self._pushing.push(waiting)

    def _unsee(self, undone: Iterable[Open]) -> None:
        """Note that the blocks of transactions are gone; their bytes will be sent again."""
        for one in undone:
            log.warning("transaction_unmined", job=one.job_id, block=one.block_hash)
            with self._database.statement() as connection:
                records.see(connection, one.id, None)

    def _settle(self, found: Sequence[Open], final: int) -> None:
        """End what is in a final block, and note the blocks of the rest."""
        with self._database.statement() as connection:
            attempts = records.attempts(connection, [one.id for one in found])
        hashes = [attempt.hash for one in found for attempt in attempts[one.id]]
        receipts = self._node.receipts(hashes)
        canonical = self._node.hashes(
            sorted({r.block_number for r in receipts.values() if r.block_number <= final})
        )
        lost: list[tuple[Open, list[str]]] = []
        ends: list[_End] = []
        for one in found:
            landed = next((a for a in attempts[one.id] if a.hash in receipts), None)
            if landed is None:
                lost.append((one, [attempt.hash for attempt in attempts[one.id]]))
                continue
            receipt = receipts[landed.hash]
            if canonical.get(receipt.block_number) == receipt.block_hash:
                ends.append(self._end(one, receipt, is_empty=landed.is_empty))
            else:
                self._see(one, receipt)
        self._keep(ends)
        self._keep([_End(one, "displaced", None) for one in self._displaced(lost, final)])

    def _see(self, one: Open, receipt: Receipt) -> None:
        if one.block_hash == receipt.block_hash:
            return
        if one.block_hash:
            log.warning("transaction_moved", job=one.job_id, block=receipt.block_hash)
        with self._database.statement() as connection:
            records.see(connection, one.id, _where(receipt))

    def _end(self, one: Open, receipt: Receipt, *, is_empty: bool) -> _End:
        mined = _where(receipt)
        if is_empty:
            return _End(one, "void", mined)
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
                if refused.data:  # else it may only say that it has that state no more
                    return revert_reason(bytes.fromhex(refused.data.removeprefix("0x")))
        return "the contract refused it without a reason"

    def _displaced(self, lost: Sequence[tuple[Open, list[str]]], final: int) -> Iterator[Open]:
        """Yield those whose nonce was used by somebody else, for good.

        Only these are given another nonce, so that a node which is behind must not count as one
        that knows of no receipt: it is asked for both at once.
        """
        for one, hashes in lost[:MOST_LOST]:
            count, receipts = self._node.used(one.sender, final, hashes)
            if one.nonce < count and not receipts:
                log.error("nonce_taken", job=one.job_id, nonce=one.nonce)
                yield one

    def _keep(self, ends: Sequence[_End]) -> None:
        if not ends:
            return
        with self._database.transaction() as connection:
            for one, state, mined, reason, logs in ends:
                records.settle(connection, one.id, state, mined=mined, reason=reason, logs=logs)
        for end in ends:
            log.info("transaction_settled", job=end.transaction.job_id, state=end.state)

    def _wake(self) -> list[Bell]:
        with self._database.statement() as connection:
            waiting = records.unheeded(connection)
            return store.wake(connection, waiting) if waiting else []


def _where(receipt: Receipt) -> Mined:
    return Mined(receipt.hash, receipt.block_hash, receipt.block_number)
