"""The transactions that wait for a block, under the rules of public nodes."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.providers.devchain.faults import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from eth.abc import SignedTransactionAPI
    from eth_typing import Address

#: Transactions that wait at the most, of all accounts together.
MOST_WAITING = 5_000
#: How much more a replacement must offer, for both fees; percent.
BUMP = 10


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Waiting:
    """A transaction that waits for a block."""

    transaction: SignedTransactionAPI
    hash: bytes
    raw: bytes
    sender: Address
    #: The most that it may cost its sender, in wei.
    cost: int
    arrival: int = field(default_factory=itertools.count().__next__)

    @property
    def nonce(self) -> int:
        """Return its place among the transactions of its sender."""
        return self.transaction.nonce

    def tip(self, base_fee: int) -> int:
        """Return what a unit of gas would earn; below zero it cannot pay the base fee."""
        return min(
            self.transaction.max_priority_fee_per_gas, self.transaction.max_fee_per_gas - base_fee
        )


class Selection:
    """What a block may take: of each account the next one, the best tip first."""

    def __init__(self, accounts: Mapping[Address, Mapping[int, Waiting]], base_fee: int) -> None:
        self._accounts = accounts
        self._base_fee = base_fee
        self._heap: list[tuple[int, int, Waiting]] = []

    def offer(self, sender: Address, nonce: int) -> None:
        """Offer the transaction of an account that has this nonce, if it waits and can pay."""
        waiting = self._accounts[sender].get(nonce)
        if waiting and (tip := waiting.tip(self._base_fee)) >= 0:
            heapq.heappush(self._heap, (-tip, waiting.arrival, waiting))

    def __iter__(self) -> Iterator[Waiting]:
        while self._heap:
            yield heapq.heappop(self._heap)[2]


class Pool:
    """Transactions by their senders and nonces. Its user sees to it that one thread is in it."""

    def __init__(self) -> None:
        self._by_hash: dict[bytes, Waiting] = {}
        self._accounts: dict[Address, dict[int, Waiting]] = {}
        #: The next nonce that the chain takes of each sender here.
        self._next: dict[Address, int] = {}

    def get(self, tx_hash: bytes) -> Waiting | None:
        """Return a transaction that waits."""
        return self._by_hash.get(tx_hash)

    def add(self, new: Waiting, *, next_nonce: int, balance: int) -> None:
        """Let a transaction wait, given what the chain knows of its sender.

        Raises:
            Refused: in the words of go-ethereum.
        """
        if new.hash in self._by_hash:
            raise Refused("already known")
        if new.nonce < next_nonce:
            raise Refused(f"nonce too low: next nonce {next_nonce}, tx nonce {new.nonce}")
        others = self._accounts.get(new.sender, {})
        replaced = others.get(new.nonce)
        self._check_funds(new, others, balance)
        if replaced:
            _check_bump(replaced, new)
            del self._by_hash[replaced.hash]
        elif len(self._by_hash) >= MOST_WAITING:
            raise Refused("txpool is full")
        self._by_hash[new.hash] = new
        self._accounts.setdefault(new.sender, {})[new.nonce] = new
        self._next[new.sender] = next_nonce

    @staticmethod
    def _check_funds(new: Waiting, others: Mapping[int, Waiting], balance: int) -> None:
        queued = sum(other.cost for nonce, other in others.items() if nonce != new.nonce)
        if (overshot := queued + new.cost - balance) > 0:
            costs = f"queued cost {queued}, tx cost {new.cost}" if queued else f"tx cost {new.cost}"
            raise Refused(
                "insufficient funds for gas * price + value: "
                f"balance {balance}, {costs}, overshot {overshot}"
            )

    def drop(self, tx_hash: bytes) -> Waiting | None:
        """Forget a transaction; return it if it was there."""
        waiting = self._by_hash.pop(tx_hash, None)
        if waiting:
            account = self._accounts[waiting.sender]
            del account[waiting.nonce]
            if not account:
                del self._accounts[waiting.sender], self._next[waiting.sender]
        return waiting

    def senders(self) -> list[Address]:
        """Return whose transactions wait."""
        return list(self._accounts)

    def settle(self, senders: Iterable[Address], next_nonce: Callable[[Address], int]) -> None:
        """Forget what the chain no longer takes of senders, given its next nonces."""
        for sender in self._accounts.keys() & senders:
            self._next[sender] = taken = next_nonce(sender)
            over = [one.hash for nonce, one in self._accounts[sender].items() if nonce < taken]
            for tx_hash in over:
                self.drop(tx_hash)

    def select(self, base_fee: int) -> Selection:
        """Return what a block with this base fee may take, as of now."""
        accounts = {sender: dict(account) for sender, account in self._accounts.items()}
        selection = Selection(accounts, base_fee)
        for sender in accounts:
            selection.offer(sender, self._next[sender])
        return selection

    def has_ready(self, base_fee: int) -> bool:
        """Tell whether a block with this base fee would take something."""
        heads = (account.get(self._next[sender]) for sender, account in self._accounts.items())
        return any(head is not None and head.tip(base_fee) >= 0 for head in heads)

    def ready(self) -> Iterator[Waiting]:
        """Yield what waits for nothing but a block, an account's in their order."""
        for sender, account in self._accounts.items():
            for nonce in itertools.count(self._next[sender]):
                if nonce not in account:
                    break
                yield account[nonce]

    def next_nonce(self, sender: Address, taken: int) -> int:
        """Return the nonce after those of the chain and of what waits without a gap."""
        account = self._accounts.get(sender, {})
        return next(nonce for nonce in itertools.count(taken) if nonce not in account)

    def __len__(self) -> int:
        return len(self._by_hash)


def _check_bump(old: Waiting, new: Waiting) -> None:
    for name in ("max_fee_per_gas", "max_priority_fee_per_gas"):
        before, after = getattr(old.transaction, name), getattr(new.transaction, name)
        if after <= before or 100 * after < (100 + BUMP) * before:
            raise Refused("replacement transaction underpriced")
