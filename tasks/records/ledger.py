"""Chain transactions: whose nonce is whose, what was signed for it, and what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


class ChainDiffers(Exception):
    """The database belongs to another chain than the node's."""


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """What a job wants done on chain. Its nonce is its own, for ever."""

    id: int
    job_id: str
    #: Which of the job's transactions it is.
    step: str
    #: 0x and 40 lower-case hexadecimal digits.
    sender: str
    nonce: int
    #: None: a contract is created.
    target: str | None
    data: bytes
    gas: int
    #: open, final, reverted, void: a transfer of nothing used the nonce, or displaced: somebody
    #: else did.
    state: str
    #: The attempt that was mined and its block; while it is open, as far as is known.
    mined_hash: str | None
    block_hash: str | None
    block_number: int | None
    #: Why the contract refused it, or the node did.
    reason: str | None
    #: What the contract said, as the receipt has it.
    logs: Sequence[Mapping[str, Any]] | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A signed form of a transaction; of all its forms only one can be mined."""

    hash: str
    transaction_id: int
    raw: bytes
    #: In wei for a unit of gas.
    max_fee: int
    max_priority: int
    #: Seconds since it was signed.
    age: float
    #: Whether it does nothing but use the nonce.
    is_empty: bool


class Intent(NamedTuple):
    """A transaction before it has a nonce."""

    job_id: str
    step: str
    sender: str
    target: str | None
    data: bytes
    gas: int


_CHAIN = text("""
    INSERT INTO ledger_chain (chain_id, genesis) VALUES (:chain_id, :genesis)
    ON CONFLICT (single) DO UPDATE SET single = true RETURNING chain_id, genesis
""")


def settle_chain(connection: Connection, chain_id: int, genesis: str) -> None:
    """Bind this database to a chain, or make sure that it is the one it is bound to.

    Raises:
        ChainDiffers: it is not.
    """
    asked = {"chain_id": chain_id, "genesis": genesis}
    bound = connection.execute(_CHAIN, asked).one()
    if tuple(bound) != (chain_id, genesis):
        raise ChainDiffers(
            f"this database belongs to chain {bound.chain_id} with the first block "
            f"{bound.genesis}, the node's is {chain_id} with {genesis}"
        )


_BOUND = text("SELECT chain_id, genesis FROM ledger_chain")


def bound_chain(connection: Connection) -> tuple[int, str] | None:
    """Return the id and the first block of the chain that this database belongs to, if to any."""
    row = connection.execute(_BOUND).first()
    return (row.chain_id, row.genesis) if row else None


_FINAL = text("SELECT final_number, final_hash FROM ledger_chain")
_SET_FINAL = text("UPDATE ledger_chain SET final_number = :number, final_hash = :hash")


def final_block(connection: Connection) -> tuple[int, str] | None:
    """Return the number and the hash of the last block that was taken for final."""
    row = connection.execute(_FINAL).first()
    return (row.final_number, row.final_hash) if row and row.final_number is not None else None


def set_final_block(connection: Connection, number: int, block_hash: str) -> None:
    """Keep the last block that is taken for final."""
    connection.execute(_SET_FINAL, {"number": number, "hash": block_hash})


class Registry(NamedTuple):
    """The contract that processes are in; what a voter signs names both."""

    chain_id: int
    #: 0x and 40 lower-case hexadecimal digits.
    address: str


_REGISTRY = text("""
    SELECT chain_id, address FROM ledger_chain, ledger_contracts WHERE name = 'ProcessRegistry'
""")


def registry(connection: Connection) -> Registry | None:
    """Return the contract that processes are in, once it is deployed."""
    row = connection.execute(_REGISTRY).first()
    return Registry(*row) if row else None


_CONTRACT = text("SELECT address FROM ledger_contracts WHERE name = :name")
_ADD_CONTRACT = text("""
    INSERT INTO ledger_contracts (name, address) VALUES (:name, :address)
    ON CONFLICT (name) DO NOTHING
""")


def contract(connection: Connection, name: str) -> str | None:
    """Return the address of one of our contracts, if it is deployed."""
    found: str | None = connection.execute(_CONTRACT, {"name": name}).scalar()
    return found


def add_contract(connection: Connection, name: str, address: str) -> None:
    """Keep where a contract was deployed."""
    connection.execute(_ADD_CONTRACT, {"name": name, "address": address})


_ADD_ACCOUNTS = text("""
    INSERT INTO ledger_accounts (address) SELECT unnest(CAST(:addresses AS text[]))
    ON CONFLICT (address) DO NOTHING
""")
_SIGNER = text("""
    WITH chosen AS (
        SELECT address FROM unnest(CAST(:addresses AS text[])) WITH ORDINALITY AS a (address, place)
        ORDER BY (SELECT count(*) FROM ledger_signers AS s WHERE s.address = a.address), place
        LIMIT 1
    ), added AS (
        INSERT INTO ledger_signers (tenant, address) SELECT :tenant, address FROM chosen
        WHERE NOT EXISTS (SELECT FROM ledger_signers WHERE tenant = :tenant)
        ON CONFLICT (tenant) DO NOTHING RETURNING address
    )
    SELECT address FROM added UNION ALL
    SELECT address FROM ledger_signers WHERE tenant = :tenant LIMIT 1
