"""The node: the chain, the pool and the timer that makes blocks out of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from tasks.providers.devchain.admission import admit
from tasks.providers.devchain.building import build
from tasks.providers.devchain.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        self._bell = threading.Event()
        self._closing = threading.Event()
        self._seconds = block_seconds
        self._timer = threading.Thread(target=self._run, name="timer", daemon=True)

    def start(self) -> None:
        """Begin to make blocks."""
        self._timer.start()

    def close(self) -> None:
        """Finish the block that is being made, and make no more."""
        self._closing.set()
        self._bell.set()
        self._timer.join()
        with self._making:
            self.chain.store.close()

    def send(self, raw: bytes) -> bytes:
        """Let a signed transaction wait for a block; return its hash.

        Raises:
            Refused: in the words of go-ethereum.
        """
        waiting = admit(raw, self.chain.id)
        with self.lock:
            accounts = self.chain.accounts()
            self.pool.add(
                waiting,
                next_nonce=accounts.get_nonce(waiting.sender),
                balance=accounts.get_balance(waiting.sender),
            )
        self._bell.set()
        return waiting.hash

    def pace(self, seconds: float) -> None:
        """Make blocks this long after there is a reason to; 0 stops making them."""
        self._seconds = seconds
        self._bell.set()

    def mine(
        self, *, seconds: float | None = None, balances: Mapping[Address, int] | None = None
    ) -> None:
        """Make a block, an empty one where nothing waits."""
        with self._making:
            with self.lock:
                selection = self.pool.select(self.chain.next_base_fee())
            built, hopeless = build(self.chain, selection, seconds=seconds, balances=balances)
            with self.lock:
                self.chain.append(built)
                for waiting in hopeless:
                    self.pool.drop(waiting.hash)
                self._settle()

    def reorganize(self, depth: int) -> None:
        """Replace the highest blocks; their transactions are gone."""
        with self._making, self.lock:
            self.chain.reorganize(depth)
            self._settle()
        self._bell.set()

    def drop(self, tx_hash: bytes) -> bool:
        """Forget a transaction that waits; tell whether there was one."""
        with self.lock:
            return self.pool.drop(tx_hash) is not None

    def _settle(self) -> None:
        self.pool.settle(self.chain.accounts().get_nonce)

    def _is_due(self) -> bool:
        """Tell whether there is a reason for a block: something to take, or to make final."""
        with self.lock:
            return self._seconds > 0 and (
                not self.chain.is_settled() or self.pool.has_ready(self.chain.next_base_fee())
            )

    def _run(self) -> None:
        while not self._closing.is_set():
            self._bell.clear()
            if not self._is_due():
                self._bell.wait()
            elif not self._closing.wait(self._seconds) and self._seconds > 0:
                try:
                    self.mine(seconds=BUILD_SECONDS)
                except Exception as error:
                    log.exception("block_failed", exc_info=error)
                    self._closing.wait(_FAILED_SECONDS)
