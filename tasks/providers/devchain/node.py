"""The node: the chain, the pool and the timer that makes blocks out of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from tasks.providers.devchain.admission import admit
from tasks.providers.devchain.building import Draft, Unfit
from tasks.providers.devchain.evm import base_fee_of
from tasks.providers.devchain.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eth_typing import Address

    from tasks.providers.devchain.chain import Chain

log = structlog.get_logger(__name__)

#: How long the timer's blocks take transactions; what is left goes into the next.
BUILD_SECONDS = 0.2
#: How long the timer waits after a block that failed; seconds.
_FAILED_SECONDS = 1.0


class Node:
    """One chain, its pool, and a thread that makes blocks. Threads may share it."""

    def __init__(self, chain: Chain, block_seconds: float) -> None:
        self.chain = chain
        self.pool = Pool()
        #: Held for moments, by whoever looks at the pool or moves the chain.
        self.lock = threading.RLock()
        #: Held while a block is made, for there is one at a time.
        self._making = threading.Lock()
        #: Told whenever there may be a reason for a block that there was not before.
        self._changed = threading.Condition(self.lock)
        self._is_closing = False
        self._seconds = block_seconds
        self._timer = threading.Thread(target=self._run, name="timer", daemon=True)

    def start(self) -> None:
        """Begin to make blocks."""
        self._timer.start()

    def close(self) -> None:
        """Finish the block that is being made, and make no more."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._timer.join()
        with self._making:
            self.chain.store.close()

    def send(self, raw: bytes) -> bytes:
        """Let a signed transaction wait for a block; return its hash.

        Raises:
            Refused: in the words of go-ethereum.
        """
        waiting = admit(raw, self.chain.id)
        with self._changed:
            accounts = self.chain.accounts()
            self.pool.add(
                waiting,
                next_nonce=accounts.get_nonce(waiting.sender),
                balance=accounts.get_balance(waiting.sender),
            )
            self._changed.notify()
        return waiting.hash

    def pace(self, seconds: float) -> None:
        """Make blocks this long after there is a reason to; 0 stops making them at once."""
        with self._making, self._changed:
            self._seconds = seconds
            self._changed.notify()

    def mine(self, balances: Mapping[Address, int] | None = None) -> None:
        """Make a block, an empty one where nothing waits; first of all give balances."""
        with self._making:
            self._make(balances=balances)

    def _make(
        self, *, seconds: float | None = None, balances: Mapping[Address, int] | None = None
    ) -> None:
        """Make a block of what is fit for one; what is not is forgotten, and holds up nobody."""
        while True:
            with self.lock:
                header = self.chain.next_header()
                selection = self.pool.select(base_fee_of(header))
            draft = Draft(self.chain, header, balances or {})
            try:
                draft.take(selection, seconds)
            except Unfit as unfit:
                log.warning("transaction_unfit", hash=str(unfit), exc_info=unfit.__cause__)
                self.drop(unfit.waiting.hash)
            else:
                return self._append(draft)

    def _append(self, draft: Draft) -> None:
        built = draft.finish()
        with self._changed:
            self.chain.append(built)
            self.pool.settle(draft.senders(), self.chain.accounts().get_nonce)
            self._changed.notify()

    def reorganize(self, depth: int) -> None:
        """Replace the highest blocks; their transactions are gone."""
        with self._making, self._changed:
            self.chain.reorganize(depth)
            self.pool.settle(self.pool.senders(), self.chain.accounts().get_nonce)
            self._changed.notify()

    def ask_base_fee(self, base_fee: int) -> None:
        """Have the next block, and only that, have this base fee."""
        with self._making, self.lock:
            self.chain.asked_base_fee = base_fee

    def drop(self, tx_hash: bytes) -> bool:
        """Forget a transaction that waits; tell whether there was one."""
        with self.lock:
            return self.pool.drop(tx_hash) is not None

    def _is_due(self) -> bool:
        """Tell whether there is a reason for a block: something to take, or to make final."""
        return self._seconds > 0 and (
            not self.chain.is_settled() or self.pool.has_ready(self.chain.next_base_fee())
        )

    def _wait(self, condition: Callable[[], bool], seconds: float | None = None) -> None:
        """Wait for a condition, for the time to run out, or for the node's end."""
        self._changed.wait_for(lambda: self._is_closing or condition(), seconds)

    def _run(self) -> None:
        while not self._is_closing:
            with self._changed:
                self._wait(self._is_due)
                pace = self._seconds
                self._wait(lambda: self._seconds != pace, pace)  # noqa: B023 - it is called here
            try:
                self._tick()
            except Exception as error:
                log.exception("block_failed", exc_info=error)
                with self._changed:
                    self._wait(lambda: False, _FAILED_SECONDS)

    def _tick(self) -> None:
        """Make a block if there still is a reason, which may have gone with the wait."""
        with self._making:
            with self.lock:
                is_due = self._is_due() and not self._is_closing
            if is_due:
                self._make(seconds=BUILD_SECONDS)