""")


def add_accounts(connection: Connection, addresses: Sequence[str]) -> None:
    """Know of accounts that sign."""
    connection.execute(_ADD_ACCOUNTS, {"addresses": list(addresses)})


def signer_of(connection: Connection, tenant: str, addresses: Sequence[str]) -> str:
    """Return who signs for a tenant: for its first transaction who signs for the fewest."""
    asked = {"tenant": tenant, "addresses": list(addresses)}
    while True:  # somebody else may be adding the tenant: then it is there the next time
        found = connection.execute(_SIGNER, asked).scalar()
        if found is not None:
            return str(found)


_COLUMNS = ", ".join(field.name for field in fields(Transaction))
_FIND = text(f"SELECT {_COLUMNS} FROM ledger_transactions WHERE job_id = :job_id AND step = :step")
_TAKE_NONCE = text("""
    UPDATE ledger_accounts SET next_nonce = greatest(next_nonce, :least) + 1
    WHERE address = :sender RETURNING next_nonce - 1
""")
_INTEND = text(f"""
    INSERT INTO ledger_transactions (job_id, step, sender, nonce, target, data, gas)
    VALUES (:job_id, :step, :sender, :nonce, :target, :data, :gas) RETURNING {_COLUMNS}
""")


def find(connection: Connection, job_id: str, step: str) -> Transaction | None:
    """Return a transaction of a job."""
    row = connection.execute(_FIND, {"job_id": job_id, "step": step}).mappings().first()
    return _transaction(row) if row else None


def intend(connection: Connection, intent: Intent, *, least: int) -> Transaction:
    """Give a transaction the next nonce of its sender, at least the given one.

    The sender's row stays locked until the commit, which must also keep the signed form: so
    nonces follow each other, and none is given out that nothing was signed for.
    """
    asked = {"sender": intent.sender, "least": least}
    nonce = connection.execute(_TAKE_NONCE, asked).scalar_one()
    row = connection.execute(_INTEND, {**intent._asdict(), "nonce": nonce}).mappings().one()
    return _transaction(row)


def _transaction(row: Any) -> Transaction:
    return Transaction(**{**row, "data": bytes(row["data"])})


_ADD_ATTEMPT = text("""
    INSERT INTO ledger_attempts (hash, transaction_id, raw, max_fee, max_priority, is_empty)
    VALUES (:hash, :transaction_id, :raw, :max_fee, :max_priority, :is_empty)
    ON CONFLICT (hash) DO NOTHING
""")
_ATTEMPTS = text("""
    SELECT hash, transaction_id, raw, max_fee, max_priority, is_empty,
           extract(epoch FROM now() - created_at) AS age
    FROM ledger_attempts WHERE transaction_id = ANY(:ids) ORDER BY max_fee, created_at
""")
_RAW = text("SELECT raw FROM ledger_attempts WHERE hash = :hash")
_SENT = text("UPDATE ledger_attempts SET sent_at = now() WHERE hash = ANY(:hashes)")
_UNSENT = text("""
    SELECT a.hash, a.raw FROM ledger_transactions AS t
    JOIN ledger_attempts AS a ON a.transaction_id = t.id
    WHERE t.sender = :sender AND t.nonce < :nonce AND t.state = 'open' AND a.sent_at IS NULL
    ORDER BY t.nonce, a.max_fee
""")


def add_attempt(
    connection: Connection,
    transaction_id: int,
    tx_hash: str,
    raw: bytes,
    fees: tuple[int, int],
    *,
    is_empty: bool = False,
) -> None:
    """Keep a signed form of a transaction; before it is sent, this must be committed."""
    values = {"hash": tx_hash, "transaction_id": transaction_id, "raw": raw, "is_empty": is_empty}
    connection.execute(_ADD_ATTEMPT, {**values, "max_fee": fees[0], "max_priority": fees[1]})


def attempts(connection: Connection, ids: Sequence[int]) -> dict[int, list[Attempt]]:
    """Return the signed forms of transactions, the one that pays the least first."""
    found: dict[int, list[Attempt]] = {number: [] for number in ids}
    for row in connection.execute(_ATTEMPTS, {"ids": list(ids)}).mappings():
        numbers = {name: int(row[name]) for name in ("max_fee", "max_priority")}
        attempt = Attempt(**{**row, **numbers, "raw": bytes(row["raw"]), "age": float(row["age"])})
        found[attempt.transaction_id].append(attempt)
    return found


def raw_of(connection: Connection, tx_hash: str) -> bytes:
    """Return the bytes of a signed form."""
    return bytes(connection.execute(_RAW, {"hash": tx_hash}).scalar_one())


def mark_sent(connection: Connection, hashes: Sequence[str]) -> None:
    """Note that signed forms have been sent."""
    connection.execute(_SENT, {"hashes": list(hashes)})


def unsent_below(connection: Connection, sender: str, nonce: int) -> list[tuple[str, bytes]]:
    """Return what was signed for lower nonces and never sent, hash and bytes, in their order."""
    rows = connection.execute(_UNSENT, {"sender": sender, "nonce": nonce})
    return [(row.hash, bytes(row.raw)) for row in rows]


class Open(NamedTuple):
    """A transaction that has not ended, as far as it must be known to look after it."""

    id: int
    job_id: str
    sender: str
    nonce: int
    #: The attempt that is in a block, and which; None as far as is known.
    mined_hash: str | None
    block_hash: str | None
    block_number: int | None


# Of each sender so many, so that what waits of one does not hide another's.
_OPEN = text(f"""
    SELECT lowest.* FROM ledger_accounts CROSS JOIN LATERAL (
        SELECT {", ".join(Open._fields)} FROM ledger_transactions
        WHERE state = 'open' AND sender = ledger_accounts.address
        ORDER BY nonce LIMIT :limit
    ) AS lowest
    ORDER BY sender, nonce
