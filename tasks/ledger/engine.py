"""From intent to receipt: a nonce, a signature, bytes that are kept, and only then sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import structlog

from config.failpoints import failpoint
from tasks.clients.ledger import JsonRpc, NodeAway, NodeRefused
from tasks.job.errors import Permanent, Temporary, Wait
from tasks.ledger.abi import decode_events, encode_call, revert_reason
from tasks.ledger.contracts import artefact
from tasks.ledger.signers import Fees, Order, Signers, SignersFaulty
from tasks.ledger.transact import Mined
from tasks.records import ledger as records
from tasks.records.ledger import ChainDiffers, Intent

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from config.database import Database
    from config.settings import Settings
    from tasks.clients.ledger import Node, Quote
    from tasks.job.context import Context
    from tasks.ledger.transact import Call
    from tasks.records.ledger import Transaction

log = structlog.get_logger(__name__)

#: When a job looks by itself whether its transaction is final, if nobody wakes it; seconds.
LOOK_AGAIN = 300.0
#: When a job tries again that found no node, or no contract; seconds.
NODE_PAUSE, CONTRACT_PAUSE = 2.0, 0.5


@dataclass(frozen=True)
class Ledger:
    """A node of the chain that the database belongs to, and who signs."""

    node: Node
    signers: Signers
    chain_id: int
    #: The most that is paid for a unit of gas, in wei.
    max_fee: int
    #: Contracts that were seen to be what they must be.
    checked: set[str] = field(default_factory=set)

    def fees(self, quote: Quote) -> Fees:
        """Return what to offer: it stays enough while the base fee doubles."""
        most = min(2 * quote.base_fee + quote.tip, self.max_fee)
        return Fees(most, min(quote.tip, most))


def open_ledger(settings: Settings, database: Database) -> Ledger:
    """Reach the configured node, and make sure that it is the right one.

    Raises:
        NodeAway: it does not answer, or does not say which chain is its.
        ChainDiffers: it belongs to another chain than the database.
        SignersFaulty: the configured keys cannot be used.
    """
    node = JsonRpc(settings.chain_rpc_url, seconds=settings.chain_rpc_seconds)
    try:
        chain_id, genesis = node.identity()
    except NodeRefused as refused:
        raise NodeAway(str(refused)) from refused
    signers = Signers.from_settings(settings, chain_id)
    with database.transaction() as connection:
        records.settle_chain(connection, chain_id, genesis)
        records.add_accounts(connection, signers.addresses)
    return Ledger(node, signers, chain_id, settings.chain_max_fee)


#: One for each process that performs jobs; made on first use, which is after every fork.
_opened = cache(open_ledger)


def put(ctx: Context, call: Call, step: str) -> Mined:
    """See `tasks.ledger.transact.transact`."""
    if not ctx.settings.chain_rpc_url:
        raise Wait(NODE_PAUSE)
    try:
        ledger = _opened(ctx.settings, ctx.database)
        return _progress(ctx, ledger, call, step)
    except NodeAway as away:
        # Its absence is not the job's failure.
        log.warning("node_away", reason=str(away))
        raise Wait(NODE_PAUSE) from None
    except (ChainDiffers, SignersFaulty) as faulty:
        raise Temporary(str(faulty), code="ledger_faulty") from None


def _progress(ctx: Context, ledger: Ledger, call: Call, step: str) -> Mined:
    with ctx.database.statement() as connection:
        found = records.find(connection, ctx.job.id, step)
    if found is None or found.state == "displaced":
        found = _intend(ctx, ledger, call, step, displaced=found)
    if found.state == "open":
        _send(ctx.database, ledger, found)
        raise Wait(LOOK_AGAIN)
    with ctx.database.statement() as connection:
        records.heed(connection, found.id)
    failpoint("ledger.heeded")
    if found.state == "reverted":
        raise Permanent("reverted", found.reason or "the contract refused it")
    if found.state == "void":
        raise Permanent("refused", f"the node refused it: {found.reason}")
    return _mined(ctx.database, call, found)


def _intend(
    ctx: Context, ledger: Ledger, call: Call, step: str, *, displaced: Transaction | None
) -> Transaction:
    """Give the call a nonce and keep its signed bytes, in one commit that this attempt guards."""
    with ctx.database.transaction() as connection:
        target = records.contract(connection, call.contract)
        sender = records.signer_of(connection, ctx.job.tenant, ledger.signers.addresses)
    if target is None:
        raise Wait(CONTRACT_PAUSE)
    _check_contract(ledger, call.contract, target)
    data = encode_call(call.contract, call.function, call.arguments)
    quote = _quote(ledger, sender, target, data)
    failpoint("ledger.before_nonce")
    with ctx.step() as kept:
        if displaced is not None:
            records.put_aside(kept.connection, displaced)
        intent = Intent(ctx.job.id, step, sender, target, data, gas_limit(quote))
        made = keep_signed(kept.connection, ledger, intent, quote)
        # Whatever has a nonce is sent until it is mined, also if nobody waits for it any more.
        kept.save(irrevocable=True)
    failpoint("ledger.kept")
    return made


def _check_contract(ledger: Ledger, name: str, address: str) -> None:
    """Make sure that a contract is there: a call of nobody succeeds and does nothing."""
    if address not in ledger.checked:
        if ledger.node.code(address) != artefact(name).deployed:
            raise Temporary(f"there is no {name} at {address}", code="no_contract")
        ledger.checked.add(address)


def gas_limit(quote: Quote) -> int:
    """Return a limit that holds when the state has changed a little until the call is mined.

    No node takes what asks for more than a block has.
    """
    return max(quote.gas, min(quote.gas + quote.gas // 4, quote.block_gas))


def keep_signed(
    connection: Connection, ledger: Ledger, intent: Intent, quote: Quote
) -> Transaction:
    """Take the next nonce and keep the signed bytes beside it."""
    made = records.intend(connection, intent, least=quote.nonce)
    failpoint("ledger.nonce_taken")
    fees = ledger.fees(quote)
    order = Order(ledger.chain_id, made.nonce, made.target, made.data, made.gas)
    signed = ledger.signers.sign(made.sender, order, fees)
    records.add_attempt(connection, made.id, signed.hash, signed.raw, fees)
    failpoint("ledger.signed")
    log.info("transaction_signed", nonce=made.nonce, sender=made.sender, hash=signed.hash)
    return made


def _quote(ledger: Ledger, sender: str, target: str, data: bytes) -> Quote:
    """Ask what the call takes.

    Raises:
        Permanent: the contract refuses it.
        Temporary: the node does, or the signer cannot pay.
    """
    try:
        quote = ledger.node.quote(sender, target, data)
    except NodeRefused as refused:
        if refused.data:
            reason = revert_reason(bytes.fromhex(refused.data.removeprefix("0x")))
            raise Permanent("reverted", reason) from None
        raise Temporary(f"the node refuses: {refused}", code="node_refuses") from None
    if quote.balance < gas_limit(quote) * ledger.fees(quote).most:
        raise Temporary(f"the signer {sender} has not enough funds for gas", code="no_funds")
    return quote


def _send(database: Database, ledger: Ledger, found: Transaction) -> None:
    """Send what is kept, behind whatever was signed for lower nonces and not sent."""
    with database.statement() as connection:
        unsent = records.unsent_below(connection, found.sender, found.nonce)
        own = records.attempts(connection, [found.id])[found.id]
    sent = [*unsent, *((attempt.hash, attempt.raw) for attempt in own)]
    refusals = ledger.node.send([raw for _, raw in sent])
    failpoint("ledger.sent")
    with database.statement() as connection:
        records.mark_sent(connection, [tx_hash for tx_hash, _ in sent])
    if refusal := next(filter(None, refusals), None):
        # It is kept and will be sent again until it is mined.
        log.warning("transaction_refused", reason=refusal)
    log.info("transaction_sent", nonce=found.nonce, hash=own[-1].hash)


def _mined(database: Database, call: Call, found: Transaction) -> Mined:
    with database.statement() as connection:
        raw = records.raw_of(connection, found.mined_hash or "")
    log.info("transaction_final", hash=found.mined_hash, block=found.block_number)
    return Mined(
        hash=found.mined_hash or "",
        raw=f"0x{raw.hex()}",
        block_hash=found.block_hash or "",
        block_number=found.block_number or 0,
        nonce=found.nonce,
        events=decode_events(call.contract, found.logs or ()),
    )