""")
_BY_ID = text(f"SELECT {_COLUMNS} FROM ledger_transactions WHERE id = :id")
_SEEN = text("""
    UPDATE ledger_transactions SET mined_hash = :mined_hash, block_hash = :block_hash,
        block_number = :block_number
    WHERE id = :id AND state = 'open'
""")
_GIVE_UP = text("UPDATE ledger_transactions SET reason = :reason WHERE id = :id")
_SETTLE = text("""
    UPDATE ledger_transactions
    SET state = :state, mined_hash = :mined_hash, block_hash = :block_hash,
        block_number = :block_number,
        reason = CASE WHEN :state = 'void' THEN reason ELSE :reason END,
        logs = CAST(:logs AS jsonb), settled_at = now()
    WHERE id = :id AND state = 'open'
""")
_HEED = text("UPDATE ledger_transactions SET heeded = true WHERE id = :id")
_UNHEEDED = text("""
    SELECT job_id FROM ledger_transactions WHERE state <> 'open' AND NOT heeded ORDER BY id
""")
_PUT_ASIDE = text("UPDATE ledger_transactions SET step = :step WHERE id = :id")
# What is open is sent until it is mined, whoever has given up waiting: others come behind it.
_FORGET = text("""
    DELETE FROM ledger_transactions WHERE job_id = ANY(:job_ids) AND state <> 'open'
""")


def open_transactions(connection: Connection, *, limit: int) -> list[Open]:
    """Return what has not ended, by sender, lowest nonce first, so many of each."""
    return [Open(*row) for row in connection.execute(_OPEN, {"limit": limit})]


def get(connection: Connection, transaction_id: int) -> Transaction:
    """Return a transaction."""
    return _transaction(connection.execute(_BY_ID, {"id": transaction_id}).mappings().one())


class Mined(NamedTuple):
    """Where a transaction was mined."""

    mined_hash: str
    block_hash: str
    block_number: int


_NOT_MINED = dict.fromkeys(Mined._fields)


def see(connection: Connection, transaction_id: int, mined: Mined | None) -> None:
    """Note in which block an open transaction is; None: in none any more."""
    connection.execute(_SEEN, {"id": transaction_id, **(mined._asdict() if mined else _NOT_MINED)})


def give_up(connection: Connection, transaction_id: int, reason: str) -> None:
    """Note why the node refuses an open transaction, whose nonce something else is to use up."""
    connection.execute(_GIVE_UP, {"id": transaction_id, "reason": reason})


def settle(
    connection: Connection,
    transaction_id: int,
    state: str,
    *,
    mined: Mined | None = None,
    reason: str | None = None,
    logs: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """End an open transaction: its block is final, or its nonce was used by something else.

    What is void keeps the reason that was noted when it was given up.
    """
    values = mined._asdict() if mined else _NOT_MINED
    more = {"state": state, "reason": reason, "logs": None if logs is None else json.dumps(logs)}
    connection.execute(_SETTLE, {"id": transaction_id, **values, **more})


def heed(connection: Connection, transaction_id: int) -> None:
    """Note that the job has seen how its transaction ended."""
    connection.execute(_HEED, {"id": transaction_id})


def unheeded(connection: Connection) -> list[str]:
    """Return the ids of jobs that do not know yet how their transactions ended."""
    return [row.job_id for row in connection.execute(_UNHEEDED)]


def put_aside(connection: Connection, displaced: Transaction) -> None:
    """Free the step of a transaction that can never be mined, so that it can be sent anew."""
    step = f"{displaced.step} (nonce {displaced.nonce})"
    connection.execute(_PUT_ASIDE, {"id": displaced.id, "step": step})


def forget(connection: Connection, job_ids: Sequence[str]) -> None:
    """Remove the transactions of jobs that are cleared, but those that are on their way."""
    connection.execute(_FORGET, {"job_ids": list(job_ids)})
